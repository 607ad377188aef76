"""Alignment undoes a rotation, and a classifier downstream survives a refit."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ortho_group
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sk_bigan import BiGANTransformer
from sk_bigan.inspection import CodeAlignment


@pytest.fixture
def codes():
    return np.random.default_rng(0).normal(size=(50, 4)) * [3, 2, 1, 0.5] + [1, -1, 5, 0]


@pytest.mark.parametrize("seed", range(4))
def test_a_rotation_or_reflection_is_undone(codes, seed):
    turn = ortho_group.rvs(4, random_state=seed)
    turned = (codes - 7) @ turn
    alignment = CodeAlignment().fit(turned, codes)
    np.testing.assert_allclose(alignment.transform(turned), codes, atol=1e-6)
    np.testing.assert_allclose(alignment.rotation_, turn.T, atol=1e-6)
    assert alignment.scale_ == 1
    np.testing.assert_allclose(alignment.inverse_transform(codes), turned, atol=1e-6)


def test_a_scale_is_undone_only_where_wanted(codes):
    turned = 10 * codes @ ortho_group.rvs(4, random_state=0)
    scaled = CodeAlignment(scale=True).fit(turned, codes)
    assert scaled.scale_ == pytest.approx(0.1)
    np.testing.assert_allclose(scaled.transform(turned), codes, atol=1e-6)
    np.testing.assert_allclose(scaled.inverse_transform(codes), turned, atol=1e-6)
    as_it_is = CodeAlignment().fit(turned, codes).transform(turned)
    np.testing.assert_allclose(as_it_is - as_it_is.mean(0), 10 * (codes - codes.mean(0)), atol=1e-6)


def test_distances_are_kept_and_the_fit_is_the_best_rotation(codes):
    other = codes + np.random.default_rng(1).normal(size=codes.shape)
    alignment = CodeAlignment().fit(other, codes)
    aligned = alignment.transform(other)
    np.testing.assert_allclose(alignment.rotation_ @ alignment.rotation_.T, np.eye(4), atol=1e-12)
    best = np.sum((aligned - codes) ** 2)
    for seed in range(20):
        little = ortho_group.rvs(4, random_state=seed)
        turned = (aligned - codes.mean(0)) @ little + codes.mean(0)
        assert np.sum((turned - codes) ** 2) > best


def test_new_rows_go_the_same_way(codes):
    turned = codes @ ortho_group.rvs(4, random_state=0) + 3
    alignment = CodeAlignment().fit(turned[:20], codes[:20])
    np.testing.assert_allclose(alignment.transform(turned[20:]), codes[20:], atol=1e-6)


def test_an_old_classifier_goes_on_working_after_a_refit():
    X, y = load_digits(return_X_y=True)
    first, second, test = slice(0, 600), slice(600, 1200), slice(1200, None)
    quick = {"hidden_units": (64,), "max_epochs": 40, "learning_rate": 1e-3}
    old = BiGANTransformer(8, random_state=0, **quick).fit(X[first])
    classifier = LogisticRegression(max_iter=1000).fit(old.transform(X[first]), y[first])
    refit = make_pipeline(clone(old).set_params(random_state=1), CodeAlignment())
    refit.fit(X[second], old.transform(X[second]))
    before = classifier.score(old.transform(X[test]), y[test])
    after = classifier.score(refit.transform(X[test]), y[test])
    unaligned = classifier.score(refit[0].transform(X[test]), y[test])
    assert unaligned < 0.4
    assert after > before - 0.05


def test_estimator_conventions(codes):
    frame = pd.DataFrame(codes, columns=list("abcd"))
    alignment = CodeAlignment().fit(frame, codes).set_output(transform="pandas")
    assert list(alignment.feature_names_in_) == list("abcd")
    names = [f"codealignment{i}" for i in range(4)]
    assert list(alignment.transform(frame).columns) == names
    assert clone(CodeAlignment(scale=True)).scale is True
    assert CodeAlignment().__sklearn_tags__().target_tags.required


def test_collapsed_codes_have_no_scale(codes):
    alignment = CodeAlignment(scale=True).fit(np.ones_like(codes), codes)
    assert alignment.scale_ == 1
    assert np.isfinite(alignment.transform(np.ones_like(codes))).all()


def test_bad_input_is_named(codes):
    with pytest.raises(NotFittedError):
        CodeAlignment().transform(codes)
    with pytest.raises(ValueError, match="y must have as many codes as X, 4, got 3"):
        CodeAlignment().fit(codes, codes[:, :3])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        CodeAlignment().fit(codes, codes[:3])
    with pytest.raises(ValueError, match="The 'scale' parameter of CodeAlignment must be"):
        CodeAlignment(scale="yes").fit(codes, codes)
    with pytest.raises(ValueError, match="X has 3 features"):
        CodeAlignment().fit(codes, codes).transform(codes[:, :3])
    with pytest.raises(ValueError, match="X must have 4 codes, got 3"):
        CodeAlignment().fit(codes, codes).inverse_transform(codes[:, :3])
    with pytest.raises(ValueError, match="Input y contains NaN"):
        CodeAlignment().fit(codes, np.full_like(codes, np.nan))


def test_pca_of_two_parts_of_a_table_is_aligned(digits):
    one, two = PCA(3).fit(digits[:200]), PCA(3).fit(digits[200:])
    alignment = CodeAlignment().fit(two.transform(digits), one.transform(digits))
    aligned = alignment.transform(two.transform(digits))
    plain = np.abs(two.transform(digits) - one.transform(digits)).mean()
    assert np.abs(aligned - one.transform(digits)).mean() < plain
