"""Contributions add up to the score, and name the column that is odd."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_bigan import BiGANDetector, BiGANTransformer
from sk_bigan.anomaly import SCORES
from sk_bigan.inspection import explain

# Largest error of the sum, as a share of the largest score.
ERRORS = {
    "reconstruction": 1e-6,
    "density": 1e-3,
    "code": 1e-3,
    "features": 5e-3,
    "cycle_features": 5e-3,
    "logit": 5e-2,
}


def make(score="density", **parameters):
    defaults = {"latent_dim": 4, "hidden_units": (32,), "max_epochs": 20, "random_state": 0}
    return BiGANDetector(anomaly_score=score, **(defaults | parameters))


def planted(X, size, seed=0):
    """Rows with one column each shifted by so many standard deviations, and which."""
    random = np.random.default_rng(seed)
    columns = random.integers(X.shape[1], size=len(X))
    rows = X.copy()
    signs = random.choice([-1, 1], len(X))
    rows[np.arange(len(X)), columns] += size * signs * X.std(axis=0)[columns]
    return rows, columns


@pytest.fixture(scope="module")
def wine():
    return load_wine().data


@pytest.fixture(scope="module", params=ERRORS)
def detector(request, wine, one_thread):
    return make(request.param).fit(wine)


def test_every_score_is_covered():
    assert {*ERRORS} == {"density", *SCORES}


def test_contributions_and_baseline_add_up_to_the_score(detector, wine):
    rows, _ = planted(wine, 5)
    result = explain(detector, rows)
    assert result.contributions.shape == rows.shape
    np.testing.assert_array_equal(result.scores, -detector.score_samples(rows))
    total = result.contributions.sum(axis=1) + result.baseline
    error = np.abs(total - result.scores) / np.abs(result.scores).max()
    assert error.max() < ERRORS[detector.anomaly_score]


def test_each_row_of_the_density_adds_up_to_a_thousandth(wine):
    result = explain(make().fit(wine), wine)
    total = result.contributions.sum(axis=1) + result.baseline
    np.testing.assert_allclose(total, result.scores, rtol=1e-3)


def test_contributions_to_the_reconstruction_are_the_squared_errors(wine):
    detector = make("reconstruction").fit(wine)
    result = explain(detector, wine)
    scale = detector.scaler_.transform
    missed = scale(wine) - scale(detector.inverse_transform(detector.transform(wine)))
    np.testing.assert_allclose(result.contributions, missed**2, atol=1e-4)
    assert result.baseline == 0


def test_the_density_has_the_errors_and_a_distance_of_codes(wine):
    """Without precision only the errors are left, and without noise only the distance."""
    detector = make().fit(wine)
    errors = explain(make("reconstruction").fit(wine), wine).contributions
    expected = errors / (2 * detector.noise_variance_)
    detector.precision_ = np.zeros_like(detector.precision_)
    np.testing.assert_allclose(explain(detector, wine).contributions, expected, rtol=1e-4)


def test_paths_start_where_the_density_is_highest(wine, one_thread):
    detector = make(hidden_units="auto", max_epochs=60).fit(wine)
    detector.location_ = np.ones(4)
    at_the_centre = np.ones(4) @ detector.precision_ @ np.ones(4) / 2
    assert explain(detector, wine).baseline < at_the_centre / 4


def test_a_linear_encoder_has_the_integral_in_closed_form(wine):
    """Integrated gradients of a quadratic function are its gradient half-way."""
    encoder = torch.nn.Linear(13, 3)
    detector = make(
        "code", latent_dim=3, encoder=lambda sample_shape, latent_dim: encoder, max_epochs=1
    ).fit(wine)
    result = explain(detector, wine)
    weights = dict(detector.encoder_.named_parameters())
    (W,) = (w.double().numpy(force=True) for w in weights.values() if w.ndim == 2)
    (b,) = (w.double().numpy(force=True) for w in weights.values() if w.ndim == 1)
    scale = detector.scaler_.transform
    x0, x = scale(detector.inverse_transform(np.zeros((1, 3)))), scale(wine)
    gradient = 2 * ((x + x0) / 2 @ W.T + b) @ W
    np.testing.assert_allclose(result.contributions, gradient * (x - x0), rtol=1e-3, atol=1e-5)
    assert result.baseline == pytest.approx(np.sum((x0 @ W.T + b) ** 2), rel=1e-4)


@pytest.mark.parametrize("load", [load_wine, load_breast_cancer])
@pytest.mark.parametrize("score", ["density", "reconstruction"])
def test_the_planted_column_is_named_first(load, score, one_thread):
    X = load().data
    detector = make(score, latent_dim=8, hidden_units="auto").fit(X)
    rows, columns = planted(X[:100], 6)
    first = explain(detector, rows).contributions.argmax(axis=1)
    assert np.mean(first == columns) > 0.95


def test_pixels_are_in_the_order_of_x(digits):
    gray = digits[:60].reshape(-1, 8, 8)
    images = np.stack([gray, gray[::-1], 16 - gray], axis=-1)
    detector = make("reconstruction", max_epochs=1).fit(images)
    back = detector.inverse_transform(detector.transform(images))
    scale = (2 / np.ptp(images)) ** 2
    expected = scale * (images - back).reshape(60, -1) ** 2
    np.testing.assert_allclose(explain(detector, images).contributions, expected, atol=1e-4)


def test_a_score_of_your_own_is_integrated_or_refused(wine):
    def first_code(E, G, D, x):
        return E(x)[:, 0]

    def without_gradient(E, G, D, x):
        return E(x.detach())[:, 0].detach()

    detector = make(first_code, max_epochs=1).fit(wine)
    result = explain(detector, wine)
    total = result.contributions.sum(axis=1) + result.baseline
    np.testing.assert_allclose(total, detector.transform(wine)[:, 0], atol=1e-3)
    detector = make(without_gradient, max_epochs=1).fit(wine)
    with pytest.raises(ValueError, match="anomaly_score must be a function that torch can diff"):
        explain(detector, wine)


def test_nothing_is_changed_and_rows_do_not_depend_on_others(wine):
    detector = make().fit(wine)
    networks = detector.encoder_, detector.generator_
    parameters = [weight for network in networks for weight in network.parameters()]
    before = [(weight.detach().clone(), weight.grad.clone()) for weight in parameters]
    whole = explain(detector, wine)
    alone = explain(detector, wine[3:4])
    np.testing.assert_allclose(alone.contributions[0], whole.contributions[3], rtol=1e-5, atol=1e-6)
    with torch.inference_mode():
        np.testing.assert_array_equal(explain(detector, wine).contributions, whole.contributions)
    for weight, (value, gradient) in zip(parameters, before, strict=True):
        assert weight.equal(value)
        assert weight.grad.equal(gradient)


def test_frames_and_pipelines_name_the_columns_that_reach_the_detector():
    X = load_wine(as_frame=True).data.set_index(np.arange(178) + 1000)
    pipeline = make_pipeline(StandardScaler().set_output(transform="pandas"), make(max_epochs=1))
    result = explain(pipeline.fit(X), X, as_frame=True)
    assert list(result.contributions.columns) == list(X.columns)
    assert list(result.contributions.index) == list(X.index)
    inner = explain(pipeline[-1], pipeline[:-1].transform(X))
    np.testing.assert_array_equal(result.contributions, inner.contributions)
    of_codes = make_pipeline(PCA(5), make(latent_dim=2, max_epochs=1)).fit(X.to_numpy())
    result = explain(of_codes, X.to_numpy(), as_frame=True)
    expected = pd.DataFrame(explain(of_codes, X.to_numpy()).contributions).add_prefix("x")
    pd.testing.assert_frame_equal(result.contributions, expected)


def test_pipelines_may_be_nested_frozen_or_have_no_other_step(wine):
    detector = make(max_epochs=1).fit(wine)
    scaler = StandardScaler().fit(wine)
    alone = explain(detector, wine).contributions
    behind = explain(detector, scaler.transform(wine)).contributions
    for estimator, expected in (
        (make_pipeline(detector), alone),
        (FrozenEstimator(detector), alone),
        (make_pipeline("passthrough", detector), alone),
        (make_pipeline(FrozenEstimator(scaler), make_pipeline(detector)), behind),
        (FrozenEstimator(make_pipeline(make_pipeline(scaler), detector)), behind),
    ):
        np.testing.assert_array_equal(explain(estimator, wine).contributions, expected)


@pytest.mark.parametrize("score", ERRORS)
def test_columns_of_tables_add_up_to_the_score_with_their_gaps(score):
    X = pd.DataFrame(load_wine(as_frame=True).data.iloc[:, :4])
    X["colour"] = pd.cut(X.pop("ash"), 5, labels=list("abcde")).astype(object)
    X["is_sour"] = X.malic_acid > 2
    X.iloc[::7, 0], X.iloc[::5, 3] = np.nan, None
    detector = make(score).fit(X)
    result = explain(detector, X, as_frame=True)
    assert list(result.contributions.columns) == list(X.columns)
    sums = result.contributions.sum(axis=1) + result.baseline
    np.testing.assert_allclose(sums, result.scores, atol=ERRORS[score] * abs(result.scores).max())
    np.testing.assert_array_equal(result.scores, -detector.score_samples(X))


def test_columns_of_arrays_with_gaps_are_numbered():
    X = load_wine().data.copy()
    X[3, 2] = np.nan
    result = explain(make("reconstruction", max_epochs=1).fit(X), X[2:5])
    assert list(result.feature_names_in) == [f"x{i}" for i in range(13)]
    np.testing.assert_allclose(result.contributions.sum(axis=1), result.scores, rtol=1e-5)


def test_a_list_of_rows_has_no_index(wine):
    detector = make(max_epochs=1).fit(wine)
    frames = [explain(detector, X, as_frame=True).contributions for X in (wine, wine.tolist())]
    pd.testing.assert_frame_equal(*frames)


def test_bad_input_is_named(wine):
    with pytest.raises(TypeError, match="detector must be a BiGANDetector or a Pipeline .* Iso"):
        explain(IsolationForest().fit(wine), wine)
    with pytest.raises(TypeError, match="got BiGANTransformer"):
        explain(make_pipeline(StandardScaler(), BiGANTransformer(max_epochs=1)).fit(wine), wine)
    with pytest.raises(TypeError, match="got Pipeline"):
        explain(make_pipeline("passthrough"), wine)
    for unfitted in (make(), make_pipeline(make()), make_pipeline(StandardScaler(), make())):
        with pytest.raises(NotFittedError):
            explain(unfitted, wine)
    with pytest.raises(ValueError, match="X has 2 features"):
        explain(make(max_epochs=1).fit(wine), wine[:, :2])
