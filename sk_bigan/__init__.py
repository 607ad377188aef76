"""Features learned by bidirectional GANs, for scikit-learn."""

from ._version import __version__
from .display import (
    InterpolationDisplay,
    LatentDisplay,
    LossCurveDisplay,
    ReconstructionDisplay,
    SampleDisplay,
)
from .exceptions import TrainingDivergedError
from .transformer import BiGANTransformer

__all__ = [
    "BiGANTransformer",
    "InterpolationDisplay",
    "LatentDisplay",
    "LossCurveDisplay",
    "ReconstructionDisplay",
    "SampleDisplay",
    "TrainingDivergedError",
    "__version__",
]
