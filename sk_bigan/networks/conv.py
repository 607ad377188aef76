"""Convolutional E, G and D after Radford et al. 2016 (arXiv 1511.06434): a layer halves the image.

The dense layer beside the code is not theirs; it makes codes better (benchmarks/features_log.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import log2, prod

from torch import Tensor, nn

from .mlp import Encoder, SampleShape, dense_layer


def conv_sizes(sample_shape: SampleShape, hidden_units: Sequence[int]) -> list[tuple[int, int]]:
    """Return (height, width) of the image and after each convolution (kernel 4, stride 2).

    Raises
    ------
    ValueError
        If the samples are no images, or too small for the number of layers.
    """
    if len(sample_shape) != 3:
        raise ValueError(
            f"architecture='conv' or 'pooled' needs images, got samples of shape {sample_shape}: "
            "give sample_shape=(channels, height, width), or X of shape (n_samples, height, width) "
            "or with a fourth dimension of channels"
        )
    channels, height, width = sample_shape
    if width <= 4 < min(channels, height):
        raise ValueError(
            "architecture='conv' or 'pooled' needs sample_shape=(channels, height, width), got "
            f"{sample_shape}; did you mean {(width, channels, height)}?"
        )
    n_layers, most = len(hidden_units) - 1, int(log2(min(height, width)))
    if not 1 <= n_layers <= most:
        raise ValueError(
            "architecture='conv' or 'pooled' needs at least one layer that halves the image, and "
            f"can halve {height} x {width} pixels {most} times; "
            f"hidden_units={tuple(hidden_units)}, of which the last is the dense layer's, asks for "
            f"{n_layers}"
        )
    return [(height >> i, width >> i) for i in range(n_layers + 1)]


def conv_units(sample_shape: SampleShape) -> tuple[int, ...]:
    """Return the default channels: halvings until the smaller side has 3 to 5 pixels."""
    channels = [32]
    while min(conv_sizes(sample_shape, (*channels, 1024))[-1]) >= 6:
        channels.append(min(2 * channels[-1], 256))
    return (*channels, 1024)


def conv_encoder(
    sample_shape: SampleShape, latent_dim: int, hidden_units: Sequence[int], output: nn.Module
) -> Encoder:
    """Return E of strided convolutions and a dense layer, with BatchNorm and leaky ReLU."""
    layers = [
        nn.Sequential(
            nn.Conv2d(a, b, kernel_size=4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(b),
            nn.LeakyReLU(0.2, inplace=True),
        )
        for a, b in pairwise((sample_shape[0], *hidden_units[:-1]))
    ]
    return image_encoder(layers, sample_shape, latent_dim, hidden_units, output)


def image_encoder(
    layers: Sequence[nn.Module],
    sample_shape: SampleShape,
    latent_dim: int,
    hidden_units: Sequence[int],
    output: nn.Module,
) -> Encoder:
    """Return E of layers that halve the image, with a dense layer behind them."""
    n_pixels = prod(conv_sizes(sample_shape, hidden_units)[-1])
    n_channels, n_dense = hidden_units[-2:]
    return Encoder(
        nn.Sequential(*layers, dense_layer(n_channels * n_pixels, n_dense)),
        nn.Sequential(nn.Linear(n_dense, latent_dim), output),
    )


def conv_generator(
    sample_shape: SampleShape, latent_dim: int, hidden_units: Sequence[int], output: nn.Module
) -> nn.Sequential:
    """Return G of dense layers, upsampling and convolutions, with BatchNorm and ReLU."""
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
            # BatchNorm would remove the bias of all layers but the last.
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
        return self.logit(self.last_hidden(x=x, z=z)).squeeze(1)  # (n,)

    def last_hidden(self, *, x: Tensor, z: Tensor) -> Tensor:
        """Return the last hidden layer, of shape (n, hidden_units[-1])."""
        *from_z, z_term = self.from_z(z).split(self.hidden_units, dim=1)
        h = x  # (n, channels, height, width)
        for convolution, to_channels in zip(self.convolutions, from_z, strict=True):
            h = self.activation(convolution(h) + to_channels[:, :, None, None])
        return self.activation(self.dense(h.flatten(1)) + z_term)  # (n, n_dense)
