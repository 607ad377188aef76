"""Observers of a training: schedule, held-out scores, bars and scikit-learn's callbacks."""

from __future__ import annotations

import sys
from collections.abc import Callable
from copy import copy, deepcopy
from typing import Any

import torch
from skorch import NeuralNet
from skorch.callbacks import Callback

from .._machine.at_rest import at_rest
from ..callbacks import set_learning_rates
from ..exceptions import Diverged, NotFiniteError

SHOWN = ("loss_d", "loss_eg", "score", "valid_score")  # of an epoch, to users


class LinearDecay(Callback):
    """Linear decay of the learning rates to zero over the second half of the epochs."""

    def on_epoch_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        epochs_done = len(net.history) - 1  # the new one is counted already
        factor = min(1.0, 2 * (1 - epochs_done / net.max_epochs))
        set_learning_rates(net.optimizers_, net.lr * factor)


class HeldOutScore(Callback):
    """A score of the networks after every epoch, noted as "valid_score".

    Parameters
    ----------
    score : callable, () -> float
        Called with the networks in evaluation mode.
    """

    def __init__(self, score: Callable[[], float]):
        self.score = score

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        try:
            score = self.score()
        except NotFiniteError as error:
            losses = {name: net.history[-1, name] for name in ("loss_d", "loss_eg")}
            raise Diverged(len(net.history), losses) from error
        net.history.record("valid_score", score)


class ProgressBar(Callback):
    """A bar of tqdm's on stderr with epochs, losses, scores and the time left."""

    def on_epoch_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        if not hasattr(self, "bar_"):
            from tqdm.auto import tqdm  # a requirement of skorch's

            self.bar_ = tqdm(
                total=net.max_epochs,
                initial=len(net.history) - 1,
                unit="epoch",
                disable=sys.stderr is None,  # as without a console on Windows
            )

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        last = net.history[-1]
        values = {name: f"{last[name]:.3f}" for name in SHOWN if name in last}
        self.bar_.set_postfix(values, refresh=False)
        self.bar_.update(len(net.history) - self.bar_.n)

    def on_train_end(self, net: NeuralNet, **kwargs: Any) -> None:
        if hasattr(self, "bar_"):  # another callback may have ended the training before this one
            self.on_epoch_end(net)

    def close(self) -> None:
        """Leave the bar as it stands."""
        if hasattr(self, "bar_"):
            self.bar_.close()


class EpochTasks(Callback):
    """The epochs as tasks of scikit-learn's callbacks.

    Parameters
    ----------
    context : sklearn.callback.CallbackContext
        Context of the fit.
    fitted_so_far : callable, () -> dict
        Returns the attributes of an estimator as if the training had stopped.
    **arguments
        Arguments of the context's calls: estimator, X and y.
    """

    def __init__(self, context: Any, fitted_so_far: Callable[[], dict], **arguments: Any):
        self.context = context
        self.fitted_so_far = fitted_so_far
        self.arguments = arguments
        self.n_begun = 0
        self.is_open = False

    def on_epoch_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        if len(net.history) > self.n_begun:  # else one that was undone begins again
            while self.n_begun < len(net.history):  # those before a resumed training have numbers
                self.task = self.context.subcontext(task_name="epoch")
                self.n_begun += 1
            self.is_open = True
            self.task.call_on_fit_task_begin(**self.arguments)

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        if len(net.history) == self.n_begun and self._end(net):
            raise KeyboardInterrupt  # as skorch's callbacks end a training

    def on_train_end(self, net: NeuralNet, **kwargs: Any) -> None:
        if self.is_open:  # a callback before this one has ended the training
            self._end(net)

    def _end(self, net: NeuralNet) -> bool:
        self.is_open = False
        with at_rest(net.players, torch.device(net.device)):
            return self.task.call_on_fit_task_end(
                **self.arguments, reconstruction_attributes=self.fitted_so_far
            )


def copies_of(callbacks: list[Any] | None) -> list[Any]:
    """Return copies for one fit; a callback that cannot be copied is shared."""
    return [_copy(callback) for callback in callbacks or []]


def _copy(callback: Any) -> Any:
    if isinstance(callback, tuple):
        name, callback = callback
        return name, _copy(callback)
    try:
        return deepcopy(callback)
    except TypeError:
        return copy(callback)
