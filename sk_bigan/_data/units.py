"""Signs that rows are in other units than those that the scaler has learned from."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from .rows import DatasetRows

# Units differ by factors such as 16, 100, 255 or 1000. Rows in other units spread over less than a
# share of the range in fit, or lie several times that range, or many deviations, away from it.
NARROW = 0.07
FAR = 10.0
ENOUGH_ROWS = 10  # to tell how far a column spreads
ROWS = 256  # to look at


def warn_of_other_units(rows: np.ndarray | DatasetRows, scaler: Any) -> None:
    """Warn if the first rows seem to be in other units than those in fit.

    Parameters
    ----------
    rows : ndarray of shape (n, n_features) or DatasetRows
        In the units of X. Items of data sets are not read for this.
    scaler : fitted scaler
    """
    if isinstance(rows, DatasetRows):
        return
    some = np.asarray(rows[:ROWS], dtype=np.float64)
    difference = None
    if isinstance(scaler, MinMaxScaler):
        difference = _another_range(some, scaler.data_min_.min(), scaler.data_max_.max())
    elif isinstance(scaler, StandardScaler):
        difference = _other_deviations(some, scaler)
    if difference is not None:
        warnings.warn(f"X {difference}: is it in other units than in fit?", stacklevel=3)


def _another_range(rows: np.ndarray, lowest: float, highest: float) -> str | None:
    low, high = rows.min(), rows.max()
    span = highest - lowest
    far = low < lowest - FAR * span or high > highest + FAR * span
    # A dark picture is narrow too, but its pixels are whole numbers; divided by 255, they are not.
    narrow = 0 < high - low < NARROW * span and np.any(rows != rows.round())
    if not (far or narrow):
        return None
    return f"ranges from {low:.4g} to {high:.4g}, and in fit from {lowest:.4g} to {highest:.4g}"


def _other_deviations(rows: np.ndarray, scaler: StandardScaler) -> str | None:
    deviations = (rows - scaler.mean_) / scaler.scale_
    middle = np.median(np.abs(np.median(deviations, axis=0)))
    varying = scaler.var_ > 0
    spread = np.median(deviations[:, varying].std(axis=0)) if varying.any() else 1.0
    if not (middle > FAR or (len(rows) >= ENOUGH_ROWS and 0 < spread < NARROW)):
        return None
    column = int(np.argmax(varying))
    return (
        f"ranges from {rows[:, column].min():.4g} to {rows[:, column].max():.4g} in column "
        f"{column}, which in fit had mean {scaler.mean_[column]:.4g} and standard deviation "
        f"{scaler.scale_[column]:.4g}; other columns differ likewise"
    )
