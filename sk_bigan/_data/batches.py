"""Shuffled mini-batches of rows, from the device's memory or streamed to it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from .._machine.devices import as_tensor, free_memory, send, to_device
from .._machine.processes import ALONE, Processes
from .rows import DatasetRows, StreamRows

# Share of the memory of a GPU that is free when the training starts.
MOST_FOR_DATA = 0.5


def for_training(X: np.ndarray | DatasetRows, device: torch.device) -> Tensor | DatasetRows:
    """Return the rows on the device, or as they are if they would fill a GPU's memory."""
    if isinstance(X, DatasetRows):
        return X
    data = as_tensor(X)
    if device.type == "cuda" and data.nbytes > MOST_FOR_DATA * free_memory(device):
        return data
    return to_device(data, device)


class Batches:
    """Passes over rows in batches, each pass in a new random order; a stream keeps its order.

    A `DataLoader` fetches rows one by one and collates them, which costs more than the step of a
    small network; this class takes the whole batch at once. Batches of a pass differ in size by at
    most one row, so no pass ends on a scrap, and none has fewer than two rows, which BatchNorm
    needs.

    Parameters
    ----------
    data : Tensor of shape (n, ...) or DatasetRows
        At least two rows.
    batch_size : int
        The most rows in a batch (one more where a batch of one would be left).
    device : torch.device
        Device of the batches. Batches of rows elsewhere are gathered in page-locked memory, from
        which they can be copied while the device computes. The order is drawn on the CPU, so that a
        pass that began on one kind of device can end on another.
    rows : ndarray of int or None
        Indices of the rows to pass over, at least two; None takes all.
    processes : Processes
        The processes that share each batch. Each gets the same number of rows; the few rows of a
        pass that remain are left out.
    """

    def __init__(
        self,
        data: Tensor | DatasetRows,
        batch_size: int,
        device: torch.device,
        rows: np.ndarray | None = None,
        processes: Processes = ALONE,
    ):
        self.data = data
        self.batch_size = batch_size
        self.device = device
        self.rows = rows
        self.processes = processes

    def __len__(self) -> int:
        n = len(self.data if self.rows is None else self.rows)
        return min(-(-n // self.batch_size), n // max(2, self.processes.n))

    def __iter__(self) -> Iterator[Tensor]:
        return self.after(0)

    def after(self, n_batches: int) -> Iterator[Tensor]:
        """Yield a pass without its first batches; the order of the whole pass is drawn at once."""
        if isinstance(self.data, StreamRows):
            return self._batches_of_stream(self.data, n_batches)
        if self.rows is None:
            order = torch.randperm(len(self.data))
        else:
            order = torch.from_numpy(self.rows)[torch.randperm(len(self.rows))]
        alike = len(order) - len(order) % self.processes.n
        return self._batches(self.processes.shard(order[:alike]), n_batches)

    def _batches(self, order: Tensor, n_before: int) -> Iterator[Tensor]:
        data, device = self.data, self.device
        resident = isinstance(data, Tensor) and data.device.type == device.type
        for rows in (send(order, device) if resident else order).tensor_split(len(self))[n_before:]:
            if isinstance(data, Tensor):
                batch = data.new_empty((len(rows), *data.shape[1:]), pin_memory=not resident)
                torch.index_select(data, 0, rows, out=batch)
            else:
                batch = data[rows.tolist()]
            yield send(batch, device)

    def _batches_of_stream(self, data: StreamRows, n_before: int) -> Iterator[Tensor]:
        n_rows, n_larger = divmod(len(data), len(self))
        sizes = [n_rows + (i < n_larger) for i in range(len(self))]
        for rows in data.parts(sizes[n_before:], sum(sizes[:n_before])):
            yield send(rows, self.device)
