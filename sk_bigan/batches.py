"""Mini-batches of rows that lie where the training happens, or beside it."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor


class Batches:
    """One pass over the rows of a tensor, in a new random order each time.

    A `DataLoader` fetches rows one by one and collates them, which costs more than the step of a
    small network; this takes the whole batch at once. The batches of a pass differ in size by at
    most one row, so no pass ends on a scrap, and none has fewer than two rows, which BatchNorm
    needs.

    Parameters
    ----------
    data : Tensor of shape (n, ...)
        At least two rows.
    batch_size : int
        The most rows in a batch (one more where a batch of one would be left).
    device : torch.device
        Where the batches are wanted. The order is drawn there, so that it does not depend on where
        the data are; from rows elsewhere, batches are put together in page-locked memory, out of
        which they can be copied while the device computes.
    """

    def __init__(self, data: Tensor, batch_size: int, device: torch.device):
        self.data = data
        self.batch_size = batch_size
        self.device = device

    def __len__(self) -> int:
        n = len(self.data)
        return min(-(-n // self.batch_size), n // 2)

    def __iter__(self) -> Iterator[Tensor]:
        streamed = self.data.device.type != self.device.type
        order = torch.randperm(len(self.data), device=self.device).to(self.data.device)
        for rows in order.tensor_split(len(self)):
            batch = self.data.new_empty((len(rows), *self.data.shape[1:]), pin_memory=streamed)
            torch.index_select(self.data, 0, rows, out=batch)
            yield batch.to(self.device, non_blocking=True)
