"""E, G and D built from an architecture or from the user's networks, and tried out."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from math import prod
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from .families import ARCHITECTURES
from .mlp import SampleShape
from .players import Discriminators, Players
from .tables import let_gaps_in

OwnNetwork = nn.Module | Callable[..., nn.Module]


class Wanted(NamedTuple):
    """The user's wishes for one network.

    Parameters
    ----------
    own : nn.Module, class of one, function or None
        None takes the architecture's.
    parameters : dict
        Keywords of the class, the function or the architecture's builder.
    """

    own: OwnNetwork | None = None
    parameters: dict[str, Any] = {}  # noqa: RUF012, nobody writes to it


def build_networks(
    architecture: str,
    sample_shape: SampleShape,
    latent_dim: int,
    hidden_units: Sequence[int] | None,
    *,
    code_activation: nn.Module,
    output: nn.Module,
    wanted: Mapping[str, Wanted],
    cycle_discriminators: bool = False,
    gaps: bool = False,
    weights: Mapping[str, Mapping[str, Any]] | None = None,
) -> Players:
    """Build E, G and D, untrained or with given weights.

    Parameters
    ----------
    architecture : str
        A key of `ARCHITECTURES`.
    sample_shape : tuple of int
    latent_dim : int
    hidden_units : sequence of int or None
        None takes the architecture's default for such samples.
    code_activation : nn.Module
        Maps real numbers onto the support of the prior.
    output : nn.Module
        Maps real numbers onto the range of x.
    wanted : mapping from "encoder", "generator" or "discriminator" to Wanted
    cycle_discriminators : bool
        Whether the discriminator is to be `Discriminators`.
    gaps : bool
        Whether x may have gaps.
    weights : mapping from these names to a `state_dict`, or None
        Built-in networks share the memory of these weights.

    Raises
    ------
    TypeError
        If a function returns no module.
    ValueError
        If a network cannot be made, fails on two samples or codes, gives the wrong shape or
        writes into its input; if D breaks its promise `row_wise` or shares weights with E or G; if
        a player has nothing to learn; or if the weights belong to other networks.
    """
    default = ARCHITECTURES[architecture]
    sizes = {"sample_shape": sample_shape, "latent_dim": latent_dim}
    ends: dict[str, dict[str, nn.Module]] = {
        "encoder": {"output": code_activation},
        "generator": {"output": output},
        "discriminator": {},
    }

    def build(name: str) -> nn.Module:
        this = wanted.get(name, Wanted())
        if this.own is not None:
            network = _own_network(name, this.own, sizes, this.parameters)
            _try_out(name, network, sample_shape, latent_dim)
            network = completed(name, network)
            if weights is not None:
                _load(name, network, weights[name])
            return network
        settings = {**sizes, "hidden_units": units(), **ends[name], **this.parameters}
        asked = f"{name}__hidden_units" if "hidden_units" in this.parameters else "hidden_units"
        settings["hidden_units"] = positive_integers(asked, settings["hidden_units"])
        if weights is not None:
            with torch.device("meta"):
                network = completed(name, _made(name, getattr(default, name), **settings))
            _load(name, network, weights[name], assign=True)
            return network
        network = _initialized(_made(name, getattr(default, name), **settings))
        _try_out(name, network, sample_shape, latent_dim)
        return completed(name, network)

    def units() -> Sequence[int]:
        return default.hidden_units(sample_shape) if hidden_units is None else hidden_units

    def completed(name: str, network: nn.Module) -> nn.Module:
        if name == "encoder" and gaps:
            let_gaps_in(network)
        if name != "discriminator" or not cycle_discriminators:
            return network
        dense, of_codes = ARCHITECTURES["mlp"], (latent_dim,)
        widths = positive_integers("hidden_units", units())
        xx = _made(name, default.discriminator, sample_shape, prod(sample_shape), widths)
        zz = _made(name, dense.discriminator, of_codes, latent_dim, dense.hidden_units(of_codes))
        return Discriminators({"xz": network, "xx": _initialized(xx), "zz": _initialized(zz)})

    E, G, discriminator = players = Players(*(build(name) for name in Players._fields))
    if set(discriminator.parameters()) & {*E.parameters(), *G.parameters()}:
        raise ValueError("discriminator must not share parameters with encoder or generator")
    for names, learners in (("discriminator", [discriminator]), ("encoder or generator", [E, G])):
        if not any(p.requires_grad for network in learners for p in network.parameters()):
            kinds = " and ".join(type(network).__name__ for network in learners)
            raise ValueError(
                f"{names} must have parameters with requires_grad=True, got {kinds} without"
            )
    return players


def moved(
    players: Players, device: torch.device, sample_shape: SampleShape, latent_dim: int
) -> Players:
    """Return the players on the device, each tried out there.

    Raises
    ------
    ValueError
        If one fails there, since it holds tensors that do not move with it.
    """
    players.to(device)
    if device.type != "cpu":
        for name, network in zip(Players._fields, (*players[:2], players.D), strict=True):
            _check_shapes(name, network, sample_shape, latent_dim, device)
    return players


def _load(name: str, network: nn.Module, weights: Mapping[str, Any], assign: bool = False) -> None:
    def kinds(state: Mapping[str, Any]) -> dict[str, Any]:
        return {key: (v.shape, v.dtype) for key, v in state.items() if isinstance(v, Tensor)}

    needed, given = kinds(network.state_dict()), kinds(weights)
    if differing := sorted(k for k in {**needed, **given} if needed.get(k) != given.get(k)):
        raise ValueError(f"weights of another {name}: {', '.join(differing[:5])} differ")
    network.load_state_dict(dict(weights), assign=assign)
    network.eval()


def _initialized(network: nn.Module) -> nn.Module:
    """Draw weights from N(0, 0.02), biases zero: Radford et al. 2016 (arXiv 1511.06434), Section 3.

    Small weights start E and G close to linear; torch's larger default weights give worse codes.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            nn.init.normal_(layer.weight, std=0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return network.float()


def _own_network(
    name: str, own: OwnNetwork, sizes: Mapping[str, Any], parameters: dict[str, Any]
) -> nn.Module:
    if isinstance(own, nn.Module):
        if parameters:
            raise ValueError(
                f"{name}__{next(iter(parameters))} needs {name} to be a class or a function, "
                f"got an instance of {type(own).__name__}, which has its parameters already"
            )
        made = deepcopy(own)
    elif isinstance(own, type):
        known = inspect.signature(own).parameters
        asked_for = {size: value for size, value in sizes.items() if size in known}
        made = _made(name, own, **asked_for, **parameters)
    else:
        made = _made(name, own, *sizes.values(), **parameters)
    if not isinstance(made, nn.Module):
        raise TypeError(
            f"{name} must be a torch.nn.Module, a class of one, or a function "
            f"(sample_shape, latent_dim) that returns one; got {own!r}, which made "
            f"{type(made).__name__}"
        )
    return made.to("cpu", torch.float32)


def _made(name: str, maker: Callable[..., Any], *args: Any, **parameters: Any) -> Any:
    """Call the maker with copies, since a module may be among the parameters."""
    try:
        return maker(*args, **deepcopy(parameters))
    except Exception as error:
        arguments = [*map(repr, args), *(f"{key}={value!r}" for key, value in parameters.items())]
        raise ValueError(
            f"{name} could not be made: {getattr(maker, '__name__', maker)}"
            f"({', '.join(arguments)}) failed: {error}"
        ) from error


def _try_out(name: str, network: nn.Module, sample_shape: SampleShape, latent_dim: int) -> None:
    """Run the network once on two rows, and hold it to its promise."""
    _check_shapes(name, network, sample_shape, latent_dim, torch.device("cpu"))
    if name == "discriminator":
        _check_promise(network, sample_shape, latent_dim)


def _check_shapes(
    name: str,
    network: nn.Module,
    sample_shape: SampleShape,
    latent_dim: int,
    device: torch.device,
) -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, *sample_shape, generator=generator)  # an in-place ReLU leaves zeros alone
    z = torch.randn(2, latent_dim, generator=generator)
    x, z = x.to(device), z.to(device)
    if name == "encoder":
        _check_shape(name, network, [z.shape], x)
    elif name == "generator":
        _check_shape(name, network, [x.shape], z)
    else:
        _check_shape(name, network, [(2,), (2, 1)], x=x, z=z)


@torch.no_grad()
def _check_shape(
    name: str,
    network: nn.Module,
    wanted: Sequence[tuple[int, ...]],
    *args: Tensor,
    **kwargs: Tensor,
) -> None:
    """Run the network once, in evaluation mode so that it learns nothing."""
    network.eval()
    inputs = [*args, *kwargs.values()]
    given = " and ".join(str(tuple(tensor.shape)) for tensor in inputs)
    before = [tensor.clone() for tensor in inputs]
    try:
        output = network(*args, **kwargs)
    except Exception as error:
        place = "" if inputs[0].device.type == "cpu" else f" on {inputs[0].device}"
        advice = "; tensors that it holds must be parameters or buffers" if place else ""
        raise ValueError(
            f"{name} failed on input of shape {given}{place}: {error}{advice}"
        ) from error
    got: Any = type(output).__name__
    if isinstance(output, Tensor):
        got = tuple(output.shape) if output.is_floating_point() else output.dtype
    if got not in wanted:
        expected = " or ".join(str(tuple(shape)) for shape in wanted)
        raise ValueError(
            f"{name} must give a tensor of shape {expected} for input of shape {given}, got {got}"
        )
    if not all(tensor.equal(copy) for tensor, copy in zip(inputs, before, strict=True)):
        raise ValueError(
            f"{name} must leave its input as it is, but {type(network).__name__} writes into it: "
            "a layer that sees the input needs inplace=False"
        )


def _check_promise(D: nn.Module, sample_shape: SampleShape, latent_dim: int) -> None:
    """Refuse a D whose rows depend on each other though it promises `row_wise`."""
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


def positive_integers(name: str, value: Sequence[int]) -> tuple[int, ...]:
    """Return the value as a tuple of int, or raise an error that names it."""
    numbers = tuple(value) if np.ndim(value) == 1 else ()
    if not numbers or not all(isinstance(n, Integral) and n >= 1 for n in numbers):
        raise ValueError(f"{name} must be a non-empty sequence of positive integers, got {value!r}")
    return tuple(int(n) for n in numbers)
