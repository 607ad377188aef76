"""Tables of figures and curves over the length of a code."""

import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.datasets import load_digits, load_wine, make_blobs
from sklearn.decomposition import PCA, KernelPCA
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.manifold import TSNE
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder, StandardScaler
from sklearn.random_projection import GaussianRandomProjection

from sk_bigan._data.scaling import center_and_factor
from sk_bigan.inspection import (
    evaluate,
    explain,
    latent_dim_curve,
    loadings,
    shuffled_control,
)
from sk_bigan.inspection.units import scaler_of

WITHOUT_Y = ["n_codes", "explained", "trustworthiness", "neighbors_kept", "silhouette", "seconds"]
OF_CLASSES = ["accuracy_1nn", "accuracy_linear", "accuracy_few_labels"]


@pytest.fixture(scope="module")
def wine():
    X, y = load_wine(return_X_y=True)
    return StandardScaler().fit_transform(X), y


@pytest.fixture(scope="module")
def table(wine):
    estimators = {
        "all": StandardScaler(),
        "noise": Noise(3),
        "three": PCA(3),
    }
    return evaluate(estimators, *wine, random_state=0, as_frame=True).table


class Noise(TransformerMixin, BaseEstimator):
    """Codes that have nothing to do with the rows."""

    def __init__(self, n_codes=2):
        self.n_codes = n_codes

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.random.default_rng(0).normal(size=(len(X), self.n_codes))


def test_the_table_has_a_row_for_each_and_for_pca_of_each_width(table):
    assert list(table.index) == ["all", "noise", "three", "PCA(3)", "PCA(13)"]
    assert {*table.columns} == {*WITHOUT_Y, *OF_CLASSES}
    assert list(table.n_codes) == [13, 3, 3, 3, 13]
    assert (table.seconds > 0).all()


def test_what_keeps_all_is_perfect_and_noise_is_nothing(table):
    keeps_all = ["explained", "trustworthiness", "neighbors_kept"]
    np.testing.assert_allclose(table.loc[["all", "PCA(13)"], keeps_all], 1)
    noise = table.loc["noise"]
    assert np.isnan(noise.explained)
    assert noise.trustworthiness < 0.6
    assert noise.neighbors_kept < 0.25
    assert noise[OF_CLASSES].max() < 0.6
    assert table.loc["three", OF_CLASSES].min() > 0.85


def test_pca_is_fitted_on_standardised_columns(table, wine):
    figures = [column for column in table.columns if column != "seconds"]
    # PCA itself and the PCA beside differ by the scaling within the folds alone.
    np.testing.assert_allclose(
        table.loc["three", figures].astype(float),
        table.loc["PCA(3)", figures].astype(float),
        atol=0.05,
    )
    X, _ = wine
    other_units = evaluate(PCA(3), X * np.logspace(-3, 3, 13), random_state=0)
    assert other_units.names == ["PCA", "PCA(3)"]
    assert other_units.table.explained[0] < 0.55
    assert other_units.table.explained[1] == pytest.approx(table.explained["PCA(3)"], abs=0.05)


def test_accuracy_is_that_of_test_rows(wine):
    """A transformer that remembers its rows has nothing to say of others."""

    class Memory(Noise):
        def fit(self, X, y=None):
            self.rows_ = {row.tobytes() for row in X}
            return self

        def transform(self, X):
            known = np.array([row.tobytes() in self.rows_ for row in X])
            return np.where(known[:, np.newaxis], X[:, :2] * 1e3, super().transform(X))

    figures = evaluate(Memory(), *wine, with_pca=False, random_state=0).table
    assert figures.accuracy_1nn[0] < 0.6


def test_without_classes_there_are_no_accuracies(wine):
    result = evaluate([PCA(2), PCA(3)], wine[0], random_state=0)
    assert result.names == ["PCA 1", "PCA 2", "PCA(2)", "PCA(3)"]
    assert [*result.table] == WITHOUT_Y
    assert all(column.shape == (4,) for column in result.table.values())
    alone = evaluate(PCA(2), wine[0], with_pca=False, random_state=0)
    assert alone.names == ["PCA"]


def test_clusters_are_as_many_as_classes():
    X, y = make_blobs(240, n_features=4, centers=4, cluster_std=0.1, random_state=0)
    with_y, without = (
        evaluate(PCA(2), X, classes, with_pca=False, random_state=0).table.silhouette[0]
        for classes in (y, None)
    )
    assert with_y > 0.9 > without


@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
def test_a_fit_whose_codes_are_all_the_same_is_a_row_of_the_table(wine):
    class Collapsed(Noise):
        def transform(self, X):
            return np.ones((len(X), self.n_codes))

    estimators = {"collapsed": Collapsed(), "two": PCA(2)}
    table = evaluate(estimators, *wine, random_state=0, as_frame=True).table
    assert np.isnan(table.silhouette["collapsed"])
    assert table.loc["collapsed", OF_CLASSES].max() < 0.6
    assert table.loc["two"].notna().all()


def test_seeds_folds_and_processes(wine):
    def figures(**parameters):
        table = evaluate(PCA(2), *wine, with_pca=False, **parameters).table
        return [value[0] for name, value in table.items() if name != "seconds"]

    assert figures(random_state=0) == figures(random_state=0)
    assert figures(random_state=0) != figures(random_state=1)
    np.testing.assert_allclose(figures(random_state=0), figures(random_state=0, n_jobs=2))
    sorted_folds = figures(random_state=0, cv=KFold(3))  # wine is sorted by its classes
    assert sorted_folds[-2] < 0.3
    assert figures(random_state=0, cv=StratifiedKFold(5))[-2] > 0.8


def test_images_and_bigans(digits, small):
    images = digits[:120].reshape(-1, 8, 8)
    bigan = small(max_epochs=1)
    result = evaluate({"images": bigan, "rows": bigan}, images, random_state=0, as_frame=True)
    assert list(result.table.index) == ["images", "rows", "PCA(4)"]
    assert result.table.notna().all(axis=None)


def test_as_many_classes_as_test_rows_have_no_silhouette(wine):
    """Each cluster would be a row."""
    y = np.arange(165) % 15
    table = evaluate(PCA(2), wine[0][:165], y, cv=11, random_state=0, with_pca=False).table
    assert {key for key, values in table.items() if np.isnan(values).any()} == {"silhouette"}
    # Folds of one's own may have fewer.
    fold = np.arange(11, 165), np.arange(11)
    table = evaluate(PCA(2), wine[0][:165], y, cv=[fold], random_state=0, with_pca=False).table
    assert {key for key, values in table.items() if np.isnan(values).any()} == {"silhouette"}


BAD_CLASSES = {
    "measured": (np.linspace(0, 1, 178), "y must hold classes, got continuous"),
    "whole floats": (np.arange(178) // 2.0, "at least 3 rows, as many as folds, on average.*89 di"),
    "one class": (np.zeros(178, int), "y must hold at least two classes in the training rows"),
    "one row of a class": (["a"] * 170 + ["b"] * 8, "y must hold at least two classes in the tr"),
    "None": ([None, 0] * 89, "y must hold classes as integers or texts, got NoneType, int"),
    "None among texts": (["a", None] * 89, "y must hold classes .* got NoneType, str"),
    "NaN among texts": (pd.Series(["a", np.nan] * 89), "y must hold classes .* got float, str"),
    "NaN": ([0, 1, np.nan] * 59 + [0], "y must hold classes .* got NaN or infinity"),
    "NA": (pd.array([1, None] * 89, dtype="Int64"), "y must hold classes .* got NaN or infinity"),
}


@pytest.mark.parametrize("name", BAD_CLASSES)
def test_bad_classes_are_named_before_any_fit(wine, name):
    class Unfitted(PCA):
        def fit(self, X, y=None):
            raise AssertionError("this was fitted")

    y, message = BAD_CLASSES[name]
    cv = KFold(2) if name == "one row of a class" else 3
    with pytest.raises(ValueError, match=message):
        evaluate(Unfitted(2), wine[0], y, cv=cv)


@pytest.mark.parametrize(
    ("estimators", "y", "error", "message"),
    [
        (TSNE(), None, TypeError, "estimator must have the methods fit and transform, got TSNE"),
        (PCA(2), np.zeros(3), ValueError, "inconsistent numbers of samples"),
        ([], None, ValueError, "estimators must be at least one transformer, got none"),
    ],
)
def test_bad_input_of_evaluate_is_named(wine, estimators, y, error, message):
    with pytest.raises(error, match=message):
        evaluate(estimators, wine[0], y)


def without_inverse(small):
    """Transformers that have the method `inverse_transform`, but none for their codes."""
    hidden = small(features="hidden", max_epochs=1)
    return {
        "penultimate": small(features="penultimate", max_epochs=1),
        "hidden": hidden,
        "summary": small(features="summary", max_epochs=1),
        "a layer": small(features=["body.0"], max_epochs=1),
        "in a pipeline": make_pipeline(StandardScaler(), hidden, PCA(2)),
        "kernel": KernelPCA(2),
        "nested kernel": make_pipeline(make_pipeline(StandardScaler(), KernelPCA(2)), PCA(2)),
        "imputer": make_pipeline(SimpleImputer(), PCA(2)),
        "frozen": make_pipeline(FrozenEstimator(SimpleImputer().fit(np.eye(13))), PCA(2)),
    }


@pytest.mark.parametrize("name", without_inverse(lambda **_: PCA()))
def test_codes_without_an_inverse_have_all_other_figures(wine, small, name):
    estimator = without_inverse(small)[name]
    table = evaluate(estimator, *wine, with_pca=False, random_state=0).table
    assert {key for key, values in table.items() if np.isnan(values).any()} == {"explained"}
    control = shuffled_control(estimator, wine[0], n_repeats=2, random_state=0)
    assert np.isnan([*control.real.scores, *control.shuffled.scores]).all()
    assert np.isfinite(control.consistency_difference)
    with pytest.raises(TypeError, match="the method inverse_transform, for what its transform"):
        latent_dim_curve(estimator, wine[0], [1])


@pytest.mark.parametrize(
    "estimator",
    [KernelPCA(2, fit_inverse_transform=True), make_pipeline("passthrough", PCA(2)), PCA(2)],
)
def test_codes_with_an_inverse_have_a_share(wine, estimator):
    assert evaluate(estimator, wine[0], with_pca=False, random_state=0).table.explained > 0.3


def test_few_rows_and_texts_are_named(wine):
    with pytest.raises(ValueError, match="at least 11 test rows in each fold, got 10 of 30 rows"):
        evaluate(PCA(2), wine[0][:30], with_pca=False)
    assert evaluate(PCA(2), wine[0][:33], with_pca=False).names == ["PCA"]
    texts = pd.DataFrame({"wine": ["red", "white"] * 20})
    for function in (
        lambda X: evaluate(StandardScaler(), X),
        lambda X: loadings(OrdinalEncoder().fit(X), X),
        lambda X: latent_dim_curve(PCA(), X, [1], param_name="n_components"),
        lambda X: shuffled_control(OrdinalEncoder(), X),
    ):
        with pytest.raises(ValueError, match="must hold numbers, got '.*' in column 'wine'"):
            function(texts)


@pytest.mark.parametrize("shape", [(40, 3), (40, 2, 2)])
@pytest.mark.parametrize(
    "function",
    [
        lambda X: evaluate(PCA(1), X),
        lambda X: latent_dim_curve(PCA(), X, [1], param_name="n_components"),
        lambda X: shuffled_control(PCA(1), X),
    ],
)
def test_rows_that_are_all_equal_are_refused(function, shape):
    with pytest.raises(ValueError, match="X must have rows that differ, got 40 equal rows"):
        function(np.full(shape, 0.1))


@pytest.mark.parametrize("dtype", ["M8[D]", "m8[s]"])
def test_dates_and_durations_are_no_numbers(dtype):
    with pytest.raises(ValueError, match="X must hold numbers, got '.*' in column 0"):
        evaluate(PCA(1), np.arange(80).reshape(40, 2).astype(dtype))


def test_a_name_of_one_s_own_stays(wine):
    table = evaluate({"PCA(3)": Noise(3), "two": PCA(2)}, wine[0], random_state=0).table
    assert len(table.explained) == 3
    assert np.isnan(table.explained[0])  # noise has no reconstructions


@pytest.mark.parametrize("function", [evaluate, explain, loadings])
def test_frames_need_pandas(wine, monkeypatch, function):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=f"{function.__name__} requires pandas"):
        function(PCA(2), wine[0], as_frame=True)


# Units


def windows(axis):
    """A wave beside noise of a thousand times its size, along one of the axes of a window."""
    random = np.random.default_rng(0)
    wave = np.sin(np.linspace(0, 6, 16) + random.uniform(0, 6, (120, 1)))
    return np.stack([wave, 1000 + 1000 * random.normal(size=(120, 16))], axis=axis)


IN_UNITS = {
    "table": lambda: load_wine().data,
    "frame": lambda: load_wine(as_frame=True).data,
    "bounded columns": lambda: load_digits().data[:90],
    "bytes": lambda: (load_digits().data[:90] * np.linspace(0.1, 15, 64)).astype(np.uint8),
    "frame of bytes": lambda: pd.DataFrame(IN_UNITS["bytes"]()),
    "images": lambda: load_digits().images[:90],
    "channels last": lambda: windows(2),
    "channels first": lambda: windows(1),
    "colours last": lambda: windows(2).reshape(120, 8, 2, 2),
    "channels of images": lambda: windows(1).reshape(120, 2, 4, 4)[:, :, :, [0, 1, 2, 3, 0, 1]],
    "constant": lambda: np.full((40, 3), 7.0),
}


@pytest.mark.parametrize("name", IN_UNITS)
def test_units_are_those_of_a_bigan(small, name):
    X = IN_UNITS[name]()
    own = small(latent_dim=2, hidden_units=(8,), max_epochs=1, architecture="mlp").fit(X).scaler_
    ours = scaler_of(X)
    assert type(ours) is type(own)
    np.testing.assert_array_equal(center_and_factor(ours), center_and_factor(own))


@pytest.mark.parametrize("axis", [1, 2, 3])
def test_channels_that_may_be_first_or_last_have_their_own_units_too(axis):
    """Channels may come first or last, which a BiGAN wants to be told."""
    X = np.ones((120, 5, 5, 5)) * np.random.default_rng(0).normal(size=(120, 5, 5, 5))
    np.moveaxis(X, axis, 1)[:, :2] *= 1000
    assert len(np.unique(scaler_of(X).scale_)) == (5 if axis != 2 else 1)


@pytest.mark.parametrize("axis", [1, 2])
def test_pca_beside_gets_channels_in_their_own_units(small, axis):
    X = windows(axis)
    fold = train, test = np.arange(80), np.arange(80, 120)
    flat = X.reshape(120, -1)
    low, high = X[train].min(axis=(0, 3 - axis)), X[train].max(axis=(0, 3 - axis))
    each = np.arange(2)[:, np.newaxis] if axis == 1 else np.arange(2)
    each = np.broadcast_to(each, X.shape[1:]).ravel()
    rows = (flat - low[each]) / (high - low)[each]
    pca = PCA(2).fit(rows[train])
    errors = rows[test] - pca.inverse_transform(pca.transform(rows[test]))
    expected = 1 - np.sum(errors**2) / np.sum((rows[test] - rows[train].mean(axis=0)) ** 2)
    assert expected > 0.8
    bigan = small(latent_dim=2, max_epochs=1)
    beside = evaluate(bigan, X, cv=[fold], random_state=0, as_frame=True).table
    assert beside.explained["PCA(2)"] == pytest.approx(expected, abs=1e-6)
    curve = latent_dim_curve(bigan, X, [2], cv=[fold])
    assert curve.pca_scores == pytest.approx(expected, abs=1e-6)


# Curves


def test_pca_by_itself_is_the_curve_beside(wine):
    curve = latent_dim_curve(
        make_pipeline(StandardScaler(), PCA()),
        wine[0],
        [1, 3, 13],
        param_name="pca__n_components",
        random_state=0,
    )
    assert curve.scores.shape == curve.pca_scores.shape == (3, 3)
    np.testing.assert_allclose(curve.scores, curve.pca_scores, atol=1e-9)
    assert (np.diff(curve.scores, axis=0) > 0).all()
    np.testing.assert_allclose(curve.scores[-1], 1)
    assert list(curve.latent_dims) == [1, 3, 13]


def test_pca_of_images_is_the_curve_beside(digits):
    """Their scaling leaves the mean where it is, which a prediction of the mean must score 0 by."""
    curve = latent_dim_curve(PCA(), digits, [1, 8], param_name="n_components", random_state=0)
    np.testing.assert_allclose(curve.scores, curve.pca_scores, atol=1e-9)


def test_lengths_are_those_of_the_estimator(digits, small):
    curve = latent_dim_curve(small(max_epochs=1), digits, [1, 70], cv=2, random_state=0, n_jobs=2)
    assert curve.scores.shape == (2, 2)
    np.testing.assert_allclose(curve.pca_scores[1], 1)  # has no more than 64 components
    again = latent_dim_curve(small(max_epochs=1), digits, [1], cv=2, random_state=0)
    np.testing.assert_allclose(again.scores[0], curve.scores[0], atol=1e-4)


@pytest.mark.parametrize("latent_dims", [[], [0, 1], [1.5], 3, [[1]]])
def test_bad_lengths_are_named(wine, small, latent_dims):
    with pytest.raises(ValueError, match="latent_dims must be positive integers, got"):
        latent_dim_curve(small(), wine[0], latent_dims)


def test_bad_estimators_of_curves_are_named(wine):
    with pytest.raises(ValueError, match="Invalid parameter 'latent_dim' for estimator PCA"):
        latent_dim_curve(PCA(), wine[0], [1])
    with pytest.raises(TypeError, match="must have the method inverse_transform, .* got Noise"):
        latent_dim_curve(Noise(), wine[0], [1], param_name="n_codes")
    assert hasattr(KernelPCA(), "inverse_transform")
    assert hasattr(GaussianRandomProjection(), "inverse_transform")
