"""Callbacks for users: schedules of the learning rate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import skorch.callbacks
import torch
from skorch import NeuralNet
from skorch.callbacks import WarmRestartLR
from torch.optim import lr_scheduler
from torch.optim.lr_scheduler import ReduceLROnPlateau

SCHEDULES: dict[str, type] = {
    **{name: getattr(lr_scheduler, name) for name in lr_scheduler.__all__},
    "WarmRestartLR": WarmRestartLR,
}


class LRScheduler(skorch.callbacks.LRScheduler):
    """A schedule of torch's for the learning rate of both players.

    It replaces the linear decay in the second half of the epochs, and steps once an epoch. The rate
    follows from the epochs so far, so that a resumed training continues the schedule, and a
    rollback keeps its lower rate. In `partial_fit`, which is one epoch, every call has the first
    rate.

    Parameters
    ----------
    policy : str or class
        A class of :mod:`torch.optim.lr_scheduler` or its name, as "CosineAnnealingLR", "StepLR" or
        "ReduceLROnPlateau", or skorch's "WarmRestartLR".

    monitor : str, default="loss_eg"
        Entry of the history that ReduceLROnPlateau reads, as "valid_score".

    event_name : str or None, default="event_lr"
        Name of the rate in the history.

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

    def _get_policy_cls(self) -> Any:
        policy = SCHEDULES.get(self.policy) if isinstance(self.policy, str) else self.policy
        if not callable(policy):
            raise ValueError(
                "policy must be a class of torch.optim.lr_scheduler or its name, got "
                f"{self.policy!r}"
            )
        return policy

    def on_train_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        """Do nothing, where skorch's binds itself to a single optimizer."""

    def on_epoch_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        epochs = net.history[:-1]  # the new one is counted already
        if isinstance(self.policy_, type) and issubclass(self.policy_, ReduceLROnPlateau):
            self.rates_ = self.simulate(len(epochs) + 1, net.lr_at_start, self._scores(epochs))
        elif len(self.rates_) == 0:
            self.rates_ = self.simulate(net.max_epochs, net.lr_at_start)
        factor = self.rates_[len(epochs)] / net.lr_at_start
        set_learning_rates(net.optimizers_, net.lr * factor)

    def _scores(self, epochs: list[dict[str, Any]]) -> list[float]:
        if any(self.monitor not in epoch for epoch in epochs):
            names = sorted(epochs[-1].keys() - {"batches"})
            raise ValueError(
                f"monitor must be an entry of the history, one of {names}, got {self.monitor!r}"
            )
        return [*(epoch[self.monitor] for epoch in epochs), 0.0]  # the last comes too late to act

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        if self.event_name is not None:
            net.history.record(self.event_name, float(net.optimizer_d_.param_groups[0]["lr"]))


def set_learning_rates(optimizers: dict[str, torch.optim.Optimizer], rate: float) -> None:
    """Set the rate of every group of parameters."""
    for optimizer in optimizers.values():
        for group in optimizer.param_groups:
            if isinstance(group["lr"], torch.Tensor):  # recorded in a CUDA graph
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate
