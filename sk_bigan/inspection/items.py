"""Rows of X as a page shows them: as pictures, or as texts by columns."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from .._data import frames
from ..display.coding import Coder
from ..display.mosaic import image_shape_of
from .names import column_names
from .transformers import flat


def packed(numbers: np.ndarray, dtype: str = "<f4") -> str:
    """Return an array as text: its numbers in row-major order, base64."""
    return b64encode(np.ascontiguousarray(numbers, dtype=dtype).tobytes()).decode("ascii")


class Pictures:
    """Rows as pictures of bytes.

    Parameters
    ----------
    rows : ndarray of shape (n, n_features)
        Rows of X, whose extremes are black and white.
    shape : tuple of int
        Of a picture in a row.
    channels_first : bool
    """

    def __init__(self, rows: np.ndarray, shape: tuple[int, ...], channels_first: bool):
        self.low, self.high = float(rows.min()), float(rows.max())
        places = np.arange(rows.shape[1]).reshape(shape)
        if channels_first:
            places = places.transpose(1, 2, 0)
        self.height, self.width, *channels = places.shape
        self.n_channels = channels[0] if channels else 1
        self.places = places.ravel()

    def describe(self) -> dict[str, Any]:
        """Return what a page needs to draw a row of numbers."""
        return {
            "height": self.height,
            "width": self.width,
            "channels": self.n_channels,
            "places": self.places.tolist(),  # in the row, of each number of the picture
            "low": self.low,
            "high": self.high,
        }

    def pack(self, rows: Any) -> str:
        """Return pictures of rows, one after the other."""
        values = np.asarray(rows, dtype=np.float64).reshape(len(rows), -1)[:, self.places]
        shares = np.clip((values - self.low) / ((self.high - self.low) or 1), 0, 1)
        return packed(np.rint(255 * shares), "u1")


class Cells:
    """Rows as texts, a list for each row.

    Parameters
    ----------
    X : frame or ndarray
        Rows of X, whose columns have names.
    """

    def __init__(self, X: Any):
        table = _table(X)
        names = getattr(table, "column_names", None)  # of pyarrow
        self.names = [str(n) for n in names or column_names(table, table.shape[1])]

    def pack(self, rows: Any) -> list[list[str]]:
        """Return the texts of rows; those of gaps are empty."""
        _, columns = frames.read(_table(rows))
        texts = []
        for column in columns:
            cells = np.full(len(column.known), "", dtype=object)
            cells[column.known] = [_text(value) for value in column.observed]
            texts.append(cells.tolist())
        return [list(row) for row in zip(*texts, strict=True)]


def _table(X: Any) -> Any:
    X = frames.table_of(X)
    if frames.source_of(X) not in (None, "numpy"):
        return X
    rows = np.asarray(X)
    return rows.reshape(len(rows), -1)


def _text(value: Any) -> str:
    if isinstance(value, float | np.floating):
        return f"{value:.5g}"
    if isinstance(value, np.datetime64):
        return str(value.astype("M8[s]")).removesuffix("T00:00:00")
    return str(value)


def pictures(coder: Coder, X: Any, image_shape: Sequence[int] | None) -> Pictures | None:
    """Return the view of rows as pictures; None if nothing says that they are."""
    first_step = None if coder.before else coder.bigan
    n_features = prod(np.shape(X)[1:])
    shape, channels_first = image_shape_of(first_step, image_shape, n_features)
    return Pictures(flat(X), shape, channels_first) if shape else None
