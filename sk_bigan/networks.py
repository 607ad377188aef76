"""The three networks: encoder E: x -> z, generator G: z -> x, discriminator D: (x, z) -> one logit.

Every network takes and gives samples of shape (n, *sample_shape) and codes of shape
(n, latent_dim). The estimator takes modules of your own in the place of any of them; an E with a
submodule `body` offers its output as the penultimate layer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from itertools import pairwise
from math import prod
from typing import NamedTuple

import torch
from torch import Tensor, nn

SampleShape = tuple[int, ...]
OwnNetwork = nn.Module | Callable[[SampleShape, int], nn.Module]


class Encoder(nn.Module):
    """E(x) = head(body(x)); the body's output is the penultimate layer.

    Parameters
    ----------
    body : nn.Module, (n, *sample_shape) -> (n, n_hidden)
    head : nn.Module, (n, n_hidden) -> (n, latent_dim)
    """

    def __init__(self, body: nn.Module, head: nn.Module):
        super().__init__()
        self.body = body
        self.head = head

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x))


class MLPDiscriminator(nn.Module):
    """D, with a linear map of z added at every hidden layer.

    Beside hundreds of inputs x, a code of a few dozen numbers drowns in a concatenation; the
    reference implementation of Donahue et al. 2017 adds it at the hidden layers instead. D has no
    BatchNorm: its batches come from one source at a time, and their statistics would tell which.

    Parameters
    ----------
    sample_shape : tuple of int
    latent_dim : int
    hidden_units : sequence of int
        The width of each hidden layer.

    Attributes
    ----------
    row_wise : bool
        Promises the training step that each logit depends on its own row of `x` and `z` alone.
    """

    row_wise = True

    def __init__(self, sample_shape: SampleShape, latent_dim: int, hidden_units: Sequence[int]):
        super().__init__()
        self.hidden_units = tuple(hidden_units)
        widths = (prod(sample_shape), *hidden_units)
        self.from_below = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))
        self.from_z = nn.Linear(latent_dim, sum(hidden_units), bias=False)  # for all layers at once
        self.activation = nn.LeakyReLU(0.2)
        self.logit = nn.Linear(widths[-1], 1)

    def forward(self, *, x: Tensor, z: Tensor) -> Tensor:
        h = x.flatten(1)  # (n, n_features)
        from_z = self.from_z(z).split(self.hidden_units, dim=1)
        for from_below, z_term in zip(self.from_below, from_z, strict=True):
            h = self.activation(from_below(h) + z_term)  # (n, width)
        return self.logit(h).squeeze(1)  # (n,)


def mlp_encoder(
    sample_shape: SampleShape, latent_dim: int, hidden_units: Sequence[int], output: nn.Module
) -> Encoder:
    """E with BatchNorm and leaky ReLU; `output` maps onto the support of the prior."""
    widths = (prod(sample_shape), *hidden_units)
    layers: list[nn.Module] = [nn.Flatten()]
    for a, b in pairwise(widths):
        layers += [nn.Linear(a, b, bias=False), nn.BatchNorm1d(b), nn.LeakyReLU(0.2, inplace=True)]
    head = nn.Sequential(nn.Linear(widths[-1], latent_dim), output)
    return Encoder(nn.Sequential(*layers), head)


def mlp_generator(
    sample_shape: SampleShape, latent_dim: int, hidden_units: Sequence[int], output: nn.Module
) -> nn.Sequential:
    """G with BatchNorm and ReLU, E's widths in reverse; `output` maps onto the range of x."""
    widths = (latent_dim, *reversed(hidden_units))
    layers: list[nn.Module] = []
    for a, b in pairwise(widths):
        layers += [nn.Linear(a, b, bias=False), nn.BatchNorm1d(b), nn.ReLU(inplace=True)]
    to_x = nn.Linear(widths[-1], prod(sample_shape))
    return nn.Sequential(*layers, to_x, output, nn.Unflatten(1, sample_shape))


class Architecture(NamedTuple):
    """The three builders of one family of networks.

    Each is called with (sample_shape, latent_dim, hidden_units), E's and G's also with the module
    that ends the network.
    """

    encoder: Callable[..., nn.Module]
    generator: Callable[..., nn.Module]
    discriminator: Callable[..., nn.Module]


ARCHITECTURES = {"mlp": Architecture(mlp_encoder, mlp_generator, MLPDiscriminator)}


def build_networks(
    architecture: str,
    sample_shape: SampleShape,
    latent_dim: int,
    hidden_units: Sequence[int],
    *,
    code_activation: nn.Module,
    bounded: bool,
    own: Mapping[str, OwnNetwork | None],
) -> tuple[nn.Module, nn.Module, nn.Module]:
    """Untrained E, G and D, the user's own where there is one.

    Parameters
    ----------
    architecture : str
        A key of `ARCHITECTURES`.
    sample_shape : tuple of int
    latent_dim : int
    hidden_units : sequence of int
    code_activation : nn.Module
        Maps real numbers onto the support of the prior.
    bounded : bool
        Whether x lies in [-1, 1].
    own : mapping from "encoder", "generator" and "discriminator" to a module, a factory or None
        A module is copied; a factory is called with (sample_shape, latent_dim).

    Raises
    ------
    TypeError
        If a factory gives something else than a module.
    ValueError
        If a network fails on, or gives the wrong shape for, two samples or codes of zeros, if D is
        not as `row_wise` as it says, or if it shares weights with E or G.
    """
    default = ARCHITECTURES[architecture]
    sizes = (sample_shape, latent_dim, hidden_units)
    sample_activation = nn.Tanh() if bounded else nn.Identity()

    def build(name: str, *activation: nn.Module) -> nn.Module:
        if (network := own[name]) is None:
            network = getattr(default, name)(*sizes, *activation)
            return _initialized(network.float())
        return _own_network(name, network, sample_shape, latent_dim)

    E = build("encoder", code_activation)
    G = build("generator", sample_activation)
    D = build("discriminator")
    if set(D.parameters()) & {*E.parameters(), *G.parameters()}:
        raise ValueError("discriminator must not share parameters with encoder or generator")

    x = torch.zeros(2, *sample_shape, dtype=torch.float32)
    z = torch.zeros(2, latent_dim, dtype=torch.float32)
    _check_shape("encoder", E, [z.shape], x)
    _check_shape("generator", G, [x.shape], z)
    _check_shape("discriminator", D, [(2,), (2, 1)], x=x, z=z)
    _check_promise(D, sample_shape, latent_dim)
    return E, G, D


def _initialized(network: nn.Module) -> nn.Module:
    """Weights from N(0, 0.02), biases zero: Radford et al. 2016 (arXiv 1511.06434), Section 3.

    Small weights start E and G close to linear; with torch's own, larger ones the codes come out
    worse.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return network


def _own_network(
    name: str, network: OwnNetwork, sample_shape: SampleShape, latent_dim: int
) -> nn.Module:
    if isinstance(network, nn.Module):
        made = deepcopy(network)
    else:
        made = network(sample_shape, latent_dim)
    if not isinstance(made, nn.Module):
        raise TypeError(
            f"{name} must be a torch.nn.Module or a callable (sample_shape, latent_dim) that "
            f"returns one, got a callable that returned {type(made).__name__}"
        )
    return made.to("cpu", torch.float32)


@torch.no_grad()
def _check_shape(
    name: str,
    network: nn.Module,
    wanted: Sequence[tuple[int, ...]],
    *args: Tensor,
    **kwargs: Tensor,
) -> None:
    """Run the network once, in evaluation mode so that nothing is learned from it."""
    network.eval()
    given = " and ".join(str(tuple(tensor.shape)) for tensor in (*args, *kwargs.values()))
    try:
        shape = tuple(network(*args, **kwargs).shape)
    except Exception as error:
        raise ValueError(f"{name} failed on input of shape {given}: {error}") from error
    if shape not in wanted:
        expected = " or ".join(str(tuple(shape)) for shape in wanted)
        raise ValueError(
            f"{name} must give shape {expected} for input of shape {given}, got {shape}"
        )


def _check_promise(D: nn.Module, sample_shape: SampleShape, latent_dim: int) -> None:
    """Whether a D that is said to act row by row does: `row_wise` may have been inherited."""
    if not getattr(D, "row_wise", False):
        return
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(4, *sample_shape, generator=generator).requires_grad_()
    z = torch.randn(4, latent_dim, generator=generator).requires_grad_()
    first = deepcopy(D).train()(x=x, z=z).flatten()[0]
    gradients = torch.autograd.grad(first, (x, z), materialize_grads=True)
    if any(gradient[1:].any() for gradient in gradients):
        raise ValueError(
            "discriminator has row_wise=True, which says that each logit depends on its own row "
            f"alone, but in {type(D).__name__} a logit depends on other rows too"
        )
