"""Samples of the generator."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, sqrt
from numbers import Integral
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_scalar
from torch.utils.data import Dataset

from .._estimator.parameters import draw_seed
from .._estimator.rows import rows_of
from ..transformer import BiGANTransformer
from .common import Display
from .mosaic import PLAIN, Scale, View, draw_mosaic, in_rows, legend_above, name_columns

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class SampleDisplay(Display):
    """Samples of G, of codes from the prior.

    Images are drawn in a square mosaic, columns as box plots.

    Parameters
    ----------
    samples : ndarray
        Images of shape (n, height, width), or (n, height, width, 3 or 4) in colour, or columns of
        shape (n, n_columns).
    X : ndarray of shape (n_rows, n_columns), default=None
        Columns of data to set beside the samples'.
    scale : Scale, default=Scale()
        Limits of pixels, names and units of columns.

    Attributes
    ----------
    image_ : matplotlib AxesImage or None
        The mosaic of images.
    boxes_ : dict of dict, or None
        What matplotlib's `boxplot` gives for "samples" and for "X".
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    """

    def __init__(self, samples: np.ndarray, X: np.ndarray | None = None, *, scale: Scale = PLAIN):
        self.samples = samples
        self.X = X
        self.scale = scale

    @classmethod
    def from_estimator(
        cls,
        estimator: BiGANTransformer,
        X: ArrayLike | Dataset | None = None,
        *,
        n_samples: int = 64,
        image_shape: Sequence[int] | None = None,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Sample and draw the samples.

        Parameters
        ----------
        estimator : BiGANTransformer
        X : array-like or Dataset, default=None
            Rows as in `fit`, whose columns are drawn beside those of the samples; not used for
            images.
        n_samples : int, default=64
        image_shape : tuple of int, default=None
            (height, width), or with channels before or after these, where rows of X are images and
            the estimator does not know it. ``None`` draws images where it does, columns otherwise.
        ax : matplotlib Axes, default=None
            Where to draw; ``None`` makes a figure.
        **kwargs : dict
            For matplotlib's `imshow` or, for columns, `boxplot`.

        Returns
        -------
        display : SampleDisplay

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If X is not as in `fit`, `n_samples` is not positive, or `image_shape` does not fit.
        """
        cls._check(estimator)
        check_scalar(n_samples, "n_samples", Integral, min_val=1)
        view = View(estimator, image_shape)
        seed = draw_seed(estimator.random_state)
        samples = view.generated(estimator.model_.draw_codes(n_samples, seed))
        columns = None
        if X is not None and samples.ndim == 2:
            columns = view(np.asarray(rows_of(estimator, X)[:]))
        return cls(samples, columns, scale=view.scale).plot(ax, **kwargs)

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        self.image_, self.boxes_ = None, None
        if self.samples.ndim > 2:
            images = in_rows(self.samples, ceil(sqrt(len(self.samples))))
            self.image_ = draw_mosaic(ax, images, self.scale.limits, **kwargs)
            ax.set_xlabel("G(z), z from the prior")
            return
        groups = {"samples": self.samples} | ({} if self.X is None else {"X": self.X})
        n_columns = self.samples.shape[1]
        self.boxes_ = {}
        for number, (name, columns) in enumerate(groups.items()):
            colour = f"C{number}"
            style: dict[str, Any] = {
                "positions": np.arange(n_columns) + (number - (len(groups) - 1) / 2) * 0.4,
                "widths": 0.3,
                "patch_artist": True,
                "boxprops": {"facecolor": colour, "edgecolor": colour},
                "whiskerprops": {"color": colour},
                "capprops": {"color": colour},
                "medianprops": {"color": "black"},
                "flierprops": {"markersize": 3, "markeredgecolor": colour},
            }
            known = [column[~np.isnan(column)] for column in columns.T]
            self.boxes_[name] = ax.boxplot(known, **(style | kwargs))
        name_columns(ax, self.scale.names(n_columns))
        ax.set_ylabel(self.scale.units)
        keys = [boxes["boxes"][0] for boxes in self.boxes_.values()]
        legend_above(ax, keys, list(self.boxes_))
