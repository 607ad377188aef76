"""Loadings as a heat map, or as pictures."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, sqrt
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils._param_validation import StrOptions, validate_parameter_constraints

from ..display.coding import steps_of
from ..display.common import Display
from ..display.mosaic import MOST_NAMES, draw_mosaic, image_shape_of, in_rows, name_columns
from .loadings import loadings
from .transformers import flat

if TYPE_CHECKING:
    from matplotlib.axes import Axes

KINDS = {
    "mean": "mean derivative of the code",
    "mean_absolute": "mean absolute derivative of the code",
}


class LoadingsDisplay(Display):
    """Loadings of columns on codes.

    Columns are drawn as a heat map, images as a picture for each code.

    Parameters
    ----------
    values : ndarray
        Loadings of shape (n_columns, n_codes), or pictures of shape (n_codes, height, width).
    column_names, code_names : sequence of str, default=None
        Names along the heat map; ``None`` numbers them.
    label : str, default="loading"
        Label of the colour bar.

    Attributes
    ----------
    heat_map_ : matplotlib AxesImage or None
        Of columns.
    image_ : matplotlib AxesImage or None
        The mosaic of pictures, in the order of the codes, row by row.
    colorbar_ : matplotlib Colorbar
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    """

    def __init__(
        self,
        values: np.ndarray,
        column_names: Sequence[str] | None = None,
        code_names: Sequence[str] | None = None,
        *,
        label: str = "loading",
    ):
        self.values = values
        self.column_names = column_names
        self.code_names = code_names
        self.label = label

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        *,
        kind: str = "mean",
        image_shape: Sequence[int] | None = None,
        scaled: bool = True,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Compute the loadings and draw them.

        Parameters
        ----------
        estimator : fitted transformer
        X : array-like or frame
            Rows or images of numbers, over which the means are taken.
        kind : {"mean", "mean_absolute"}, default="mean"
            Mean of the derivatives, or of their absolute values.
        image_shape : tuple of int, default=None
            (height, width), or with channels before or after these, where rows of X are images and
            the estimator does not know it. Loadings of channels are added. ``None`` draws pictures
            where the estimator is a BiGAN of images or begins with one, a heat map otherwise.
        scaled : bool, default=True
            Whether to multiply the loadings of a heat map by the columns' standard deviations in X,
            so that columns of different units can be compared.
        ax : matplotlib Axes, default=None
            Where to draw; ``None`` makes a figure.
        **kwargs : dict
            For matplotlib's `imshow`.

        Returns
        -------
        display : LoadingsDisplay

        Raises
        ------
        NotFittedError
            Before `fit`.
        TypeError
            If `estimator` has no `transform`.
        ValueError
            If X is not as in `fit`, `kind` is not as described, or `image_shape` does not fit.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        validate_parameter_constraints(
            {"kind": [StrOptions(set(KINDS))], "scaled": ["boolean"]},
            {"kind": kind, "scaled": scaled},
            caller_name=f"{cls.__name__}.from_estimator",
        )
        result = loadings(estimator, X)
        values, label = result[kind], KINDS[kind]
        first_step = next(iter(steps_of(estimator)), None)
        shape, channels_first = image_shape_of(first_step, image_shape, len(values))
        if shape:
            pictures = values.T.reshape(-1, *shape)
            if len(shape) == 3:
                pictures = pictures.sum(axis=1 if channels_first else 3)
            return cls(pictures, label=label).plot(ax, **kwargs)
        if scaled:
            values = values * flat(X).std(axis=0)[:, np.newaxis]
            label += ",\nper standard deviation of the column"
        names = result.feature_names_in, result.feature_names_out
        return cls(values, *names, label=label).plot(ax, **kwargs)

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        self.heat_map_, self.image_ = None, None
        highest = float(np.abs(self.values).max()) or 1.0
        style: dict[str, Any] = {"cmap": "RdBu_r", "vmin": -highest, "vmax": highest}
        if (self.values >= 0).all():
            style |= {"cmap": "viridis", "vmin": 0}
        style |= kwargs
        if self.values.ndim == 3:
            n_pictures = len(self.values)
            mosaic = in_rows(self.values, ceil(sqrt(n_pictures)))
            self.image_ = draw_mosaic(ax, mosaic, None, **style)
            ax.set_xlabel(f"codes 0 to {n_pictures - 1}, row by row")
            drawn = self.image_
        else:
            n_columns, n_codes = self.values.shape
            self.heat_map_ = drawn = ax.imshow(self.values, aspect="auto", **style)
            columns, codes = (
                [str(i) for i in range(n)] if names is None else [str(name) for name in names]
                for names, n in ((self.column_names, n_columns), (self.code_names, n_codes))
            )
            name_columns(ax, codes)
            named = range(0, n_columns, ceil(n_columns / MOST_NAMES))
            ax.set_yticks(named, [columns[i] for i in named])
            ax.set(xlabel="code", ylabel="column")
        self.colorbar_ = ax.figure.colorbar(drawn, ax=ax, label=self.label)
