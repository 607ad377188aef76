"""Bringing X into a range that suits the generator, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

SCALINGS = ("range", "standard")


def resolve_scaling(scaling: str | None, X: np.ndarray, is_image: bool) -> str | None:
    """What "auto" means for X: "range" for images and the like, "standard" for tables.

    Columns that are all measured on one bounded scale (pixels, bits, ratings) show it by their
    ends: half of those that vary, at least, reach X's very minimum, and half come at least half
    of the way up to X's maximum.
    """
    if scaling != "auto":
        return scaling
    low, high = X.min(axis=0), X.max(axis=0)
    varying = low < high
    if is_image or not varying.any():
        return "range"
    low, high = low[varying], high[varying]
    shares_bottom = np.mean(low == low.min()) >= 0.5
    shares_top = np.mean(high - low.min() >= (high.max() - low.min()) / 2) >= 0.5
    return "range" if shares_bottom and shares_top else "standard"


def make_scaler(scaling: str | None, X: np.ndarray) -> Any:
    """A scikit-learn scaler, fitted on X.

    Parameters
    ----------
    scaling : {"range", "standard", None}
    X : ndarray of shape (n, n_features)
    """
    if scaling == "range":
        # One range for all columns: what a scaler sees in two rows of extremes.
        ends = np.repeat([[X.min()], [X.max()]], X.shape[1], axis=1)
        return MinMaxScaler(feature_range=(-1, 1)).fit(ends)
    if scaling == "standard":
        return StandardScaler().fit(X)
    return FunctionTransformer().set_output(transform="default").fit(X)
