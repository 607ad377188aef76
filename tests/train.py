"""A process to kill: trains with checkpoints, and writes its weights when it comes to the end.

python train.py FOLDER OUTPUT PRECISION
"""

import sys

import numpy as np
import torch
from helpers import weights
from sklearn.datasets import load_digits
from skorch.callbacks import Callback

from sk_bigan import BiGANTransformer


def say(word):
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


class Begun(Callback):
    def on_train_begin(self, net, **kwargs):
        say("begun")


def main(folder, output, precision):
    torch.set_num_threads(min(2, torch.get_num_threads()))  # as in conftest.py
    X, _ = load_digits(return_X_y=True)
    bigan = BiGANTransformer(
        4,
        hidden_units=(64,),
        max_epochs=40,
        precision=precision,
        random_state=0,
        checkpoint_dir=folder,
        checkpoint_every=0.0,  # after every step, so that most kills fall into a write
        callbacks=[Begun()],
    ).fit(X[:400])
    say("ended")
    np.savez(output, *[value.numpy() for value in weights(bigan)])


if __name__ == "__main__":
    main(*sys.argv[1:])
