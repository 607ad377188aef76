"""Which scaling "auto" means, and that both roads lead back."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from helpers import same_weights
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import cross_val_score
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from torch.utils.data import TensorDataset

from sk_bigan._data.layout import Layout, recognise
from sk_bigan._data.scaling import (
    axis_of_units,
    column_statistics,
    make_scaler,
    make_to_samples,
    resolve_scaling,
)
from sk_bigan.inspection.units import scaler_of

RNG = np.random.default_rng(0)


def flat(X):
    return Layout(X.shape[1:], X.shape[1:])


TABLES = [load_breast_cancer, load_iris, load_wine]


def automatic(X, layout=None):
    return resolve_scaling("auto", column_statistics(X), layout or flat(X), X.dtype)


def test_auto_scales_pixels_and_bits_as_a_whole():
    digits = load_digits().data
    assert automatic(digits) == "range"
    assert automatic(digits[:100] / 16) == "range"
    assert automatic(RNG.integers(0, 2, (50, 5)) * 1.0) == "range"


@pytest.mark.parametrize("load", TABLES)
def test_auto_scales_tables_column_by_column(load):
    assert automatic(load().data) == "standard"


def test_auto_scales_what_is_said_to_be_an_image_as_a_whole():
    X = RNG.normal(size=(50, 16))
    assert automatic(X, Layout((16,), (1, 4, 4))) == "range"
    assert automatic(X.astype(np.uint8)) == "range"
    assert automatic(X) == "standard"


@pytest.mark.parametrize("dtype", ["uint8", "UInt8", "int64", "float32"])
def test_a_frame_is_a_table_in_any_dtype(dtype, small):
    rng = np.random.default_rng(0)
    ends = {"a": (20, 90), "b": (1, 4), "c": (100, 200), "d": (60, 65)}
    frame = pd.DataFrame({name: rng.integers(*two, 300) for name, two in ends.items()})
    frame = frame.astype(dtype)
    of_floats = small(latent_dim=1).fit(frame.astype(float))
    table = pa.Table.from_pandas(frame)
    for X in (frame, pl.from_pandas(frame), table, table.to_batches()[0]):
        bigan = small(latent_dim=1).fit(X)
        assert isinstance(bigan.scaler_, StandardScaler)
        assert isinstance(scaler_of(X), StandardScaler)
        np.testing.assert_array_equal(bigan.transform(X), of_floats.transform(frame.astype(float)))
    pixels = frame.to_numpy(np.uint8)
    for X in (pixels, torch.tensor(pixels), TensorDataset(torch.tensor(pixels))):
        assert isinstance(small(latent_dim=1).fit(X).scaler_, MinMaxScaler)


def test_counts_with_one_huge_column_are_a_table():
    assert automatic(RNG.integers(0, 2, (100, 6)) * np.array([1, 1, 1, 1, 1, 1000.0])) == "standard"


def test_range_keeps_the_proportions_between_columns():
    X = load_digits().data
    scaled = make_scaler("range", column_statistics(X), flat(X)).transform(X)
    np.testing.assert_allclose(scaled, X / 8 - 1)


def test_standard_gives_every_column_the_same_weight():
    X = load_wine().data
    scaled = make_scaler("standard", column_statistics(X), flat(X)).transform(X)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(scaled.std(axis=0), 1)


def test_none_leaves_x_alone():
    X = load_wine().data
    np.testing.assert_array_equal(make_scaler(None, column_statistics(X), flat(X)).transform(X), X)


@pytest.mark.parametrize("scaling", ["range", "standard", None])
@pytest.mark.parametrize("X", [load_wine().data, np.full((5, 3), 7.0)], ids=["wine", "constant"])
def test_round_trip(scaling, X):
    scaler = make_scaler(scaling, column_statistics(X), flat(X))
    scaled = scaler.transform(X)
    assert np.isfinite(scaled).all()
    np.testing.assert_allclose(scaler.inverse_transform(scaled), X)


@pytest.mark.parametrize("scaling", ["range", "standard", None])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_samples_are_what_the_scaler_gives(scaling, dtype):
    X = load_digits().data[:100].astype(dtype)
    scaler = make_scaler(scaling, column_statistics(X), flat(X))
    to_samples = make_to_samples(scaler, Layout((64,), (1, 8, 8)), torch.device("cpu"))
    samples = to_samples(torch.from_numpy(X))
    assert samples.dtype == torch.float32
    assert samples.shape == (100, 1, 8, 8)
    expected = scaler.transform(X.astype(float))
    np.testing.assert_allclose(samples.flatten(1), expected, rtol=1e-6, atol=1e-6)


def test_a_column_far_from_zero_keeps_its_digits():
    X = 1e9 + RNG.normal(size=(1000, 2))
    samples = make_to_samples(
        make_scaler("standard", column_statistics(X), flat(X)),
        Layout((2,), (2,)),
        torch.device("cpu"),
    )(torch.from_numpy(X))
    np.testing.assert_allclose(samples.std(0, correction=0), 1, rtol=1e-5)
    np.testing.assert_allclose(samples.mean(0), 0, atol=1e-5)


def test_columns_are_described_in_chunks_as_they_are_at_once():
    X = RNG.normal(size=(3000, 1000)) * np.arange(1, 1001)  # 3 chunks
    low, high, standard = column_statistics(X)
    np.testing.assert_array_equal(low, X.min(axis=0))
    np.testing.assert_array_equal(high, X.max(axis=0))
    np.testing.assert_allclose(standard.mean_, X.mean(axis=0))
    np.testing.assert_allclose(standard.var_, X.var(axis=0))


UNITS = 2.0 ** np.array([-490, -200, -57, -20, 40, 400])  # exact, so that nothing is rounded


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("scaling", ["auto", "range", "standard"])
@pytest.mark.parametrize("shape", [(4,), (4, 4), (2, 5, 5)], ids=["table", "image", "channels"])
def test_nothing_depends_on_the_unit_of_x(small, unit, scaling, shape, tmp_path):
    X = np.random.default_rng(0).random((60, *shape)) + 0.1
    one, other = (small(scaling=scaling, max_epochs=1).fit(rows) for rows in (X, X * unit))
    codes = one.transform(X)
    assert (codes.std(axis=0) > 1e-3).all()
    np.testing.assert_array_equal(other.transform(X * unit), codes)
    np.testing.assert_array_equal(other.score_samples(X * unit), one.score_samples(X))
    drawn = other.inverse_transform(codes)
    np.testing.assert_array_equal(drawn, one.inverse_transform(codes) * unit)
    other.save(tmp_path / "model.safetensors")
    opened = type(other).load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(opened.transform(X * unit), codes)
    np.testing.assert_array_equal(opened.inverse_transform(codes), drawn)


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("offset", [0.0, 5.0])
def test_range_fills_from_end_to_end_in_every_unit(unit, offset):
    X = (RNG.random((50, 4)) + offset) * unit
    scaled = make_scaler("range", column_statistics(X), flat(X)).transform(X)
    np.testing.assert_allclose([scaled.min(), scaled.max()], [-1, 1], rtol=1e-12)


def test_a_channel_of_tiny_numbers_fills_its_range_beside_others():
    X = RNG.random((50, 20, 2)) * [1.0, 1e-17]
    rows, layout = X.reshape(50, -1), recognise(X.shape[1:], None)
    scaled = make_scaler("range", column_statistics(rows), layout).transform(rows).reshape(X.shape)
    np.testing.assert_allclose(scaled.min(axis=(0, 1)), -1, rtol=1e-12)
    np.testing.assert_allclose(scaled.max(axis=(0, 1)), 1, rtol=1e-12)


def test_what_rounding_leaves_of_a_constant_is_none_of_its_range():
    """0.1 + 0.2 is not 0.3."""
    X = np.where(RNG.random((50, 4)) < 0.5, 0.1 + 0.2, 0.3)
    np.testing.assert_allclose(make_scaler("range", column_statistics(X), flat(X)).transform(X), -1)


def windows(channels, n=200, time=30):
    """Noisy waves of sensors with these offsets and amplitudes, (n, time, channels)."""
    phases = RNG.uniform(0, 2 * np.pi, (n, 1, len(channels)))
    waves = np.sin(phases + np.linspace(0, 6, time)[:, None]) + 0.1 * RNG.normal(size=phases.shape)
    offsets, amplitudes = np.transpose(channels)
    return offsets + amplitudes * waves


SENSORS = [(20.0, 5.0), (101_325.0, 300.0), (0.5, 0.1)]  # degrees, pascals, a share


@pytest.mark.parametrize("axis", [0, 1])
def test_sensors_in_units_of_their_own_fill_ranges_of_their_own(axis):
    X = windows(SENSORS)
    X = X if axis == 1 else X.transpose(0, 2, 1)
    statistics, layout = column_statistics(X.reshape(200, -1)), recognise(X.shape[1:], None)
    assert axis_of_units(statistics, layout) == axis
    scaled = make_scaler("range", statistics, layout).transform(X.reshape(200, -1)).reshape(X.shape)
    others = (0, 2 - axis)
    np.testing.assert_allclose(scaled.min(axis=others), -1)
    np.testing.assert_allclose(scaled.max(axis=others), 1)


def test_sensors_in_one_unit_and_pictures_have_one_range():
    in_one_unit = windows([(20.0, 5.0), (21.0, 3.0), (18.0, 6.0)])
    digits = load_digits().images
    dark_edge = digits * np.linspace(0, 1, 8)
    in_colour = np.stack([digits, digits / 2, digits / 3], axis=3)
    for X in (in_one_unit, digits, dark_edge, in_colour, in_colour.transpose(0, 3, 1, 2)):
        statistics, layout = column_statistics(X.reshape(len(X), -1)), recognise(X.shape[1:], None)
        assert axis_of_units(statistics, layout) is None


def test_the_code_tells_of_a_small_channel(small):
    """With one range for all, nothing of it would be left in the codes."""
    X = windows([(1000.0, 300.0), (0.5, 0.1)])
    codes = small(latent_dim=8, hidden_units=(64,), max_epochs=60).fit_transform(X)
    share = cross_val_score(LinearRegression(), codes, X[:, :, 1], cv=5, scoring="r2").mean()
    assert share > 0.6


def test_the_flat_shape_of_a_table_tells_nothing_new(small):
    X = load_wine().data
    plain, told = (small(max_epochs=1, sample_shape=shape).fit(X) for shape in (None, (13,)))
    assert same_weights(plain, told)
    np.testing.assert_array_equal(plain.transform(X), told.transform(X))


@pytest.mark.parametrize("frozen", [False, True])
def test_a_given_scaler_has_the_columns_of_x_in_their_order(frozen, small):
    X = pd.DataFrame({"a": RNG.normal(0, 1, 100), "b": RNG.normal(1000, 50, 100)})
    scaler = StandardScaler().fit(X[["b", "a"]])
    scaling = FrozenEstimator(scaler) if frozen else scaler
    with pytest.raises(ValueError, match=r"in their order, \['a', 'b'\], got one of \['b', 'a'\]"):
        small(latent_dim=1, scaling=scaling).fit(X)
    assert small(latent_dim=1, scaling=scaling).fit(X[["b", "a"]]).scaler_.mean_[0] > 900
    small(latent_dim=1, scaling=scaling).fit(X[["b", "a"]].to_numpy())
    small(latent_dim=1, scaling=StandardScaler().fit(X.to_numpy())).fit(X)
