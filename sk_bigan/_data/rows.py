"""Data sets of torch as flat rows, read one batch at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, repeat
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset

# Numbers that are read where they lie; all others are copied into float64, the first.
FLOATS: tuple[type, ...] = (np.float64, np.float32, np.float16)
INTEGERS: tuple[type, ...] = (
    *(np.uint8, np.uint16, np.uint32, np.uint64),
    *(np.int8, np.int16, np.int32, np.int64),
)


class DatasetRows:
    """A map-style data set as flat rows, read one batch at a time.

    Parameters
    ----------
    dataset : torch.utils.data.Dataset
        Items, or the first parts of items that are tuples, are tensors or arrays of one shape.

    Attributes
    ----------
    row_shape : tuple of int
        Shape of an item.
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
        self._describe(_sample(dataset[0], 0), len(dataset))

    def _describe(self, first: Tensor, n_items: int) -> None:
        self.row_shape = tuple(first.shape)
        self.shape = (n_items, first.numel())
        self.dtype = first.numpy().dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice | Sequence[int]) -> Tensor:
        """Return these rows as a tensor of shape (n, n_features)."""
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
    """An iterable data set as flat rows, read in passes and in its own order.

    Parameters
    ----------
    dataset : torch.utils.data.IterableDataset
        Every iteration starts anew and gives the same number of items, as in `DatasetRows`.

    Attributes
    ----------
    shape : tuple of int
        (0, n_features) until a whole pass has counted the items; `len` makes one if need be.
    """

    def __init__(self, dataset: IterableDataset):
        self.dataset = dataset
        for item in dataset:
            self._describe(_sample(item, 0), 0)
            break
        else:
            raise ValueError(f"X is a {type(dataset).__name__} of 0 items, expected at least one")

    def __len__(self) -> int:
        if self.shape[0] == 0:
            for _ in self.parts(repeat(1)):
                pass
        return self.shape[0]

    def parts(self, sizes: Iterable[int], n_before: int = 0) -> Iterator[Tensor]:
        """Yield a pass in parts of these sizes, after skipping `n_before` items.

        The last part may be smaller.

        Raises
        ------
        ValueError
            If the number of items is not that of the pass before, or less than two.
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
    """Yield all rows, `size` at a time."""
    if isinstance(X, StreamRows):
        return X.parts(repeat(size))
    return (X[start : start + size] for start in range(0, len(X), size))


def from_all_over(X: np.ndarray | Tensor | DatasetRows, n: int) -> Any:
    """Return at most n rows at equal distances, or the first n of a stream.

    Items of data sets are made on the CPU, even where a training's device is the default one.
    """
    with torch.device("cpu"):
        n = min(n, len(X))
        if isinstance(X, StreamRows):
            return next(X.parts([n]))
        return X[[i * len(X) // n for i in range(n)]]


def _sample(item: Any, index: int) -> Tensor:
    """Return the item of a data set, or its first part, as a tensor of finite real numbers."""
    if isinstance(item, tuple | list):
        item = item[0]
    refuse_palette(item)
    if not isinstance(item, Tensor):
        if not hasattr(item, "__array__") and not hasattr(item, "__array_interface__"):
            raise TypeError(
                "items of X, or their first parts, must be tensors or arrays, got "
                f"{type(item).__name__} in item {index}; wrap the data set in one that picks "
                "or makes them"
            )
        item = torch.from_numpy(_known(np.array(item), index))
    item = readable(item)
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


def refuse_palette(picture: Any) -> None:
    """Refuse a picture of PIL's whose values are places in a palette of its own."""
    if (mode := getattr(picture, "mode", None)) in ("P", "PA"):
        raise ValueError(
            f"X must have pictures of gray or colours, got one of mode {mode!r}, whose values are "
            'places in its palette: take picture.convert("RGB")'
        )


def _known(array: np.ndarray, index: int) -> np.ndarray:
    """Return the array in a dtype that torch knows."""
    array = in_native_order(array)
    if array.dtype.kind == "c" or array.dtype.type in (np.bool_, *FLOATS, *INTEGERS):
        return array
    if array.dtype.kind in "mM":  # of which NumPy makes numbers
        raise ValueError(f"X must hold real numbers, got {array.dtype} in item {index}")
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"X must hold real numbers, got {error} in item {index}") from error


def in_native_order(array: np.ndarray) -> np.ndarray:
    """Return the array in the machine's byte order, the only one that torch reads."""
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def readable(values: Tensor) -> Tensor:
    """Return the tensor as one that NumPy can read."""
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
