"""Families of networks by name. Add one by naming it in `ARCHITECTURES`."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from torch import nn

from .conv import ConvDiscriminator, conv_encoder, conv_generator, conv_units
from .mlp import MLPDiscriminator, SampleShape, mlp_encoder, mlp_generator, mlp_units
from .pooled import pooled_encoder


class Architecture(NamedTuple):
    """A family of networks.

    The three builders take (sample_shape, latent_dim, hidden_units). Those of E and G also take
    `output`, the module that ends the network. `hidden_units` maps a sample_shape to the default
    widths.
    """

    encoder: Callable[..., nn.Module]
    generator: Callable[..., nn.Module]
    discriminator: Callable[..., nn.Module]
    hidden_units: Callable[[SampleShape], tuple[int, ...]]


ARCHITECTURES = {
    "mlp": Architecture(mlp_encoder, mlp_generator, MLPDiscriminator, mlp_units),
    "conv": Architecture(conv_encoder, conv_generator, ConvDiscriminator, conv_units),
    "pooled": Architecture(pooled_encoder, conv_generator, ConvDiscriminator, conv_units),
}
