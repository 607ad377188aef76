"""Rows of X in the container that `set_output` names."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils._set_output import ADAPTERS_MANAGER, _get_output_config

from .._data.frames import default_names


def in_container(estimator: Any, rows: np.ndarray, like: Any) -> Any:
    """Return rows with the columns' names of `fit`, and with the index of `like`.

    Scikit-learn's `set_output` sets what `transform` returns, and its own `inverse_transform` gives
    arrays. Who asks for codes as frames wants rows as frames too.

    Parameters
    ----------
    estimator : fitted estimator
    rows : ndarray of shape (n, n_features), or images, which stay arrays
    like : object
        Codes of the rows, whose index is kept if they are a frame of pandas.
    """
    container = _get_output_config("transform", estimator)["dense"]
    if container == "default" or rows.ndim > 2:
        return rows
    names = getattr(estimator, "feature_names_in_", None)
    if names is None:
        names = default_names(rows.shape[1])
    adapter = ADAPTERS_MANAGER.adapters[container]
    if rows.dtype == object:  # of which libraries find no dtypes
        rows = rows.tolist()
    frame = adapter.create_container(rows, like, columns=[*names])
    if hasattr(frame, "iloc"):  # of pandas, whose index would be the one of `like`
        frame.index = frame.index.copy()
    return frame
