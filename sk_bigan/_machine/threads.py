"""Threads and forked processes: the lock on process-wide settings, OpenMP and CUDA after a fork."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_lock = threading.RLock()
_forked = False


def _after_fork() -> None:
    global _lock, _forked
    _lock = threading.RLock()  # another thread may have held the old one
    _forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Hold the lock on settings that belong to the whole process; a thread may nest."""
    with _lock:
        yield


def leave_other_threads() -> None:
    """Compute in one thread from now on, if this process was forked.

    OpenMP's threads do not survive a fork, and libgomp would wait for them forever: pytorch issue
    17199 and others.
    """
    global _forked
    if _forked:
        torch.set_num_threads(1)
        _forked = False


class ForkedError(RuntimeError):
    """A GPU is out of reach of a forked process."""


def require_no_fork(device: torch.device) -> None:
    """Refuse a GPU that the parent of this process used before it forked.

    Raises
    ------
    ForkedError
    """
    if device.type == "cuda" and torch.cuda._is_in_bad_fork():
        raise ForkedError(
            f"device='{device}' does not work in a process that was forked after its parent had "
            "used CUDA: start processes by joblib's backend 'loky' or multiprocessing's 'spawn', "
            "or fit with device='cpu' there"
        )
