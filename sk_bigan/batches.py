"""Mini-batches of a tensor that already lies where the training happens."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor


class ResidentBatches:
    """One pass over the rows of a tensor, in a new random order each time.

    A `DataLoader` fetches rows one by one and collates them, which costs more than the step of a
    small network; this indexes the whole batch at once. The batches of a pass differ in size by at
    most one row, so no pass ends on a scrap, and none has fewer than two rows, which BatchNorm
    needs.

    Parameters
    ----------
    data : Tensor of shape (n, ...)
        At least two rows.
    batch_size : int
        The most rows in a batch (one more where a batch of one would be left).
    """

    def __init__(self, data: Tensor, batch_size: int):
        self.data = data
        self.batch_size = batch_size

    def __len__(self) -> int:
        n = len(self.data)
        return min(-(-n // self.batch_size), n // 2)

    def __iter__(self) -> Iterator[Tensor]:
        order = torch.randperm(len(self.data), device=self.data.device)
        for rows in order.tensor_split(len(self)):
            yield self.data[rows]
