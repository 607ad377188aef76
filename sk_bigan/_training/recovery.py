"""Recovery from divergence: the last good state of a training, and the way back to it."""

from __future__ import annotations

import warnings

from sklearn.exceptions import ConvergenceWarning

from .._machine.plain import on_cpu
from ..exceptions import Diverged, TrainingDivergedError
from .engine import ROLLBACK_FACTOR, BiGANNet

MOST_ROLLBACKS = 2


class Recovery:
    """The last good state of a training.

    Parameters
    ----------
    net : BiGANNet
        Its present state is the first good one; all processes start from that of process 0.
    """

    def __init__(self, net: BiGANNet):
        self.net = net
        self.good = net.processes.broadcast(on_cpu(net.training_state()))
        if net.processes.n > 1:
            net.load_training_state(self.good)

    def mark_good(self) -> None:
        """Keep the present state to go back to."""
        self.good = on_cpu(self.net.training_state())

    def go_back(self) -> None:
        """Load the last good state."""
        self.net.load_training_state(self.good)

    def roll_back(self, divergence: Diverged) -> None:
        """Load the last good state and lower the learning rate.

        Raises
        ------
        TrainingDivergedError
            After too many rollbacks.
        """
        net = self.net
        lr, rollbacks = net.lr * ROLLBACK_FACTOR, net.rollbacks_ + 1
        self.good = net.processes.broadcast(self.good)  # process 0 may have checked more often
        self.go_back()
        if rollbacks > MOST_ROLLBACKS:
            raise TrainingDivergedError(
                divergence.epoch,
                divergence.losses,
                f"try a lower learning_rate than {lr / ROLLBACK_FACTOR**rollbacks:g}, from which "
                f"it was lowered {MOST_ROLLBACKS} times by a factor of {ROLLBACK_FACTOR:g}",
            ) from divergence
        net.lr, net.rollbacks_ = lr, rollbacks
        warnings.warn(
            f"the training diverged in epoch {divergence.epoch} ({divergence.losses}); it goes on "
            f"from epoch {len(net.history)} with learning_rate={lr:g}",
            ConvergenceWarning,
            stacklevel=2,
        )
