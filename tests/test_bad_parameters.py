"""Bad parameters are named, with the expected and the given value, and change nothing."""

import re
from functools import partial

import numpy as np
import pytest
import skorch.callbacks
import torch
from bad_input import (
    VALUES,
    ArrayEncoder,
    Discriminator,
    NoModule,
    NotRowWise,
    PositionalDiscriminator,
    X,
    changed,
    failing,
    ids,
    one_loss,
    refused,
    two_columns,
)
from own_networks import SmallEncoder
from skorch.callbacks import EarlyStopping
from torch import nn

from sk_bigan.augmentations import warp
from sk_bigan.priors import Prior

pytestmark = pytest.mark.usefixtures("one_thread")


# parameters, exception, words of the message
PARAMETERS = [
    *(
        pytest.param(
            {name: value},
            ValueError,
            f"'{name}' parameter.* must be .*{expected}.* Got {re.escape(repr(value))} instead",
            id=f"{name}={value!r}",
        )
        for name, expected, values in VALUES
        for value in values
    ),
    ({"latent_dim": 0}, ValueError, "'latent_dim'.*int in the range.*Got 0"),
    ({"latent_dim": 2.5}, ValueError, "'latent_dim'.*Got 2.5"),
    ({"latent_dim": "8"}, ValueError, "'latent_dim'.*Got '8'"),
    ({"latent_dim": 10**15}, ValueError, "encoder could not be made.*latent_dim=1000000000000000"),
    ({"architecture": "transformer"}, ValueError, "'architecture'.*'mlp'.*Got 'transformer'"),
    ({"hidden_units": ()}, ValueError, "hidden_units.*positive integers.*got ()"),
    ({"hidden_units": (64, 0)}, ValueError, r"hidden_units.*positive integers.*\(64, 0\)"),
    ({"hidden_units": (64, 1.5)}, ValueError, "hidden_units.*positive integers"),
    ({"hidden_units": (-5,)}, ValueError, r"hidden_units.*positive integers, got \(-5,\)"),
    ({"hidden_units": ("64",)}, ValueError, r"hidden_units.*positive integers, got \('64',\)"),
    ({"hidden_units": [[32]]}, ValueError, r"hidden_units.*positive integers, got \[\[32\]\]"),
    ({"hidden_units": np.array([32.0])}, ValueError, "hidden_units.*positive integers, got array"),
    ({"hidden_units": 64}, ValueError, "'hidden_units'.*array-like.*Got 64"),
    ({"sample_shape": (8, 9)}, ValueError, "sample_shape.*72 columns.*64"),
    ({"sample_shape": (8, -8)}, ValueError, "sample_shape.*positive integers"),
    ({"sample_shape": ()}, ValueError, r"sample_shape.*positive integers, got \(\)"),
    ({"sample_shape": (64.0,)}, ValueError, r"sample_shape.*positive integers, got \(64.0,\)"),
    ({"sample_shape": (None, 64)}, ValueError, r"sample_shape.*integers, got \(None, 64\)"),
    ({"sample_shape": (10**12,)}, ValueError, "sample_shape=.*1000000000000 columns.*64 columns"),
    ({"encoder": 3}, ValueError, "'encoder'.*callable.*Got 3"),
    ({"encoder": nn.Linear(64, 5)}, ValueError, r"encoder must give.* \(2, 4\).*\(2, 5\)"),
    ({"encoder": nn.Identity()}, ValueError, r"encoder must give.*\(2, 4\).*got \(2, 64\)"),
    ({"encoder": nn.Module}, ValueError, "encoder failed on input of shape .2, 64.*forward"),
    ({"encoder": ArrayEncoder()}, ValueError, r"encoder must give a tensor.*got ndarray"),
    ({"encoder": NoModule}, TypeError, r"encoder must be a torch.nn.Module.*made NoModule"),
    ({"encoder": failing}, ValueError, r"encoder could not be made: failing.*out of ideas"),
    ({"encoder": lambda: None}, ValueError, "encoder could not be made.*2 were given"),
    ({"encoder": SmallEncoder}, ValueError, r"encoder failed on input of shape \(2, 64\)"),
    ({"generator": nn.Linear(4, 63)}, ValueError, r"generator.*\(2, 64\).*got \(2, 63\)"),
    ({"generator": nn.Linear(9, 64)}, ValueError, "generator failed.*shape"),
    ({"generator": lambda shape, k: None}, TypeError, "generator.*NoneType"),
    ({"generator": nn.Identity()}, ValueError, r"generator must give.*\(2, 64\).*got \(2, 4\)"),
    ({"generator": failing}, ValueError, r"generator could not be made: failing.*out of ideas"),
    ({"discriminator": nn.Linear(64, 1)}, ValueError, "discriminator failed.*'x'"),
    ({"discriminator": Discriminator(2)}, ValueError, r"discriminator.*\(2, 1\).*got \(2, 2\)"),
    ({"discriminator": PositionalDiscriminator()}, ValueError, "discriminator failed.*'x'"),
    ({"discriminator": NotRowWise}, ValueError, "row_wise=True.*NotRowWise.*on other rows"),
    (
        {"discriminator": Discriminator().requires_grad_(False)},
        ValueError,
        "discriminator must have parameters with requires_grad=True, got Discriminator without",
    ),
    (
        {
            "encoder": nn.Linear(64, 4).requires_grad_(False),
            "generator": nn.Linear(4, 64).requires_grad_(False),
        },
        ValueError,
        "encoder or generator must have parameters .* got Linear and Linear without",
    ),
    ({"discriminator": NoModule}, TypeError, "discriminator must be a torch.nn.Module.*NoModule"),
    ({"prior": "gamma"}, ValueError, "'prior'.*'normal'.*Got 'gamma'"),
    ({"prior": two_columns}, ValueError, r"prior must map.*\(2, 4\)"),
    ({"prior": lambda n, k: np.zeros((n, k))}, ValueError, r"prior must map.*tensor.*got array"),
    ({"prior": lambda n, k: torch.full((n, k), torch.nan)}, ValueError, "prior.*finite.*got.*nan"),
    ({"prior": lambda n, k: torch.zeros(1, k)}, ValueError, r"prior must map.*got tensor"),
    ({"prior": lambda n, k: None}, ValueError, "prior must map.*got None"),
    ({"prior": Prior(torch.randn, lambda: 3)}, ValueError, "encoder could not be made.*output=3"),
    ({"prior": Prior(torch.rand, nn.Sigmoid())}, ValueError, "prior.*without paren.*Sigmoid"),
    (
        {"objective": lambda real, fake: (real.detach().mean(), fake.mean())},
        ValueError,
        "objective must map.*pair.*that depend on these",
    ),
    ({"objective": "wgan"}, ValueError, "'objective'.*'non_saturating'.*Got 'wgan'"),
    ({"objective": one_loss}, ValueError, "objective must map.*pair"),
    ({"objective": lambda real, fake: (real, fake)}, ValueError, "objective.*pair of scalar"),
    ({"objective": lambda real, fake: (0.5, 0.5)}, ValueError, r"objective.*got \(0.5, 0.5\)"),
    ({"objective": lambda real, fake: 3 * [real.mean()]}, ValueError, "objective must map.*pair"),
    ({"objective": lambda real, fake: None}, ValueError, "objective must map.*got None"),
    ({"scaling": "robust"}, ValueError, "'scaling'.*'standard'.*Got 'robust'"),
    ({"features": 3}, ValueError, "'features'.*'penultimate'.*Got 3"),
    ({"features": ["body.9"]}, ValueError, r"layers of the encoder.*'body.0'.*got 'body.9'"),
    ({"features": ["latent"]}, ValueError, r"layers of the encoder.*'body.0'.*got 'latent'"),
    ({"features": ["body", 3]}, ValueError, r"layers of the encoder.*'body.0'.*got 3"),
    ({"features": [""]}, ValueError, r"layers of the encoder.*'body.0'.*got ''"),
    ({"features": []}, ValueError, "features must name at least one layer"),
    ({"features": "penultimate", "encoder": nn.Linear(64, 4)}, ValueError, "'penultimate' needs"),
    ({"features": "hidden", "encoder": nn.Linear(64, 4)}, ValueError, "'hidden' needs.*`body`"),
    ({"architecture": "conv"}, ValueError, r"'pooled' needs images, got samples of shape \(64,\)"),
    (
        {"architecture": "conv", "sample_shape": (8, 8, 1), "hidden_units": "auto"},
        ValueError,
        r"sample_shape=\(channels, height, width\), got \(8, 8, 1\)",
    ),
    (
        {"architecture": "conv", "sample_shape": (1, 8, 8), "hidden_units": (8, 8, 8, 8, 8)},
        ValueError,
        "can halve 8 x 8 pixels 3 times; hidden_units=.* asks for 4",
    ),
    ({"hidden_units": "wide"}, ValueError, "'hidden_units'.*'auto'.*Got 'wide'"),
    ({"encoder__width": 8}, ValueError, "encoder could not be made: mlp_encoder.*'width'"),
    ({"encoder": nn.Linear(64, 4), "encoder__width": 8}, ValueError, "encoder__width needs"),
    ({"encoder__hidden_units": (-1,)}, ValueError, r"encoder__hidden_units must.*\(-1,\)"),
    ({"encoder__hidden_units": 3}, ValueError, "encoder__hidden_units must.*got 3"),
    ({"encoder__latent_dim": 5}, ValueError, r"encoder must give.*\(2, 4\).*got \(2, 5\)"),
    ({"generator__hidden_units": "wide"}, ValueError, "generator__hidden_units must.*'wide'"),
    (
        {"discriminator__hidden_units": ()},
        ValueError,
        r"discriminator__hidden_units must.*got \(\)",
    ),
    ({"hidden_units": np.array(32)}, ValueError, "hidden_units must be a non-empty.*got array"),
    ({"callbacks": [()]}, TypeError, r"callbacks must be instances.*got \(\)"),
    ({"callbacks": [(3, EarlyStopping())]}, TypeError, r"callbacks must be instances.*got \(3,"),
    ({"checkpoint_dir": ""}, ValueError, "checkpoint_dir must be a folder or None, got an empty"),
    ({"generator__output": 3}, ValueError, "generator could not be made.*output=3"),
    ({"discriminator__depth": 3}, ValueError, "discriminator could not be made.*'depth'"),
    (
        {"discriminator": Discriminator, "discriminator__n_logits": "two"},
        ValueError,
        r"discriminator could not be made: Discriminator\(n_logits='two'\)",
    ),
    ({"features": "hidden2"}, ValueError, "'features'.*'penultimate'.*Got 'hidden2'"),
    ({"augmentation": "noise"}, ValueError, "'augmentation'.*'swap'.*Got 'noise'"),
    ({"augmentation": ["swap", "noise"]}, ValueError, "augmentation must be.*got 'noise'"),
    ({"augmentation": [3]}, ValueError, "augmentation must be.*got 3"),
    ({"augmentation": [None]}, ValueError, "augmentation must be.*got None"),
    ({"augmentation": [["swap"]]}, ValueError, r"augmentation must be.*got \['swap'\]"),
    ({"augmentation": []}, ValueError, r"augmentation must name at least one"),
    ({"augmentation": "warp"}, ValueError, r"'warp' needs images, got.*\(64,\).*sample_shape"),
    ({"augmentation": ["crop", "swap"]}, ValueError, r"'crop' needs images, got.*\(64,\)"),
    ({"augmentation": partial(warp, strength=1)}, ValueError, r"'warp' needs images, got.*\(64,\)"),
    ({"augmentation": torch.Tensor.double}, ValueError, "augmentation must map.*and dtype"),
    (
        {"augmentation": torch.Tensor.zero_},
        ValueError,
        "augmentation must leave its input as it is",
    ),
    ({"augmentation": lambda x: x.clamp_(-1, 1)}, ValueError, "augmentation must leave its input"),
    ({"augmentation": lambda x: x[:2]}, ValueError, r"augmentation must map.*shape \(3, 64\)"),
    (
        {"augmentation": nn.Flatten(0)},
        ValueError,
        r"augmentation must map samples.*shape \(3, 64\)",
    ),
    ({"augmentation": lambda x: x.cpu().numpy()}, ValueError, "augmentation must map.*got array"),
    ({"augmentation": lambda x: None}, ValueError, "augmentation must map.*got None"),
    ({"augmentation": lambda x: x / 0}, ValueError, "augmentation must map.*finite.*got tensor"),
    ({"consistency_weight": -1}, ValueError, "'consistency_weight'.*Got -1"),
    ({"vat_weight": -1}, ValueError, "'vat_weight'.*Got -1"),
    ({"cycle_weight": -1}, ValueError, "'cycle_weight'.*Got -1"),
    ({"gradient_penalty": -0.1}, ValueError, "'gradient_penalty'.*Got -0.1"),
    ({"learning_rate": 0}, ValueError, "'learning_rate'.*Got 0"),
    ({"max_epochs": 0}, ValueError, "'max_epochs'.*Got 0"),
    ({"max_epochs": "many"}, ValueError, "'max_epochs'.*'auto'.*Got 'many'"),
    ({"batch_size": 1}, ValueError, "'batch_size'.*Got 1"),
    ({"device": 0}, ValueError, "'device'.*Got 0"),
    ({"device": "abacus"}, ValueError, "device must be 'auto'.*got 'abacus'"),
    ({"device": "cuda:99"}, ValueError, "device must be 'auto'.*got 'cuda:99'"),
    ({"device": torch.device("cuda", 99)}, ValueError, "device must be 'auto'.*'cuda', index=99"),
    ({"device": "cuda:-1"}, ValueError, "device must be 'auto'.*got 'cuda:-1'"),
    ({"device": "meta"}, ValueError, "device must be 'auto'.*got 'meta'"),
    ({"device": ""}, ValueError, "device must be 'auto'.*got ''"),
    ({"precision": "float8"}, ValueError, "'precision'.*'bfloat16'.*Got 'float8'"),
    ({"callbacks": "progress"}, ValueError, "'callbacks'.*list.*Got 'progress'"),
    ({"callbacks": [3]}, TypeError, r"callbacks must be instances of skorch.*got 3"),
    ({"callbacks": [EarlyStopping]}, TypeError, "callbacks must be instances.*got <class"),
    ({"callbacks": [("stop", 3)]}, TypeError, r"callbacks.*pairs of a name.*got \('stop', 3\)"),
    ({"callbacks": [None]}, TypeError, "callbacks must be instances.*got None"),
    ({"callbacks": 2 * [("stop", EarlyStopping())]}, ValueError, "duplicate.*callback name 'stop'"),
    (
        {"callbacks": [("rate", skorch.callbacks.LRScheduler())]},
        TypeError,
        "callbacks must not have skorch's LRScheduler.*take sk_bigan.callbacks.*got <skorch",
    ),
    *(
        ({"callbacks": [scoring("r2")]}, TypeError, f"{scoring.__name__}, which.*validation_frac")
        for scoring in (skorch.callbacks.EpochScoring, skorch.callbacks.BatchScoring)
    ),
    (
        {"callbacks": [EarlyStopping(load_best=True)], "checkpoint_dir": "x"},
        ValueError,
        "callbacks must not have load_best=True with checkpoint_dir.*got <skorch.*EarlyStopping",
    ),
    ({"checkpoint_dir": 7}, ValueError, "'checkpoint_dir'.*Got 7"),
    ({"warm_start": True, "checkpoint_dir": "x"}, ValueError, "checkpoint_dir needs warm_start=F"),
    ({"warm_start": "yes"}, ValueError, "'warm_start'.*Got 'yes'"),
    ({"random_state": -1}, ValueError, "'random_state'"),
    ({"verbose": -1}, ValueError, "'verbose'.*Got -1"),
]


# Parameters set on a fitted estimator, method, exception, words of the message
CHANGES = [
    ({"features": "nope"}, "transform", ValueError, "'features'.*Got 'nope'"),
    ({"features": 3}, "transform", ValueError, "'features'.*Got 3"),
    ({"features": []}, "transform", ValueError, "features must name at least one layer"),
    ({"features": ["body.9"]}, "transform", ValueError, "layers of the encoder.*got 'body.9'"),
    ({"features": "nope"}, "get_feature_names_out", ValueError, "'features'.*Got 'nope'"),
    ({"features": []}, "get_feature_names_out", ValueError, "name at least one layer"),
    ({"features": ["x"]}, "get_feature_names_out", ValueError, "layers of the encoder.*got 'x'"),
    *(
        (parameters, method, error, message)
        for method in ("partial_fit", "fit")
        for parameters, error, message in [
            ({"device": "cuda:99"}, ValueError, "device must be .*got 'cuda:99'"),
            ({"learning_rate": np.nan}, ValueError, "'learning_rate'.*Got nan"),
            ({"verbose": "loud"}, ValueError, "'verbose'.*Got 'loud'"),
            ({"augmentation": "warp"}, ValueError, "'warp' needs images"),
            ({"objective": one_loss}, ValueError, "objective must map.*pair"),
            ({"callbacks": [3]}, TypeError, "callbacks must be instances.*got 3"),
            ({"warm_start": True, "checkpoint_dir": "x"}, ValueError, "needs warm_start=False"),
        ]
    ),
    ({"encoder__width": 3}, "fit", ValueError, "encoder could not be made.*'width'"),
    ({"sample_shape": (3,)}, "fit", ValueError, "sample_shape.*3 columns.*64 columns"),
]


# What the networks were built from, and what it is now
STRUCTURE = [
    ("latent_dim", 5),
    ("architecture", "conv"),
    ("hidden_units", (16,)),
    ("sample_shape", (64,)),
    ("encoder", nn.Linear(64, 4)),
    ("generator", nn.Linear(4, 64)),
    ("discriminator", Discriminator),
    ("prior", "uniform"),
    ("scaling", "standard"),
    ("encoder__hidden_units", (16,)),
]


@pytest.mark.parametrize(("parameters", "error", "message"), PARAMETERS, ids=ids)
def test_bad_parameters_of_fit(small, parameters, error, message):
    unfitted = small(**parameters)
    for method in (unfitted.fit, unfitted.partial_fit):
        with refused(unfitted, error, message):
            method(X)


@pytest.mark.parametrize("name", ["n_epochs", "encoder_width", "critic__width", "encoder__"])
def test_unknown_parameters_are_refused(small, name):
    with pytest.raises(TypeError, match=f"unexpected keyword argument '{name}'"):
        small(**{name: 3})


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("n_components", "latent_dim"),
        ("lr", "learning_rate"),
        ("epochs", "max_epochs"),
        ("seed", "random_state"),
        ("laten_dim", "latent_dim"),
    ],
)
def test_a_parameter_that_another_name_was_meant_for(small, name, meant):
    question = f"{name!r}.*: did you mean {meant!r}"
    with pytest.raises(TypeError, match=question):
        small(**{name: 3})
    unchanged = small()
    with refused(unchanged, ValueError, question):
        unchanged.set_params(latent_dim=7, **{name: 3})


def test_another_network_drops_the_parameters_of_the_one_before(small):
    bigan = small(encoder__hidden_units=(16,), generator__hidden_units=(8,))
    bigan.set_params(encoder=SmallEncoder, encoder__width=8)
    assert bigan.get_params()["encoder__width"] == 8
    assert "encoder__hidden_units" not in bigan.get_params()
    assert bigan.get_params()["generator__hidden_units"] == (8,)
    bigan.set_params(encoder=None)
    assert "encoder__width" not in bigan.get_params()


@pytest.mark.parametrize(("parameters", "method", "error", "message"), CHANGES, ids=ids)
def test_bad_parameters_after_fit(fitted, parameters, method, error, message):
    estimator = changed(fitted, **parameters)
    with refused(estimator, error, message):
        getattr(estimator, method)(*([] if method == "get_feature_names_out" else [X]))


@pytest.mark.parametrize(("name", "value"), STRUCTURE)
def test_training_on_with_other_networks_is_refused(fitted, tmp_path, name, value):
    estimator = changed(fitted, warm_start=True, **{name: value})
    for method, argument in (("fit", X), ("partial_fit", X), ("save", tmp_path / "model")):
        with refused(estimator, ValueError, f"{name} changed from .* to .*warm_start=False"):
            getattr(estimator, method)(argument)
    assert not any(tmp_path.iterdir())
