"""What people bring, as flat rows: arrays, frames, tensors, images in either layout, data sets."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset

# Numbers that are read where they lie; all others are copied into float64, the first.
FLOATS: tuple[type, ...] = (np.float64, np.float32, np.float16)
INTEGERS: tuple[type, ...] = (
    *(np.uint8, np.uint16, np.uint32, np.uint64),
    *(np.int8, np.int16, np.int32, np.int64),
)

MOST_CHANNELS = 4  # of an image whose layout nobody told: gray, gray with alpha, RGB, RGBA


class Layout(NamedTuple):
    """How one sample lies in a row of X.

    Parameters
    ----------
    row_shape : tuple of int
        As it came.
    sample_shape : tuple of int
        As the networks see it, images as (channels, height, width).
    channels_last : bool
        Whether rows are (height, width, channels).
    """

    row_shape: tuple[int, ...]
    sample_shape: tuple[int, ...]
    channels_last: bool = False

    def to_samples(self, rows: Tensor) -> Tensor:
        """(n, n_features) -> (n, *sample_shape), contiguous."""
        if self.channels_last:
            # Copied: as a view, it would have the networks compute in another order.
            rows = rows.view(-1, *self.row_shape).permute(0, 3, 1, 2).flatten(1)
        return rows.view(-1, *self.sample_shape)

    def to_rows(self, samples: Tensor) -> Tensor:
        """(n, *sample_shape) -> (n, n_features)."""
        return (samples.permute(0, 2, 3, 1) if self.channels_last else samples).flatten(1)


def recognise(row_shape: tuple[int, ...], sample_shape: tuple[int, ...] | None) -> Layout:
    """The layout of rows of this shape, which hold samples of that shape, if it was told.

    Raises
    ------
    ValueError
        If the shapes do not go together, or images could lie in either layout.
    """
    if sample_shape is None:
        return _guess(row_shape)
    if row_shape in ((prod(sample_shape),), sample_shape) or (1, *row_shape) == sample_shape:
        return Layout(row_shape, sample_shape)
    if len(row_shape) == 3 and (row_shape[2], *row_shape[:2]) == sample_shape:
        return Layout(row_shape, sample_shape, channels_last=True)
    raise ValueError(
        f"sample_shape={sample_shape} needs X with {prod(sample_shape)} columns, or with rows of "
        f"that shape, got X with {_described(row_shape)}"
    )


def _guess(row_shape: tuple[int, ...]) -> Layout:
    if len(row_shape) == 2:
        return Layout(row_shape, (1, *row_shape))
    if len(row_shape) != 3:
        return Layout(row_shape, row_shape)
    first, *_, last = row_shape
    if (first <= MOST_CHANNELS) == (last <= MOST_CHANNELS):
        answers = dict.fromkeys([row_shape, (last, *row_shape[:2])])
        raise ValueError(
            f"X has {_described(row_shape)}: is that (channels, height, width) or (height, width, "
            "channels)? Say which with sample_shape=(channels, height, width), here "
            f"{' or '.join(map(str, answers))}"
        )
    if last <= MOST_CHANNELS:
        return Layout(row_shape, (last, *row_shape[:2]), channels_last=True)
    return Layout(row_shape, row_shape)


def _described(row_shape: tuple[int, ...]) -> str:
    return f"{row_shape[0]} columns" if len(row_shape) == 1 else f"rows of shape {row_shape}"


def check_row_shape(row_shape: tuple[int, ...], layout: Layout, estimator: str) -> None:
    """Refuse rows of another shape than in `fit`; of flat ones, scikit-learn counts the columns."""
    if row_shape != layout.row_shape and max(len(row_shape), len(layout.row_shape)) > 1:
        raise ValueError(
            f"X has rows of shape {row_shape}, but {estimator} was fitted on rows of shape "
            f"{layout.row_shape}"
        )


class DatasetRows:
    """A map-style data set as flat rows, each batch of them read when it is asked for.

    Parameters
    ----------
    dataset : torch.utils.data.Dataset
        Its items, or their first parts where they are tuples, are tensors or arrays of one shape.

    Attributes
    ----------
    row_shape : tuple of int
        Of an item.
    shape : tuple of int
        (n_samples, n_features)
    dtype : numpy dtype
    """

    def __init__(self, dataset: Dataset | Sequence[Any]):
        self.dataset = dataset
        if isinstance(dataset, IterableDataset) or not hasattr(dataset, "__len__"):
            raise TypeError(
                "X must be an array or a map-style Dataset with a length, "
                f"got {type(dataset).__name__}"
            )
        if len(dataset) == 0:
            raise ValueError(f"X is a {type(dataset).__name__} of 0 items, expected at least one")
        first = self._item(0)
        self.row_shape = tuple(first.shape)
        self.shape = (len(dataset), first.numel())
        self.dtype = first.numpy().dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice | Sequence[int]) -> Tensor:
        """These rows, as a tensor of shape (n, n_features)."""
        indices = range(len(self))[rows] if isinstance(rows, slice) else rows
        items = []
        for index in indices:
            item = self._item(index)
            if item.shape != self.row_shape:
                raise ValueError(
                    f"items of X must have one shape, got {self.row_shape} and "
                    f"{tuple(item.shape)} in item {index}"
                )
            items.append(item)
        return torch.stack(items).flatten(1)

    def _item(self, index: int) -> Tensor:
        item = self.dataset[index]
        if isinstance(item, tuple | list):
            item = item[0]
        if not isinstance(item, Tensor):
            if not hasattr(item, "__array__") and not hasattr(item, "__array_interface__"):
                raise TypeError(
                    "items of X, or their first parts, must be tensors or arrays, got "
                    f"{type(item).__name__} in item {index}; wrap the data set in one that picks "
                    "or makes them"
                )
            item = torch.from_numpy(_known(np.array(item), index))
        item = _plain(item)
        if item.ndim == 0 or item.numel() == 0:
            raise ValueError(
                "items of X must have at least one dimension and one value, got shape "
                f"{tuple(item.shape)} in item {index}"
            )
        if item.is_complex() or not item.isfinite().all():
            raise ValueError(
                f"X must be real and finite, got complex numbers, NaN or infinity in item {index}"
            )
        return item


def _known(array: np.ndarray, index: int) -> np.ndarray:
    """The array in a dtype that torch knows."""
    if array.dtype.kind == "c" or (
        array.dtype.isnative and array.dtype.type in (np.bool_, *FLOATS, *INTEGERS)
    ):
        return array
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"X must hold real numbers, got {error} in item {index}") from error


def open_rows(X: Any) -> tuple[Any, tuple[int, ...] | None]:
    """X with a flat row a sample, not validated otherwise, and the shape its rows had.

    That is None for what has two dimensions, or fewer.
    """
    if isinstance(X, DataLoader):
        raise TypeError("X must be an array or a Dataset, got a DataLoader: give its `dataset`")
    if isinstance(X, Dataset) or _is_list_of_items(X):
        rows = DatasetRows(X)
        return rows, rows.row_shape
    if np.ma.is_masked(X):
        raise ValueError("X must have no masked values: fill them in first")
    if isinstance(X, Tensor):
        X = _plain(X).numpy()
    elif not hasattr(X, "shape") or len(X.shape) > 2:
        X = _as_array(X)
    if isinstance(X, np.ndarray) and X.dtype == bool:
        X = X.view(np.uint8)
    if isinstance(X, np.ndarray) and X.ndim > 2:
        return X.reshape(len(X), prod(X.shape[1:])), X.shape[1:]
    return X, None


def _as_array(X: Any) -> np.ndarray:
    try:
        return np.asarray(X)
    except ValueError as error:
        shapes = list(dict.fromkeys(np.shape(row) for row in X))
        if len(shapes) == 1:
            raise
        raise ValueError(
            f"X must have rows of one shape, got {shapes[0]} and {shapes[1]} among them"
        ) from error


def column_without_numbers(X: Any) -> str | None:
    """Of a frame, the first value that cannot be read as a number, and its column."""
    for name in getattr(X, "columns", ()):
        column = X[name]
        if getattr(getattr(column, "dtype", None), "kind", "O") in "biufc":
            continue
        values = np.asarray(column)
        for value in values.flat:
            if values.dtype.kind in "mM" or not _is_number(value):
                return f"{str(value)[:50]!r} in column {name!r}"
    return None


def _is_number(value: Any) -> bool:
    if np.ndim(value) > 0:
        return False
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def _is_list_of_items(X: Any) -> bool:
    """Whether X is what scikit-learn makes of a Dataset when it takes a part of it."""
    if not (isinstance(X, list | tuple) and len(X) > 0):
        return False
    first = X[0][0] if isinstance(X[0], tuple) and len(X[0]) > 0 else X[0]
    return isinstance(first, Tensor) or (isinstance(X[0], tuple) and isinstance(first, np.ndarray))


def _plain(values: Tensor) -> Tensor:
    """Something that NumPy can read."""
    if values.layout != torch.strided:
        raise TypeError(f"X must be dense, got a sparse tensor of layout {values.layout}")
    if values.is_meta:
        raise ValueError("X must hold numbers, got a tensor on the device 'meta'")
    values = values.detach().resolve_neg().cpu()
    if values.dtype == torch.bool:
        return values.view(torch.uint8)
    if values.is_floating_point() and values.dtype not in (torch.float16, torch.float64):
        return values.float()
    return values
