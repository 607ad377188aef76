"""A plain torch, whatever the caller's process has set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import torch

from .random_numbers import CPU
from .threads import one_at_a_time

P = ParamSpec("P")
T = TypeVar("T")

AUTOCAST_DEVICES = ("cpu", "cuda", "mps")
MKLDNN: Any = torch.backends.mkldnn  # whose stub does not know `matmul`


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


def _needed() -> list[AbstractContextManager[Any]]:
    """Return what makes this process a plain one."""
    needed: list[Any] = []
    probe = torch.empty(0)  # shows three settings faster than torch answers for them
    if probe.is_inference():
        needed.append(torch.inference_mode(False))
    if not torch.is_grad_enabled():
        needed.append(torch.enable_grad())
    for device in AUTOCAST_DEVICES:
        if torch.is_autocast_enabled(device):
            needed.append(_without_autocast(device))
    if not probe.is_cpu:
        needed.append(CPU)
    if probe.dtype != torch.float32:
        needed.append(_default_dtype(torch.float32))
    if MKLDNN.matmul.fp32_precision not in ("none", "ieee"):
        needed.append(_exact_products())
    return needed


def hermetic() -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Return a decorator that lets a function compute as in a plain process.

    Inside, autocast and inference mode are off, gradients are on, float32 is float32 in products,
    and new tensors are float32 on the CPU. The caller's settings are as they were afterwards. In a
    process that is plain already nothing is entered, so that nesting costs next to nothing.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @wraps(function)
        def inner(*args: P.args, **kwargs: P.kwargs) -> T:
            needed = _needed()
            if not needed:
                return function(*args, **kwargs)
            with ExitStack() as stack:
                for context in needed:
                    stack.enter_context(context)
                return function(*args, **kwargs)

        return inner

    return decorate
