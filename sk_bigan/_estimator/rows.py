"""X as an estimator takes it: validated by scikit-learn, as flat rows, and split for validation."""

from __future__ import annotations

from copy import deepcopy
from math import ceil, isfinite
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import validate_data
from torch.utils.data import IterableDataset, Subset

from .._data.frames import has_times, table_of
from .._data.layout import check_row_shape
from .._data.reading import column_without_numbers, open_rows
from .._data.rows import FLOATS, INTEGERS, DatasetRows, StreamRows
from .._data.units import MOST_ROWS, warn_of_other_units
from .._machine.threads import leave_other_threads
from ..columns import ColumnEncoder, given_encoder, is_fitted, is_plain

NUMBERS = {*FLOATS, *INTEGERS}


def rows_of(estimator: Any, X: Any) -> Any:
    """Return X as flat rows, if it is like the X that the estimator was fitted on."""
    return read_rows(estimator, X)[0]


def read_rows(
    estimator: Any, X: Any, reset: bool = False, is_training: bool = False
) -> tuple[Any, tuple[int, ...]]:
    """Return X as flat rows of finite numbers, and the shape of a row as it came.

    Items of a data set are validated when they are read.

    Parameters
    ----------
    estimator : estimator
        Fitted, unless `reset`.
    X : array-like or Dataset
    reset : bool
        Whether the estimator is to learn the number of columns and their names.
    is_training : bool
        Whether X needs two rows, and may be a stream.
    """
    leave_other_threads()
    X = table_of(X)
    n_least = 2 if is_training else 1
    if reset and (encoder := column_encoder(estimator.scaling, X)) is not None:
        estimator.columns_ = encoder if is_fitted(encoder) else encoder.fit(X)
    if hasattr(estimator, "columns_"):
        rows = _encoded(estimator, X, reset, n_least)
        if not is_training:
            numbers, scaler, names = estimator.columns_._numbers(rows[:MOST_ROWS])
            warn_of_other_units(numbers, scaler, estimator.model_.sizes_in_fit, names)
        return rows, rows.shape[1:]
    rows, row_shape = open_rows(X)
    row_shape = row_shape or np.shape(rows)[1:]
    if row_shape and not reset:
        shape = (rows.shape[0], *row_shape)
        check_row_shape(shape, estimator.model_.layout, type(estimator).__name__)
    if isinstance(rows, DatasetRows):
        checks: dict[str, Any] = {"skip_check_array": True}
        if isinstance(rows, StreamRows):
            _check_stream(estimator, rows, is_training)
        else:
            _require_rows(rows, n_least)
    elif not reset and _passes(estimator, rows, n_least):
        return rows, row_shape
    elif has_times(rows):
        raise ValueError(f"X must hold numbers, got {_no_numbers(rows, row_shape)}")
    else:
        checks = {"dtype": FLOATS + INTEGERS, "ensure_min_samples": n_least}
    try:
        rows = validate_data(estimator, rows, reset=reset, **checks)
    except (TypeError, ValueError) as error:
        if (culprit := _no_numbers(rows, row_shape)) is not None:
            raise ValueError(f"X must hold numbers, got {culprit}") from error
        if "contains NaN" in str(error):  # scikit-learn says that no estimator of ours takes gaps
            advice = (
                f"fill the gaps of rows of shape {row_shape} first, as by interpolation"
                if len(row_shape) > 1
                else "fill the gaps, or fit with scaling='columns', which takes gaps of tables "
                "even where fit has seen none"
            )
            raise ValueError(f"Input X contains NaN: {advice}") from error
        raise
    return rows, row_shape


def _no_numbers(rows: Any, row_shape: tuple[int, ...]) -> str | None:
    """Return what X holds in the place of numbers, and advice for tables, as a text."""
    culprit = column_without_numbers(rows)
    if culprit is None or len(row_shape) < 2:
        return culprit
    return f"{culprit.partition(' in column')[0]} in rows of shape {row_shape}"


def _require_rows(rows: np.ndarray | DatasetRows, n_least: int) -> None:
    if len(rows) < n_least:
        raise ValueError(f"X has {len(rows)} sample(s), while a minimum of {n_least} is required")


def _passes(estimator: Any, rows: Any, n_least: int) -> bool:
    """Return whether scikit-learn's checks are sure to return these rows as they are.

    They take longer for a row than the encoder does, mostly to find out what kind of table it is.
    """
    if not (
        type(rows) is np.ndarray
        and rows.ndim == 2
        and rows.dtype.type in NUMBERS
        and rows.dtype.isnative
        and len(rows) >= n_least
        and rows.shape[1] == estimator.n_features_in_
        and not hasattr(estimator, "feature_names_in_")  # whose lack in X is worth a warning
    ):
        return False
    with np.errstate(over="ignore", invalid="ignore"):
        return rows.dtype.kind != "f" or isfinite(rows.sum())


def column_encoder(scaling: Any, X: Any) -> ColumnEncoder | None:
    """Return an encoder of X's columns, if X is to be encoded: a copy of a fitted one."""
    if (given := given_encoder(scaling)) is not None:
        encoder = deepcopy(given) if is_fitted(given) else clone(given)
    elif scaling == "columns" or (
        isinstance(scaling, str) and scaling == "auto" and not is_plain(X)
    ):
        encoder = ColumnEncoder()
    else:
        return None
    return encoder.set_output(transform="default")  # whatever scikit-learn is told to return


def _encoded(estimator: Any, X: Any, reset: bool, n_least: int) -> np.ndarray:
    if reset:
        rows = estimator.columns_.transform(X)
        if (empty := np.isnan(rows).all(axis=0)).any():  # to an encoder that was fitted before
            names = [b.name for b in estimator.columns_.blocks_ if empty[b.start]]
            raise ValueError(f"X must have a value in each column, got none in column {names[0]!r}")
        validate_data(estimator, X, reset=True, skip_check_array=True)
    else:
        rows = estimator.columns_._encoded_for(estimator, X)
    _require_rows(rows, n_least)
    return rows


def refuse_streams(X: Any) -> None:
    """Refuse data sets without a length, which only a training can take."""
    if isinstance(X, IterableDataset):
        raise TypeError(
            f"X must be an array or a Dataset with a length, got {type(X).__name__}: take one part "
            "after another, as `for X in DataLoader(dataset, batch_size=10_000)` gives them"
        )


def _check_stream(estimator: Any, rows: StreamRows, is_training: bool) -> None:
    name = type(rows.dataset).__name__
    if not is_training:
        refuse_streams(rows.dataset)
    if estimator.data_parallel:
        raise ValueError(
            "data_parallel=True shares rows by their numbers: X must not be an "
            f"IterableDataset, got {name}"
        )


def split(
    rows: np.ndarray | DatasetRows, validation_fraction: float | None
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Return the numbers of the rows to train on and of those held out: None, None by default."""
    if validation_fraction is None:
        return None, None
    if isinstance(rows, StreamRows):
        raise ValueError(
            f"validation_fraction={validation_fraction!r} holds rows out, which must have "
            "numbers: X must not be an IterableDataset, got "
            f"{type(rows.dataset).__name__}"
        )
    n_held_out = ceil(validation_fraction * len(rows))
    if len(rows) - n_held_out < 2:
        raise ValueError(
            f"validation_fraction={validation_fraction!r} holds {n_held_out} of "
            f"{len(rows)} rows out, and a training needs two"
        )
    # Not by random_state: a training resumed in another process must find the same rows.
    order = np.random.RandomState(0).permutation(len(rows))
    return np.sort(order[n_held_out:]), np.sort(order[:n_held_out])


def rows_at(rows: np.ndarray | DatasetRows, numbers: np.ndarray) -> np.ndarray | DatasetRows:
    """Return the rows of these numbers."""
    if isinstance(rows, DatasetRows):
        return DatasetRows(Subset(rows.dataset, numbers.tolist()))  # type: ignore[arg-type]
    return rows[numbers]
