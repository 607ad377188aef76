"""Every mistake is named, with what was expected and what came, and changes nothing."""

import pickle
from functools import partial

import numpy as np
import pytest
import torch
from scipy import sparse
from sklearn.datasets import load_digits
from torch import nn

from sk_bigan.augmentations import warp

X = load_digits().data[:100]


def with_value(value):
    bad = X.copy()
    bad[3, 5] = value
    return bad


def two_columns(n_samples, latent_dim):
    return torch.zeros(n_samples, 2)


def one_loss(real_logits, fake_logits):
    return real_logits.mean()


# parameters, exception, words of the message
PARAMETERS = [
    ({"latent_dim": 0}, ValueError, "'latent_dim'.*int in the range.*Got 0"),
    ({"latent_dim": 2.5}, ValueError, "'latent_dim'.*Got 2.5"),
    ({"latent_dim": "8"}, ValueError, "'latent_dim'.*Got '8'"),
    ({"architecture": "transformer"}, ValueError, "'architecture'.*'mlp'.*Got 'transformer'"),
    ({"hidden_units": ()}, ValueError, "hidden_units.*positive integers.*got ()"),
    ({"hidden_units": (64, 0)}, ValueError, r"hidden_units.*positive integers.*\(64, 0\)"),
    ({"hidden_units": (64, 1.5)}, ValueError, "hidden_units.*positive integers"),
    ({"hidden_units": 64}, ValueError, "'hidden_units'.*array-like.*Got 64"),
    ({"sample_shape": (8, 9)}, ValueError, "sample_shape.*72 columns.*64"),
    ({"sample_shape": (8, -8)}, ValueError, "sample_shape.*positive integers"),
    ({"encoder": 3}, ValueError, "'encoder'.*callable.*Got 3"),
    ({"encoder": nn.Linear(64, 5)}, ValueError, r"encoder must give.* \(2, 4\).*\(2, 5\)"),
    ({"generator": nn.Linear(4, 63)}, ValueError, r"generator.*\(2, 64\).*got \(2, 63\)"),
    ({"generator": nn.Linear(9, 64)}, ValueError, "generator failed.*shape"),
    ({"generator": lambda shape, k: None}, TypeError, "generator.*NoneType"),
    ({"discriminator": nn.Linear(64, 1)}, ValueError, "discriminator failed.*'x'"),
    ({"prior": "gamma"}, ValueError, "'prior'.*'normal'.*Got 'gamma'"),
    ({"prior": two_columns}, ValueError, r"prior must map.*\(2, 4\)"),
    ({"objective": "wgan"}, ValueError, "'objective'.*'non_saturating'.*Got 'wgan'"),
    ({"objective": one_loss}, ValueError, "objective must map.*pair"),
    ({"scaling": "robust"}, ValueError, "'scaling'.*'standard'.*Got 'robust'"),
    ({"features": 3}, ValueError, "'features'.*'penultimate'.*Got 3"),
    ({"features": ["body.9"]}, ValueError, r"layers of the encoder.*'body.0'.*got 'body.9'"),
    ({"features": []}, ValueError, "features must name at least one layer"),
    ({"architecture": "conv"}, ValueError, r"conv' needs images, got samples of shape \(64,\)"),
    ({"hidden_units": "wide"}, ValueError, "'hidden_units'.*'auto'.*Got 'wide'"),
    ({"encoder__width": 8}, ValueError, "encoder could not be made: mlp_encoder.*'width'"),
    ({"encoder": nn.Linear(64, 4), "encoder__width": 8}, ValueError, "encoder__width needs"),
    ({"features": "hidden2"}, ValueError, "'features'.*'penultimate'.*Got 'hidden2'"),
    ({"augmentation": "noise"}, ValueError, "'augmentation'.*'swap'.*Got 'noise'"),
    ({"augmentation": ["swap", "noise"]}, ValueError, "augmentation must be.*got 'noise'"),
    ({"augmentation": [3]}, ValueError, "augmentation must be.*got 3"),
    ({"augmentation": []}, ValueError, r"augmentation must name at least one"),
    ({"augmentation": "warp"}, ValueError, r"'warp' needs images, got.*\(64,\).*sample_shape"),
    ({"augmentation": partial(warp, strength=1)}, ValueError, r"'warp' needs images, got.*\(64,\)"),
    ({"augmentation": torch.Tensor.double}, ValueError, "augmentation must map.*and dtype"),
    (
        {"augmentation": torch.Tensor.zero_},
        ValueError,
        "augmentation must leave its input as it is",
    ),
    (
        {"augmentation": nn.Flatten(0)},
        ValueError,
        r"augmentation must map samples.*shape \(2, 64\)",
    ),
    ({"augmentation": None, "consistency_weight": 1}, ValueError, "consistency_weight.*None"),
    ({"consistency_weight": -1}, ValueError, "'consistency_weight'.*Got -1"),
    ({"cycle_weight": -1}, ValueError, "'cycle_weight'.*Got -1"),
    ({"gradient_penalty": -0.1}, ValueError, "'gradient_penalty'.*Got -0.1"),
    ({"learning_rate": 0}, ValueError, "'learning_rate'.*Got 0"),
    ({"max_epochs": 0}, ValueError, "'max_epochs'.*Got 0"),
    ({"max_epochs": "many"}, ValueError, "'max_epochs'.*'auto'.*Got 'many'"),
    ({"batch_size": 1}, ValueError, "'batch_size'.*Got 1"),
    ({"device": 0}, ValueError, "'device'.*Got 0"),
    ({"device": "abacus"}, ValueError, "device must be 'auto'.*got 'abacus'"),
    ({"device": "cuda:99"}, ValueError, "device must be 'auto'.*got 'cuda:99'"),
    ({"precision": "float8"}, ValueError, "'precision'.*'bfloat16'.*Got 'float8'"),
    ({"callbacks": "progress"}, ValueError, "'callbacks'.*list.*Got 'progress'"),
    ({"callbacks": [3]}, TypeError, r"callbacks must be instances of skorch.*got 3"),
    ({"checkpoint_dir": 7}, ValueError, "'checkpoint_dir'.*Got 7"),
    ({"warm_start": "yes"}, ValueError, "'warm_start'.*Got 'yes'"),
    ({"random_state": -1}, ValueError, "'random_state'"),
    ({"verbose": -1}, ValueError, "'verbose'.*Got -1"),
]

# X, exception, words of the message
INPUTS = [
    ([["a", "b"], ["c", "d"]], ValueError, "could not convert string to float"),
    (np.array([[object()] * 64] * 2), TypeError, "float"),
    (X + 1j, ValueError, "[Cc]omplex data not supported"),
    (with_value(np.nan), ValueError, "X contains NaN"),
    (with_value(np.inf), ValueError, "X contains infinity"),
    (with_value(-np.inf), ValueError, "X contains infinity"),
    (sparse.csr_matrix(X), TypeError, "[Ss]parse"),
    (X[:0], ValueError, r"0 sample\(s\)"),
    (X[:, :0], ValueError, r"0 feature\(s\)"),
    (X[0], ValueError, "Expected 2D array, got 1D array"),
    (None, ValueError, "Expected 2D array, got scalar"),
]

# What fit alone refuses
TRAINING_INPUTS = [
    (X[:1], ValueError, r"1 sample\(s\).*minimum of 2"),
    (
        X.reshape(100, 4, 4, 4),
        ValueError,
        r"is that \(channels, height, width\) or.*\(4, 4, 4\)|was fitted on rows of shape \(64,\)",
    ),
]


def ids(case):
    return None if not isinstance(case, dict) else "-".join(map(str, case))


def state(estimator):
    """All that an estimator holds, as bytes."""
    return pickle.dumps(vars(estimator) | {"_net": None})


@pytest.mark.parametrize(("parameters", "error", "message"), PARAMETERS, ids=ids)
def test_bad_parameters_of_fit(small, parameters, error, message):
    unfitted = small(**parameters)
    before = dict(vars(unfitted))
    for method in (unfitted.fit, unfitted.partial_fit):
        with pytest.raises(error, match=f"(?s){message}"):
            method(X)
        assert vars(unfitted) == before


@pytest.mark.parametrize(("bad", "error", "message"), INPUTS + TRAINING_INPUTS)
def test_bad_input_of_fit(small, bad, error, message):
    unfitted = small()
    before = dict(vars(unfitted))
    for method in (unfitted.fit, unfitted.partial_fit):
        with pytest.raises(error, match=message):
            method(bad)
        assert vars(unfitted) == before


@pytest.mark.parametrize(("bad", "error", "message"), INPUTS + TRAINING_INPUTS)
def test_bad_input_leaves_a_fitted_estimator_as_it_was(small, bad, error, message):
    estimator = small().fit(X)
    before = state(estimator)
    for method in (estimator.fit, estimator.partial_fit):
        with pytest.raises(error, match=message):
            method(bad)
    assert state(estimator) == before


@pytest.mark.parametrize("method", ["transform", "score_samples", "score"])
@pytest.mark.parametrize(("bad", "error", "message"), INPUTS)
def test_bad_input_of_a_fitted_estimator(fitted, method, bad, error, message):
    before = state(fitted)
    with pytest.raises(error, match=message):
        getattr(fitted, method)(bad)
    assert state(fitted) == before


@pytest.mark.parametrize("method", ["transform", "score_samples", "score", "partial_fit"])
def test_wrong_number_of_columns(small, method):
    estimator = small().fit(X)
    with pytest.raises(ValueError, match="X has 63 features, but .* is expecting 64"):
        getattr(estimator, method)(X[:, 1:])


def test_rows_of_another_shape_than_in_fit(small):
    flat, images = small().fit(X), small().fit(X.reshape(100, 8, 8))
    for estimator, rows, expected in (
        (flat, X.reshape(100, 8, 8), r"\(8, 8\), but .* on rows of shape \(64,\)"),
        (images, X, r"\(64,\), but .* on rows of shape \(8, 8\)"),
        (images, X.reshape(100, 1, 8, 8), r"\(1, 8, 8\), but .* on rows of shape \(8, 8\)"),
        (images, X[:, 8:].reshape(100, 7, 8), r"\(7, 8\), but .* on rows of shape \(8, 8\)"),
    ):
        for method in (estimator.transform, estimator.score, estimator.partial_fit):
            with pytest.raises(ValueError, match=f"X has rows of shape {expected}"):
                method(rows)


@pytest.mark.parametrize("width", [3, 64])
def test_inverse_transform_of_the_wrong_width(fitted, width):
    with pytest.raises(ValueError, match=f"X has {width} columns.*latent_dim=4"):
        fitted.inverse_transform(np.zeros((2, width)))


def test_codes_of_another_shape(fitted):
    with pytest.raises(
        ValueError, match=r"X must be codes .*got ndarray with rows of shape \(2, 2\)"
    ):
        fitted.inverse_transform(np.zeros((3, 2, 2)))


@pytest.mark.parametrize("largest", ["1e+100", "1e+300"])  # one cannot be squared in float64
def test_values_beyond_float32(small, largest):
    huge = small(scaling=None)
    with pytest.raises(ValueError, match=f"X must stay finite.*got values up to {largest[:2]}"):
        huge.fit(float(largest) * X.clip(0, 1))
    assert not hasattr(huge, "encoder_")


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (np.full((2, 4), np.nan), "X contains NaN"),
        (np.full((2, 4), 1e300), "X must stay finite.*1e.300"),
        (np.zeros(4), "Expected 2D array, got 1D array"),
    ],
)
def test_bad_codes(fitted, codes, message):
    with pytest.raises(ValueError, match=message):
        fitted.inverse_transform(codes)


def test_training_on_where_there_is_no_such_device_is_refused(small):
    estimator = small().fit(X).set_params(device="cuda:99")
    with pytest.raises(ValueError, match="device must be .*got 'cuda:99'"):
        estimator.partial_fit(X)
    assert estimator.device_ == torch.device("cpu")


@pytest.mark.parametrize("n_samples", [0, -1, 2.5, "3", None])
def test_sample_of_no_number(fitted, n_samples):
    with pytest.raises(ValueError, match="n_samples must be a positive integer, got"):
        fitted.sample(n_samples)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("latent_dim", 5),
        ("hidden_units", (16,)),
        ("scaling", "standard"),
        ("encoder__hidden_units", (16,)),
    ],
)
def test_training_on_with_other_networks_is_refused(small, name, value):
    estimator = small(warm_start=True).fit(X).set_params(**{name: value})
    for method in (estimator.fit, estimator.partial_fit):
        with pytest.raises(ValueError, match=f"{name} changed from .* to .*warm_start=False"):
            method(X)


def test_penultimate_features_of_an_own_encoder_without_a_body(small):
    with pytest.raises(ValueError, match="'penultimate' needs an encoder with.*`body`.*Linear"):
        small(encoder=nn.Linear(64, 4), features="penultimate").fit(X)


def test_unknown_parameters_are_refused(small):
    for name in ("n_epochs", "encoder_width", "critic__width", "encoder__"):
        with pytest.raises(TypeError, match=f"unexpected keyword argument '{name}'"):
            small(**{name: 3})
    for name in ("n_epochs", "encoder_width", "critic__width"):
        with pytest.raises(ValueError, match=f"Invalid parameter '{name.split('__')[0]}'"):
            small().set_params(**{name: 3})
