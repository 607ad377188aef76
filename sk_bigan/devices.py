"""Where to compute, in which precision, from which memory and with whose random numbers."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import DTypeLike
from torch import Tensor

from .exceptions import NotFiniteError
from .inputs import DatasetRows, in_order

# By name: the dtype of autocast, which for "tf32" leaves the rest to `repeatable`.
PRECISIONS = {"float32": torch.float32, "tf32": torch.float32, "bfloat16": torch.bfloat16}

# Kernels sum a handful of rows, or the rows left over at the end, in another order than the rest.
# Padded to a multiple of this, a row's result does not depend on the rows that came with it.
ROW_BLOCK = 32

# In one batch of inference. On a CPU more values would leave the cache; on a GPU a share of the
# free memory decides, where a row is counted as this many values of 4 bytes or ten times its own.
INFERENCE_VALUES = 2**20
INFERENCE_ROWS = {"cpu": 2**12, "cuda": 2**16}
GPU_VALUES_PER_ROW = 2**14
MOST_FOR_INFERENCE = 0.1

# Of the memory of a GPU that is free when the training starts.
MOST_FOR_DATA = 0.5

# The largest block whose release moves glibc's thresholds (DEFAULT_MMAP_THRESHOLD_MAX is 32 MiB).
LARGEST_HEAP_BLOCK = 32 * 2**20 - 2**16

_process_wide = threading.RLock()
_forked = False


def _after_fork() -> None:
    global _process_wide, _forked
    _process_wide = threading.RLock()  # another thread may have held the old one
    _forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def leave_other_threads() -> None:
    """In a forked process, compute in one thread from now on.

    OpenMP's threads do not come along, and libgomp would wait for them forever: pytorch issue 17199
    and others.
    """
    global _forked
    if _forked:
        torch.set_num_threads(1)
        _forked = False


def resolve_device(device: str | torch.device) -> torch.device:
    """The device that is meant; "auto" takes CUDA, then MPS, then the CPU.

    Raises
    ------
    ValueError
        If torch does not know the device or this machine has none such.
    """
    if device == "auto":
        if torch.cuda.is_available():
            device = "cuda"
        else:
            device = "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        resolved = torch.device(device)
        torch.empty(0, device=resolved).cpu()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ValueError(
            "device must be 'auto' or a torch device that this machine has, "
            f"got {device!r}: {error}"
        ) from error
    return resolved


def resolve_precision(precision: str, device: torch.device) -> torch.dtype:
    """The dtype of the matrix products; "auto" is bfloat16 where the hardware has it natively."""
    if precision != "auto":
        return PRECISIONS[precision]
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    elif device.type == "cpu":
        capabilities = torch.cpu.get_capabilities()
        native = capabilities.get("avx512_bf16") or capabilities.get("amx_bf16")
    else:
        native = False
    return torch.bfloat16 if native else torch.float32


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Torch's generators start from `seed` inside and are as they were outside.

    They belong to the whole process, so that one thread at a time may be inside.
    """
    leave_other_threads()
    with _process_wide, torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        if device.type == "cpu":
            yield
            return
        generators = torch.get_device_module(device)
        with torch.accelerator.device_index(device.index):
            before = generators.get_rng_state()
            generators.manual_seed(seed)
            try:
                yield
            finally:
                generators.set_rng_state(before)


@contextmanager
def repeatable(device: torch.device, tf32: bool = False) -> Iterator[None]:
    """Inside, an NVIDIA GPU gives the same result each time, in float32 or, if wanted, in TF32.

    Left alone, torch has it convolve float32 in TF32, and by algorithms that may add up in another
    order each time. The settings belong to the whole process, so that one thread at a time may be
    inside.
    """
    if device.type != "cuda":
        yield
        return
    cudnn: Any = torch.backends.cudnn  # whose stub does not know `conv`
    backends = torch.backends.cuda.matmul, cudnn.conv
    with _process_wide:
        before = [backend.fp32_precision for backend in backends]
        deterministic = cudnn.deterministic
        try:
            for backend in backends:
                backend.fp32_precision = "tf32" if tf32 else "ieee"
            cudnn.deterministic = True
            yield
        finally:
            for backend, precision in zip(backends, before, strict=True):
                backend.fp32_precision = precision
            cudnn.deterministic = deterministic


def keep_freed_memory() -> None:
    """Let the C library hold on to what a training step frees, for the next step to take.

    A step makes and drops megabytes of gradients and casts. glibc hands blocks of that size back to
    the system and has them again page by page, at several microseconds each, until it has seen a
    block of 32 MiB freed; from then on it keeps up to 64 MiB. Elsewhere this does nothing.
    """
    torch.empty(LARGEST_HEAP_BLOCK, dtype=torch.uint8)


def as_tensor(X: np.ndarray) -> Tensor:
    """X as a tensor on the same memory, if each row is contiguous; only for reading."""
    if X.strides[0] < 0 or not X[:1].flags.c_contiguous:
        X = X.copy(order="C")  # ascontiguousarray would keep the negative stride of a single row
    if X.flags.writeable:
        return torch.from_numpy(X)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable", UserWarning)
        return torch.from_numpy(X)


def to_device(data: Tensor, device: torch.device, non_blocking: bool = False) -> Tensor:
    """The data on the device, as float32 where it has no float64."""
    if device.type == "mps" and data.dtype == torch.float64:
        data = data.float()
    return data.to(device, non_blocking=non_blocking)


def for_training(X: np.ndarray | DatasetRows, device: torch.device) -> Tensor | DatasetRows:
    """The rows on the device, or as they are if they would take too much of a GPU's memory."""
    if isinstance(X, DatasetRows):
        return X
    data = as_tensor(X)
    if device.type == "cuda" and data.nbytes > MOST_FOR_DATA * free_memory(device):
        return data
    return to_device(data, device)


def free_memory(device: torch.device) -> int:
    """Bytes of a GPU that are free or that torch holds in reserve."""
    free, _ = torch.cuda.mem_get_info(device)
    return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)


@torch.inference_mode()
def forward(
    function: Callable[[Tensor], Tensor],
    X: np.ndarray | DatasetRows,
    device: torch.device,
    dtype: DTypeLike,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """The function's output for every row of X, computed on the device batch by batch.

    A batch is halved when a GPU runs out of memory. A GPU computes one batch while the next is
    prepared.

    Parameters
    ----------
    function : callable, Tensor of shape (m, ...) -> Tensor of shape (m, ...)
        Treats rows alike whatever rows are beside them; gets multiples of 32 rows.
    X : ndarray of shape (n, n_features) or DatasetRows
    device : torch.device
    dtype : dtype of a new array
    out : ndarray of shape (n, ...) or None
        What the output is written to, as it comes; None: a new array.

    Returns
    -------
    ndarray of shape (n, ...)

    Raises
    ------
    NotFiniteError
        If a result is not finite.
    """
    leave_other_threads()
    n_at_once = inference_rows(X.shape[1], device)
    done = 0  # rows whose output is written
    output = np.empty(0, dtype) if out is None else out
    computing: list[Tensor] = []

    def write() -> None:
        nonlocal done, output
        result = computing.pop(0).cpu().numpy()
        if not np.isfinite(result).all():
            raise NotFiniteError(
                f"the networks give no finite numbers for some of the rows {done} to "
                f"{done + len(result) - 1} of X: they lie too far from the training data"
            )
        if done == 0 and out is None:
            output = np.empty((len(X), *result.shape[1:]), dtype)
        output[done : done + len(result)] = result
        done += len(result)

    with repeatable(device):
        for rows in in_order(X if isinstance(X, DatasetRows) else as_tensor(X), n_at_once):
            while len(rows):
                batch = rows[:n_at_once]
                try:
                    computing.append(function(_on_device(batch, device))[: len(batch)])
                except torch.OutOfMemoryError:
                    if len(batch) <= ROW_BLOCK:
                        raise
                    n_at_once = _whole_blocks(len(batch) // 2)
                    continue
                rows = rows[len(batch) :]
                if len(computing) > 1:
                    write()
        write()
    return output


def inference_rows(values_per_row: int, device: torch.device) -> int:
    """How many rows to compute at once: a multiple of 32."""
    if device.type == "cuda":
        values = MOST_FOR_INFERENCE * free_memory(device) / 4
        rows = int(values / max(GPU_VALUES_PER_ROW, 10 * values_per_row))
    else:
        rows = INFERENCE_VALUES // values_per_row
    return _whole_blocks(min(rows, INFERENCE_ROWS.get(device.type, INFERENCE_ROWS["cpu"])))


def _whole_blocks(n_rows: int) -> int:
    return max(n_rows // ROW_BLOCK, 1) * ROW_BLOCK


def _on_device(batch: Tensor, device: torch.device) -> Tensor:
    """Whole blocks of rows; the last is filled up with copies of its last row."""
    missing = -len(batch) % ROW_BLOCK
    if missing:
        batch = torch.cat([batch, batch[-1:].expand(missing, *batch.shape[1:])])
    if device.type == "cuda":
        batch = batch.pin_memory()  # so that the copy does not wait for what is being computed
    return to_device(batch, device, non_blocking=True)
