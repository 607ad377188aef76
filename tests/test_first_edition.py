"""Files that the first edition has saved still open, and compute what it computed."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_iris

from sk_bigan import BiGANDetector, BiGANTransformer

FILES = Path(__file__).parent / "first_edition"


@pytest.fixture(scope="module")
def outputs():
    return np.load(FILES / "outputs.npz")


def test_codes_are_those_of_the_first_edition(outputs):
    X, _ = load_iris(return_X_y=True)
    bigan = BiGANTransformer.load(FILES / "transformer.safetensors")
    np.testing.assert_allclose(bigan.transform(X[:10]), outputs["codes"], rtol=1e-5, atol=1e-6)


def test_a_training_continues_with_the_moments_of_the_first_edition(outputs):
    X, _ = load_iris(return_X_y=True)
    bigan = BiGANTransformer.load(FILES / "transformer.safetensors").partial_fit(X)
    np.testing.assert_allclose(bigan.transform(X[:10]), outputs["next"], rtol=1e-3, atol=1e-4)
    afresh = BiGANTransformer.load(FILES / "transformer.safetensors")
    assert not np.allclose(afresh.transform(X[:10]), outputs["next"], rtol=1e-3, atol=1e-4)


def test_discriminators_of_cycles_are_found_by_their_names(outputs):
    X, _ = load_iris(return_X_y=True)
    detector = BiGANDetector.load(FILES / "detector.safetensors")
    np.testing.assert_allclose(detector.score_samples(X[:10]), outputs["scores"], rtol=1e-5)
