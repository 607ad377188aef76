"""Observers of a training, and what else follows it epoch by epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy, deepcopy
from typing import TYPE_CHECKING, Any

import skorch.callbacks
import torch
from skorch.callbacks import Callback
from torch import Tensor
from torch.optim.lr_scheduler import ReduceLROnPlateau

from .exceptions import Diverged, NotFiniteError
from .state import generators, set_generators

if TYPE_CHECKING:
    from .training import BiGANNet

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # scikit-learn before 1.9, whose estimators have no callbacks

    class NoTask:
        """A task that nobody is told of."""

        def subcontext(self, **kwargs: Any) -> NoTask:
            return self

        def call_on_fit_task_begin(self, **kwargs: Any) -> None: ...

        def call_on_fit_task_end(self, **kwargs: Any) -> None: ...

    class CallbackSupportMixin:  # type: ignore[no-redef]
        def _init_callback_context(self, **kwargs: Any) -> NoTask:
            return NoTask()

    def with_callbacks(method: Callable) -> Callable:
        return method


class LRScheduler(skorch.callbacks.LRScheduler):
    """One of torch's schedules of the learning rate, for both players.

    It takes the place of the linear decay in the second half of the epochs, and steps once an
    epoch. What it sets follows from the epochs so far, so that a resumed training goes on as if
    nothing had happened, and one that went back with lower rates keeps them lower. In
    `partial_fit`, which is one epoch, every call has the first rate.

    Parameters
    ----------
    policy : str or class
        A class of :mod:`torch.optim.lr_scheduler`, or the name of one that skorch knows, as
        "CosineAnnealingLR", "StepLR" or "ReduceLROnPlateau".

    monitor : str, default="loss_eg"
        Entry of the history that ReduceLROnPlateau looks at, as "valid_score".

    event_name : str or None, default="event_lr"
        What the history calls the rate.

    **kwargs
        Of the scheduler, as ``T_max=20``.

    Examples
    --------
    >>> from sk_bigan import BiGANTransformer
    >>> from sk_bigan.callbacks import LRScheduler
    >>> cosine = LRScheduler("CosineAnnealingLR", T_max=20)
    >>> bigan = BiGANTransformer(max_epochs=20, callbacks=[cosine])
    """

    step_every = "epoch"

    def __init__(
        self,
        policy: str | type,
        monitor: str = "loss_eg",
        event_name: str | None = "event_lr",
        **kwargs: Any,
    ):
        self.policy = policy
        self.monitor = monitor
        self.event_name = event_name
        self.__dict__.update(kwargs)

    def initialize(self) -> LRScheduler:
        if self.step_every != "epoch" or not isinstance(self.monitor, str):
            raise ValueError(
                "LRScheduler needs step_every='epoch' and the name of an entry of the history as "
                f"monitor, got step_every={self.step_every!r} and monitor={self.monitor!r}"
            )
        self.rates_: Sequence[float] = []
        return super().initialize()

    def on_train_begin(self, net: BiGANNet, **kwargs: Any) -> None:
        """Nothing, where skorch's binds itself to a single optimizer."""

    def on_epoch_begin(self, net: BiGANNet, **kwargs: Any) -> None:
        epochs = net.history[:-1]  # the new one is counted already
        if isinstance(self.policy_, type) and issubclass(self.policy_, ReduceLROnPlateau):
            self.rates_ = self.simulate(len(epochs) + 1, net.lr_at_start, self._scores(epochs))
        elif len(self.rates_) == 0:
            self.rates_ = self.simulate(net.max_epochs, net.lr_at_start)
        set_learning_rates(net, self.rates_[len(epochs)] / net.lr_at_start)

    def _scores(self, epochs: list[dict[str, Any]]) -> list[float]:
        if any(self.monitor not in epoch for epoch in epochs):
            names = sorted(epochs[-1].keys() - {"batches"})
            raise ValueError(
                f"monitor must be an entry of the history, one of {names}, got {self.monitor!r}"
            )
        return [*(epoch[self.monitor] for epoch in epochs), 0.0]  # the last comes too late to act

    def on_epoch_end(self, net: BiGANNet, **kwargs: Any) -> None:
        if self.event_name is not None:
            net.history.record(self.event_name, float(net.optimizer_d_.param_groups[0]["lr"]))


class LinearDecay(Callback):
    """Lets every optimizer's rate fall linearly to zero over the second half of the epochs."""

    def on_epoch_begin(self, net: BiGANNet, **kwargs: Any) -> None:
        epochs_done = len(net.history) - 1  # the new one is counted already
        set_learning_rates(net, min(1.0, 2 * (1 - epochs_done / net.max_epochs)))


def set_learning_rates(net: BiGANNet, factor: float) -> None:
    """To this multiple of the engine's own rate."""
    for optimizer in (net.optimizer_d_, net.optimizer_eg_):
        for group in optimizer.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(net.lr * factor)
            else:
                group["lr"] = net.lr * factor


class HeldOutScore(Callback):
    """Notes a score of the networks so far after every epoch.

    Parameters
    ----------
    score : callable, () -> float
        Called with the networks in evaluation mode.
    """

    def __init__(self, score: Callable[[], float]):
        self.score = score

    def on_epoch_end(self, net: BiGANNet, **kwargs: Any) -> None:
        try:
            with at_rest(net):
                score = self.score()
        except NotFiniteError as error:
            losses = {name: net.history[-1, name] for name in ("loss_d", "loss_eg")}
            raise Diverged(len(net.history), losses) from error
        net.history.record("valid_score", score)


@contextmanager
def at_rest(net: BiGANNet) -> Iterator[None]:
    """Between two epochs: evaluation mode, and what networks draw is not felt by the training."""
    for network in (net.encoder_, net.generator_, net.discriminator_):
        network.eval()
    device = torch.device(net.device)
    before = generators(device)
    yield
    set_generators(device, before)


class ProgressBar(Callback):
    """A bar of tqdm's on stderr: epochs, losses, scores, the time left."""

    def on_epoch_begin(self, net: BiGANNet, **kwargs: Any) -> None:
        if not hasattr(self, "bar_"):
            from tqdm.auto import tqdm  # a requirement of skorch's

            self.bar_ = tqdm(total=net.max_epochs, initial=len(net.history) - 1, unit="epoch")

    def on_epoch_end(self, net: BiGANNet, **kwargs: Any) -> None:
        last = net.history[-1]
        names = ("loss_d", "loss_eg", "score", "valid_score")
        values = {name: f"{last[name]:.3f}" for name in names if name in last}
        self.bar_.set_postfix(values, refresh=False)
        self.bar_.update(len(net.history) - self.bar_.n)

    def on_train_end(self, net: BiGANNet, **kwargs: Any) -> None:
        if hasattr(self, "bar_"):  # another callback may have ended the training before this one
            self.on_epoch_end(net)

    def close(self) -> None:
        """Leave the bar as it stands."""
        if hasattr(self, "bar_"):
            self.bar_.close()


class EpochTasks(Callback):
    """Tells scikit-learn's callbacks of every epoch.

    Parameters
    ----------
    context : sklearn.callback.CallbackContext
        Of the fit.
    fitted_so_far : callable, () -> dict
        What an estimator needs to be as if the training had stopped.
    **arguments
        Of the context's calls: estimator, X and y.
    """

    def __init__(self, context: Any, fitted_so_far: Callable[[], dict], **arguments: Any):
        self.context = context
        self.fitted_so_far = fitted_so_far
        self.arguments = arguments
        self.n_begun = 0
        self.is_open = False

    def on_epoch_begin(self, net: BiGANNet, **kwargs: Any) -> None:
        if len(net.history) > self.n_begun:  # else one that was undone begins again
            while self.n_begun < len(net.history):  # those before a resumed training have numbers
                self.task = self.context.subcontext(task_name="epoch")
                self.n_begun += 1
            self.is_open = True
            self.task.call_on_fit_task_begin(**self.arguments)

    def on_epoch_end(self, net: BiGANNet, **kwargs: Any) -> None:
        if len(net.history) == self.n_begun and self._end(net):
            raise KeyboardInterrupt  # as skorch's callbacks end a training

    def on_train_end(self, net: BiGANNet, **kwargs: Any) -> None:
        if self.is_open:  # a callback before this one has ended the training
            self._end(net)

    def _end(self, net: BiGANNet) -> bool:
        self.is_open = False
        with at_rest(net):
            return self.task.call_on_fit_task_end(
                **self.arguments, reconstruction_attributes=self.fitted_so_far
            )


def own_copies(callbacks: list[Any] | None) -> list[Any]:
    """Copies for one fit; what cannot be copied, as a connection to a server, is shared."""
    return [_own_copy(callback) for callback in callbacks or []]


def _own_copy(callback: Any) -> Any:
    if isinstance(callback, tuple):
        name, callback = callback
        return name, _own_copy(callback)
    try:
        return deepcopy(callback)
    except TypeError:
        return copy(callback)
