"""Names of columns and codes."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import _get_feature_names

from .._data.frames import default_names, table_of


def column_names(X: Any, n_columns: int) -> np.ndarray:
    """Return the names of the columns of X, or x0, x1, ..."""
    names = _get_feature_names(table_of(X))
    return np.asarray(default_names(n_columns) if names is None else names, dtype=object)


def code_names(estimator: Any, n_codes: int) -> np.ndarray:
    """Return the names of the codes, or z0, z1, ..., as of transformers that have no names."""
    try:
        names = np.asarray(estimator.get_feature_names_out(), dtype=object)
    except (AttributeError, ValueError):
        names = np.empty(0, dtype=object)
    if len(names) == n_codes:
        return names
    return np.array([f"z{i}" for i in range(n_codes)], dtype=object)
