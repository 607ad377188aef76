"""Warnings of parameters that do not suit the data."""

from __future__ import annotations

import warnings
from inspect import signature
from typing import Any

import numpy as np

from .._data.scaling import MOST_SPREAD, ColumnStatistics, center_and_factor


def warn_of_parameters(
    estimator: Any, n_rows: int, statistics: ColumnStatistics, anew: bool, running: bool
) -> None:
    """Warn of sizes and of a scaling that the user has set, and that do not suit X.

    Parameters
    ----------
    estimator : estimator
        With its model.
    n_rows : int
        0 for a stream that has not been counted.
    statistics : ColumnStatistics
        Of the columns of X.
    anew : bool
        Whether the model is new, and `statistics` has moments.
    running : bool
        Whether X is a part of the data.
    """
    parameters = signature(type(estimator)).parameters
    latent_dim, batch_size = estimator.latent_dim, estimator.batch_size
    sets_latent_dim, sets_batch_size = (
        name in parameters and getattr(estimator, name) != parameters[name].default
        for name in ("latent_dim", "batch_size")
    )
    n_columns = len(statistics.low)
    advice = []
    if sets_latent_dim and latent_dim >= n_columns and anew:
        advice.append(
            f"latent_dim={latent_dim} is not less than the {n_columns} column(s) of X: codes need "
            "not summarise anything"
        )
    if sets_batch_size and batch_size != "auto" and batch_size > n_rows > 0 and not running:
        advice.append(
            f"batch_size={batch_size} exceeds the {n_rows} rows of X: an epoch is one update"
        )
    if anew:
        _, factor = center_and_factor(estimator.model_.scaler)
        spread = float(np.mean(np.sqrt(statistics.standard.var_) * np.abs(factor)))
        if spread > MOST_SPREAD:
            advice.append(
                f"scaling={estimator.scaling!r} leaves values that spread by {spread:.2g}, and the "
                "networks are made for about 1: take 'auto'"
            )
    for text in advice:
        warnings.warn(text, stacklevel=2)
