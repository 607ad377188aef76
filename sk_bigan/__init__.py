"""Features learned by bidirectional GANs, for scikit-learn."""

from .transformer import BiGANTransformer

__all__ = ["BiGANTransformer"]
__version__ = "0.1.0"
