"""Names of columns and codes, and results as frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.utils._optional_dependencies import check_pandas_support
from sklearn.utils.validation import _get_feature_names


def column_names(X: Any, n_columns: int) -> np.ndarray:
    """Return the names of the columns of X, or x0, x1, ..."""
    names = _get_feature_names(X)
    if names is None:
        names = [f"x{i}" for i in range(n_columns)]
    return np.asarray(names, dtype=object)


def code_names(estimator: Any, n_codes: int) -> np.ndarray:
    """Return the names of the codes, or z0, z1, ..., as of transformers that have no names."""
    try:
        names = np.asarray(estimator.get_feature_names_out(), dtype=object)
    except (AttributeError, ValueError):
        names = np.empty(0, dtype=object)
    if len(names) == n_codes:
        return names
    return np.array([f"z{i}" for i in range(n_codes)], dtype=object)


def framed(
    values: np.ndarray, index: Sequence[Any] | None, columns: Sequence[str], caller: str
) -> Any:
    """Return a frame of pandas.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns)
    index : sequence or None
        Names of the rows; None numbers them.
    columns : sequence of str
    caller : str
        Function that is named if pandas is missing.
    """
    return check_pandas_support(caller).DataFrame(values, index=index, columns=columns)
