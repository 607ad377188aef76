"""Loadings: exact where the map is linear or a network, and differences elsewhere."""

from importlib import import_module

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from matplotlib.figure import Figure
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_wine
from sklearn.decomposition import NMF, PCA
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.kernel_approximation import RBFSampler
from sklearn.manifold import TSNE
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler
from torch import nn

from sk_bigan import BiGANTransformer
from sk_bigan.columns import ColumnEncoder
from sk_bigan.inspection import LoadingsDisplay, loadings
from sk_bigan.inspection.jacobian import jacobian

LINEAR = {"encoder": lambda sample_shape, latent_dim: nn.Sequential(nn.Linear(13, latent_dim))}


class OneLayer(nn.Linear):
    """An encoder without kinks, of any width."""

    def __init__(self, sample_shape, latent_dim):
        super().__init__(*sample_shape, latent_dim)


LINEAR_IN_WIDTHS = {"encoder": OneLayer, "max_epochs": 1}


@pytest.fixture(scope="module")
def wine():
    return load_wine().data


@pytest.fixture(scope="module")
def frame():
    return load_wine(as_frame=True).data


def differences(transform, X, step):
    """The Jacobians by central differences, (n, n_codes, n_columns)."""
    shifts = np.diag(step)
    return np.stack([(transform(X + s) - transform(X - s)) / (2 * s.max()) for s in shifts], axis=2)


# Maps that are linear


@pytest.mark.parametrize("whiten", [False, True])
def test_those_of_pca_are_its_components(wine, whiten):
    pca = PCA(4, whiten=whiten).fit(wine)
    lengths = np.sqrt(pca.explained_variance_) if whiten else np.ones(4)
    result = loadings(pca, wine)
    expected = (pca.components_ / lengths[:, np.newaxis]).T
    np.testing.assert_allclose(result.mean, expected, atol=1e-6)
    np.testing.assert_allclose(result.mean_absolute, np.abs(expected), atol=1e-6)


def test_those_of_a_linear_encoder_are_its_weights_in_units_of_x(wine, small):
    bigan = small(latent_dim=3, **LINEAR).fit(wine)
    weights = bigan.encoder_.state_dict()
    (weight,) = (value.double().numpy(force=True) for value in weights.values() if value.ndim == 2)
    result = loadings(bigan, wine)
    np.testing.assert_allclose(result.mean, (weight / bigan.scaler_.scale_).T, rtol=1e-5)
    np.testing.assert_allclose(result.mean_absolute, np.abs(result.mean), rtol=1e-5)


def test_pipelines_obey_the_chain_rule(wine, small):
    scaler, pca = StandardScaler(), PCA(3)
    pipeline = make_pipeline(scaler, "passthrough", MinMaxScaler(), pca).fit(wine)
    slope = 1 / np.ptp(wine, axis=0)
    np.testing.assert_allclose(loadings(pipeline, wine).mean, (pca.components_ * slope).T)
    ends_in_bigan = make_pipeline(StandardScaler(), small(scaling=None)).fit(wine)
    alone = loadings(ends_in_bigan[-1], ends_in_bigan[:-1].transform(wine)).mean
    expected = alone / ends_in_bigan[0].scale_[:, np.newaxis]
    np.testing.assert_allclose(loadings(ends_in_bigan, wine).mean, expected)
    np.testing.assert_allclose(loadings(FrozenEstimator(ends_in_bigan), wine).mean, expected)


def test_a_scaler_that_clips_is_flat_beyond_its_range(wine):
    scaler = MinMaxScaler(clip=True).fit(wine[:50])
    inside = (wine > scaler.data_min_) & (wine < scaler.data_max_)
    expected = np.diag(inside.mean(axis=0) / scaler.data_range_)
    np.testing.assert_allclose(loadings(scaler, wine).mean, expected, rtol=0.05, atol=1e-9)


# Networks


@pytest.mark.parametrize("features", ["latent", "penultimate"])
def test_those_of_a_network_are_its_slopes(wine, small, features):
    bigan = small(features=features, max_epochs=20).fit(wine)
    exact = jacobian(bigan, wine, None)
    near = differences(bigan.transform, wine, 1e-3 * wine.std(axis=0))
    assert exact.shape == near.shape
    # Differences step over the kinks of some units.
    error = np.abs(exact - near) * wine.std(axis=0)
    assert np.quantile(error, 0.9) < 1e-3
    result = loadings(bigan, wine)
    np.testing.assert_allclose(result.mean, exact.mean(axis=0).T, atol=1e-9)
    np.testing.assert_allclose(result.mean_absolute, np.abs(exact).mean(axis=0).T, atol=1e-9)
    assert (result.mean_absolute >= np.abs(result.mean) - 1e-12).all()


OWN_SCALER = StandardScaler().fit(load_wine().data * 2)
SCALINGS = ["auto", "standard", "range", None, "columns", ColumnEncoder(numbers="bins"), OWN_SCALER]
CONTAINERS = {
    "array": lambda frame: frame.to_numpy(),
    "pandas": lambda frame: frame,
    "polars": lambda frame: pl.DataFrame(frame.to_dict("list")),
    "pyarrow": lambda frame: pa.table(frame.to_dict("list")),
}


@pytest.mark.filterwarnings("ignore:scaling=None leaves values that spread:UserWarning")
@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("scaling", SCALINGS, ids=str)
def test_they_are_differences_of_codes_in_the_units_of_x_whatever_scales_it(
    frame, small, scaling, container
):
    make = CONTAINERS[container]
    bigan = small(scaling=scaling, **LINEAR_IN_WIDTHS).fit(make(frame))
    deviations = frame.to_numpy().std(axis=0)
    # Steps over the edges of bins are part of the result. Elsewhere long ones drown the rounding.
    step = (1e-3 if isinstance(scaling, ColumnEncoder) else 0.3) * deviations
    near = differences(
        lambda rows: bigan.transform(make(pd.DataFrame(rows, columns=frame.columns))),
        frame.to_numpy(),
        step,
    )
    expected = near.mean(axis=0).T * deviations[:, np.newaxis]
    error = 1e-3 * np.abs(expected).max()
    result = loadings(bigan, make(frame))
    np.testing.assert_allclose(result.mean * deviations[:, np.newaxis], expected, atol=error)
    drawn = LoadingsDisplay.from_estimator(bigan, make(frame), ax=Figure().subplots()).values
    np.testing.assert_allclose(drawn, expected, atol=error)


def test_those_of_a_table_with_gaps_are_in_its_units(frame, small):
    gappy = frame.copy()
    gappy.iloc[::7, 1] = np.nan
    bigan = small(latent_dim=3, **LINEAR_IN_WIDTHS).fit(gappy)
    weight = bigan.encoder_.weight.double().numpy(force=True)
    expected = weight / np.nanstd(gappy, axis=0)  # encoded columns have variance 1
    np.testing.assert_allclose(loadings(bigan, frame).mean, expected.T, rtol=1e-5)


@pytest.mark.parametrize("in_steps", [False, True])
def test_categories_have_no_derivatives(frame, small, in_steps):
    kinds = frame.iloc[:, :2].assign(kind=np.arange(178) % 3)
    encoder = ColumnEncoder(categorical_features=["kind"])
    bigan = small(latent_dim=2, max_epochs=1, scaling=encoder)
    if in_steps:
        bigan = make_pipeline(encoder, small(latent_dim=2, max_epochs=1))
    bigan.fit(kinds)
    message = "categories have no derivatives, got them in column 'kind': encode X first"
    with pytest.raises(ValueError, match=message):
        loadings(bigan, kinds)


def test_columns_of_images_are_pixels_in_the_order_of_x(digits, small):
    gray = digits[:40].reshape(-1, 8, 8)
    images = np.stack([gray, gray[::-1], 16 - gray], axis=-1)  # channels last
    bigan = small(max_epochs=1, architecture="mlp").fit(images)
    flat = images.reshape(40, -1)
    near = differences(
        lambda rows: bigan.transform(rows.reshape(-1, 8, 8, 3)), flat, np.full(192, 0.05)
    )
    result = loadings(bigan, images)
    assert result.mean.shape == (192, 4)
    assert np.corrcoef(result.mean.ravel(), near.mean(axis=0).T.ravel())[0, 1] > 0.99


def test_batches_change_nothing_and_gradients_are_left_alone(wine, fitted, digits, monkeypatch):
    before = [weight.grad.clone() for weight in fitted.encoder_.parameters()]
    whole = loadings(fitted, digits)
    module = import_module("sk_bigan.inspection.loadings")  # behind the function of that name
    monkeypatch.setattr(module, "MOST_VALUES", 64 * 4 * 7)
    in_parts = loadings(fitted, digits)
    np.testing.assert_allclose(whole.mean, in_parts.mean, atol=1e-7)
    np.testing.assert_allclose(whole.mean_absolute, in_parts.mean_absolute, atol=1e-7)
    after = [weight.grad for weight in fitted.encoder_.parameters()]
    assert all(a.equal(b) for a, b in zip(after, before, strict=True))
    with torch.inference_mode():
        np.testing.assert_array_equal(loadings(fitted, digits).mean, in_parts.mean)


# Others


def test_any_other_transformer_is_differentiated_by_differences(wine):
    squares = FunctionTransformer(lambda X: np.column_stack([X[:, 0] ** 2, X[:, 0] * X[:, 1]]))
    result = loadings(squares.fit(wine), wine)
    expected = np.zeros((13, 2))
    expected[0] = 2 * wine[:, 0].mean(), wine[:, 1].mean()
    expected[1, 1] = wine[:, 0].mean()
    np.testing.assert_allclose(result.mean, expected, rtol=1e-6, atol=1e-6)
    assert list(result.feature_names_out) == ["z0", "z1"]


def test_a_mean_of_zero_may_hide_slopes_of_both_signs(wine):
    X = wine - wine.mean(axis=0)
    result = loadings(FunctionTransformer(np.square).fit(X), X)
    np.testing.assert_allclose(np.diag(result.mean), 0, atol=1e-6 * np.abs(X).max())
    np.testing.assert_allclose(np.diag(result.mean_absolute), 2 * np.abs(X).mean(axis=0), rtol=1e-3)


@pytest.mark.parametrize("make", [lambda: NMF(2, max_iter=2000, tol=1e-8), lambda: RBFSampler()])
def test_constant_columns_and_other_maps_give_finite_numbers(wine, make):
    X = np.column_stack([np.full(178, 3.0), StandardScaler().fit_transform(wine)])
    X = np.abs(X)
    assert np.isfinite(loadings(make().fit(X), X).mean).all()


def test_steps_before_a_network_may_be_any(frame, small):
    table = ColumnTransformer([("logs", FunctionTransformer(np.log), list(frame.columns[:4]))])
    pipeline = make_pipeline(table, small(latent_dim=2)).fit(frame)
    result = loadings(pipeline, frame)
    assert result.mean.shape == (13, 2)
    np.testing.assert_array_equal(result.mean[4:], 0)
    logs = np.log(frame.to_numpy()[:, :4])
    chain = jacobian(pipeline[-1], logs, None) / frame.to_numpy()[:, np.newaxis, :4]
    np.testing.assert_allclose(result.mean[:4], chain.mean(axis=0).T, rtol=1e-4)


# Containers and names


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
@pytest.mark.parametrize(
    "estimator",
    [
        PCA(2),
        RBFSampler(gamma=1e-5, random_state=0),
        BiGANTransformer(2, max_epochs=1, hidden_units=(32,), random_state=0),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_names_come_from_frames(frame, library, estimator, one_thread):
    X = CONTAINERS[library](frame)
    estimator = clone(estimator).fit(X)
    result = loadings(estimator, X)
    assert list(result.feature_names_in) == list(frame.columns)
    assert list(result.feature_names_out) == list(estimator.get_feature_names_out())
    plain = loadings(estimator.fit(frame.to_numpy()), frame.to_numpy())
    np.testing.assert_allclose(result.mean, plain.mean, atol=1e-6)
    assert list(plain.feature_names_in) == [f"x{i}" for i in range(13)]


def test_as_frame(frame):
    pca = PCA(2).fit(frame)
    plain, framed = loadings(pca, frame), loadings(pca, frame, as_frame=True)
    for key in ("mean", "mean_absolute"):
        expected = pd.DataFrame(plain[key], frame.columns, ["pca0", "pca1"])
        pd.testing.assert_frame_equal(framed[key], expected, check_index_type=False)


def test_bad_input_is_named(wine, fitted):
    with pytest.raises(NotFittedError):
        loadings(PCA(2), wine)
    with pytest.raises(TypeError, match="estimator must have the methods fit and transform"):
        loadings(TSNE(), wine)
    with pytest.raises(ValueError, match="X has 13 features, but BiGANTransformer is expecting 64"):
        loadings(fitted, wine)


class Sums(TransformerMixin, BaseEstimator):
    """Sum of each row of a picture."""

    def fit(self, X, y=None):
        self.n_features_in_ = 6
        return self

    def transform(self, X):
        assert X.shape[1:] == (2, 3)
        return X.sum(axis=2)


def test_other_transformers_get_pictures_as_pictures():
    X = np.arange(24.0).reshape(4, 2, 3)
    expected = np.repeat(np.eye(2), 3, axis=0)
    np.testing.assert_allclose(loadings(Sums().fit(X), X).mean, expected)
