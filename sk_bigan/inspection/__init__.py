"""Questions to learned features: how stable, how real, which columns, how many.

Functions and displays in the manner of :mod:`sklearn.inspection`. They take any transformer of
scikit-learn's kind, Pipelines too; `explain` takes detectors.

Examples
--------
>>> from sklearn.datasets import load_wine
>>> from sk_bigan import BiGANTransformer
>>> from sk_bigan.inspection import consistency, loadings, shuffled_control
>>> X, y = load_wine(return_X_y=True, as_frame=True)
>>> bigan = BiGANTransformer(latent_dim=4, max_epochs=20, random_state=0)
>>> stable = consistency(bigan, X, n_repeats=2, random_state=0).mean
>>> control = shuffled_control(bigan, X, n_repeats=2, random_state=0)
>>> control.score_difference > 0
True
>>> loadings(bigan.fit(X), X, as_frame=True).mean.shape
(13, 4)
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
    "latent_dim_curve",
    "loadings",
    "shuffled_control",
]
