"""Which scaling "auto" means, and that both roads lead back."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine

from sk_bigan._data.layout import Layout
from sk_bigan._data.scaling import describe, make_scaler, make_to_samples, resolve_scaling

RNG = np.random.default_rng(0)
TABLES = [load_breast_cancer, load_iris, load_wine]


def test_auto_scales_pixels_and_bits_as_a_whole():
    digits = load_digits().data
    assert resolve_scaling("auto", describe(digits), is_image=False) == "range"
    assert resolve_scaling("auto", describe(digits[:100] / 16), is_image=False) == "range"
    assert (
        resolve_scaling("auto", describe(RNG.integers(0, 2, (50, 5)) * 1.0), is_image=False)
        == "range"
    )


@pytest.mark.parametrize("load", TABLES)
def test_auto_scales_tables_column_by_column(load):
    assert resolve_scaling("auto", describe(load().data), is_image=False) == "standard"


def test_auto_scales_what_is_said_to_be_an_image_as_a_whole():
    assert resolve_scaling("auto", describe(RNG.normal(size=(50, 16))), is_image=True) == "range"
    assert (
        resolve_scaling("auto", describe(RNG.normal(size=(50, 16))), is_image=False) == "standard"
    )


def test_counts_with_one_huge_column_are_a_table():
    X = RNG.integers(0, 2, (100, 6)) * np.array([1, 1, 1, 1, 1, 1000.0])
    assert resolve_scaling("auto", describe(X), is_image=False) == "standard"


def test_range_keeps_the_proportions_between_columns():
    X = load_digits().data
    scaled = make_scaler("range", describe(X)).transform(X)
    np.testing.assert_allclose(scaled, X / 8 - 1)


def test_standard_gives_every_column_the_same_weight():
    X = load_wine().data
    scaled = make_scaler("standard", describe(X)).transform(X)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(scaled.std(axis=0), 1)


def test_none_leaves_x_alone():
    X = load_wine().data
    np.testing.assert_array_equal(make_scaler(None, describe(X)).transform(X), X)


@pytest.mark.parametrize("scaling", ["range", "standard", None])
@pytest.mark.parametrize("X", [load_wine().data, np.full((5, 3), 7.0)], ids=["wine", "constant"])
def test_round_trip(scaling, X):
    scaler = make_scaler(scaling, describe(X))
    scaled = scaler.transform(X)
    assert np.isfinite(scaled).all()
    np.testing.assert_allclose(scaler.inverse_transform(scaled), X)


@pytest.mark.parametrize("scaling", ["range", "standard", None])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_samples_are_what_the_scaler_gives(scaling, dtype):
    X = load_digits().data[:100].astype(dtype)
    scaler = make_scaler(scaling, describe(X))
    to_samples = make_to_samples(scaler, Layout((64,), (1, 8, 8)), torch.device("cpu"))
    samples = to_samples(torch.from_numpy(X))
    assert samples.dtype == torch.float32
    assert samples.shape == (100, 1, 8, 8)
    expected = scaler.transform(X.astype(float))
    np.testing.assert_allclose(samples.flatten(1), expected, rtol=1e-6, atol=1e-6)


def test_a_column_far_from_zero_keeps_its_digits():
    X = 1e9 + RNG.normal(size=(1000, 2))
    samples = make_to_samples(
        make_scaler("standard", describe(X)), Layout((2,), (2,)), torch.device("cpu")
    )(torch.from_numpy(X))
    np.testing.assert_allclose(samples.std(0, correction=0), 1, rtol=1e-5)
    np.testing.assert_allclose(samples.mean(0), 0, atol=1e-5)


def test_columns_are_described_in_chunks_as_they_are_at_once():
    X = RNG.normal(size=(3000, 1000)) * np.arange(1, 1001)  # 3 chunks
    low, high, standard = describe(X)
    np.testing.assert_array_equal(low, X.min(axis=0))
    np.testing.assert_array_equal(high, X.max(axis=0))
    np.testing.assert_allclose(standard.mean_, X.mean(axis=0))
    np.testing.assert_allclose(standard.var_, X.var(axis=0))
