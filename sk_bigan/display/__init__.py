"""Pictures of a fitted BiGAN, drawn with matplotlib in the manner of scikit-learn's displays.

Examples
--------
>>> from sklearn.datasets import load_iris
>>> from sk_bigan import BiGANTransformer
>>> from sk_bigan.display import LatentDisplay, LossCurveDisplay, SampleDisplay
>>> X, y = load_iris(return_X_y=True, as_frame=True)
>>> bigan = BiGANTransformer(latent_dim=2, max_epochs=20, random_state=0).fit(X)
>>> losses = LossCurveDisplay.from_estimator(bigan)
>>> codes = LatentDisplay.from_estimator(bigan, X, y)
>>> samples = SampleDisplay.from_estimator(bigan, X)
>>> samples.figure_.savefig("samples.png")  # doctest: +SKIP
"""

from __future__ import annotations

from .codes import LatentDisplay
from .losses import LossCurveDisplay
from .reconstructions import ReconstructionDisplay
from .samples import SampleDisplay
from .training import TrainingDisplay
from .walks import InterpolationDisplay

__all__ = [
    "InterpolationDisplay",
    "LatentDisplay",
    "LossCurveDisplay",
    "ReconstructionDisplay",
    "SampleDisplay",
    "TrainingDisplay",
]
