"""A plain torch, whatever the caller's process has set."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

from .random_numbers import CPU
from .threads import one_at_a_time

AUTOCAST_DEVICES = ("cpu", "cuda", "mps")
MKLDNN: Any = torch.backends.mkldnn  # whose stub does not know `matmul`


@contextmanager
def hermetic() -> Iterator[None]:
    """Compute as in a plain process inside, and leave the caller's settings as they were.

    Inside, autocast and inference mode are off, gradients are on, float32 is float32 in products,
    and new tensors are float32 on the CPU. A setting that is plain already is not touched, so that
    nesting costs next to nothing.
    """
    with ExitStack() as stack:
        if torch.is_inference_mode_enabled():
            stack.enter_context(torch.inference_mode(False))
        if not torch.is_grad_enabled():
            stack.enter_context(torch.enable_grad())
        for device in AUTOCAST_DEVICES:
            if torch.is_autocast_enabled(device):
                stack.enter_context(_without_autocast(device))
        if torch.get_default_device() != CPU:
            stack.enter_context(CPU)
        if torch.get_default_dtype() != torch.float32:
            stack.enter_context(_default_dtype(torch.float32))
        if MKLDNN.matmul.fp32_precision not in ("none", "ieee"):
            stack.enter_context(_exact_products())
        yield


@contextmanager
def _without_autocast(device: str) -> Iterator[None]:
    """Turn autocast off, with the casts of weights that it keeps until its outermost block ends."""
    torch.clear_autocast_cache()
    try:
        with torch.autocast(device, enabled=False):
            yield
    finally:
        torch.clear_autocast_cache()


@contextmanager
def _default_dtype(dtype: torch.dtype) -> Iterator[None]:
    """Set the dtype of new tensors, which belongs to the whole process."""
    with one_at_a_time():
        before = torch.get_default_dtype()
        torch.set_default_dtype(dtype)
        try:
            yield
        finally:
            torch.set_default_dtype(before)


@contextmanager
def _exact_products() -> Iterator[None]:
    """Multiply float32 on a CPU with all its digits; the setting belongs to the whole process."""
    with one_at_a_time():
        before = MKLDNN.matmul.fp32_precision
        MKLDNN.matmul.fp32_precision = "ieee"
        try:
            yield
        finally:
            MKLDNN.matmul.fp32_precision = before
