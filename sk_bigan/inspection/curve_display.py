"""Explained shares over the number of codes, as curves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._optional_dependencies import check_matplotlib_support

from ..display.common import Display
from .curve import latent_dim_curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class LatentDimCurveDisplay(Display):
    """Share of held-out rows that codes of each length explain, beside PCA.

    Points are means over the folds; bars are standard deviations.

    Parameters
    ----------
    latent_dims : ndarray of shape (n_dims,)
    scores, pca_scores : ndarray of shape (n_dims, n_folds)
        As :func:`~sk_bigan.inspection.latent_dim_curve` returns them.
    name : str, default=None
        Name of the estimator, in the legend.

    Attributes
    ----------
    curve_, pca_curve_ : matplotlib ErrorbarContainer
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    """

    def __init__(
        self,
        latent_dims: np.ndarray,
        scores: np.ndarray,
        pca_scores: np.ndarray,
        *,
        name: str | None = None,
    ):
        self.latent_dims = latent_dims
        self.scores = scores
        self.pca_scores = pca_scores
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        latent_dims: ArrayLike,
        *,
        param_name: str = "latent_dim",
        cv: Any = 3,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Fit the estimator with each length and draw the curves.

        Parameters
        ----------
        estimator : transformer
            With `fit`, `transform` and `inverse_transform`.
        X : array-like or frame
            Rows or images of numbers.
        latent_dims : array-like of int
            Lengths of a code.
        param_name : str, default="latent_dim"
            Parameter of the estimator that is the length.
        cv : int, cross-validation generator or iterable, default=3
            Folds.
        n_jobs : int, default=None
            Number of fits at a time.
        random_state : int, RandomState instance or None, default=None
            Source of the folds.
        ax : matplotlib Axes, default=None
            Where to draw; ``None`` makes a figure.
        **kwargs : dict
            For matplotlib's `errorbar`.

        Returns
        -------
        display : LatentDimCurveDisplay

        Raises
        ------
        TypeError, ValueError
            As :func:`~sk_bigan.inspection.latent_dim_curve`.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        curve = latent_dim_curve(
            estimator,
            X,
            latent_dims,
            param_name=param_name,
            cv=cv,
            n_jobs=n_jobs,
            random_state=random_state,
        )
        return cls(**curve, name=type(estimator).__name__).plot(ax, **kwargs)

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        order = np.argsort(self.latent_dims)

        def draw(scores: np.ndarray, style: dict[str, Any]) -> Any:
            means, spread = scores.mean(axis=1)[order], scores.std(axis=1)[order]
            return ax.errorbar(self.latent_dims[order], means, spread, **(style | kwargs))

        own: dict[str, Any] = {"label": self.name or "estimator", "marker": "o", "capsize": 3}
        self.curve_ = draw(self.scores, own)
        self.pca_curve_ = draw(self.pca_scores, own | {"label": "PCA", "linestyle": "--"})
        ax.set(xlabel="length of a code", ylabel="explained share of held-out rows")
        ax.legend()
