"""Ctrl-C, deferred to the end of a training step."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class Interrupts:
    """The SIGINT that has come while it is deferred.

    Parameters
    ----------
    handler : callable or None
        The handler to deliver it to; None where nothing is deferred.

    Attributes
    ----------
    interrupted : bool
        Whether the handler has raised KeyboardInterrupt. One without it is not the user's.
    """

    def __init__(self, handler: Any = None):
        self.handler = handler
        self.interrupted = False
        self._deferred: list[tuple[int, FrameType | None]] = []

    def defer(self, signum: int, frame: FrameType | None) -> None:
        if self._deferred:
            self.deliver()
        self._deferred.append((signum, frame))

    def deliver(self) -> None:
        """Call the handler, if a SIGINT has come."""
        if self._deferred:
            try:
                self.handler(*self._deferred.pop())
            except KeyboardInterrupt:
                self.interrupted = True
                raise


@contextmanager
def deferred_interrupts() -> Iterator[Interrupts]:
    """Defer SIGINT inside, until it is delivered or the block ends.

    A step that is interrupted has moved one player and not the other, and no training could be
    resumed from there. A second SIGINT is not deferred. Outside of the main thread, where Python
    handles no signals, nothing is done.
    """
    handler = signal.getsignal(signal.SIGINT)
    interrupts = Interrupts(handler)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield interrupts
        return
    signal.signal(signal.SIGINT, interrupts.defer)
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, handler)
        interrupts.deliver()
