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
    pin_memory : bool
        For rows that do not fit on the GPU: batches are put together in page-locked memory, from
        which they can be copied while the GPU computes.
    """

    def __init__(self, data: Tensor, batch_size: int, pin_memory: bool = False):
        self.data = data
        self.batch_size = batch_size
        self.pin_memory = pin_memory

    def __len__(self) -> int:
        n = len(self.data)
        return min(-(-n // self.batch_size), n // 2)

    def __iter__(self) -> Iterator[Tensor]:
        order = torch.randperm(len(self.data), device=self.data.device)
        for rows in order.tensor_split(len(self)):
            batch = self.data.new_empty(
                (len(rows), *self.data.shape[1:]), pin_memory=self.pin_memory
            )
            yield torch.index_select(self.data, 0, rows, out=batch)
