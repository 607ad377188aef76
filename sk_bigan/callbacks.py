"""Observers of a training, and what else follows it epoch by epoch."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy, deepcopy
from typing import TYPE_CHECKING, Any

import skorch.callbacks
import torch
from skorch.callbacks import Callback
from torch import Tensor
from torch.optim.lr_scheduler import ReduceLROnPlateau

from .exceptions import Diverged
from .state import generators, set_generators

if TYPE_CHECKING:
    from .training import BiGANNet

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # scikit-learn before 1.9, whose estimators have no callbacks

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Tasks that nobody is told of."""

        def _init_callback_context(self, **kwargs: Any) -> CallbackSupportMixin:
            return self

        subcontext = call_on_fit_task_begin = call_on_fit_task_end = _init_callback_context

    def with_callbacks(method: Callable) -> Callable:
        return method


class LRScheduler(skorch.callbacks.LRScheduler):
    """One of torch's schedules of the learning rate, for both players.

    It takes the place of the linear decay in the second half of the epochs. What it sets follows
    from the epochs so far, so that a resumed training goes on as if nothing had happened, and one
    that went back with lower rates keeps them lower.

    Parameters
    ----------
    policy : str or class, default="WarmRestartLR"
        A class of :mod:`torch.optim.lr_scheduler`, or the name of one that skorch knows, as
        "CosineAnnealingLR", "StepLR" or "ReduceLROnPlateau".

    monitor : str, default="train_loss"
        Entry of the history that ReduceLROnPlateau looks at, as "loss_eg" or "valid_score".

    event_name : str or None, default="event_lr"
        What the history calls the rate.

    step_every : {"epoch"}, default="epoch"

    **kwargs
        Of the scheduler, as ``T_max=20``.

    Examples
    --------
    >>> from sk_bigan import BiGANTransformer
    >>> from sk_bigan.callbacks import LRScheduler
    >>> cosine = LRScheduler("CosineAnnealingLR", T_max=20)
    >>> bigan = BiGANTransformer(max_epochs=20, callbacks=[cosine])
    """

    def initialize(self) -> LRScheduler:
        if self.step_every != "epoch" or callable(self.monitor):
            raise ValueError(
                "LRScheduler needs step_every='epoch' and the name of an entry of the history as "
                f"monitor, got step_every={self.step_every!r} and monitor={self.monitor!r}"
            )
        return super().initialize()

    def on_train_begin(self, net: BiGANNet, **kwargs: Any) -> None:
        """Nothing, where skorch's binds itself to a single optimizer."""

    def on_epoch_begin(self, net: BiGANNet, **kwargs: Any) -> None:
        epochs = net.history[:-1]  # the new one is counted already
        scores = None
        if self.policy_ is ReduceLROnPlateau:
            if any(self.monitor not in epoch for epoch in epochs):
                raise ValueError(
                    f"monitor must be an entry of the history, one of {sorted(epochs[-1])}, got "
                    f"{self.monitor!r}"
                )
            scores = [*(epoch[self.monitor] for epoch in epochs), 0.0]  # the last comes too late
        rates = self.simulate(len(epochs) + 1, net.lr_at_start, step_args=scores)
        set_learning_rates(net, rates[-1] / net.lr_at_start)

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
        for network in (net.encoder_, net.generator_, net.discriminator_):
            network.eval()
        device = torch.device(net.device)
        before = generators(device)  # networks may draw, and the training must not feel it
        try:
            score = self.score()
        except ValueError as error:  # not finite: the training goes back
            losses = {name: net.history[-1, name] for name in ("loss_d", "loss_eg")}
            raise Diverged(len(net.history), losses) from error
        set_generators(device, before)
        net.history.record("valid_score", score)


class ProgressBar(Callback):
    """A bar of tqdm's on stderr: epochs, losses, the held-out score, the time left."""

    def on_epoch_begin(self, net: BiGANNet, **kwargs: Any) -> None:
        if not hasattr(self, "bar_"):
            from tqdm.auto import tqdm  # a requirement of skorch's

            self.bar_ = tqdm(total=net.max_epochs, initial=len(net.history) - 1, unit="epoch")

    def on_epoch_end(self, net: BiGANNet, **kwargs: Any) -> None:
        last = net.history[-1]
        names = ("loss_d", "loss_eg", "valid_score")
        values = {name: f"{last[name]:.3f}" for name in names if name in last}
        self.bar_.set_postfix(values, refresh=False)
        self.bar_.update(len(net.history) - self.bar_.n)

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

    def on_epoch_begin(self, net: BiGANNet, **kwargs: Any) -> None:
        if len(net.history) > self.n_begun:  # else one that diverged begins again
            self.n_begun = len(net.history)
            self.task = self.context.subcontext(task_name="epoch")
            self.task.call_on_fit_task_begin(**self.arguments)

    def on_epoch_end(self, net: BiGANNet, **kwargs: Any) -> None:
        stop = self.task.call_on_fit_task_end(
            **self.arguments, reconstruction_attributes=self.fitted_so_far
        )
        if stop:
            raise KeyboardInterrupt  # as skorch's callbacks end a training


def own_copies(callbacks: list[Any]) -> list[Any]:
    """Copies for one fit; what cannot be copied, as a connection to a server, is shared."""
    return [_own_copy(callback) for callback in callbacks]


def _own_copy(callback: Any) -> Any:
    if isinstance(callback, tuple):
        name, callback = callback
        return name, _own_copy(callback)
    try:
        return deepcopy(callback)
    except TypeError:
        return copy(callback)
