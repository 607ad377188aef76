"""Rows of X beside what comes back of them."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_scalar
from torch.utils.data import Dataset

from .._estimator.rows import rows_of
from ..transformer import BiGANTransformer
from .common import Display, palette
from .mosaic import PLAIN, Scale, View, draw_mosaic, legend_above, name_columns

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class ReconstructionDisplay(Display):
    """Rows of X and what G makes of their codes.

    Images are drawn in one mosaic, originals over reconstructions; columns as a solid line for each
    row and a dashed one for its reconstruction.

    Parameters
    ----------
    originals, reconstructions : ndarray
        Images of shape (n, height, width), or (n, height, width, 3 or 4) in colour, or columns of
        shape (n, n_columns).
    scale : Scale, default=Scale()
        Limits of pixels, names and units of columns.

    Attributes
    ----------
    image_ : matplotlib AxesImage or None
        The mosaic of images.
    lines_ : list of tuple of matplotlib Line2D, or None
        The solid and the dashed line of each row.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    """

    def __init__(self, originals: np.ndarray, reconstructions: np.ndarray, *, scale: Scale = PLAIN):
        self.originals = originals
        self.reconstructions = reconstructions
        self.scale = scale

    @classmethod
    def from_estimator(
        cls,
        estimator: BiGANTransformer,
        X: ArrayLike | Dataset,
        *,
        n_samples: int = 8,
        image_shape: Sequence[int] | None = None,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Reconstruct the first rows of X and draw both.

        Parameters
        ----------
        estimator : BiGANTransformer
        X : array-like or Dataset
            Rows, images or items as in `fit`.
        n_samples : int, default=8
            How many of them to draw.
        image_shape : tuple of int, default=None
            (height, width), or with channels before or after these, where rows of X are images and
            the estimator does not know it. ``None`` draws images where it does, columns otherwise.
        ax : matplotlib Axes, default=None
            Where to draw; ``None`` makes a figure.
        **kwargs : dict
            For matplotlib's `imshow` or, for columns, `plot`.

        Returns
        -------
        display : ReconstructionDisplay

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If X has fewer rows or is not as in `fit`, or `image_shape` does not fit.
        """
        cls._check(estimator)
        check_scalar(n_samples, "n_samples", Integral, min_val=1)
        view = View(estimator, image_shape)
        rows = rows_of(estimator, X)
        if len(rows) < n_samples:
            raise ValueError(f"X must have at least n_samples={n_samples} rows, got {len(rows)}")
        first = np.asarray(rows[:n_samples])
        codes = estimator.model_.features(first)
        return cls(view(first), view.generated(codes), scale=view.scale).plot(ax, **kwargs)

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        self.image_, self.lines_ = None, None
        if self.originals.ndim > 2:
            limits = self.scale.limits or (self.originals.min(), self.originals.max())
            images = np.stack([self.originals, self.reconstructions])
            self.image_ = draw_mosaic(ax, images, limits, ["x", "G(E(x))"], **kwargs)
            return
        n, n_columns = self.originals.shape
        styles: list[dict[str, Any]] = [{"ls": "-", "marker": "."}, {"ls": "--", "marker": "."}]
        rows = zip(self.originals, self.reconstructions, palette(n), strict=True)
        self.lines_ = [
            tuple(
                ax.plot(values, **({"color": colour} | style | kwargs))[0]
                for values, style in zip(pair, styles, strict=True)
            )
            for *pair, colour in rows
        ]
        name_columns(ax, self.scale.names(n_columns))
        ax.set_ylabel(self.scale.units)
        keys = [ax.plot([], color="gray", **style)[0] for style in styles]
        legend_above(ax, keys, ["x", "G(E(x))"])
