"""Shared by all tests: real data, and a small estimator to fit on it."""

import os
import signal

# scikit-learn runs one of its estimator checks only where this was set before SciPy's import.
os.environ.setdefault("SCIPY_ARRAY_API", "1")

import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from sk_bigan import BiGANTransformer
from sk_bigan.networks.building import Wanted, build_networks

torch.set_num_threads(min(2, torch.get_num_threads()))
# What a shell starts in the background ignores Ctrl-C, and so would the processes of the tests.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def digits():
    """The first 400 of scikit-learn's digits: 8x8 pixels of 0..16, float64, read-only."""
    X, _ = load_digits(return_X_y=True)
    X = X[:400]
    X.flags.writeable = False
    return X


@pytest.fixture(scope="session")
def small():
    """Make a small, quick estimator, with the given parameters changed."""

    def make(**parameters):
        defaults = {"latent_dim": 4, "hidden_units": (32,), "max_epochs": 2, "random_state": 0}
        return BiGANTransformer(**(defaults | parameters))

    return make


@pytest.fixture(scope="session")
def fitted(digits, small):
    """A fitted one, for tests that only read it."""
    return small().fit(digits)


@pytest.fixture(scope="session")
def make_networks():
    """Make small untrained E, G and D for 7 features and codes of 3, always the same."""

    def make(discriminator=None):
        torch.manual_seed(0)
        return build_networks(
            "mlp",
            (7,),
            3,
            (16, 16),
            code_activation=nn.Identity(),
            output=nn.Tanh(),
            wanted={"discriminator": Wanted(discriminator)},
        )

    return make


@pytest.fixture
def figures_closed_and_settings_untouched():
    """For displays."""
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    before = dict(mpl.rcParams)
    yield
    plt.close("all")
    assert dict(mpl.rcParams) == before


@pytest.fixture(scope="module")
def one_thread():
    """For networks this small, which more threads slow down when other programs run."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
