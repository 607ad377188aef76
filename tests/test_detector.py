"""BiGANDetector finds what differs, and keeps to scikit-learn's conventions for outliers."""

import pickle
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback
from torch import nn

from sk_bigan import BiGANDetector, BiGANTransformer
from sk_bigan.anomaly import SCORES, Density

SCORE_NAMES = ["density", *SCORES]


@pytest.fixture(scope="module")
def tumours():
    """Benign tumours to learn from, others and the malignant ones, and which are malignant."""
    X, y = load_breast_cancer(return_X_y=True)
    benign, malignant = X[y == 1], X[y == 0]
    X_test = np.concatenate([benign[200:], malignant])
    return benign[:200], X_test, np.arange(len(X_test)) >= len(benign) - 200


@pytest.fixture(scope="module")
def detector(tumours):
    return BiGANDetector(random_state=0).fit(tumours[0])


def quick(**parameters):
    defaults = {"latent_dim": 4, "hidden_units": (32,), "max_epochs": 2, "random_state": 0}
    return BiGANDetector(**(defaults | parameters))


def squared_norm(E, G, D, x):
    return x.square().sum(1)


def power(E, G, D, x, exponent):
    return x.abs().pow(exponent).sum(1)


def mixed(X, seed=0):
    """Return rows whose columns keep their values and come from different rows of X."""
    return np.random.default_rng(seed).permuted(X, axis=0)


def misordered(detector, usual, unusual):
    """Return the share of pairs in which the unusual row seems the more usual."""
    scores = detector.score_samples(np.concatenate([usual, unusual]))
    return 1 - roc_auc_score(np.arange(len(scores)) < len(usual), scores)


UNTRAINED = {"learning_rate": 1e-12, "max_epochs": 1}


@pytest.mark.parametrize(
    "score", ["density", "reconstruction", "features", "cycle_features", "logit"]
)
def test_training_finds_rows_whose_columns_do_not_belong_together(tumours, score):
    """Each column looks usual by itself, so an untrained network misses most of these rows."""
    X, X_test, is_malignant = tumours
    usual = X_test[~is_malignant]
    unusual = mixed(usual)
    detector = BiGANDetector(anomaly_score=score, max_epochs=60, random_state=0)
    untrained = clone(detector).set_params(**UNTRAINED).fit(X)
    detector.fit(X)
    missed, missed_untrained = (misordered(d, usual, unusual) for d in (detector, untrained))
    assert missed < 0.1
    assert missed < missed_untrained / 3
    found, found_untrained = (np.mean(d.predict(unusual) == -1) for d in (detector, untrained))
    assert found > 0.75
    assert found > found_untrained + 0.05


def test_training_brings_the_codes_of_usual_rows_to_the_length_of_the_prior(tumours):
    X, X_test, is_malignant = tumours
    detector = BiGANDetector(anomaly_score="code", max_epochs=60, random_state=0)
    untrained = clone(detector).set_params(**UNTRAINED).fit(X)
    usual = X_test[~is_malignant]
    lengths = -detector.fit(X).score_samples(usual), -untrained.score_samples(usual)  # |z|^2
    assert lengths[0].mean() == pytest.approx(32, rel=0.6)
    assert 0 < lengths[1].mean() < 1


@pytest.mark.parametrize("score", SCORE_NAMES)
@pytest.mark.parametrize("contamination", [0.05, 0.3])
def test_as_many_training_rows_are_anomalies_as_contamination_says(tumours, score, contamination):
    detector = quick(anomaly_score=score, contamination=contamination)
    labels = detector.fit_predict(tumours[0])
    assert np.mean(labels == -1) == pytest.approx(contamination, abs=1 / 200)
    scores = detector.score_samples(tumours[0])
    assert np.mean(scores < detector.offset_) == pytest.approx(contamination, abs=1 / 200)
    np.testing.assert_array_equal(detector.decision_function(tumours[0]), scores - detector.offset_)


def test_scores_are_those_of_the_functions(tumours):
    X = tumours[0]
    for name, score in SCORES.items():
        detector = quick(anomaly_score=name).fit(X)
        networks = detector.encoder_, detector.generator_, detector.discriminator_
        x = torch.from_numpy(detector.scaler_.transform(X)).float().to(detector.device_)
        with torch.inference_mode():
            expected = -score(*networks, x).numpy(force=True)
        np.testing.assert_allclose(detector.score_samples(X), expected, rtol=1e-4, atol=1e-5)


def test_the_density_has_the_moments_of_the_probable_rows(tumours):
    X = tumours[0]
    detector = quick(contamination=0.3).fit(X)
    probable = detector.score_samples(X) >= np.quantile(detector.score_samples(X), 0.3)
    codes = detector.transform(X)[probable]
    np.testing.assert_allclose(detector.location_, codes.mean(0), atol=0.05)
    x = detector.scaler_.transform(X)
    back = detector.scaler_.transform(detector.inverse_transform(detector.transform(X)))
    noise = np.square(x - back)[probable].mean()
    assert detector.noise_variance_ == pytest.approx(noise, rel=0.05)


def test_a_score_of_ones_own(tumours):
    X, X_test, _ = tumours
    detector = quick(anomaly_score=squared_norm).fit(X)
    expected = -np.square(detector.scaler_.transform(X_test)).sum(1)
    np.testing.assert_allclose(detector.score_samples(X_test), expected, rtol=1e-5)


class Refuse(Callback):
    """Fails where a training begins."""

    def on_train_begin(self, net, **kwargs):
        raise AssertionError("a training has begun")


@pytest.mark.parametrize("score", [lambda E, G, D, x: x, lambda E, G, D, x: 1.0])
def test_a_score_of_ones_own_must_give_one_number_a_row(tumours, score):
    detector = quick(anomaly_score=score, callbacks=[Refuse()])
    with pytest.raises(ValueError, match="anomaly_score must give a tensor of shape"):
        detector.fit(tumours[0])
    assert not hasattr(detector, "encoder_")


def test_training_finds_images_that_lie_on_their_side():
    """Pixels keep their values and their number, so an untrained network guesses."""
    X = load_digits().data
    usual = X[400:800]
    unusual = usual.reshape(-1, 8, 8).transpose(0, 2, 1).reshape(-1, 64)
    settings = {"sample_shape": (1, 8, 8), "hidden_units": (8, 64), "random_state": 0}
    detector = BiGANDetector(
        architecture="conv", anomaly_score="reconstruction", max_epochs=40, **settings
    )
    untrained = clone(detector).set_params(**UNTRAINED).fit(X[:400])
    missed, missed_untrained = (
        misordered(d, usual, unusual) for d in (detector.fit(X[:400]), untrained)
    )
    assert missed < 0.1
    assert missed < missed_untrained / 3


def test_images_may_come_as_images(digits):
    images = digits.reshape(-1, 8, 8)
    detector = BiGANDetector(architecture="conv", hidden_units=(8, 64), max_epochs=1)
    assert detector.fit(images).predict(np.concatenate([images, 16 - images])).shape == (800,)


@pytest.mark.parametrize("architecture", ["mlp", "conv"])
def test_cycles_are_trained_and_told_of(digits, architecture):
    detector = quick(architecture=architecture, anomaly_score="cycle_features")
    detector.set_params(hidden_units=(8, 16), sample_shape=(1, 8, 8))
    history = detector.fit(digits).history_
    for name in ("loss_d_xx", "loss_eg_xx", "r1_xx", "loss_d_zz", "loss_eg_zz", "r1_zz"):
        assert np.isfinite(history[-1][name])
        assert history[-1][name] != history[0][name]
    assert np.isfinite(detector.score_samples(digits)).all()


def test_cycles_with_a_discriminator_of_ones_own(tumours):
    detector = quick(anomaly_score="cycle_features", discriminator=Sum).fit(tumours[0])
    assert isinstance(detector.discriminator_.xz, Sum)
    assert np.isfinite(detector.score_samples(tumours[1])).all()


class Sum(nn.Module):
    def __init__(self, sample_shape, latent_dim):
        super().__init__()
        self.layer = nn.Linear(sample_shape[0] + latent_dim, 1)

    def forward(self, *, x, z):
        return self.layer(torch.cat([x, z], 1))


def test_features_need_a_discriminator_that_has_some(tumours):
    detector = quick(anomaly_score="features", discriminator=Sum, callbacks=[Refuse()])
    with pytest.raises(ValueError, match="method last_hidden.* got Sum"):
        detector.fit(tumours[0])
    assert not hasattr(detector, "encoder_")


@pytest.mark.parametrize("score", [*SCORE_NAMES, squared_norm])
def test_copies_predict_alike(tumours, tmp_path, score):
    X, X_test, _ = tumours
    detector = quick(anomaly_score=score).fit(X)
    detector.save(tmp_path / "detector")
    own = {} if isinstance(score, str) else {"anomaly_score": score}
    loaded = BiGANDetector.load(tmp_path / "detector", **own)
    for copy in (loaded, pickle.loads(pickle.dumps(detector))):
        np.testing.assert_array_equal(
            copy.decision_function(X_test), detector.decision_function(X_test)
        )


def test_a_file_with_other_arrays_is_refused(detector, tmp_path):
    changed = pickle.loads(pickle.dumps(detector))
    changed.location_ = np.zeros(3)
    changed.save(tmp_path / "shape")
    changed.location_ = np.full(32, np.nan)
    changed.save(tmp_path / "nan")
    for name, message in {"shape": "needs arrays of shapes", "nan": "finite"}.items():
        with pytest.raises(ValueError, match=message):
            BiGANDetector.load(tmp_path / name)


def test_another_score_needs_another_fit(detector, tumours):
    changed = pickle.loads(pickle.dumps(detector)).set_params(anomaly_score="code")
    for method in (changed.score_samples, changed.decision_function, changed.predict):
        with pytest.raises(ValueError, match="changed from 'density' to 'code' since fit"):
            method(tumours[1])
    with pytest.raises(ValueError, match="anomaly_score changed"):
        changed.set_params(warm_start=True).fit(tumours[0])


def test_a_fit_leaves_nothing_of_the_fit_before(tumours):
    frame = pd.DataFrame(tumours[0]).add_prefix("x").assign(kind="benign")
    again = quick(scaling="auto").fit(frame)
    again.set_params(anomaly_score="logit").fit(tumours[0])
    assert {*vars(again)} == {*vars(quick(anomaly_score="logit").fit(tumours[0]))}


def test_a_score_with_settings_survives_a_pickle(tumours):
    X, X_test, _ = tumours
    detector = quick(anomaly_score=partial(power, exponent=3)).fit(X)
    copy = pickle.loads(pickle.dumps(detector))
    np.testing.assert_array_equal(copy.predict(X_test), detector.predict(X_test))


def test_the_offset_follows_the_networks(tumours):
    X = tumours[0]
    detector = quick(warm_start=True).fit(X)
    before = detector.offset_, detector.noise_variance_
    detector.fit(X)
    assert (detector.offset_, detector.noise_variance_) != before
    assert np.mean(detector.predict(X) == -1) == pytest.approx(0.1, abs=1 / 200)


@pytest.mark.parametrize("score", ["density", "reconstruction"])
def test_rows_held_out_set_the_threshold_for_fresh_ones(score):
    """Networks that know their rows by heart would mark a third of the fresh ones."""
    X = np.random.default_rng(0).permutation(load_digits().data)
    settings = {"hidden_units": (128,), "anomaly_score": score, "random_state": 0}
    marked = {}
    for fraction in (None, 0.2):
        detector = BiGANDetector(validation_fraction=fraction, **settings).fit(X[:500])
        marked[fraction] = np.mean(detector.predict(X[500:]) == -1)
    assert marked[0.2] == pytest.approx(0.1, abs=0.06)  # twice its deviation, by 100 rows
    assert marked[None] > 1.6 * 0.1


@pytest.mark.parametrize("score", ["density", "reconstruction"])
def test_parts_in_turn_leave_the_threshold_of_all(score):
    """The last part does not set it, though it is of one class."""
    X, y = load_digits(return_X_y=True)
    shuffled = np.random.default_rng(0).permutation(len(X))
    of_one_class = X[y == 1][:60]
    settings = {"hidden_units": (128,), "anomaly_score": score, "random_state": 0}
    detector = BiGANDetector(latent_dim=8, contamination=0.1, **settings)
    for part in [*np.array_split(X[shuffled[:1200]], 20) * 5, of_one_class]:
        detector.partial_fit(part)
    assert np.mean(detector.predict(X[shuffled[1200:]]) == -1) == pytest.approx(0.1, abs=0.06)
    before = getattr(detector, "location_", 0), detector.offset_
    detector.partial_fit(of_one_class[:2])  # fewer rows than latent_dim
    np.testing.assert_allclose(getattr(detector, "location_", 0), before[0], atol=0.02)
    assert detector.offset_ == pytest.approx(before[1], rel=0.02)


def test_the_density_of_parts_is_that_of_their_rows():
    """Moments of a mixture are those of the rows of both, for parts without outliers."""
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(3000, 4)) @ rng.normal(size=(4, 4)) + np.arange(4.0)
    errors = rng.chisquare(6, size=3000)
    first, second = (
        Density.fit(codes[rows], errors[rows], n_values=6, outliers=0.0)
        for rows in (slice(1000), slice(1000, 3000))
    )
    both, mixed = Density.fit(codes, errors, 6, 0.0), first.mixed_with(second, 2 / 3)
    np.testing.assert_allclose(mixed.location, both.location, rtol=1e-12)
    covariances = np.linalg.inv(mixed.precision), np.linalg.inv(both.precision)
    np.testing.assert_allclose(*covariances, atol=0.05)  # which Ledoit and Wolf shrink
    assert mixed.noise_variance == pytest.approx(both.noise_variance)


def test_a_detector_is_a_transformer_with_its_parameters(detector, tumours):
    X = tumours[1]
    back = detector.inverse_transform(detector.transform(X))
    assert back.shape == X.shape
    parameters = detector.get_params()
    assert parameters["cycle_weight"] == 10
    assert parameters["consistency_weight"] == 0
    assert clone(detector).get_params() == parameters
    assert repr(BiGANDetector(consistency_weight=1, latent_dim=3)) == (
        "BiGANDetector(consistency_weight=1, latent_dim=3)"
    )


def test_the_score_is_that_of_a_transformer(tumours):
    settings = {"cycle_weight": 10, "consistency_weight": 0, "max_epochs": 2, "random_state": 0}
    of_transformer = BiGANTransformer(32, **settings).fit(tumours[0]).score(tumours[1])
    assert BiGANDetector(**settings).fit(tumours[0]).score(tumours[1]) == of_transformer


def test_a_search_takes_the_networks_that_know_usual_rows(tumours):
    """Mean densities would choose those that have not learned: each is in units of its own."""
    detector = BiGANDetector(latent_dim=4, hidden_units=(32,), max_epochs=30, random_state=0)
    search = GridSearchCV(detector, {"learning_rate": [1e-12, 2e-3]}, cv=2).fit(tumours[0])
    assert search.best_params_ == {"learning_rate": 2e-3}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"contamination": 0.0}, "'contamination' parameter"),
        ({"contamination": 0.6}, "'contamination' parameter"),
        ({"contamination": "auto"}, "'contamination' parameter"),
        ({"anomaly_score": "alad"}, "'anomaly_score' parameter"),
    ],
)
def test_bad_parameters_are_named(tumours, parameters, message):
    detector = quick(**parameters)
    with pytest.raises(ValueError, match=message):
        detector.fit(tumours[0])
    assert not hasattr(detector, "encoder_")
