"""Faults that users of like libraries have reported, tried here."""

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_digits, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sk_bigan import BiGANDetector, BiGANTransformer

pytestmark = pytest.mark.usefixtures("one_thread")

WINE, KIND = load_wine(return_X_y=True, as_frame=True)
INDEX = np.arange(len(WINE))[::-1] * 3 + 5


def make(cls=BiGANTransformer, **parameters):
    defaults = {"latent_dim": 3, "hidden_units": (32,), "max_epochs": 1, "random_state": 0}
    return cls(**(defaults | parameters))


@pytest.mark.parametrize("n", [1, 4095, 4096, 4097, 9000])
def test_more_rows_than_in_fit_and_around_a_batch(n):
    """umap 89, 311, 452: NaN or an error beyond the rows of fit, or beyond 4,095."""
    X = load_digits().data
    bigan = make().fit(X[:50])
    many = np.resize(X, (n, 64))
    codes = bigan.transform(many)
    assert codes.shape == (n, 3)
    np.testing.assert_array_equal(codes[-1:], bigan.transform(many[-1:]))


@pytest.mark.parametrize("cls", [BiGANTransformer, BiGANDetector])
def test_clones_and_dumps_of_networks(cls, tmp_path):
    """PyOD 88, 256, 269: models of networks could not be dumped, and clones were not compared."""
    fitted = make(cls).fit(WINE)
    joblib.dump(fitted, tmp_path / "model.joblib")
    again = joblib.load(tmp_path / "model.joblib")
    np.testing.assert_array_equal(again.score_samples(WINE), fitted.score_samples(WINE))
    refitted = clone(fitted).fit(WINE)
    np.testing.assert_array_equal(refitted.score_samples(WINE), fitted.score_samples(WINE))


def test_an_index_of_ones_own_stays():
    """scikit-learn 25730, 26210: frames of transformers had another index, and did not align."""
    X = WINE.set_axis(INDEX, axis=0)
    bigan = make().set_output(transform="pandas").fit(X)
    assert (bigan.transform(X).index == INDEX).all()
    both = make_column_transformer(
        (make(), [*X.columns[:6]]), (StandardScaler(), [*X.columns[6:]])
    ).set_output(transform="pandas")
    joined = both.fit_transform(X)
    assert (joined.index == INDEX).all()
    assert not joined.isna().any(axis=None)


def test_tables_keep_it_too():
    X = WINE.assign(colour=np.where(KIND == 1, "light", "dark")).set_axis(INDEX, axis=0)
    bigan = make().set_output(transform="pandas").fit(X)
    assert (bigan.impute(X).index == INDEX).all()
    assert (bigan.inverse_transform(bigan.transform(X)).index == INDEX).all()


def test_a_step_without_columns_beside_it():
    """scikit-learn 25487: a step of no columns broke the frame of the others."""
    both = make_column_transformer((OneHotEncoder(), []), (make(), [*WINE.columns]))
    assert both.set_output(transform="pandas").fit_transform(WINE).shape == (178, 3)


def test_a_grid_in_processes_that_compute_in_double_precision():
    """sktime 5048: loky's workers did not have the caller's default dtype."""
    pipe = make_pipeline(make(), LogisticRegression(max_iter=500))
    search = GridSearchCV(pipe, {"bigantransformer__latent_dim": [2, 3]}, cv=2, n_jobs=2)
    plain = search.fit(WINE, KIND).cv_results_["mean_test_score"]
    torch.set_default_dtype(torch.float64)
    try:
        double = clone(search).fit(WINE, KIND).cv_results_["mean_test_score"]
    finally:
        torch.set_default_dtype(torch.float32)
    np.testing.assert_array_equal(double, plain)


def test_a_target_of_any_kind_is_left_alone():
    """umap 161: a continuous target broke transform."""
    codes = make().fit(WINE, KIND.to_numpy() + 0.5).transform(WINE)
    np.testing.assert_array_equal(codes, make().fit(WINE).transform(WINE))


def test_columns_that_never_vary():
    """umap 11: rows of equal values broke the fit."""
    X = np.c_[WINE.to_numpy()[:, :3], np.zeros((178, 4)), np.full((178, 1), 7.0)]
    bigan = make().fit(X)
    assert np.isfinite(bigan.transform(X)).all()
    assert np.isfinite(bigan.score_samples(X)).all()
