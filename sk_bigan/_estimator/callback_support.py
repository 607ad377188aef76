"""Scikit-learn's support of callbacks, or a stand-in where it has none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # scikit-learn before 1.9, whose estimators have no callbacks

    class NoTask:
        """A task that no callback observes."""

        def subcontext(self, **kwargs: Any) -> NoTask:
            return self

        def call_on_fit_task_begin(self, **kwargs: Any) -> None: ...

        def call_on_fit_task_end(self, **kwargs: Any) -> None: ...

    class CallbackSupportMixin:  # type: ignore[no-redef]
        def _init_callback_context(self, **kwargs: Any) -> NoTask:
            return NoTask()

    def with_callbacks(method: Callable) -> Callable:
        return method
