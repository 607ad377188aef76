"""A row's results depend on its values alone, not on its neighbours, their number or its memory."""

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis.extra.numpy import arrays
from test_properties import make, many
from torch import nn

from sk_bigan._data.inference import forward, inference_rows

CPU = torch.device("cpu")
CONV = {"architecture": "conv", "sample_shape": (1, 8, 8), "hidden_units": (16, 32, 64)}


@pytest.mark.parametrize("latent_dim", [1, 3, 50])
def test_a_rows_output_does_not_depend_on_the_rows_beside_it(latent_dim):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(784, 1024), nn.LeakyReLU(0.2), nn.Linear(1024, latent_dim))
    batch = inference_rows(784, CPU)
    rows = np.random.default_rng(0).normal(size=(batch + 577, 784)).astype(np.float32)
    whole = forward(network, rows, CPU, np.float32)
    for n in (1, 2, 31, 32, 33, 100, 1000):
        start = batch - n // 2  # across the border of two batches
        np.testing.assert_array_equal(
            forward(network, rows[start : start + n], CPU, np.float32), whole[start : start + n]
        )


@pytest.mark.parametrize(
    "settings",
    [
        {},
        *(CONV | {"features": features} for features in ("latent", "penultimate", "hidden")),
        CONV | {"architecture": "pooled", "features": "hidden"},
    ],
    ids=["mlp", "conv, latent", "conv, penultimate", "conv, hidden", "pooled, hidden"],
)
def test_features_do_not_depend_on_the_samples_beside_them(digits, small, settings):
    bigan = small(**settings).fit(digits)
    codes = bigan.transform(digits)
    for i in (0, 17, 399):
        np.testing.assert_array_equal(bigan.transform(digits[i : i + 1]), codes[i : i + 1])
    order = np.random.default_rng(0).permutation(len(digits))
    np.testing.assert_array_equal(bigan.transform(digits[order]), codes[order])
    np.testing.assert_array_equal(bigan.transform(digits), codes)


@pytest.fixture(scope="module")
def fitted():
    return make().fit(np.random.default_rng(0).normal(size=(60, 7)))


rows_of_seven = arrays(
    np.float64, st.tuples(st.integers(1, 90), st.just(7)), elements=st.floats(-9, 9)
)


@many
@pytest.mark.filterwarnings("ignore:.*other units")
@given(X=rows_of_seven, data=st.data())
def test_a_rows_features_do_not_depend_on_the_order_and_number_of_rows(fitted, X, data):
    chosen = data.draw(st.lists(st.integers(0, len(X) - 1), min_size=1, max_size=80))
    np.testing.assert_array_equal(fitted.transform(X)[chosen], fitted.transform(X[chosen]))
    np.testing.assert_array_equal(fitted.score_samples(X)[chosen], fitted.score_samples(X[chosen]))


@many
@pytest.mark.filterwarnings("ignore:.*other units")
@given(X=rows_of_seven)
def test_dtypes_and_layouts_of_memory_make_no_difference(fitted, X):
    X = X.astype(np.float32).astype(np.float64)
    codes = fitted.transform(X)
    for same in (np.asfortranarray(X), X[::-1].copy()[::-1], X.tolist()):
        np.testing.assert_array_equal(fitted.transform(same), codes)
    np.testing.assert_array_equal(fitted.transform(X.astype(np.float32)), codes.astype(np.float32))
