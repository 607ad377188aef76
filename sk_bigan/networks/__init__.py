"""The three networks: encoder E: x -> z, generator G: z -> x, discriminator D: (x, z) -> one logit.

Every network takes and gives samples of shape (n, *sample_shape) and codes of shape
(n, latent_dim). An architecture is a family of the three.
"""

from .conv import ConvDiscriminator, conv_encoder, conv_generator, conv_sizes, conv_units
from .families import ARCHITECTURES, Architecture
from .mlp import Encoder, MLPDiscriminator, SampleShape, mlp_encoder, mlp_generator, mlp_units
from .players import Discriminators, Players
from .pooled import LocalContrast, pooled_encoder

__all__ = [
    "ARCHITECTURES",
    "Architecture",
    "ConvDiscriminator",
    "Discriminators",
    "Encoder",
    "LocalContrast",
    "MLPDiscriminator",
    "Players",
    "SampleShape",
    "conv_encoder",
    "conv_generator",
    "conv_sizes",
    "conv_units",
    "mlp_encoder",
    "mlp_generator",
    "mlp_units",
    "pooled_encoder",
]
