"""Features learned by bidirectional GANs, for scikit-learn."""

from ._version import __version__
from .exceptions import TrainingDivergedError
from .transformer import BiGANTransformer

__all__ = ["BiGANTransformer", "TrainingDivergedError", "__version__"]
