"""Inference batch by batch."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import DTypeLike
from torch import Tensor

from .._machine.devices import as_tensor, free_memory, send
from .._machine.repeatable import repeatable
from .._machine.threads import leave_other_threads
from ..exceptions import NotFiniteError
from ..networks.folding import ROW_BLOCK, USUAL_BATCHING, Batching
from .rows import DatasetRows, in_order

# Values and rows of one batch. On a CPU more values, of X or of the widest layer, would leave the
# cache: rows of 64 took an eighth more time by 4,096 than by 1,024. On a GPU a share of the free
# memory decides; a row counts as GPU_VALUES_PER_ROW values of 4 bytes or ten times its own.
INFERENCE_VALUES = 2**20
INFERENCE_ROWS = {"cpu": 2**12, "cuda": 2**16}
GPU_VALUES_PER_ROW = 2**14
MOST_FOR_INFERENCE = 0.1


class Computed(NamedTuple):
    """The output of a batch on its way to the host, while the device goes on to the next.

    Parameters
    ----------
    batch : Tensor of shape (m, n_features)
    narrowed : Tensor of shape (m, ...)
    narrowed_sum : Tensor of shape ()
    output : Tensor of shape (n, ...)
        On the host, as is `narrowed_sum`. Both are there after `arrival`.
    arrival : torch.cuda.Event or None
        None means that they are there already.
    """

    batch: Tensor
    narrowed: Tensor
    narrowed_sum: Tensor
    output: Tensor
    arrival: torch.cuda.Event | None

    def get(self) -> np.ndarray:
        """Return the output, when it has arrived.

        Raises
        ------
        ValueError
            If the batch does not stay finite when it is narrowed.
        """
        if self.arrival is not None:
            self.arrival.synchronize()
        if not isfinite(self.narrowed_sum.item()):
            require_finite(self.narrowed, self.batch)
        return self.output.numpy()


def compute(
    function: Callable[[Tensor], Tensor],
    rows: Tensor,
    device: torch.device,
    narrow: Callable[[Tensor], Tensor],
    few_rows: int,
) -> Computed:
    """Start the computation of the function's output for these rows, and its way to the host."""
    batch = rows if device.type == "cpu" else send(rows, device)
    narrowed = narrow(batch)
    narrowed_sum = _to_host(narrowed.sum())
    output = _to_host(function(_whole(narrowed, few_rows))[: rows.shape[0]])
    arrival = torch.cuda.current_stream(device).record_event() if device.type == "cuda" else None
    return Computed(batch, narrowed, narrowed_sum, output, arrival)


def _to_host(result: Tensor) -> Tensor:
    """Return the result on the host, where it may arrive later."""
    if result.is_cpu:
        return result
    if not result.is_cuda:
        return result.cpu()
    # `cpu` would wait for whatever the device has been asked for until then.
    on_host = torch.empty_like(result, device="cpu", pin_memory=True)
    return on_host.copy_(result, non_blocking=True)


@torch.inference_mode()
def forward(
    function: Callable[[Tensor], Tensor],
    X: np.ndarray | DatasetRows,
    device: torch.device,
    dtype: DTypeLike,
    out: np.ndarray | None = None,
    narrow: Callable[[Tensor], Tensor] = lambda batch: batch,
    batching: Batching = USUAL_BATCHING,
) -> np.ndarray:
    """Return the function's output for every row of X, computed on the device in batches.

    A batch is halved when a GPU runs out of memory. A GPU computes one batch while the next is
    prepared and the one before is written.

    Parameters
    ----------
    function : callable, Tensor of shape (m, ...) -> Tensor of shape (m, ...)
        Called with `batching.few_rows` rows or with multiples of 32; a row's output must not
        depend on other rows.
    X : ndarray of shape (n, n_features) or DatasetRows
    device : torch.device
    dtype : dtype
        Dtype of a new array.
    out : ndarray of shape (n, ...) or None
        Array that the output is written to, batch by batch; None makes a new one.
    narrow : callable, Tensor of shape (m, n_features) -> Tensor of shape (m, ...)
        Makes of a batch what the function takes, in float32.
    batching : Batching

    Returns
    -------
    ndarray of shape (n, ...)

    Raises
    ------
    ValueError
        If a batch does not stay finite when it is narrowed.
    NotFiniteError
        If a result is not finite.
    """
    leave_other_threads()
    n_at_once = inference_rows(X.shape[1], device, batching.width)
    if out is None and len(X) <= n_at_once and device.type == "cpu" and isinstance(X, np.ndarray):
        result = compute(function, as_tensor(X), device, narrow, batching.few_rows).get()
        return _finite(result, dtype, 0)
    done = 0  # rows whose output is written
    output = np.empty(0, dtype) if out is None else out
    computing: list[Computed] = []
    # A CPU computes at once. A result kept would move the next batch's memory out of the cache.
    most_at_once = 0 if device.type == "cpu" else 1

    def write() -> None:
        nonlocal done, output
        result = _finite(computing.pop(0).get(), output.dtype, done)
        if done == 0 and out is None:
            output = np.empty((len(X), *result.shape[1:]), dtype)
        output[done : done + len(result)] = result
        done += len(result)

    with repeatable(device):
        for rows in in_order(X if isinstance(X, DatasetRows) else as_tensor(X), n_at_once):
            while len(rows):
                batch = rows[:n_at_once]
                try:
                    computing.append(compute(function, batch, device, narrow, batching.few_rows))
                except torch.OutOfMemoryError:
                    if len(batch) <= ROW_BLOCK:
                        raise
                    n_at_once = _whole_blocks(len(batch) // 2)
                    continue
                rows = rows[len(batch) :]
                if len(computing) > most_at_once:
                    write()
        while computing:
            write()
    return output


def _finite(result: np.ndarray, dtype: DTypeLike, n_before: int) -> np.ndarray:
    """Return the result of a batch that comes after so many rows, if it is finite in this dtype."""
    with np.errstate(over="ignore"):
        result = result.astype(dtype, copy=False)
    if not np.isfinite(result).all():
        raise NotFiniteError(
            f"the networks give no finite numbers for some of the rows {n_before} to "
            f"{n_before + len(result) - 1} of X: they lie too far from the training data"
        )
    return result


def inference_rows(values_per_row: int, device: torch.device, width: int = 1) -> int:
    """Return how many rows to compute at once, a multiple of 32."""
    if device.type == "cuda":
        values = MOST_FOR_INFERENCE * free_memory(device) / 4
        rows = int(values / max(GPU_VALUES_PER_ROW, 10 * values_per_row))
    else:
        rows = INFERENCE_VALUES // max(values_per_row, width)
    return _whole_blocks(min(rows, INFERENCE_ROWS.get(device.type, INFERENCE_ROWS["cpu"])))


def _whole_blocks(n_rows: int) -> int:
    return max(n_rows // ROW_BLOCK, 1) * ROW_BLOCK


def _whole(batch: Tensor, few_rows: int) -> Tensor:
    """Return `few_rows` rows or whole blocks, padded with copies of the last row."""
    n_rows = batch.shape[0]
    missing = -n_rows % (few_rows if n_rows <= few_rows else ROW_BLOCK)
    if missing == 0:
        return batch
    if n_rows == 1:
        return batch.expand(missing + 1, *batch.shape[1:]).contiguous()
    return torch.cat([batch, batch[-1:].expand(missing, *batch.shape[1:])])


def require_finite(narrowed: Tensor, values: Tensor) -> Tensor:
    """Return the values as narrowed to float32, or raise if they do not fit.

    It waits for the device, so that training does without it.
    """
    # The sum shows most of them at a fraction of the cost.
    if not narrowed.sum().isfinite() and narrowed.isinf().any():
        raise ValueError(
            f"X must stay finite in float32, got values up to {values.abs().max().item():g}"
        )
    return narrowed
