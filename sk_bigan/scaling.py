"""Bringing X into a range that suits the generator, and back."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.frozen import FrozenEstimator
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler
from torch import Tensor

from .inputs import DatasetRows, Layout, in_order

SCALINGS = ("range", "standard")
# The unfitted scalers in use, by their classes' names.
SCALERS: dict[str, Callable[[], Any]] = {
    "MinMaxScaler": lambda: MinMaxScaler(feature_range=(-1, 1)),
    "StandardScaler": StandardScaler,
    "FunctionTransformer": lambda: FunctionTransformer().set_output(transform="default"),
}

CHUNK_VALUES = 2**20  # of X in float64 at a time: 8 MB


class Columns(NamedTuple):
    """What the scalers need to know of X.

    Parameters
    ----------
    low, high : ndarray of shape (n_features,), float64
        The extremes of each column.
    standard : StandardScaler
        Holds each column's mean and variance, if they were wanted.
    """

    low: np.ndarray
    high: np.ndarray
    standard: StandardScaler


def describe(X: np.ndarray | DatasetRows, moments: bool = True) -> Columns:
    """One pass over X, of any real dtype, a few rows at a time.

    Parameters
    ----------
    X : ndarray of shape (n, n_features) or DatasetRows
    moments : bool
        Whether mean and variance are wanted, which take most of the time.

    Raises
    ------
    ValueError
        If the variance of a column does not fit in float64.
    """
    low = np.full(X.shape[1], np.inf)
    high = np.full(X.shape[1], -np.inf)
    standard = StandardScaler()
    for rows in in_order(X, max(1, CHUNK_VALUES // X.shape[1])):
        chunk = np.asarray(rows)
        np.minimum(low, chunk.min(axis=0), out=low)
        np.maximum(high, chunk.max(axis=0), out=high)
        if moments:
            with np.errstate(over="ignore", invalid="ignore"):  # the error below tells of it
                standard.partial_fit(np.asarray(chunk, dtype=np.float64, order="C"))
    if moments and not np.isfinite(standard.var_).all():
        raise ValueError(
            "X must stay finite when squared in float64, "
            f"got values up to {max(-low.min(), high.max()):g}"
        )
    return Columns(low, high, standard)


def resolve_scaling(scaling: str | None, columns: Columns, is_image: bool) -> str | None:
    """What "auto" means for X: "range" for images and the like, "standard" for tables.

    Columns that are all measured on one bounded scale (pixels, bits, ratings) show it by their
    ends: half of those that vary, at least, reach X's very minimum, and half come at least half
    of the way up to X's maximum.
    """
    if scaling != "auto":
        return scaling
    low, high, _ = columns
    varying = low < high
    if is_image or not varying.any():
        return "range"
    low, high = low[varying], high[varying]
    shares_bottom = np.mean(low == low.min()) >= 0.5
    shares_top = np.mean(high - low.min() >= (high.max() - low.min()) / 2) >= 0.5
    return "range" if shares_bottom and shares_top else "standard"


def make_scaler(scaling: str | None, columns: Columns) -> Any:
    """A fitted scikit-learn scaler.

    Parameters
    ----------
    scaling : {"range", "standard", None}
    columns : Columns
    """
    low, high, standard = columns
    if scaling == "range":
        # One range for all columns: what a scaler sees in two rows of extremes.
        ends = np.repeat([[low.min()], [high.max()]], len(low), axis=1)
        return SCALERS["MinMaxScaler"]().fit(ends)
    if scaling == "standard":
        return standard
    return SCALERS["FunctionTransformer"]().fit(low[np.newaxis])


def given_scaler(scaling: Any) -> Any | None:
    """A plain copy of the fitted scaler that `scaling` is; None where it is a name or None.

    Raises
    ------
    ValueError
        If it does something else than ours do, is not fitted, or does not scale to finite numbers.
    """
    if scaling is None or isinstance(scaling, str):
        return None
    scaler = scaling.estimator if isinstance(scaling, FrozenEstimator) else scaling
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


def summary(scaler: Any) -> str:
    """A text that scalers have in common that do the same."""
    digest = sha256()
    for numbers in center_and_factor(scaler):
        digest.update(numbers.tobytes())
    return f"{type(scaler).__name__} with digest {digest.hexdigest()[:16]}"


def center_and_factor(scaler: Any) -> tuple[np.ndarray, np.ndarray]:
    """The scaler as (X - center) * factor, each of shape (n_features,), or (1,) for no scaling."""
    if isinstance(scaler, MinMaxScaler):
        return -scaler.min_ / scaler.scale_, scaler.scale_
    if isinstance(scaler, StandardScaler):
        return scaler.mean_, 1 / scaler.scale_
    return np.zeros(1), np.ones(1)


def make_to_samples(
    scaler: Any, layout: Layout, device: torch.device
) -> Callable[[Tensor], Tensor]:
    """A function that turns rows of X, on the device, into what the networks see there.

    It maps (n, n_features) of any real dtype to (n, *sample_shape) in float32. Rows stay as small
    as they came until they are needed, and give the same samples whatever their dtype, since
    scaling is done in float64 wherever the device has that.
    """
    dtype = torch.float32 if device.type == "mps" else torch.float64
    center, factor = (
        torch.as_tensor(numbers, dtype=dtype, device=device)
        for numbers in center_and_factor(scaler)
    )

    def to_samples(rows: Tensor) -> Tensor:
        return layout.to_samples((rows - center).mul_(factor).float())

    return to_samples
