"""Consistency and shuffled controls: what is sure is 1, what is drawn at random is low."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.datasets import load_wine
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.random_projection import GaussianRandomProjection, SparseRandomProjection

from sk_bigan.inspection import consistency, shuffled_control
from sk_bigan.inspection.control import shuffle_columns


class Seeds(TransformerMixin, BaseEstimator):
    """Writes down its seed, and the number of rows and the first value that it is fitted on."""

    def __init__(self, random_state=None, log=()):
        self.random_state = random_state
        self.log = log

    def __sklearn_clone__(self):
        return type(self)(self.random_state, self.log)

    def fit(self, X, y=None):
        self.is_fitted_ = True
        self.log.append((self.random_state, len(X), {*X[:, 0]}))
        return self

    def transform(self, X):
        return X


@pytest.fixture(scope="module")
def wine():
    return StandardScaler().fit_transform(load_wine().data)


# Consistency


@pytest.mark.parametrize("n_components", [1, 5, 16])
def test_pca_is_the_same_again(digits, n_components):
    result = consistency(PCA(n_components), digits, n_repeats=3, random_state=0)
    assert result.matrix.shape == (3, 3)
    np.testing.assert_allclose(result.matrix, 1, atol=1e-6)
    assert result.mean == pytest.approx(1, abs=1e-6)
    assert result.std < 1e-6
    assert [len(codes) for codes in result.codes] == [134] * 3  # a third of 400


def test_a_rotation_and_a_scale_are_no_difference(wine):
    class Turned(PCA):
        def transform(self, X):
            turn = np.random.RandomState(self.random_state).normal(size=(3, 3))
            return super().transform(X) @ turn

    assert consistency(Turned(3), wine, random_state=0).mean == pytest.approx(1, abs=1e-5)


def test_random_projections_are_others_each_time(digits):
    result = consistency(GaussianRandomProjection(2), digits, n_repeats=4, random_state=0)
    assert result.mean < 0.3
    np.testing.assert_array_equal(np.diag(result.matrix), 1)
    pairs = result.matrix[~np.eye(4, dtype=bool)]
    assert (result.mean, result.std) == (pairs.mean(), pairs.std())


def test_a_prediction_goes_from_the_row_to_the_column(wine):
    class Narrow(PCA):
        """Return the first code alone for odd seeds, padded with zeros."""

        def transform(self, X):
            return super().transform(X) * [1, self.random_state % 2 == 0]

    random_state = next(
        seed
        for seed in range(100)
        if [*np.unique([log % 2 for log in seeds_of(seed, wine)], return_counts=True)[1]] == [1, 1]
    )
    parity = [seed % 2 for seed in seeds_of(random_state, wine)]
    narrow, wide = parity.index(1), parity.index(0)
    matrix = consistency(Narrow(2), wine, n_repeats=2, random_state=random_state).matrix
    assert matrix[wide, narrow] == pytest.approx(1, abs=1e-6)
    assert matrix[narrow, wide] < 0.9


class Collapsed(PCA):
    """Codes that do not vary, in all refits or in those with odd seeds alone."""

    def __init__(self, n_components=2, noise=0.0, which=(0, 1), random_state=None):
        super().__init__(n_components, random_state=random_state)
        self.noise = noise
        self.which = which

    def transform(self, X):
        codes = super().transform(X)
        if self.random_state % 2 not in self.which:
            return codes
        rounding = np.random.default_rng(0).uniform(-1, 1, size=codes.shape)
        return np.float32(0.3 + self.noise * rounding)


@pytest.mark.parametrize("noise", [0, 6e-8])
def test_codes_that_do_not_vary_are_not_the_same_code(wine, noise):
    collapsed = Collapsed(noise=noise)
    result = consistency(collapsed, wine, n_repeats=3, random_state=0)
    assert np.isnan(result.matrix[~np.eye(3, dtype=bool)]).all()
    assert np.isnan([result.mean, result.std]).all()
    control = shuffled_control(collapsed, wine, n_repeats=2, random_state=0)
    assert np.isnan([control.real.consistency.mean, control.consistency_difference]).all()


def test_of_two_refits_the_collapsed_one_predicts_and_cannot_be_predicted(wine):
    random_state = next(s for s in range(99) if len({n % 2 for n in seeds_of(s, wine)}) == 2)
    one, _ = seeds_of(random_state, wine)
    half = Collapsed(which=(one % 2,))
    result = consistency(half, wine, n_repeats=2, random_state=random_state)
    assert np.isnan(result.matrix[1, 0])
    assert result.matrix[0, 1] < 0.01
    assert np.isnan(result.mean)


def test_codes_of_any_unit_and_place_vary(wine):
    for scale, shift in ((1e-9, 0), (1, 1e5), (1e9, -1e9)):
        moved = make_pipeline(
            PCA(2), FunctionTransformer(lambda Z, a, b: a * Z + b, kw_args={"a": scale, "b": shift})
        )
        assert consistency(moved, wine, n_repeats=2, random_state=0).mean > 0.999


def seeds_of(random_state, X, **parameters):
    estimator = Seeds(log=[])
    consistency(estimator, X, n_repeats=2, random_state=random_state, **parameters)
    return [seed for seed, *_ in estimator.log]


def test_seeds_of_all_parts_differ_and_come_from_random_state(wine):
    assert len({*seeds_of(0, wine), *seeds_of(1, wine)}) == 4
    assert seeds_of(0, wine) == seeds_of(0, wine)
    inner = [Seeds(random_state=7, log=[]), Seeds(log=[])]
    consistency(make_pipeline(*inner), wine, n_repeats=3, random_state=0)
    assert len({seed for part in inner for seed, *_ in part.log}) == 6
    assert inner[0].random_state == 7


def test_refits_share_their_rows_or_get_halves_of_them(wine):
    same, halves = Seeds(log=[]), Seeds(log=[])
    consistency(same, wine, n_repeats=2, random_state=0)
    consistency(halves, wine, n_repeats=2, resample=True, random_state=0)
    (_, n, first), (_, m, second) = same.log
    assert n == m == 118  # two thirds of 178
    assert first == second
    (_, n, first), (_, m, second) = halves.log
    assert n == m == 59
    assert first != second
    assert consistency(PCA(2), wine, resample=True, random_state=0).mean < 0.9999


def test_a_bigan_trains_and_the_number_of_processes_changes_nothing(small, digits):
    bigan = small(max_epochs=1, device="cpu")  # another process may have no GPU
    one, two = (
        consistency(bigan, digits, n_repeats=2, random_state=0, n_jobs=n_jobs)
        for n_jobs in (None, 2)
    )
    assert 0.05 < one.mean < 0.999
    np.testing.assert_allclose(one.matrix, two.matrix, atol=1e-4)
    images = digits.reshape(-1, 8, 8)
    assert consistency(small(max_epochs=1), images, n_repeats=2, random_state=0).codes[0].shape == (
        134,
        4,
    )


def test_frames_and_sparse_codes_are_taken(wine):
    frame = pd.DataFrame(wine).add_prefix("column")
    pipeline = make_pipeline(StandardScaler().set_output(transform="pandas"), PCA(2))
    assert consistency(pipeline, frame, random_state=0).mean == pytest.approx(1, abs=1e-6)
    sparse = SparseRandomProjection(3, dense_output=False)
    assert consistency(sparse, wine, n_repeats=2).codes[0].shape == (60, 3)


@pytest.mark.parametrize(
    ("estimator", "n_rows", "parameters", "error", "message"),
    [
        (TSNE(), 50, {}, TypeError, "estimator must have the methods fit and transform, got TSNE"),
        (PCA(2), 11, {}, ValueError, "X must have at least 12 rows, got 11"),
        (PCA(2), 50, {"n_repeats": 1}, ValueError, "n_repeats == 1, must be >= 2"),
    ],
)
@pytest.mark.parametrize("function", [consistency, shuffled_control])
def test_bad_input_is_named(wine, function, estimator, n_rows, parameters, error, message):
    with pytest.raises(error, match=message):
        function(estimator, wine[:n_rows], **parameters)


# Shuffled columns


def test_shuffled_columns_keep_their_values_and_lose_their_correlation(wine):
    before = wine.copy()
    shuffled = shuffle_columns(wine, np.random.RandomState(0))
    np.testing.assert_array_equal(np.sort(shuffled, axis=0), np.sort(wine, axis=0))
    np.testing.assert_array_equal(wine, before)
    off_diagonal = ~np.eye(13, dtype=bool)
    strongest, left = (np.abs(np.corrcoef(X.T)[off_diagonal]).max() for X in (wine, shuffled))
    assert strongest > 0.8
    assert left < 0.3


def test_frames_and_images_keep_their_kind(wine):
    frame = pd.DataFrame({"number": wine[:, 0], "text": np.arange(178).astype(str)})
    shuffled = shuffle_columns(frame, np.random.RandomState(0))
    assert (shuffled.dtypes == frame.dtypes).all()
    assert {*shuffled.text} == {*frame.text}
    assert not shuffled.equals(frame)
    images = wine[:, :12].reshape(-1, 3, 4)
    shuffled = shuffle_columns(images, np.random.RandomState(0))
    assert shuffled.shape == images.shape
    np.testing.assert_array_equal(np.sort(shuffled, axis=0), np.sort(images, axis=0))


def test_structure_is_what_the_shuffled_table_lacks(wine):
    control = shuffled_control(PCA(3), wine, n_repeats=2, random_state=0)
    real, shuffled = control.real, control.shuffled
    assert real.scores.shape == shuffled.scores.shape == (2,)
    assert real.scores.mean() > 0.6
    assert shuffled.scores.mean() < 0.35  # 3 of 13 columns are 23 %
    assert real.consistency.mean == pytest.approx(1, abs=1e-6)
    assert real.spectrum[0] > 0.5
    assert shuffled.spectrum[0] < 0.5
    for part in (real, shuffled):
        assert part.spectrum.shape == (3,)
        assert part.spectrum.sum() == pytest.approx(1)
        assert (np.diff(part.spectrum) <= 0).all()


def test_differences_are_those_of_the_means(wine):
    control = shuffled_control(GaussianRandomProjection(3), wine, n_repeats=3, random_state=0)
    real, shuffled = control.real, control.shuffled
    assert np.ptp(real.scores) > 0.01
    assert control.score_difference == real.scores.mean() - shuffled.scores.mean()
    assert control.consistency_difference == real.consistency.mean - shuffled.consistency.mean


def test_scores_of_held_out_rows_are_in_units_without_a_scale():
    """A column in another unit does not change PCA's score behind a scaler."""
    X = load_wine().data
    pipeline = make_pipeline(StandardScaler(), PCA(3))
    scores = [
        shuffled_control(pipeline, rows, n_repeats=2, random_state=0).real.scores
        for rows in (X, X * np.logspace(-3, 3, 13))
    ]
    np.testing.assert_allclose(scores[0], scores[1])


def test_without_an_inverse_there_is_no_score(wine):
    control = shuffled_control(Seeds(log=[]), wine, n_repeats=2, random_state=0)
    assert np.isnan(control.real.scores).all()
    assert np.isnan(control.score_difference)
