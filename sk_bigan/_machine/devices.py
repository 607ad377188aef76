"""Devices: choice, precision, repeatable results and memory."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .threads import one_at_a_time

# By name: the dtype of autocast, which for "tf32" leaves the rest to `repeatable`.
PRECISIONS = {"float32": torch.float32, "tf32": torch.float32, "bfloat16": torch.bfloat16}

# The largest block whose release moves glibc's thresholds (DEFAULT_MMAP_THRESHOLD_MAX is 32 MiB).
LARGEST_HEAP_BLOCK = 32 * 2**20 - 2**16


def resolve_device(device: str | torch.device) -> torch.device:
    """Return the device that is meant; "auto" takes CUDA, then MPS, then the CPU.

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
    """Return the dtype of matrix products; "auto" is bfloat16 where the hardware is native."""
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
def repeatable(device: torch.device, tf32: bool = False) -> Iterator[None]:
    """Make an NVIDIA GPU repeat its results inside, in float32 or, if wanted, in TF32.

    By default torch convolves float32 in TF32, and by algorithms that may sum in another order each
    time. The settings belong to the whole process, so that one thread at a time may be inside.
    """
    if device.type != "cuda":
        yield
        return
    cudnn: Any = torch.backends.cudnn  # whose stub does not know `conv`
    backends = torch.backends.cuda.matmul, cudnn.conv
    with one_at_a_time():
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
    """Let the C library keep what a training step frees, for the next step to take.

    A step allocates and frees megabytes of gradients and casts. glibc returns blocks of that size
    to the system, and fetches them page by page at several microseconds each, until it has seen a
    block of 32 MiB freed. From then on it keeps up to 64 MiB. Elsewhere this does nothing.
    """
    torch.empty(LARGEST_HEAP_BLOCK, dtype=torch.uint8)


def as_tensor(X: np.ndarray) -> Tensor:
    """Return X as a read-only tensor, on the same memory if each row is contiguous."""
    if X.strides[0] < 0 or not X[:1].flags.c_contiguous:
        X = X.copy(order="C")  # ascontiguousarray would keep the negative stride of a single row
    if X.flags.writeable:
        return torch.from_numpy(X)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable", UserWarning)
        return torch.from_numpy(X)


def to_device(data: Tensor, device: torch.device, non_blocking: bool = False) -> Tensor:
    """Return the data on the device, as float32 where it has no float64."""
    if device.type == "mps" and data.dtype == torch.float64:
        data = data.float()
    return data.to(device, non_blocking=non_blocking)


def free_memory(device: torch.device) -> int:
    """Return the bytes of a GPU that are free or that torch holds in reserve."""
    free, _ = torch.cuda.mem_get_info(device)
    return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
