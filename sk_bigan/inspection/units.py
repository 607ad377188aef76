"""Units in which rows of X are compared with each other and with their reconstructions."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator

from .._data.frames import is_frame
from .._data.layout import Layout, recognise
from .._data.scaling import (
    ColumnStatistics,
    axis_of_units,
    column_statistics,
    make_scaler,
    resolve_scaling,
)
from ..display.coding import is_invertible
from .transformers import flat


def scaler_of(X: Any) -> Any:
    """Return the scaler that ``BiGANTransformer(scaling="auto")`` fits.

    It standardises the columns of a table. It maps images, and columns of one bounded scale, onto
    [-1, 1] as a whole, or each channel where channels have different units.
    """
    statistics = column_statistics(flat(X))
    layout = _layout_of(np.shape(X)[1:], statistics)
    scaling = resolve_scaling("auto", statistics, layout, np.asarray(X).dtype, is_frame(X))
    return make_scaler(scaling, statistics, layout)


def _layout_of(row_shape: tuple[int, ...], statistics: ColumnStatistics) -> Layout:
    try:
        return recognise(row_shape, None)
    except ValueError:  # channels may come first or last, and the units tell which
        first, last = (Layout(row_shape, row_shape, is_last) for is_last in (False, True))
        return last if axis_of_units(statistics, first) is None else first


class InUnits(BaseEstimator):
    """Flat rows in the units of `scaler_of`."""

    def fit(self, X: Any, y: Any = None) -> Self:
        self.scaler_ = scaler_of(X)
        return self

    def transform(self, X: Any) -> np.ndarray:
        return self.scaler_.transform(flat(X))

    def inverse_transform(self, X: np.ndarray) -> np.ndarray:
        return self.scaler_.inverse_transform(X)


def explained_share(estimator: Any, X_train: Any, X_test: Any) -> float:
    r"""Return the share of the variation of held-out rows that their reconstructions explain.

    :math:`1 - \sum \|x - \hat{x}\|^2 / \sum \|x - \bar{x}\|^2`, where :math:`\bar{x}` is the mean
    of the training rows, in the units of `scaler_of`. NaN without `inverse_transform`
    of the codes.
    """
    if not is_invertible(estimator):
        return np.nan
    scaler = scaler_of(X_train)
    x = scaler.transform(flat(X_test))
    reconstruction = estimator.inverse_transform(estimator.transform(X_test))
    errors = x - scaler.transform(flat(reconstruction, "the output of inverse_transform"))
    deviations = x - scaler.transform(flat(X_train)).mean(axis=0)
    return float(1 - np.sum(errors**2) / np.sum(deviations**2))
