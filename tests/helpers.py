"""What several test files do with estimators."""

import signal

import numpy as np
import torch
from skorch.callbacks import Callback
from torch import nn

NETWORKS = ("encoder_", "generator_", "discriminator_")


def weights(estimator):
    return [
        value.detach().cpu().clone()
        for name in NETWORKS
        for value in getattr(estimator, name).state_dict().values()
    ]


def same_weights(a, b):
    return all(p.equal(q) for p, q in zip(weights(a), weights(b), strict=True))


def without_seconds(history):
    return [{name: value for name, value in epoch.items() if name != "dur"} for epoch in history]


def read_only(X):
    X = X.copy()
    X.flags.writeable = False
    return X


def texts(labels):
    """Return the texts of labels of matplotlib."""
    return [label.get_text() for label in labels]


def documented(section):
    """Names in a section of numpydoc's."""
    return [name for entry in section for name in entry.name.split(", ")]


def interrupt(*args, **kwargs):
    """Interrupt as Ctrl-C does, as an action of any callback."""
    signal.raise_signal(signal.SIGINT)


class Noisy(nn.Linear):
    """Draws in evaluation mode too."""

    def __init__(self, sample_shape, latent_dim):
        super().__init__(sample_shape[0], latent_dim)

    def forward(self, x):
        return super().forward(x + torch.randn_like(x))


class AtStep(Callback):
    """Calls `action(net)` once, after so many steps."""

    steps_ = 0

    def __init__(self, step, action):
        self.step = step
        self.action = action

    def on_batch_end(self, net, **kwargs):
        self.steps_ += 1
        if self.steps_ == self.step:
            self.action(net)


def spoil(net):
    """Weights that no step makes good again."""
    with torch.no_grad():
        next(net.encoder_.parameters()).fill_(np.nan)


def once(action):
    """For callbacks, whose own memory goes back with the training."""
    done = []

    def act(net):
        if not done:
            done.append(True)
            action(net)

    return act


class EachStep(Callback):
    """Calls `action(net)` after every step."""

    def __init__(self, action):
        self.action = action

    def on_batch_end(self, net, **kwargs):
        self.action(net)
