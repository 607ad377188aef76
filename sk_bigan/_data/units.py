"""Signs that rows are in other units than those that the scaler has learned from."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from math import ceil
from typing import Any

import numpy as np
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from .rows import DatasetRows, in_order
from .scaling import CHUNK_VALUES

# Units differ by factors such as 16, 100, 255 or 1000. Rows in other units spread over less than a
# share of the range in fit, or lie several times that range, or many deviations, away from it. Rows
# of fit may do so too, but none of them is smaller or larger than each of fit.
NARROW = 0.07
FAR = 10.0
ENOUGH_ROWS = 10  # to tell how far a column spreads
MOST_ROWS, MOST_COLUMNS = 256, 64  # to look at

UNKNOWN = (0.0, 0.0)  # sizes, with which no row is too small


def sizes_in_fit(X: np.ndarray | DatasetRows, scaler: Any) -> tuple[float, float]:
    """Return the least size of a row of X, but for zeros, and the greatest.

    Items of data sets are not read for this.
    """
    if isinstance(X, DatasetRows) or not X.shape[1]:
        return UNKNOWN
    parts = [_sizes(rows, scaler) for rows in in_order(X, max(1, CHUNK_VALUES // X.shape[1]))]
    sizes = np.concatenate(parts)
    greatest = float(sizes.max())
    return float(sizes[sizes > 0].min(initial=greatest)), greatest


def _sizes(rows: np.ndarray, scaler: Any) -> np.ndarray:
    """Return what grows with the unit of a row: its greatest value, or its median deviation."""
    if not isinstance(scaler, StandardScaler):
        return np.maximum(rows.max(axis=1), -rows.min(axis=1).astype(np.float64))
    varying = np.flatnonzero(scaler.var_ > 0)
    if not len(varying):
        return np.zeros(len(rows))
    some = varying[:: ceil(len(varying) / MOST_COLUMNS)]
    return _of_known(np.median, np.abs(rows[:, some] / scaler.scale_[some]), axis=1)


def warn_of_other_units(
    rows: np.ndarray | DatasetRows,
    scaler: Any,
    in_fit: tuple[float, float],
    names: Sequence[str] | None = None,
) -> None:
    """Warn if the first rows seem to be in other units than those in fit.

    Parameters
    ----------
    rows : ndarray of shape (n, n_features) or DatasetRows
        In the units of X, with NaN for gaps. Items of data sets are not read for this.
    scaler : fitted scaler
    in_fit : tuple of float
        What `sizes_in_fit` has found.
    names : sequence of str or None
        Names of the columns; None numbers them.
    """
    if isinstance(rows, DatasetRows) or not rows.shape[1]:
        return
    some = np.asarray(rows[:MOST_ROWS], dtype=np.float64)
    difference = None
    if isinstance(scaler, MinMaxScaler):
        difference = _another_range(some, scaler, in_fit)
    elif isinstance(scaler, StandardScaler):
        difference = _other_deviations(some, scaler, in_fit, names)
    if difference is not None:
        warnings.warn(f"X {difference}: is it in other units than in fit?", stacklevel=3)


def _another_range(
    rows: np.ndarray, scaler: MinMaxScaler, in_fit: tuple[float, float]
) -> str | None:
    lowest, highest = scaler.data_min_.min(), scaler.data_max_.max()
    low, high = rows.min(), rows.max()
    span = highest - lowest
    far = low < lowest - FAR * span or high > highest + FAR * span
    # A dark picture is narrow too, but its pixels are whole numbers; divided by 255, they are not.
    narrow = 0 < high - low < NARROW * span and np.any(rows != rows.round())
    if not (far or (narrow and _sizes(rows, scaler).max() < in_fit[0])):
        return None
    return f"ranges from {low:.4g} to {high:.4g}, and in fit from {lowest:.4g} to {highest:.4g}"


def _other_deviations(
    rows: np.ndarray,
    scaler: StandardScaler,
    in_fit: tuple[float, float],
    names: Sequence[str] | None,
) -> str | None:
    seen = ~np.isnan(rows).all(axis=0)
    varying = (scaler.var_ > 0) & seen
    if not seen.any():
        return None
    deviations = (rows - scaler.mean_) / scaler.scale_
    middle = np.median(np.abs(_of_known(np.median, deviations[:, seen], axis=0)))
    spreads = _of_known(np.std, deviations[:, varying], axis=0)
    spread = np.median(spreads) if varying.any() else 1.0
    if not (middle > FAR or (len(rows) >= ENOUGH_ROWS and 0 < spread < NARROW)):
        return None
    sizes = _sizes(rows, scaler)
    if not (sizes.max() < in_fit[0] or np.median(sizes) > in_fit[1]):
        return None
    column = int(np.argmax(varying if varying.any() else seen))
    name = column if names is None else repr(names[column])
    return (
        f"ranges from {np.nanmin(rows[:, column]):.4g} to {np.nanmax(rows[:, column]):.4g} in "
        f"column {name}, which in fit had mean {scaler.mean_[column]:.4g} and standard deviation "
        f"{scaler.scale_[column]:.4g}; other columns differ likewise"
    )


def _of_known(
    function: Callable[..., Any], values: np.ndarray, axis: int | None = None
) -> np.ndarray:
    """Return np.median or np.std without NaN, and zero of nothing else."""
    gaps = np.isnan(values)
    if not gaps.any():
        return function(values, axis=axis)
    without_gaps: Callable[..., Any] = np.nanmedian if function is np.median else np.nanstd
    return without_gaps(np.where(gaps.all(axis=axis, keepdims=True), 0.0, values), axis=axis)
