"""Devices: choice, precision and memory."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .threads import ForkedError, require_no_fork

# By name: the dtype of autocast, which for "tf32" leaves the rest to `repeatable.py`.
PRECISIONS = {"float32": torch.float32, "tf32": torch.float32, "bfloat16": torch.bfloat16}

# Where a step of bfloat16 was faster than one of float32: `python benchmarks/speed.py`, precisions.
WIDE_LAYER = 1024
LARGE_WEIGHT = 2**16

# The largest block whose release moves glibc's thresholds (DEFAULT_MMAP_THRESHOLD_MAX is 32 MiB).
LARGEST_HEAP_BLOCK = 32 * 2**20 - 2**16


def resolve_device(device: str | torch.device, present: torch.device | None = None) -> torch.device:
    """Return the device that is meant, with its index.

    Parameters
    ----------
    device : str or torch.device
        "auto" takes CUDA, then MPS, then the CPU. It passes over a device on which a first
        computation fails, with a warning.
    present : torch.device or None
        Device of a fitted model, which stays there if `device` names its type without an index.

    Raises
    ------
    ValueError
        If torch does not know the device or this machine has none such.
    ForkedError
        If the parent of this process used the GPU before it forked.
    """
    if device == "auto":
        for name, module in (("cuda", torch.cuda), ("mps", torch.backends.mps)):
            if module.is_available():
                try:
                    return resolve_device(name, present)
                except ValueError as error:
                    warnings.warn(
                        f"device='auto' passes over {name}, which does not compute: {error}",
                        stacklevel=2,
                    )
        return torch.device("cpu")
    try:
        resolved = torch.device(device)
        require_no_fork(resolved)
        tried = torch.ones(1, device=resolved) + 1  # an old card may have no kernels in torch
        tried.cpu()
    except ForkedError:
        raise
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ValueError(
            "device must be 'auto' or a torch device that this machine has, "
            f"got {device!r}: {error}"
        ) from error
    if resolved.index is None and present is not None and resolved.type == present.type:
        return present
    return resolved if resolved.type == "cpu" else tried.device


def resolve_precision(
    precision: str, device: torch.device, networks: Iterable[nn.Module]
) -> torch.dtype:
    """Return the dtype of matrix products in a training of these networks.

    "auto" is bfloat16 where the hardware is native. On a CPU some layer must also be wide enough,
    because casts cost more than they save where products are small.
    """
    if precision != "auto":
        return PRECISIONS[precision]
    if device.type == "cuda":
        with torch.accelerator.device_index(device.index):  # it asks the current one
            native = torch.cuda.is_bf16_supported(including_emulation=False)
    elif device.type == "cpu":
        capabilities = cpu_capabilities()
        native = capabilities.get("avx512_bf16") or capabilities.get("amx_bf16")
        shapes = [weight.shape for network in networks for weight in network.parameters()]
        native = native and any(
            shape.numel() >= LARGE_WEIGHT or max(shape, default=0) >= WIDE_LAYER for shape in shapes
        )
    else:
        native = False
    return torch.bfloat16 if native else torch.float32


@contextmanager
def products_in(precision: torch.dtype, device: torch.device) -> Iterator[None]:
    """Compute matrix products in this precision inside."""
    with torch.autocast(device.type, precision, precision != torch.float32):
        yield
    # Within a caller's autocast, casts of the weights there would be kept for the next step.
    torch.clear_autocast_cache()


def cpu_capabilities() -> Mapping[str, Any]:
    """Return which vector and matrix units the CPU has, by torch's names of them."""
    if hasattr(torch.cpu, "get_capabilities"):
        return torch.cpu.get_capabilities()
    return {  # torch 2.10, which will not change any more
        "avx2": torch.cpu._is_avx2_supported(),
        "avx512_f": torch.cpu._is_avx512_supported(),
        "avx512_bf16": torch.cpu._is_avx512_bf16_supported(),
        "amx_bf16": torch.cpu._is_amx_tile_supported(),
    }


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


def to_device(data: Tensor, device: torch.device) -> Tensor:
    """Return the data on the device, as float32 where it has no float64."""
    if device.type == "mps" and data.dtype == torch.float64:
        data = data.float()
    return data.to(device)


def send(data: Tensor, device: torch.device) -> Tensor:
    """Return the data on the device. To CUDA it is copied while the host goes on.

    Only page-locked memory can be copied so. MPS would read other memory after it has changed
    (pytorch issue 139550).
    """
    if device.type != "cuda" or data.device.type != "cpu":
        return to_device(data, device)
    # Contiguous: one row broadcast to many has no memory of its own to copy to.
    pinned = data if data.is_pinned() else data.contiguous().pin_memory()
    return pinned.to(device, non_blocking=True)


def free_memory(device: torch.device) -> int:
    """Return the bytes of a GPU that are free or that torch holds in reserve."""
    free, _ = torch.cuda.mem_get_info(device)
    return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
