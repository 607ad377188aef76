"""Features learned by bidirectional GANs, for scikit-learn."""

from ._show_versions import show_versions
from ._version import __version__
from .detector import BiGANDetector
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
    "BiGANDetector",
    "BiGANTransformer",
    "InterpolationDisplay",
    "LatentDisplay",
    "LossCurveDisplay",
    "ReconstructionDisplay",
    "SampleDisplay",
    "TrainingDivergedError",
    "__version__",
    "show_versions",
]
