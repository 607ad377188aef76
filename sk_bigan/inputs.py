"""What people bring, as flat rows: arrays, frames, tensors, images in either layout, data sets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, repeat
from math import prod
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.utils import gen_batches
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
        if not hasattr(dataset, "__len__"):
            raise TypeError(
                "X must be an array or a map-style Dataset with a length, "
                f"got {type(dataset).__name__}"
            )
        if len(dataset) == 0:
            raise ValueError(f"X is a {type(dataset).__name__} of 0 items, expected at least one")
        first = _sample(dataset[0], 0)
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
            item = _sample(self.dataset[index], index)
            self._check_shape(item, index)
            items.append(item)
        return torch.stack(items).flatten(1)

    def _check_shape(self, item: Tensor, index: int) -> None:
        if item.shape != self.row_shape:
            raise ValueError(
                f"items of X must have one shape, got {self.row_shape} and "
                f"{tuple(item.shape)} in item {index}"
            )


class StreamRows(DatasetRows):
    """An iterable data set as flat rows, a pass at a time, in its own order.

    Parameters
    ----------
    dataset : torch.utils.data.IterableDataset
        Starts anew and gives as many items whenever it is iterated; items as in `DatasetRows`.

    Attributes
    ----------
    shape : tuple of int
        (0, n_features) until a whole pass has counted the items, which `len` makes if need be.
    """

    def __init__(self, dataset: IterableDataset):
        self.dataset = dataset
        for item in dataset:
            first = _sample(item, 0)
            break
        else:
            raise ValueError(f"X is a {type(dataset).__name__} of 0 items, expected at least one")
        self.row_shape = tuple(first.shape)
        self.shape = (0, first.numel())
        self.dtype = first.numpy().dtype

    def __len__(self) -> int:
        if self.shape[0] == 0:
            for _ in self.parts(repeat(1)):
                pass
        return self.shape[0]

    def parts(self, sizes: Iterable[int], n_before: int = 0) -> Iterator[Tensor]:
        """A pass in parts of these sizes, the last perhaps smaller, without the first items.

        Raises
        ------
        ValueError
            If it has not as many items as the pass before, or fewer than two.
        """
        items = enumerate(self.dataset)  # type: ignore[arg-type]
        n_items, n_known = sum(1 for _ in islice(items, n_before)), self.shape[0]
        for size in sizes:
            part = [_sample(item, index) for index, item in islice(items, size)]
            for index, item in enumerate(part, n_items):
                self._check_shape(item, index)
            n_items += len(part)
            if len(part) < size and n_known not in (0, n_items):
                break
            if part:
                yield torch.stack(part).flatten(1)
            if len(part) < size:
                break
        n_items += sum(1 for _ in islice(items, 1))
        if n_known not in (0, n_items):
            raise ValueError(
                "X must give as many items whenever it is iterated, got "
                f"{n_known} and then {'more' if n_items > n_known else n_items}"
            )
        if n_items < 2:
            raise ValueError(f"X has {n_items} sample(s), while a minimum of 2 is required")
        self.shape = (n_items, self.shape[1])


def in_order(X: np.ndarray | Tensor | DatasetRows, size: int) -> Iterator[Any]:
    """All rows, so many at a time."""
    if isinstance(X, StreamRows):
        return X.parts(repeat(size))
    return (X[rows] for rows in gen_batches(len(X), size))


def from_all_over(X: np.ndarray | Tensor | DatasetRows, n: int) -> Any:
    """So many rows at equal distances, or the first of a stream; all, if there are fewer."""
    n = min(n, len(X))
    if isinstance(X, StreamRows):
        return next(X.parts([n]))
    return X[[i * len(X) // n for i in range(n)]]


def _sample(item: Any, index: int) -> Tensor:
    """The item of a data set, or its first part, as a tensor of real and finite numbers."""
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
        rows = StreamRows(X) if isinstance(X, IterableDataset) else DatasetRows(X)
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


def check_out(out: Any, rows: np.ndarray | DatasetRows, shape: tuple[int, int]) -> None:
    """Refuse what cannot be written to, or not without changing the rows that are read."""
    wanted = f"out must be an array of floats of shape {shape} that can be written to"
    if not isinstance(out, np.ndarray):
        raise ValueError(f"{wanted}, got {type(out).__name__}")
    if out.shape != shape or out.dtype.kind != "f" or not out.flags.writeable:
        read_only = "" if out.flags.writeable else ", read-only"
        raise ValueError(f"{wanted}, got {out.dtype} of shape {out.shape}{read_only}")
    if isinstance(rows, np.ndarray) and np.shares_memory(out, rows):
        raise ValueError("out must not lie in the memory of X, got an array that does")


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
