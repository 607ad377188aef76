"""The three networks: encoder E: x -> z, generator G: z -> x, discriminator D: (x, z) -> one logit.

Every network takes and gives samples of shape (n, *sample_shape) and codes of shape
(n, latent_dim). An architecture is a family of the three; add one by naming it in `ARCHITECTURES`.
How a family is put together with networks of the user's own is in `building.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import log2, prod
from typing import NamedTuple

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


# Multilayer perceptrons


def mlp_units(sample_shape: SampleShape) -> tuple[int, ...]:
    """One hidden layer, whatever the sample."""
    return (1024,)


def dense_layer(n_inputs: int, n_outputs: int) -> nn.Sequential:
    """A hidden layer of E."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(n_inputs, n_outputs, bias=False),
        nn.BatchNorm1d(n_outputs),
        nn.LeakyReLU(0.2, inplace=True),
    )


def mlp_encoder(
    sample_shape: SampleShape, latent_dim: int, hidden_units: Sequence[int], output: nn.Module
) -> Encoder:
    """E with BatchNorm and leaky ReLU; `output` maps onto the support of the prior."""
    widths = (prod(sample_shape), *hidden_units)
    body = nn.Sequential(*(dense_layer(a, b) for a, b in pairwise(widths)))
    return Encoder(body, nn.Sequential(nn.Linear(widths[-1], latent_dim), output))


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
        return self.logit(self.features(x=x, z=z)).squeeze(1)  # (n,)

    def features(self, *, x: Tensor, z: Tensor) -> Tensor:
        """The last hidden layer, of shape (n, hidden_units[-1])."""
        h = x.flatten(1)  # (n, n_features)
        from_z = self.from_z(z).split(self.hidden_units, dim=1)
        for from_below, z_term in zip(self.from_below, from_z, strict=True):
            h = self.activation(from_below(h) + z_term)  # (n, width)
        return h


# Convolutions, after Radford et al. 2016 (arXiv 1511.06434): each layer halves the image. A dense
# layer beside the code is not theirs; with it the codes of all pixels together come out better.


def conv_sizes(sample_shape: SampleShape, hidden_units: Sequence[int]) -> list[tuple[int, int]]:
    """(height, width) of the image and after each convolution of kernel 4, stride 2, padding 1.

    Raises
    ------
    ValueError
        If the samples are no images, or too small for so many layers.
    """
    if len(sample_shape) != 3:
        raise ValueError(
            f"architecture='conv' needs images, got samples of shape {sample_shape}: give "
            "sample_shape=(channels, height, width), or X of shape (n_samples, height, width) or "
            "with a fourth dimension of channels"
        )
    channels, height, width = sample_shape
    if width <= 4 < min(channels, height):
        raise ValueError(
            "architecture='conv' needs sample_shape=(channels, height, width), got "
            f"{sample_shape}; did you mean {(width, channels, height)}?"
        )
    n_layers, most = len(hidden_units) - 1, int(log2(min(height, width)))
    if not 1 <= n_layers <= most:
        raise ValueError(
            "architecture='conv' needs at least one layer that halves the image, and can halve "
            f"{height} x {width} pixels {most} times; hidden_units={tuple(hidden_units)}, of which "
            f"the last is the dense layer's, asks for {n_layers}"
        )
    return [(height >> i, width >> i) for i in range(n_layers + 1)]


def conv_units(sample_shape: SampleShape) -> tuple[int, ...]:
    """Convolutions until the smaller side has 3 to 5 pixels, with ever more channels."""
    channels = [32]
    while min(conv_sizes(sample_shape, (*channels, 1024))[-1]) >= 6:
        channels.append(min(2 * channels[-1], 256))
    return (*channels, 1024)


def conv_encoder(
    sample_shape: SampleShape, latent_dim: int, hidden_units: Sequence[int], output: nn.Module
) -> Encoder:
    """E of strided convolutions and a dense layer, with BatchNorm and leaky ReLU."""
    *channels, n_dense = hidden_units
    layers = [
        nn.Sequential(
            nn.Conv2d(a, b, kernel_size=4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(b),
            nn.LeakyReLU(0.2, inplace=True),
        )
        for a, b in pairwise((sample_shape[0], *channels))
    ]
    n_pixels = prod(conv_sizes(sample_shape, hidden_units)[-1])
    return Encoder(
        nn.Sequential(*layers, dense_layer(channels[-1] * n_pixels, n_dense)),
        nn.Sequential(nn.Linear(n_dense, latent_dim), output),
    )


def conv_generator(
    sample_shape: SampleShape, latent_dim: int, hidden_units: Sequence[int], output: nn.Module
) -> nn.Sequential:
    """G of dense layers, enlargements and convolutions, with BatchNorm and ReLU: E in reverse."""
    n_dense, *channels = *reversed(hidden_units), sample_shape[0]
    smallest, *sizes = reversed(conv_sizes(sample_shape, hidden_units))
    first = (channels[0], *smallest)
    layers: list[nn.Module] = [
        nn.Linear(latent_dim, n_dense, bias=False),
        nn.BatchNorm1d(n_dense),
        nn.ReLU(inplace=True),
        nn.Linear(n_dense, prod(first), bias=False),
        nn.Unflatten(1, first),
    ]
    for i, ((a, b), size) in enumerate(zip(pairwise(channels), sizes, strict=True), 1):
        # No transposed convolutions, which draw checkerboards: Odena et al. 2016 (Distill).
        layers += [
            nn.BatchNorm2d(a),
            nn.ReLU(inplace=True),
            nn.Upsample(size),
            # BatchNorm would take the bias of all but the last away again.
            nn.Conv2d(a, b, kernel_size=3, padding=1, bias=i == len(sizes)),
        ]
    return nn.Sequential(*layers, output)


class ConvDiscriminator(nn.Module):
    """D of strided convolutions and a dense layer, with a linear map of z added at every one.

    Parameters
    ----------
    sample_shape : tuple of int
        (channels, height, width)
    latent_dim : int
    hidden_units : sequence of int
        The channels of each convolution, and the width of the dense layer.

    Attributes
    ----------
    row_wise : bool
        Promises the training step that each logit depends on its own row of `x` and `z` alone.
    """

    row_wise = True

    def __init__(self, sample_shape: SampleShape, latent_dim: int, hidden_units: Sequence[int]):
        super().__init__()
        self.hidden_units = tuple(hidden_units)
        *channels, n_dense = hidden_units
        self.convolutions = nn.ModuleList(
            nn.Conv2d(a, b, kernel_size=4, stride=2, padding=1)
            for a, b in pairwise((sample_shape[0], *channels))
        )
        n_pixels = prod(conv_sizes(sample_shape, hidden_units)[-1])
        self.dense = nn.Linear(channels[-1] * n_pixels, n_dense)
        self.from_z = nn.Linear(latent_dim, sum(hidden_units), bias=False)  # for all layers at once
        self.activation = nn.LeakyReLU(0.2)
        self.logit = nn.Linear(n_dense, 1)

    def forward(self, *, x: Tensor, z: Tensor) -> Tensor:
        return self.logit(self.features(x=x, z=z)).squeeze(1)  # (n,)

    def features(self, *, x: Tensor, z: Tensor) -> Tensor:
        """The last hidden layer, of shape (n, hidden_units[-1])."""
        *from_z, z_term = self.from_z(z).split(self.hidden_units, dim=1)
        h = x  # (n, channels, height, width)
        for convolution, to_channels in zip(self.convolutions, from_z, strict=True):
            h = self.activation(convolution(h) + to_channels[:, :, None, None])
        return self.activation(self.dense(h.flatten(1)) + z_term)  # (n, n_dense)


class CycleDiscriminators(nn.Module):
    """D, and two more that tell samples and codes from what comes back of them.

    The further two are those of ALAD, Zenati et al. 2018 (arXiv 1812.02288). Of both, `x` is what
    may have come back and `z`, with one dimension beside the batch's, is what went out.

    Parameters
    ----------
    xz : nn.Module
        D, which this is to everybody who does not ask for the others.
    xx : nn.Module, (x=, z=) -> logits
        Tells (x, x) from (G(E(x)), x).
    zz : nn.Module, (x=, z=) -> logits
        Tells (z, z) from (E(G(z)), z).
    """

    def __init__(self, xz: nn.Module, xx: nn.Module, zz: nn.Module):
        super().__init__()
        self.xz = xz
        self.xx = xx
        self.zz = zz

    @property
    def row_wise(self) -> bool:
        return getattr(self.xz, "row_wise", False)

    def forward(self, *, x: Tensor, z: Tensor) -> Tensor:
        return self.xz(x=x, z=z)


class Architecture(NamedTuple):
    """A family of networks.

    The three builders are called with (sample_shape, latent_dim, hidden_units), E's and G's also
    with the module that ends the network; `hidden_units` gives the default for a sample_shape.
    """

    encoder: Callable[..., nn.Module]
    generator: Callable[..., nn.Module]
    discriminator: Callable[..., nn.Module]
    hidden_units: Callable[[SampleShape], tuple[int, ...]]


ARCHITECTURES = {
    "mlp": Architecture(mlp_encoder, mlp_generator, MLPDiscriminator, mlp_units),
    "conv": Architecture(conv_encoder, conv_generator, ConvDiscriminator, conv_units),
}
