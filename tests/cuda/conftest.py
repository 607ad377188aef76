"""Shared by the tests on the pretended device: rows, and a small estimator to fit on them."""

import numpy as np
import pretend_cuda
import pytest
import torch
from sklearn.datasets import load_digits

from sk_bigan import BiGANTransformer


@pytest.fixture(scope="session", autouse=True)
def the_device_is_the_pretended_one():
    assert torch.empty(0, device="cuda:1").device == torch.device("cuda", 1)
    assert torch.cuda.is_available.__module__ == pretend_cuda.__name__


@pytest.fixture(scope="session")
def rows():
    """387 digits, in four batches of 97 and of 96 rows."""
    return load_digits().data[:387].astype(np.float32)


@pytest.fixture(scope="session")
def make():
    """Make a small estimator on the device, with the given parameters changed."""

    def make(cls=BiGANTransformer, **changed):
        parameters = {
            "latent_dim": 4,
            "hidden_units": (16,),
            "max_epochs": 8,
            "batch_size": 100,
            "random_state": 0,
            "device": "cuda",
            # Exact in float32, even when it is lowered: a recorded step has it as a tensor.
            "learning_rate": 2.0**-12,
        }
        return cls(**(parameters | changed))

    return make
