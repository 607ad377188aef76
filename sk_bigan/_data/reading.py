"""X as flat rows: arrays, frames, tensors, images and data sets."""

from __future__ import annotations

from datetime import date, timedelta
from math import prod
from os import PathLike
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset

from .rows import DatasetRows, StreamRows, in_native_order, readable, refuse_palette

# What a table of objects may hold beside numbers; of other things scikit-learn's error says enough.
TEXTS_AND_TIMES = (str, date, timedelta, np.datetime64, np.timedelta64)
HOW_TO_READ = """read a table by pandas.read_csv(path), and pictures in files by a Dataset:

from pathlib import Path
from PIL import Image, ImageOps
from torch.utils.data import Dataset

class Pictures(Dataset):
    def __init__(self, paths, side=64):
        self.paths, self.side = list(paths), side

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, i):
        with Image.open(self.paths[i]) as picture:
            return ImageOps.fit(picture.convert("RGB"), (self.side, self.side))

X = Pictures(sorted(Path("folder").glob("*.jpg")))
"""


def open_rows(X: Any) -> tuple[Any, tuple[int, ...] | None]:
    """Return X with one flat row a sample, and the shape that its rows had.

    The shape is None where X has at most two dimensions. Nothing else is validated.
    """
    if type(X) is np.ndarray and X.dtype.kind in "biuf":  # as usual: the rest takes a few us
        return _flat(X)
    refuse_what_is_to_be_read_first(X)
    if isinstance(X, Dataset) or _is_list_of_items(X):
        rows = StreamRows(X) if isinstance(X, IterableDataset) else DatasetRows(X)
        return rows, rows.row_shape
    if np.ma.is_masked(X):
        raise ValueError("X must have no masked values: fill them in first")
    if isinstance(X, Tensor):
        X = readable(X).numpy()
    elif not hasattr(X, "shape") or len(X.shape) > 2:
        X = _as_array(X)
    return _flat(X) if isinstance(X, np.ndarray) else (X, None)


def _flat(X: np.ndarray) -> tuple[np.ndarray, tuple[int, ...] | None]:
    """Return an array with one flat row a sample, and the shape that its rows had."""
    X = in_native_order(X)
    if X.dtype == bool:
        X = X.view(np.uint8)
    if X.ndim > 2:
        return X.reshape(len(X), prod(X.shape[1:])), X.shape[1:]
    return X, None


def as_table(X: Any) -> Any:
    """Return a tensor or rows in a list as an array of two dimensions, where that is what they are.

    NumPy would make texts of numbers that are beside texts. Other things are returned as they are.
    """
    if isinstance(X, Tensor) and X.ndim == 2:
        table = readable(X).numpy()
        return table.view(bool) if X.dtype == torch.bool else table
    if not (isinstance(X, list | tuple) and X) or _is_list_of_items(X):
        return X
    if not isinstance(X[0], list | tuple | np.ndarray) or np.ndim(X[0][:1]) != 1:
        return X
    try:
        table = np.asarray(X)
    except ValueError:  # of several lengths
        return X
    if table.dtype.kind == "U" and not all(isinstance(value, str) for row in X for value in row):
        return np.array(X, dtype=object)
    return table


def refuse_what_is_to_be_read_first(X: Any) -> None:
    """Refuse things that lead to rows and are none, with the way to them."""
    if isinstance(X, DataLoader):
        raise TypeError("X must be an array or a Dataset, got a DataLoader: give its `dataset`")
    if isinstance(X, str | PathLike):
        raise TypeError(f"X must be rows, got the path {str(X)!r}: {HOW_TO_READ}")
    row_of_texts = isinstance(X, list | tuple) or (isinstance(X, np.ndarray) and X.ndim == 1)
    if row_of_texts and len(X) and all(isinstance(row, str | PathLike) for row in X):
        raise TypeError(f"X must be rows, got a list of {len(X)} texts or paths: {HOW_TO_READ}")
    is_dict = isinstance(X, dict) and not hasattr(X, "shape")  # as a sparse matrix of keys has
    if is_dict or (isinstance(X, list | tuple) and X and isinstance(X[0], dict)):
        got = "a dict" if is_dict else "a list of dicts"
        raise TypeError(f"X must be rows, got {got}: give pandas.DataFrame(X)")
    if isinstance(X, np.ndarray) and X.dtype.names:
        raise TypeError("X must be rows, got records: give pandas.DataFrame(X)")
    if type(X).__name__ in ("DataFrameGroupBy", "GroupBy"):  # of pandas, polars
        raise TypeError(f"X must be rows, got a {type(X).__name__}: give the frame, or one group")
    for method in ("to_table", "read_all"):  # data sets, scanners and readers of pyarrow
        if type(X).__module__.startswith("pyarrow") and hasattr(X, method):
            raise TypeError(
                f"X must be in memory, got a {type(X).__name__}: give X.{method}(), or one part "
                "after another to partial_fit"
            )
    if hasattr(X, "__next__") and not isinstance(X, Dataset):
        whole = "pandas.concat(X)" if type(X).__module__.startswith("pandas") else "list(X)"
        raise TypeError(
            f"X must be rows, got the iterator {type(X).__name__}: give one part after another to "
            f"partial_fit, or {whole}"
        )
    if callable(getattr(X, "collect", None)) and not hasattr(X, "__array__"):  # polars, Spark
        raise TypeError(
            f"X must be in memory, got a {type(X).__name__}: give X.collect(), or one part after "
            "another to partial_fit"
        )


def _as_array(X: Any) -> np.ndarray:
    for item in X if isinstance(X, list | tuple) else [X]:
        refuse_palette(item)
    try:
        return np.asarray(X)
    except ValueError as error:
        shapes = list(dict.fromkeys(np.shape(row) for row in X))
        if len(shapes) == 1:
            raise
        raise ValueError(
            f"X must have rows of one shape, got {shapes[0]} and {shapes[1]} among them: bring "
            'pictures to one size and mode, as by ImageOps.fit(picture.convert("RGB"), (64, 64))'
        ) from error


def check_out(out: Any, rows: np.ndarray | DatasetRows, shape: tuple[int, int]) -> None:
    """Refuse an `out` that cannot be written to, or that shares memory with the rows."""
    wanted = f"out must be an array of floats of shape {shape} that can be written to"
    if not isinstance(out, np.ndarray):
        raise ValueError(f"{wanted}, got {type(out).__name__}")
    if out.shape != shape or out.dtype.kind != "f" or not out.flags.writeable:
        read_only = "" if out.flags.writeable else ", read-only"
        raise ValueError(f"{wanted}, got {out.dtype} of shape {out.shape}{read_only}")
    if isinstance(rows, np.ndarray) and np.shares_memory(out, rows):
        raise ValueError("out must not lie in the memory of X, got an array that does")


def column_without_numbers(X: Any) -> str | None:
    """Return the first value of a table that is no number, its column, and advice, as a text."""
    is_array = isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype.kind in "OUmM"
    # pyarrow's `columns` are the columns themselves.
    names = getattr(X, "column_names", getattr(X, "columns", ()))
    for i, name in enumerate(range(X.shape[1]) if is_array else names):
        # Two columns of a frame may have one name.
        column = X[:, i] if is_array else X.iloc[:, i] if hasattr(X, "iloc") else X[name]
        if getattr(getattr(column, "dtype", None), "kind", "O") in "biufc":
            continue
        values = np.asarray(column)
        for value in values[:1] if values.ndim > 1 else values:
            if np.ndim(value) > 0:
                return (
                    f"{type(value).__name__} of {len(value)} values in column {name!r}: give "
                    f"np.stack(X[{name!r}]) as X, or hstack it with other columns"
                )
            if values.dtype == object and is_array and not isinstance(value, TEXTS_AND_TIMES):
                continue
            if values.dtype.kind in "mM" or not _is_number(value):
                return (
                    f"{str(value)[:50]!r} in column {name!r}: encode text first, as by "
                    "OneHotEncoder(sparse_output=False), make numbers of dates, fill gaps, or fit "
                    "with scaling='columns', which takes them all"
                )
    return None


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def _is_list_of_items(X: Any) -> bool:
    """Return whether X is a list as scikit-learn makes it by indexing a Dataset."""
    if not (isinstance(X, list | tuple) and len(X) > 0):
        return False
    first = X[0][0] if isinstance(X[0], tuple) and len(X[0]) > 0 else X[0]
    return isinstance(first, Tensor) or (isinstance(X[0], tuple) and isinstance(first, np.ndarray))
