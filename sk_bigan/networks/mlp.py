"""Multilayer perceptrons as E, G and D."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod

from torch import Tensor, nn

SampleShape = tuple[int, ...]


class Encoder(nn.Module):
    """E(x) = head(body(x)); the body's output is the penultimate layer.

    Parameters
    ----------
    body : nn.Sequential, (n, *sample_shape) -> (n, ...)
        One child a hidden layer.
    head : nn.Module, (n, ...) -> (n, latent_dim)
    """

    def __init__(self, body: nn.Sequential, head: nn.Module):
        super().__init__()
        self.body = body
        self.head = head

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x))


def mlp_units(sample_shape: SampleShape) -> tuple[int, ...]:
    """Return the default widths: one hidden layer for any sample."""
    return (1024,)


def dense_layer(n_inputs: int, n_outputs: int) -> nn.Sequential:
    """Return a hidden layer of E."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(n_inputs, n_outputs, bias=False),
        nn.BatchNorm1d(n_outputs),
        nn.LeakyReLU(0.2, inplace=True),
    )


def mlp_encoder(
    sample_shape: SampleShape, latent_dim: int, hidden_units: Sequence[int], output: nn.Module
) -> Encoder:
    """Return E with BatchNorm and leaky ReLU; `output` maps onto the support of the prior."""
    widths = (prod(sample_shape), *hidden_units)
    body = nn.Sequential(*(dense_layer(a, b) for a, b in pairwise(widths)))
    return Encoder(body, nn.Sequential(nn.Linear(widths[-1], latent_dim), output))


def mlp_generator(
    sample_shape: SampleShape, latent_dim: int, hidden_units: Sequence[int], output: nn.Module
) -> nn.Sequential:
    """Return G with BatchNorm and ReLU, E's widths reversed; `output` maps onto the range of x."""
    widths = (latent_dim, *reversed(hidden_units))
    layers: list[nn.Module] = []
    for a, b in pairwise(widths):
        layers += [nn.Linear(a, b, bias=False), nn.BatchNorm1d(b), nn.ReLU(inplace=True)]
    to_x = nn.Linear(widths[-1], prod(sample_shape))
    return nn.Sequential(*layers, to_x, output, nn.Unflatten(1, sample_shape))


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
        return self.logit(self.last_hidden(x=x, z=z)).squeeze(1)  # (n,)

    def last_hidden(self, *, x: Tensor, z: Tensor) -> Tensor:
        """Return the last hidden layer, of shape (n, hidden_units[-1])."""
        h = x.flatten(1)  # (n, n_features)
        from_z = self.from_z(z).split(self.hidden_units, dim=1)
        for from_below, z_term in zip(self.from_below, from_z, strict=True):
            h = self.activation(from_below(h) + z_term)  # (n, width)
        return h
