"""One training: epochs, and between their steps health checks, checkpoints, Ctrl-C and recovery."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from .._data.rows import DatasetRows
from .._machine.devices import keep_freed_memory
from .._machine.interrupts import Interrupts
from .._machine.plain import on_cpu
from ..exceptions import Diverged
from .checkpoints import Checkpoints
from .engine import BiGANNet, TrainingStopped
from .monitoring import HealthChecks
from .recovery import Recovery


class Training:
    """Train an engine's networks until `max_epochs` passes are made or a callback stops it.

    Parameters
    ----------
    net : BiGANNet
        Initialized. Its networks and optimizers are trained in place.
    checkpoints : Checkpoints or None
        Files that the training resumes from, if there are any, and writes its state to.
    rows : ndarray of int or None
        Indices of the rows to train on; None takes all.
    interrupts : Interrupts or None
        Deferred SIGINT, to be delivered between two steps.
    """

    health: HealthChecks
    recovery: Recovery

    def __init__(
        self,
        net: BiGANNet,
        checkpoints: Checkpoints | None = None,
        rows: np.ndarray | None = None,
        interrupts: Interrupts | None = None,
    ):
        self.net = net
        self.checkpoints = checkpoints
        self.rows = rows
        self.interrupts = interrupts or Interrupts()
        self.at_start: dict[str, Any] | None = None

    def run(self, X: Tensor | DatasetRows) -> None:
        """Train.

        Parameters
        ----------
        X : Tensor of shape (n, ...) or DatasetRows
            At least two rows, on the device of the networks or, to be streamed there, elsewhere.

        Raises
        ------
        TrainingDivergedError
            If lower learning rates do not help. The networks are then the last good ones.
        KeyboardInterrupt
            Between two steps.
        Exception
            Of callbacks, data or networks; `undo` brings these back to where they were.
        """
        keep_freed_memory()
        net = self.net
        learning = [(p, p.requires_grad) for network in net.players for p in network.parameters()]
        net.supervisor = self
        with net.processes.synchronized_batch_norm(*net.players):
            try:
                self._begin(X)
                self._train(X)
                net.notify("on_train_end", X=X, y=None)
            except TrainingStopped:
                pass  # by a callback, before the first epoch or after the last
            finally:
                net.set_training(False)
                for parameter, learns in learning:  # a callback may have frozen it
                    parameter.requires_grad_(learns)
                net.iterator_train__rows = None
                del net.supervisor  # which refers to this net

    def _begin(self, X: Tensor | DatasetRows) -> None:
        net = self.net
        net.iterator_train__device = torch.device(net.device)
        net.iterator_train__rows = self.rows
        net.iterator_train__processes = net.processes
        net.initialize_history()
        net.rollbacks_, net.epoch_so_far_ = 0, None
        self.health = HealthChecks.of(net, X)
        self.at_start = on_cpu(net.training_state())
        net.notify("on_train_begin", X=X, y=None)  # in which a callback may set weights
        self.recovery = Recovery(net)

    def undo(self) -> None:
        """Bring networks and optimizers back to where they were before the training."""
        if self.at_start is not None:
            self.net.load_training_state(self.at_start)

    def _train(self, X: Tensor | DatasetRows) -> None:
        net = self.net
        earlier = net.processes.broadcast(self.checkpoints.latest() if self.checkpoints else None)
        if earlier is None:
            self._write_checkpoint()
        else:
            net.load_training_state(earlier)
            self.recovery.mark_good()
        if earlier is None or not earlier["finished"]:
            net.record_step()
            self._train_epochs(X)
            self._write_checkpoint(finished=True)

    def _train_epochs(self, X: Tensor | DatasetRows) -> None:
        net = self.net
        while len(net.history) < net.max_epochs:
            try:
                # Not skorch's fit or partial_fit: those swallow Ctrl-C.
                net.fit_loop(X, epochs=1)
            except Diverged as divergence:
                self.recovery.roll_back(divergence)
                continue
            except TrainingStopped:
                if self.health.check() is None:
                    self.recovery.go_back()
                return
            is_good = self.health.checked_epoch and len(net.history) < net.max_epochs
            if is_good:
                self.recovery.mark_good()
            self.after_step(is_good)

    def after_step(self, is_good: bool = False) -> None:
        """Deliver Ctrl-C and write a checkpoint that is due: between steps nothing is half done.

        Parameters
        ----------
        is_good : bool
            Whether the state has just been checked and kept as the last good one.
        """
        try:
            self.interrupts.deliver()
        except KeyboardInterrupt:
            self._write_checkpoint(is_good)
            raise
        net = self.net
        n_epochs, between_epochs = len(net.history), net.epoch_so_far_ is None
        if between_epochs and n_epochs == net.max_epochs:
            return  # the end of the training has a checkpoint of its own
        if self.checkpoints and self.checkpoints.due(n_epochs, between_epochs):
            self._write_checkpoint(is_good)

    def is_interrupted(self) -> bool:
        """Return whether the user has interrupted the training."""
        return self.interrupts.interrupted

    def after_epoch(self, losses: dict[str, float], n_steps: int) -> dict[str, float]:
        """Check the networks; return values for the history."""
        return self.health.after_epoch(losses, n_steps)

    def _write_checkpoint(self, is_good: bool = False, finished: bool = False) -> None:
        if self.checkpoints is None:
            return
        if not is_good:
            if self.health.check() is None:
                return
            # A resumed training would fall back to this state, so that this one does too.
            self.recovery.mark_good()
        self.checkpoints.write({**self.recovery.good, "finished": finished})
