"""A training that processes share: writes the codes of each, and what it has printed and warned.

torchrun --nproc-per-node=2 shared_fit.py OUTPUT '{"max_epochs": 2}'
"""

import json
import os
import signal
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from skorch.callbacks import Callback

from sk_bigan import BiGANTransformer


class KillSelf(Callback):
    """One of the processes, after so many steps."""

    def __init__(self, rank, step):
        self.rank = rank
        self.step = step
        self.steps_ = 0

    def on_batch_end(self, net, **kwargs):
        self.steps_ += 1
        if self.steps_ == self.step and os.environ.get("RANK") == self.rank:
            os.kill(os.getpid(), signal.SIGKILL)


class Warns(Callback):
    def on_epoch_end(self, net, **kwargs):
        warnings.warn("an epoch has ended", ConvergenceWarning, stacklevel=2)


def main():
    output, parameters = Path(sys.argv[1]), json.loads(sys.argv[2])
    torch.set_num_threads(1)
    X, _ = load_digits(return_X_y=True)
    X = X[: parameters.pop("n_rows", 1280)]
    callbacks = [Warns()]
    if "kill" in parameters:
        callbacks.append(KillSelf(*parameters.pop("kill")))
    bigan = BiGANTransformer(
        hidden_units=(64,),
        precision="float32",
        data_parallel=True,
        callbacks=callbacks,
        **{"random_state": 0, "augmentation": None, "cycle_weight": 1, **parameters},
    ).fit(X)
    rank = os.environ.get("RANK", "0")
    np.save(output / f"codes{rank}.npy", bigan.transform(X))
    (output / f"epochs{rank}").write_text(str(bigan.n_epochs_))
    bigan.save(output / "bigan")


if __name__ == "__main__":
    main()
