"""Threads and forked processes: the lock on process-wide settings, and OpenMP after a fork."""

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
