"""Walks between the codes of two rows."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_scalar
from torch.utils.data import Dataset

from ..transformer import BiGANTransformer
from .common import Display, codes_of, palette
from .mosaic import PLAIN, Scale, View, draw_mosaic

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_LINES = 10  # with a name each


class InterpolationDisplay(Display):
    """Rows that G makes of codes on the straight line between the codes of two rows.

    Images are drawn in one mosaic, a walk a row; columns, of one walk, as a line each.

    Parameters
    ----------
    walks : ndarray
        Images of shape (n_walks, n_steps, height, width), or (..., 3 or 4) in colour, or columns of
        shape (1, n_steps, n_columns).
    scale : Scale, default=Scale()
        Limits of pixels, names and units of columns.

    Attributes
    ----------
    image_ : matplotlib AxesImage or None
        The mosaic of images.
    lines_ : list of matplotlib Line2D, or None
        One for each column, or for those 10 that change most.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    """

    def __init__(self, walks: np.ndarray, *, scale: Scale = PLAIN):
        self.walks = walks
        self.scale = scale

    @classmethod
    def from_estimator(
        cls,
        estimator: BiGANTransformer,
        start: ArrayLike | Dataset,
        end: ArrayLike | Dataset,
        *,
        n_steps: int = 9,
        image_shape: Sequence[int] | None = None,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Walk from each row of `start` to that of `end`, and draw what is on the way.

        Parameters
        ----------
        estimator : BiGANTransformer
        start, end : array-like or Dataset
            Rows, images or items as in `fit`, as many each; one each where columns are drawn.
        n_steps : int, default=9
            Codes on each way, its ends among them.
        image_shape : tuple of int, default=None
            (height, width), or with channels before or after these, where rows of X are images and
            the estimator does not know it. ``None`` draws images where it does, columns otherwise.
        ax : matplotlib Axes, default=None
            Where to draw; ``None`` makes a figure.
        **kwargs : dict
            For matplotlib's `imshow` or, for columns, `plot`.

        Returns
        -------
        display : InterpolationDisplay

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If `start` and `end` are not as described, or `image_shape` does not fit.
        """
        cls._check(estimator)
        check_scalar(n_steps, "n_steps", Integral, min_val=2)
        view = View(estimator, image_shape)
        first, last = codes_of(estimator, start), codes_of(estimator, end)
        n = len(first)
        if n != len(last):
            raise ValueError(f"start and end must have as many rows each, got {n} and {len(last)}")
        if n > 1 and not view.shape:
            raise ValueError(
                f"start and end must be one row each where columns are drawn, got {n}; if the rows "
                "are images, say so with image_shape=(height, width)"
            )
        codes = np.linspace(first, last, n_steps, axis=1)  # (n, n_steps, latent_dim)
        items = view.generated(codes.reshape(n * n_steps, -1))
        walks = items.reshape(n, n_steps, *items.shape[1:])
        return cls(walks, scale=view.scale).plot(ax, **kwargs)

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        self.image_, self.lines_ = None, None
        way = np.linspace(0, 1, self.walks.shape[1])
        ax.set_xlabel("share of the way from E(start) to E(end)")
        if self.walks.ndim > 3:
            marks = [f"{share:g}" if share in (0, 0.5, 1) else "" for share in way]
            limits = self.scale.limits
            self.image_ = draw_mosaic(ax, self.walks, limits, column_labels=marks, **kwargs)
            return
        (walk,) = self.walks  # (n_steps, n_columns)
        names = self.scale.names(walk.shape[1])
        most_changed = np.argsort(-np.ptp(walk, axis=0), kind="stable")[:MOST_LINES]
        self.lines_ = [
            ax.plot(way, walk[:, i], **({"label": names[i], "color": colour} | kwargs))[0]
            for i, colour in zip(np.sort(most_changed), palette(len(most_changed)), strict=True)
        ]
        ax.set_ylabel(self.scale.units)
        ax.legend()
