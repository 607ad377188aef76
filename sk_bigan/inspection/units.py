"""Units in which rows of X are compared with each other and with their reconstructions."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._data.layout import Layout
from .._data.scaling import describe, make_scaler, resolve_scaling
from ..display.coding import is_invertible
from .refits import flat


def scaler_of(X: Any) -> Any:
    """Return the scaler that ``BiGANTransformer(scaling="auto")`` fits.

    It standardises the columns of a table. It maps images, and columns of one bounded scale, onto
    [-1, 1] as a whole.
    """
    rows = flat(X)
    columns = describe(rows)
    scaling = resolve_scaling("auto", columns, is_image=np.ndim(X) > 2)
    return make_scaler(scaling, columns, Layout(rows.shape[1:], rows.shape[1:]))


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
