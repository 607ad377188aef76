"""A training and its calibration are one: both are kept, or neither; draws leave no trace."""

import pickle
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from helpers import AtStep, interrupt, same_weights
from skorch.callbacks import Callback, Freezer
from torch.utils.data import Dataset

from sk_bigan import BiGANDetector, BiGANTransformer
from sk_bigan.objectives import non_saturating

SMALL = {"latent_dim": 3, "hidden_units": (8,), "max_epochs": 2, "random_state": 0}


class Score:
    """A score of anomalies that does what it is asked to in a calibration, once it is armed."""

    def __init__(self, action):
        self.action = action
        self.armed = False

    def __call__(self, E, G, D, x):
        if self.armed and len(x) > 1:  # one sample is the trial before the training
            self.armed = False
            self.action()
        return x.square().sum(1)

    def __eq__(self, other):
        return isinstance(other, Score)

    __hash__ = None


def fail():
    raise OSError("the disk is gone")


@pytest.mark.parametrize("warm_start", [False, True])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_failing_calibration_leaves_weights_and_moments_as_they_were(digits, method, warm_start):
    score = Score(fail)
    detector = BiGANDetector(anomaly_score=score, warm_start=warm_start, **SMALL).fit(digits)
    before, untouched = (
        dict(vars(detector)),
        BiGANDetector(anomaly_score=score, **SMALL).fit(digits),
    )
    score.armed = True
    with pytest.raises(OSError, match="the disk is gone"):
        getattr(detector, method)(digits)
    assert vars(detector) == before
    assert same_weights(detector, untouched)
    # Adam's moments are back too: both train on to the same weights.
    assert same_weights(detector.partial_fit(digits), untouched.partial_fit(digits))


class Zeros(Callback):
    """Sets weights before the training, as one that opens a file of them does."""

    def on_train_begin(self, net, **kwargs):
        with torch.no_grad():
            for parameter in net.players.encoder.parameters():
                parameter.zero_()


@pytest.mark.parametrize("moment", ["on_train_begin", "on_epoch_end"])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_weights_that_a_callback_sets_are_undone_too(digits, method, moment):
    late = type("Late", (Callback,), {moment: lambda self, *args, **kwargs: fail()})
    bigan = BiGANTransformer(warm_start=True, **SMALL).fit(digits)
    bigan.set_params(callbacks=[Zeros(), late()])
    with pytest.raises(OSError, match="the disk is gone"):
        getattr(bigan, method)(digits)
    untouched = BiGANTransformer(warm_start=True, **SMALL).fit(digits)
    assert same_weights(bigan, untouched)
    bigan.set_params(callbacks=None)
    assert same_weights(getattr(bigan, method)(digits), getattr(untouched, method)(digits))


@pytest.mark.parametrize("callbacks", [[], [AtStep(2, lambda net: fail())]])
def test_what_a_callback_freezes_learns_in_the_next_training(digits, callbacks):
    bigan = BiGANTransformer(**SMALL).fit(digits)
    bigan.set_params(callbacks=[Freezer("*"), *callbacks])
    with pytest.raises(OSError, match="the disk is gone") if callbacks else nullcontext():
        bigan.partial_fit(digits)
    before = [weight.detach().clone() for weight in bigan.encoder_.parameters()]
    bigan.set_params(callbacks=None).partial_fit(digits)
    for weight, frozen in zip(bigan.encoder_.parameters(), before, strict=True):
        assert not weight.equal(frozen)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_ctrl_c_in_calibration_keeps_the_training_that_has_ended(digits, method):
    score = Score(interrupt)
    detector = BiGANDetector(anomaly_score=score, **SMALL)
    expected = getattr(BiGANDetector(anomaly_score=Score(None), **SMALL), method)(digits)
    score.armed = True
    with pytest.raises(KeyboardInterrupt):
        getattr(detector, method)(digits)
    assert same_weights(detector, expected)
    assert detector.offset_ == expected.offset_


def test_ctrl_c_in_training_calibrates_the_networks_so_far(digits):
    stop = AtStep(2, interrupt)
    detector = BiGANDetector(callbacks=[stop], **SMALL)
    with pytest.raises(KeyboardInterrupt):
        detector.fit(digits)
    assert np.mean(detector.predict(digits) == -1) == pytest.approx(0.1, abs=0.01)


class Jittered(Dataset):
    """Items with noise of torch's."""

    def __init__(self, X):
        self.X = torch.from_numpy(X.copy())

    def __len__(self):
        return len(self.X)

    def __getitem__(self, index):
        return self.X[index] + 0.1 * torch.randn(self.X.shape[1])


def noisy(real_logits, fake_logits):
    return non_saturating(real_logits + 0.1 * torch.randn(()), fake_logits)


@pytest.mark.parametrize("data", [np.asarray, Jittered])
@pytest.mark.parametrize("objective", ["non_saturating", noisy])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_draws_of_data_and_objectives_follow_the_seed_and_leave_no_trace(
    digits, data, objective, method
):
    fits = []
    for seed in range(2):
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        bigan = BiGANTransformer(objective=objective, validation_fraction=0.1, **SMALL)
        fits.append(getattr(bigan, method)(data(digits)))
        assert torch.get_rng_state().equal(before)
    assert same_weights(*fits)
    assert pickle.dumps(fits[0].scaler_) == pickle.dumps(fits[1].scaler_)
