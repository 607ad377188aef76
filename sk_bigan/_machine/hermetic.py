"""A plain torch, whatever the caller's process has set."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import torch

from .random_numbers import CPU
from .repeatable import MATMUL_OF_CPU
from .threads import one_at_a_time

P = ParamSpec("P")
T = TypeVar("T")

AUTOCAST_DEVICES = ("cpu", "cuda", "mps")


@contextmanager
def _without_autocast(device: str) -> Iterator[None]:
    """Turn autocast off, with the casts of weights that it keeps until its outermost block ends."""
    torch.clear_autocast_cache()
    try:
        with torch.autocast(device, enabled=False):
            yield
    finally:
        torch.clear_autocast_cache()


# What belongs to the whole process: how to get it, and how to set it.
DEFAULT_DTYPE = (torch.get_default_dtype, torch.set_default_dtype)
PRODUCTS = (
    lambda: MATMUL_OF_CPU.fp32_precision,
    lambda precision: setattr(MATMUL_OF_CPU, "fp32_precision", precision),
)
_lock = threading.RLock()  # on these, and on the number of blocks that have replaced one
_n_replaced = 0


def _after_fork() -> None:
    global _lock
    _lock = threading.RLock()  # another thread may have held the old one


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@contextmanager
def _replaced(setting: tuple[Callable[[], T], Callable[[T], None]], value: T) -> Iterator[None]:
    """Replace a setting of the whole process inside; one thread at a time may do so."""
    get, set_ = setting
    with one_at_a_time():
        before = get()
        _replace(set_, value, 1)
        try:
            yield
        finally:
            _replace(set_, before, -1)


def _replace(set_: Callable[[T], None], value: T, n: int) -> None:
    global _n_replaced
    with _lock:
        set_(value)
        _n_replaced += n


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
        needed.append(_replaced(DEFAULT_DTYPE, torch.float32))
    if MATMUL_OF_CPU.fp32_precision not in ("none", "ieee"):
        needed.append(_replaced(PRODUCTS, "ieee"))
    return needed


def hermetic(function: Callable[P, T]) -> Callable[P, T]:
    """Let a function compute as in a plain process.

    Inside, autocast and inference mode are off, gradients are on, float32 is float32 in products,
    and new tensors are float32 on the CPU. The caller's settings are as they were afterwards. In a
    process that is plain already nothing is entered, so that nesting costs next to nothing.
    """

    @wraps(function)
    def inner(*args: P.args, **kwargs: P.kwargs) -> T:
        with _lock:
            needed, is_replaced = _needed(), _n_replaced > 0
        if not (needed or is_replaced):
            return function(*args, **kwargs)
        with ExitStack() as stack:
            if is_replaced:  # perhaps by another thread, whose settings are not the caller's
                stack.enter_context(one_at_a_time())
                needed = _needed()
            for context in needed:
                stack.enter_context(context)
            return function(*args, **kwargs)

    return inner
