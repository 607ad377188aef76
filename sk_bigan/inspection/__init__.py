"""Questions to learned features: how stable, how real, which columns, how many.

Functions and displays in the manner of :mod:`sklearn.inspection`. They take any transformer of
scikit-learn's kind, Pipelines too; `explain` takes detectors.
"""

from __future__ import annotations

from .alignment import CodeAlignment
from .consistency import consistency
from .consistency_display import ConsistencyDisplay
from .contributions import explain
from .control import shuffled_control
from .curve import latent_dim_curve
from .curve_display import LatentDimCurveDisplay
from .evaluation import evaluate
from .exploration import explore
from .loadings import loadings
from .loadings_display import LoadingsDisplay

__all__ = [
    "CodeAlignment",
    "ConsistencyDisplay",
    "LatentDimCurveDisplay",
    "LoadingsDisplay",
    "consistency",
    "evaluate",
    "explain",
    "explore",
    "latent_dim_curve",
    "loadings",
    "shuffled_control",
]
