"""Scaling of X by scikit-learn's scalers, and the same on the device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import DTypeLike
from sklearn.frozen import FrozenEstimator
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler
from torch import Tensor

from .._machine.digests import digest_of
from ..exceptions import NotFiniteError
from .layout import Layout
from .rows import DatasetRows, in_order

SCALINGS = ("range", "standard")
# Makers of the scalers in use, by the names of their classes.
SCALERS: dict[str, Callable[[], Any]] = {
    "MinMaxScaler": lambda: _of_arrays(MinMaxScaler(feature_range=(-1, 1))),
    "StandardScaler": lambda: _of_arrays(StandardScaler()),
    "FunctionTransformer": lambda: _of_arrays(FunctionTransformer()),
}

MOST_SPREAD = 10.0  # of samples; networks are made for about 1
LEAST_DEVIATION = 0.05  # that of a category of one row in four hundred

LEAST_RANGE = 1e-150  # whose square float64 holds to the last digit
CHUNK_VALUES = 2**20  # values of X in float64 at a time: 8 MB


def _of_arrays(scaler: Any) -> Any:
    """Let a scaler return arrays, whatever scikit-learn is told to return."""
    return scaler.set_output(transform="default")


class ColumnStatistics(NamedTuple):
    """Statistics of the columns of X, from which scalers are made.

    Parameters
    ----------
    low, high : ndarray of shape (n_features,), float64
        Extremes of each column, NaN without values.
    standard : StandardScaler
        Mean and variance of each column, if they were wanted.
    """

    low: np.ndarray
    high: np.ndarray
    standard: StandardScaler


def column_statistics(
    X: np.ndarray | DatasetRows, moments: bool = True, gaps: bool = False
) -> ColumnStatistics:
    """Return the statistics of X in one pass, a few rows at a time.

    Parameters
    ----------
    X : ndarray of shape (n, n_features) or DatasetRows
    moments : bool
        Whether to compute mean and variance, which take most of the time.
    gaps : bool
        Whether to leave NaN out.

    Raises
    ------
    ValueError
        If the variance of a column does not fit in float64.
    """
    low, high = np.full((2, X.shape[1]), np.nan)
    least, greatest = (np.fmin, np.fmax) if gaps else (np.minimum, np.maximum)
    standard = SCALERS["StandardScaler"]()
    for rows in in_order(X, max(1, CHUNK_VALUES // X.shape[1])):
        chunk = np.asarray(rows)
        np.fmin(low, least.reduce(chunk, axis=0), out=low)
        np.fmax(high, greatest.reduce(chunk, axis=0), out=high)
        if moments:
            # The error below reports what is too large.
            with np.errstate(over="ignore", under="ignore", invalid="ignore"):
                standard.partial_fit(np.asarray(chunk, dtype=np.float64, order="C"))
    if moments and not np.isfinite(standard.var_).all():
        raise ValueError(
            "X must stay finite when squared in float64, "
            f"got values up to {max(-low.min(), high.max()):g}"
        )
    return ColumnStatistics(low, high, standard)


def resolve_scaling(
    scaling: str | None,
    statistics: ColumnStatistics,
    layout: Layout,
    dtype: np.dtype,
    is_frame: bool = False,
) -> str | None:
    """Resolve "auto": "range" for images and the like, "standard" for tables.

    Arrays of uint8 are pixels, and frames are tables in any dtype.

    Columns on one bounded scale (pixels, bits, ratings) show it by their ends: at least half of the
    varying columns reach the minimum of X, and half come at least half of the way to its maximum.
    """
    if scaling != "auto":
        return scaling
    has_pixels = dtype == np.uint8 and not is_frame
    is_image = has_pixels or len(layout.sample_shape) > 1
    low, high, _ = statistics
    varying = low < high
    if is_image or not varying.any():
        return "range"
    low, high = low[varying], high[varying]
    shares_bottom = np.mean(low == low.min()) >= 0.5
    shares_top = np.mean(high - low.min() >= (high.max() - low.min()) / 2) >= 0.5
    return "range" if shares_bottom and shares_top else "standard"


def make_scaler(scaling: str | None, statistics: ColumnStatistics, layout: Layout) -> Any:
    """Return a fitted scikit-learn scaler.

    Parameters
    ----------
    scaling : {"range", "standard", None}
    statistics : ColumnStatistics
    layout : Layout
        "range" gives channels in different units a range each.
    """
    low, high, standard = statistics
    if scaling == "range":
        axis = axis_of_units(statistics, layout)
        others = None if axis is None else tuple({*range(len(layout.row_shape))} - {axis})
        lowest = low.reshape(layout.row_shape).min(axis=others, keepdims=True)
        highest = high.reshape(layout.row_shape).max(axis=others, keepdims=True)
        # Two rows of extremes give columns a common range.
        ends = [np.broadcast_to(end, layout.row_shape).ravel() for end in (lowest, highest)]
        scaler = SCALERS["MinMaxScaler"]().fit(ends)
        # scikit-learn takes ranges below 2e-15 for none, which depends on the unit of X.
        magnitudes = np.maximum(np.abs(scaler.data_min_), np.abs(scaler.data_max_))
        least = np.maximum(10 * np.finfo(float).eps * magnitudes, LEAST_RANGE)
        varying = scaler.data_range_ > least
        scaler.scale_[varying] = 2 / scaler.data_range_[varying]
        scaler.min_[varying] = -1 - (scaler.data_min_ * scaler.scale_)[varying]
        return scaler
    if scaling == "standard":
        return standard
    return SCALERS["FunctionTransformer"]().fit(low[np.newaxis])


def block_scaler(statistics: ColumnStatistics) -> StandardScaler:
    """Return a scaler of encoded columns, where a rare category does not weigh too much."""
    scaler = statistics.standard
    scaler.scale_ = np.maximum(scaler.scale_, LEAST_DEVIATION)
    return scaler


def share_of_known(errors: np.ndarray, rows: np.ndarray, scaler: StandardScaler) -> np.ndarray:
    """Return squared errors over the variance of each row's known columns; 1 where it is 0."""
    variance = ~np.isnan(rows) @ (scaler.var_ / np.square(scaler.scale_))
    return np.divide(errors, variance, out=np.ones_like(errors), where=variance > 0)


def in_units_of_rows(x: np.ndarray, scaler: Any, dtype: DTypeLike) -> np.ndarray:
    """Return scaled rows in the units of X.

    Raises
    ------
    NotFiniteError
        If the dtype cannot hold them.
    """
    with np.errstate(over="ignore"):
        rows = scaler.inverse_transform(x).astype(dtype, copy=False)
    if not np.isfinite(rows).all():
        raise NotFiniteError(
            "X must be codes in float64, since rows like those of fit are too large for "
            f"{np.dtype(dtype)}"
        )
    return rows


def axis_of_units(statistics: ColumnStatistics, layout: Layout) -> int | None:
    """Return the axis of a sample along which the units change, if there is one.

    Sensors in windows of shape (time, channels), or channels of images, are in different units if a
    channel takes less than a tenth of the range of all. Such a channel fills its own range wherever
    it is measured. Pixels at the edge of pictures, which vary little too, do so here and there.
    """
    if len(layout.row_shape) < 2:
        return None
    low, high = (ends.reshape(layout.row_shape) for ends in statistics[:2])
    axis_of_channels = 2 if layout.channels_last else 0
    for axis in [1, 0] if len(layout.row_shape) == 2 else [axis_of_channels]:
        n_channels = layout.row_shape[axis]
        lows, highs = (np.moveaxis(e, axis, -1).reshape(-1, n_channels) for e in (low, high))
        ranges = highs.max(axis=0) - lows.min(axis=0)
        steady = np.median(highs - lows, axis=0) > ranges / 4
        narrow = ranges < (high.max() - low.min()) / 10
        varying = ranges > 0
        if narrow[varying].any() and steady[varying].all():
            return axis
    return None


def named_scaler(scaling: Any) -> Any:
    """Return the scaler that `scaling` is or holds, with the names that it has learned."""
    return scaling.estimator if isinstance(scaling, FrozenEstimator) else scaling


def given_scaler(scaling: Any) -> Any | None:
    """Return a plain copy of a fitted scaler; None where `scaling` is a name or None.

    Raises
    ------
    ValueError
        If it is of another kind than ours, is not fitted, or does not scale to finite numbers.
    """
    if scaling is None or isinstance(scaling, str):
        return None
    scaler = named_scaler(scaling)
    ours = SCALERS["MinMaxScaler"](), SCALERS["StandardScaler"]()
    alike = [own for own in ours if type(own) is type(scaler)]
    if not alike or {**scaler.get_params(), "copy": True} != alike[0].get_params():
        raise ValueError(
            f"scaling must be a name, None or a fitted {ours[0]!r} or {ours[1]!r} of scikit-learn, "
            f"got {scaler!r}"
        )
    if not hasattr(scaler, "n_features_in_"):
        raise ValueError(
            f"scaling must be a scaler that is fitted, got {scaler!r}, which is not; clones, as in "
            "grid searches, keep what it has learned within sklearn.frozen.FrozenEstimator"
        )
    copy = alike[0].fit(np.zeros((1, scaler.n_features_in_)))
    for name, value in [*vars(copy).items()]:
        if not name.endswith("_"):
            continue
        learned = np.asarray(getattr(scaler, name, None), dtype=np.asarray(value).dtype)
        if name == "n_samples_seen_":  # by columns, where some had gaps
            learned = learned.max()
        if learned.shape != np.shape(value) or not np.isfinite(learned).all():
            raise ValueError(
                f"scaling must be a scaler with {scaler.n_features_in_} finite numbers as {name}, "
                f"got {learned!r}"
            )
        setattr(copy, name, learned if learned.ndim else learned.item())
    if not copy.scale_.all():
        raise ValueError(f"scaling must be a scaler without zeros in scale_, got {copy.scale_!r}")
    return copy


def described_scaler(scaler: Any) -> str:
    """Return a text that is equal for scalers that compute the same."""
    return f"{type(scaler).__name__} with digest {digest_of(*center_and_factor(scaler))}"


def center_and_factor(scaler: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the scaler as (X - center) * factor, of shape (n_features,), or (1,) for none."""
    if isinstance(scaler, MinMaxScaler):
        return -scaler.min_ / scaler.scale_, scaler.scale_
    if isinstance(scaler, StandardScaler):
        return scaler.mean_, 1 / scaler.scale_
    return np.zeros(1), np.ones(1)


def is_bounded(scaler: Any) -> bool:
    """Return whether the scaler maps the training data into [-1, 1]."""
    return isinstance(scaler, MinMaxScaler)


def make_to_samples(
    scaler: Any, layout: Layout, device: torch.device
) -> Callable[[Tensor], Tensor]:
    """Return a function that maps rows of X on the device to samples for the networks.

    It maps (n, n_features) of any real dtype to (n, *sample_shape) in float32. The same numbers
    give the same samples in any dtype, because scaling is in float64 where the device has it.
    """
    dtype = torch.float32 if device.type == "mps" else torch.float64
    center, factor = (  # copies, because torch warns of arrays that are read-only
        torch.tensor(numbers, dtype=dtype, device=device) for numbers in center_and_factor(scaler)
    )

    def to_samples(rows: Tensor) -> Tensor:
        return layout.to_samples((rows - center).mul_(factor).float())

    return to_samples
