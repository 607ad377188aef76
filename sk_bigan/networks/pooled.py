"""E for photographs: convolutions at full resolution, pooling, and local contrast beside colours.

Strided convolutions see a photograph's edges at half of its resolution. With pooling in their
place, untrained layers too are better features (benchmarks/features_log.md). The local contrast is
that of Jarrett et al. 2009 ("What is the Best Multi-Stage Architecture for Object Recognition?",
ICCV, Section 2.1), with a square window.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from .conv import image_encoder
from .mlp import Encoder, SampleShape

WINDOW = 9  # pixels
CONTRAST_FLOOR = 0.01  # of a variance; a range of values is 2 wide


class LocalContrast(nn.Module):
    """Adds channels for how much a pixel differs from its surroundings, in their contrast.

    Maps (n, channels, height, width) to (n, 2 * channels, height, width): x, and x minus its mean
    over a window, divided by the standard deviation of that over the window and all channels.
    """

    def forward(self, x: Tensor) -> Tensor:
        difference = x - _local_mean(x)
        variance = _local_mean(difference.square().mean(1, keepdim=True))  # (n, 1, height, width)
        return torch.cat([x, difference / (variance + CONTRAST_FLOOR).sqrt()], 1)


def _local_mean(x: Tensor) -> Tensor:
    """Return means over windows, which the image's border cuts off."""
    return avg_pool2d(x, WINDOW, stride=1, padding=WINDOW // 2, count_include_pad=False)


def pooled_encoder(
    sample_shape: SampleShape, latent_dim: int, hidden_units: Sequence[int], output: nn.Module
) -> Encoder:
    """Return E of convolutions with max-pooling and a dense layer, as wide as `conv_encoder`."""
    layers = [
        nn.Sequential(
            *([LocalContrast()] if i == 0 else []),
            nn.Conv2d(a, b, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(b),
            nn.LeakyReLU(0.2, inplace=True),
            nn.MaxPool2d(2),
        )
        for i, (a, b) in enumerate(pairwise((2 * sample_shape[0], *hidden_units[:-1])))
    ]
    return image_encoder(layers, sample_shape, latent_dim, hidden_units, output)
