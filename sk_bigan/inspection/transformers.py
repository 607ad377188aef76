"""What any transformer takes and gives, as arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_array

from .._data.frames import has_times
from .._data.reading import column_without_numbers


def check_transformer(estimator: Any) -> None:
    """Refuse what has no `transform`."""
    if not hasattr(estimator, "transform"):
        raise TypeError(
            f"estimator must have the methods fit and transform, got {type(estimator).__name__}"
        )


def encode(estimator: Any, X: ArrayLike) -> np.ndarray:
    """Return the output of `transform` as an array of shape (n, n_codes), float64."""
    codes = check_array(
        estimator.transform(X),
        accept_sparse=True,
        allow_nd=True,
        dtype=np.float64,
        input_name="the output of transform",
    )
    codes = codes.toarray() if hasattr(codes, "toarray") else codes
    return codes.reshape(len(codes), -1)


def flat(X: Any, name: str = "X") -> np.ndarray:
    """Return rows of numbers as an array of shape (n, n_features), float64."""
    if has_times(X):  # of which NumPy makes numbers
        raise ValueError(f"{name} must hold numbers, got {column_without_numbers(X)}")
    try:
        rows = check_array(X, allow_nd=True, dtype=np.float64, input_name=name)
    except (TypeError, ValueError) as error:
        if (culprit := column_without_numbers(X)) is None:
            raise
        raise ValueError(f"{name} must hold numbers, got {culprit}") from error
    return rows.reshape(len(rows), -1)


def check_rows_differ(rows: np.ndarray) -> None:
    """Refuse equal rows, which have no variation that codes could explain."""
    if (rows == rows[0]).all():
        raise ValueError(f"X must have rows that differ, got {len(rows)} equal rows")
