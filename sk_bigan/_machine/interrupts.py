"""Ctrl-C, deferred to the end of a training step."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def deferred_interrupts() -> Iterator[Callable[[], None]]:
    """Defer SIGINT inside; yield a function that delivers it, if one has come.

    A step that is interrupted has moved one player and not the other, and no training could be
    resumed from there. A second SIGINT is not deferred. Outside of the main thread, where Python
    handles no signals, nothing is done.
    """
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield lambda: None
        return
    deferred: list[tuple[int, FrameType | None]] = []

    def defer(signum: int, frame: FrameType | None) -> None:
        if deferred:
            deliver()
        deferred.append((signum, frame))

    def deliver() -> None:
        if deferred:
            handler(*deferred.pop())

    signal.signal(signal.SIGINT, defer)
    try:
        yield deliver
    finally:
        signal.signal(signal.SIGINT, handler)
        deliver()
