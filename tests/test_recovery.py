"""Trainings that diverge, collapse, are broken off or run out of memory say so and lose nothing."""

import os
import pickle
import signal
import threading
import warnings

import numpy as np
import pytest
import torch
from helpers import AtStep, Noisy, once, same_weights, spoil, weights
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback
from torch import nn

from sk_bigan import TrainingDivergedError

EPOCH = 25  # steps of 16 rows of the digits
LONG = {"max_epochs": 12, "batch_size": 16, "learning_rate": 2e-4}


class EachEpochFrom(AtStep):
    """Does its work at the start of every epoch from that one on."""

    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) >= self.step:
            self.action(net)

    def on_batch_end(self, net, **kwargs):
        pass


# Divergence


def test_a_training_that_is_hit_once_goes_back_and_comes_to_its_end(digits, small):
    bigan = small(**LONG, callbacks=[AtStep(7 * EPOCH + 3, once(spoil))])
    with pytest.warns(ConvergenceWarning, match=r"diverged in epoch 8.*from epoch 4.*=2e-05"):
        bigan.fit(digits)
    assert bigan.n_epochs_ == 12
    assert [epoch["epoch"] for epoch in bigan.history_] == [*range(1, 13)]
    assert np.isfinite(bigan.transform(digits)).all()


@pytest.mark.filterwarnings("ignore:.*the training has collapsed")  # codes that stay as drawn
def test_what_it_goes_back_to_is_the_state_of_then(digits, small):
    """The weights, the moments of the optimizers and the draws: the same step comes out again."""
    steps, hit = [], once(spoil)

    def look_and_hit(net):
        steps.append((weights(net), net.lr))
        hit(net)

    still = {"learning_rate": 1e-30}  # so that a tenth of it makes next to no difference
    with pytest.warns(ConvergenceWarning, match="diverged in epoch 5"):
        small(**LONG | still, callbacks=[AtStep(4 * EPOCH + 1, look_and_hit)]).fit(digits)
    (first, rate), (again, lowered) = steps
    assert lowered == rate / 10
    for a, b in zip(first, again, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-28)


def test_a_training_that_does_not_recover_leaves_the_last_good_networks(digits, small):
    kept = []
    keep = AtStep(4 * EPOCH, lambda net: kept.append(weights(net)))
    bigan = small(**LONG, callbacks=[keep, EachEpochFrom(8, spoil)])
    with (
        pytest.warns(ConvergenceWarning, match="the training diverged") as caught,
        pytest.raises(TrainingDivergedError, match=r"epoch 8 \(loss_d=nan.*than 0.0002, from") as e,
    ):
        bigan.fit(digits)
    assert len(caught) == 2
    assert e.value.epoch == 8
    assert np.isnan(e.value.losses["loss_d"])
    assert bigan.n_epochs_ == len(bigan.history_) == 4
    assert all(a.equal(b) for a, b in zip(kept[0], weights(bigan), strict=True))
    assert np.isfinite(bigan.transform(digits)).all()
    assert not bigan.encoder_.training


def test_a_training_that_never_was_good_leaves_nothing(digits, small):
    bigan = small(learning_rate=1e30)
    with (
        pytest.warns(ConvergenceWarning, match="it goes on from epoch 0 with learning_rate=1e.2"),
        pytest.raises(TrainingDivergedError, match=r"epoch 1 .*lower learning_rate than 1e\+30"),
    ):
        bigan.fit(digits)
    with pytest.raises(NotFittedError):
        bigan.transform(digits)


def test_a_pass_of_partial_fit_that_diverges_changes_nothing(digits, small):
    bigan = small(**LONG).fit(digits)
    before, codes = weights(bigan), bigan.transform(digits)
    bigan.set_params(callbacks=[EachEpochFrom(1, spoil)])
    with (
        pytest.warns(ConvergenceWarning, match="it goes on from epoch 0"),
        pytest.raises(TrainingDivergedError, match="in epoch 1 "),
    ):
        bigan.partial_fit(digits)
    assert all(a.equal(b) for a, b in zip(before, weights(bigan), strict=True))
    assert bigan.n_epochs_ == 12
    bigan.set_params(callbacks=None).partial_fit(digits)
    assert bigan.n_epochs_ == 13
    assert not np.array_equal(bigan.transform(digits), codes)


def test_lower_learning_rates_are_kept_to_the_end_of_the_training(digits, small):
    rates = []
    watch = EachEpochFrom(1, lambda net: rates.append((net.lr, len(net.history))))
    bigan = small(**LONG, callbacks=[AtStep(5 * EPOCH + 1, once(spoil)), watch])
    with pytest.warns(ConvergenceWarning):
        bigan.fit(digits)
    assert rates == [(2e-4, n) for n in range(1, 7)] + [(2e-5, n) for n in range(5, 13)]
    bigan.set_params(callbacks=[watch]).partial_fit(digits)
    assert rates[-1] == (2e-4, 1)


def test_statistics_of_batch_norm_count_too(digits, small):
    def spoil_statistics(net):
        norm = next(m for m in net.encoder_.modules() if isinstance(m, nn.BatchNorm1d))
        norm.running_var.fill_(torch.inf)

    with pytest.warns(ConvergenceWarning), pytest.raises(TrainingDivergedError):
        small(callbacks=[EachEpochFrom(1, spoil_statistics)]).fit(digits)


def test_moments_that_overflow_count_too(digits, small):
    """Their parameter would never move again, though no weight shows it."""

    class Shock(Callback):
        def on_grad_computed(self, net, **kwargs):
            next(net.encoder_.parameters()).grad.fill_(1e30)

    with pytest.warns(ConvergenceWarning), pytest.raises(TrainingDivergedError):
        small(callbacks=[Shock()]).fit(digits)


def test_an_early_stop_leaves_the_last_good_networks_too(digits, small):
    class Stop(Callback):
        def on_epoch_end(self, net, **kwargs):
            if len(net.history) == 6:
                spoil(net)
                raise KeyboardInterrupt

    bigan = small(**LONG, callbacks=[Stop()]).fit(digits)
    assert bigan.n_epochs_ == 4
    assert np.isfinite(bigan.transform(digits)).all()


def test_the_error_survives_a_pickle():
    error = TrainingDivergedError(3, {"loss_d": float("nan")}, "try something else")
    same = pickle.loads(pickle.dumps(error))
    assert (
        str(same) == str(error) == "training diverged in epoch 3 (loss_d=nan): try something else"
    )
    assert same.epoch == 3


def test_features_that_are_not_finite_are_an_error_and_no_nan(digits, small):
    bigan = small().fit(digits)
    spoil(bigan)
    for method in (bigan.transform, bigan.score):
        with pytest.raises(ValueError, match="no finite numbers for some of the rows 0 to 399"):
            method(digits)


@pytest.mark.parametrize("method", ["partial_fit", "fit"])
def test_any_other_error_leaves_the_estimator_as_it_was(digits, small, method):
    """Also the networks, which a warm start trains in place, and the moments of the optimizers."""

    def break_off(net):
        raise OSError("the data set is gone")

    settings = {"max_epochs": 5, "batch_size": 16, "warm_start": True}
    bigan, other = small(**settings).fit(digits), small(**settings).fit(digits)
    bigan.set_params(callbacks=[AtStep(EPOCH // 2, break_off)])
    with pytest.raises(OSError, match="the data set is gone"):
        getattr(bigan, method)(digits)
    assert same_weights(bigan, other)
    assert not bigan.encoder_.training
    bigan.set_params(callbacks=None).partial_fit(digits)
    assert same_weights(bigan, other.partial_fit(digits))


# Collapse


class Constant(nn.Module):
    """Gives one and the same for every row."""

    def __init__(self, sample_shape, latent_dim, role):
        super().__init__()
        n_outputs = latent_dim if role == "encoder" else sample_shape[0]
        self.value = nn.Parameter(torch.zeros(n_outputs))

    def forward(self, x):
        return self.value + 0 * x.sum(1, keepdim=True)


class FarOff(nn.Module):
    """Gives codes that the prior never does, and learns nothing."""

    def __init__(self, latent_dim):
        super().__init__()
        self.latent_dim = latent_dim

    def forward(self, x):
        return 1000 + 100 * x[:, 20 : 20 + self.latent_dim]


class Blind(nn.Linear):
    def __init__(self, sample_shape):
        super().__init__(sample_shape[0], 1)

    def forward(self, *, x, z):
        return 0 * super().forward(x)


COLLAPSES = {
    "the codes of all rows are nearly the same": {"encoder": Constant, "encoder__role": "encoder"},
    "all samples of the generator are nearly": {"generator": Constant, "generator__role": "g"},
    "the discriminator gives all pairs one logit": {"discriminator": Blind},
    "the discriminator tells every pair": {"encoder": FarOff, "gradient_penalty": 0},
}


@pytest.mark.parametrize("collapse", COLLAPSES)
def test_a_collapse_is_named_once_with_what_to_try(digits, small, collapse):
    settings = {
        "max_epochs": 30,
        "batch_size": 16,
        "learning_rate": 2e-4,
        "cycle_weight": 0,
        "augmentation": None,
    }
    advice = "Try .*cycle_weight=1 or more instead of 0"
    with pytest.warns(ConvergenceWarning, match=f"steps, {collapse}.*{advice}") as caught:
        small(**settings, **COLLAPSES[collapse]).fit(digits)
    assert len(caught) == 1


@pytest.mark.parametrize(
    ("parameters", "remedies"),
    [
        ({"learning_rate": 0.5}, "a lower learning_rate than 0.5"),
        ({"gradient_penalty": 0}, "gradient_penalty=1 instead of 0"),
        ({"gradient_penalty": 1e4}, "a smaller gradient_penalty than 10000"),
        ({"consistency_weight": 500}, "a consistency_weight below the cycle_weight of 100"),
        ({}, "a lower learning_rate than 0.0002, or BatchNorm in networks of your own"),
        (
            {"learning_rate": 0.5, "gradient_penalty": 0},
            "a lower learning_rate than 0.5 and gradient_penalty=1 instead of 0",
        ),
    ],
)
def test_advice_names_the_settings_at_fault_and_no_others(digits, small, parameters, remedies):
    settings = {"max_epochs": 30, "batch_size": 16, "learning_rate": 2e-4, "discriminator": Blind}
    with pytest.warns(ConvergenceWarning, match=f"Try {remedies}$"):
        small(**settings | parameters).fit(digits)


@pytest.mark.parametrize("collapse", COLLAPSES)
def test_a_short_collapse_is_none(digits, small, collapse):
    settings = {
        "max_epochs": 7,
        "batch_size": 16,
        "learning_rate": 2e-4,
        "cycle_weight": 0,
        "augmentation": None,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bigan = small(**settings, **COLLAPSES[collapse]).fit(digits)
    assert bigan.n_epochs_ == 7


def test_history_says_how_the_networks_do(digits, small):
    bigan = small(max_epochs=30, batch_size=16).fit(digits)
    last = bigan.history_[-1]
    assert 0 <= last["d_real"] <= 1
    assert 0 <= last["d_fake"] <= 1
    untrained = small(max_epochs=1, learning_rate=1e-12).fit(digits).history_[-1]
    assert 5 * untrained["code_spread"] < last["code_spread"] < 1.5
    assert 5 * untrained["sample_spread"] < last["sample_spread"] < 1.5
    assert last["score"] > untrained["score"] + 0.3
    assert last["d_spread"] > untrained["d_spread"]


def test_looking_changes_nothing_in_the_training(digits, small, monkeypatch):
    usual = small(**LONG).fit(digits)
    monkeypatch.setattr("sk_bigan._training.monitoring.STEPS_BETWEEN_CHECKS", 1)
    assert same_weights(small(**LONG).fit(digits), usual)


def test_looking_draws_nothing_that_the_training_would_have_drawn(digits, small, monkeypatch):
    usual = small(**LONG, encoder=Noisy).fit(digits)
    monkeypatch.setattr("sk_bigan._training.monitoring.STEPS_BETWEEN_CHECKS", 1)
    assert same_weights(small(**LONG, encoder=Noisy).fit(digits), usual)


def test_constant_data_are_no_collapse(small):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bigan = small(max_epochs=60, batch_size=16).fit(np.ones((64, 5)))
    assert np.isfinite(bigan.transform(np.ones((2, 5)))).all()


# Ctrl-C


def press_ctrl_c(net):
    os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("step", [1, 30, 50])
def test_ctrl_c_comes_through_and_leaves_the_networks_so_far(digits, small, step):
    so_far = []
    callbacks = [AtStep(step, press_ctrl_c), AtStep(step, lambda net: so_far.append(weights(net)))]
    bigan = small(**LONG, callbacks=callbacks)
    with pytest.raises(KeyboardInterrupt):
        bigan.fit(digits)
    assert all(a.equal(b) for a, b in zip(so_far[0], weights(bigan), strict=True))
    assert bigan.n_epochs_ == len(bigan.history_) == step // EPOCH
    assert np.isfinite(bigan.transform(digits)).all()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_within_a_step_waits_for_its_end(digits, small):
    """Between the two halves of a step D has moved, and E and G have not."""
    moves = []

    def note(player):
        return lambda *_: moves.append(player)

    class InTheMiddle(Callback):
        def on_grad_computed(self, net, **kwargs):
            press_ctrl_c(net)
            net.optimizer_d_.register_step_post_hook(note("D"))
            net.optimizer_eg_.register_step_post_hook(note("E and G"))

    with pytest.raises(KeyboardInterrupt):
        small(**LONG, callbacks=[InTheMiddle()]).fit(digits)
    assert moves == ["D", "E and G"]


def test_a_second_ctrl_c_does_not_wait(digits, small):
    reached = []

    def press_twice(net):
        press_ctrl_c(net)
        reached.append("one")
        press_ctrl_c(net)
        reached.append("two")

    with pytest.raises(KeyboardInterrupt):
        small(callbacks=[AtStep(1, press_twice)]).fit(digits)
    assert reached == ["one"]


def test_ctrl_c_just_before_another_end_is_not_lost(digits, small):
    class PressAndStop(Callback):
        def on_epoch_end(self, net, **kwargs):
            press_ctrl_c(net)
            raise KeyboardInterrupt  # as EarlyStopping does

    def press_and_fail(net):
        press_ctrl_c(net)
        raise OSError("the data set is gone")

    for callback in (PressAndStop(), AtStep(3, press_and_fail)):
        with pytest.raises(KeyboardInterrupt):
            small(**LONG, callbacks=[callback]).fit(digits)


def test_a_handler_that_only_notes_ctrl_c_leaves_the_end_to_callbacks(digits, small):
    noted = []

    class Flag(Callback):
        def on_batch_end(self, net, **kwargs):
            if not noted:
                press_ctrl_c(net)

        def on_epoch_end(self, net, **kwargs):
            if noted:
                raise KeyboardInterrupt  # as EarlyStopping does

    before = signal.signal(signal.SIGINT, lambda *args: noted.append(args))
    try:
        bigan = small(**LONG, callbacks=[Flag()]).fit(digits)
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(noted) == bigan.n_epochs_ == 1


def test_ctrl_c_writes_a_checkpoint_that_the_next_fit_goes_on_from(digits, small, tmp_path):
    settings = {**LONG, "checkpoint_dir": tmp_path, "checkpoint_every": 1e9}
    bigan = small(**settings, callbacks=[AtStep(30, press_ctrl_c)])
    with pytest.raises(KeyboardInterrupt):
        bigan.fit(digits)
    bigan.set_params(callbacks=None).fit(digits)
    assert same_weights(bigan, small(**LONG).fit(digits))
    assert len(bigan.history_) == 12


def test_ctrl_c_ends_a_grid_search(digits, small):
    search = GridSearchCV(
        small(callbacks=[AtStep(2, press_ctrl_c)]), {"latent_dim": [2, 3]}, error_score=0
    )
    with pytest.raises(KeyboardInterrupt):
        search.fit(digits)


def test_other_threads_have_no_signals_to_hold(digits, small):
    fits = []
    thread = threading.Thread(target=lambda: fits.append(small().fit(digits)))
    thread.start()
    thread.join()
    assert same_weights(fits[0], small().fit(digits))


# Memory


class Hungry(nn.Linear):
    """An encoder that needs more memory than there is for a batch of more than 20 rows."""

    def __init__(self, sample_shape, latent_dim):
        super().__init__(sample_shape[0], latent_dim)

    def forward(self, x):
        if self.training and len(x) > 20:
            raise torch.OutOfMemoryError("out of memory")
        return super().forward(x)


def test_no_memory_for_a_batch_names_the_size_to_try(digits, small):
    bigan = small(encoder=Hungry, batch_size=32, consistency_weight=0)
    with pytest.raises(torch.OutOfMemoryError, match="batch_size=32; try batch_size=16"):
        bigan.fit(digits)
    assert not hasattr(bigan, "encoder_")
    assert bigan.set_params(batch_size=16).fit(digits).n_epochs_ == 2


# Hostile settings

DIGITS = load_digits().data[:200]
HOSTILE_DATA = {
    "digits": DIGITS,
    "constant": np.full((100, 5), 3.0),
    "huge": 1e20 * DIGITS,
    "tiny": 1e-20 * DIGITS,
    "far away": 1e8 + DIGITS,
    "two rows": DIGITS[:2],
    "one column": DIGITS[:, 20:21],
    "one wild row": np.vstack([DIGITS, [[1e15] * 64]]),
}
HOSTILE_SETTINGS = {
    "learning rate 0.1": {"learning_rate": 0.1},
    "learning rate 1": {"learning_rate": 1.0},
    "learning rate 10": {"learning_rate": 10.0},
    "batch 2": {"batch_size": 2, "max_epochs": 1},
    "code of 1": {"latent_dim": 1},
    "code of 1000": {"latent_dim": 1000},
    "pure minimax": {
        "objective": "minimax",
        "augmentation": None,
        "cycle_weight": 0,
        "gradient_penalty": 0,
        "learning_rate": 1.0,
    },
    "heavy weights": {"cycle_weight": 1e6, "gradient_penalty": 1e6, "learning_rate": 0.1},
}


def check_no_silent_nan(make, X, settings):
    """Features that can be used, or the error that names what happened."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        bigan = make(**{"max_epochs": 10, "batch_size": 32, "precision": "float32"} | settings)
        try:
            codes = bigan.fit(X).transform(X)
        except TrainingDivergedError:
            return "diverged"
    assert np.isfinite(codes).all()
    assert np.isfinite(bigan.inverse_transform(codes)).all()
    assert np.isfinite(bigan.score_samples(X)).all()
    return "features"


@pytest.mark.parametrize("settings", HOSTILE_SETTINGS)
@pytest.mark.parametrize("data", ["digits", "huge", "constant"])
def test_no_silent_nan(small, data, settings):
    outcome = check_no_silent_nan(small, HOSTILE_DATA[data], HOSTILE_SETTINGS[settings])
    assert outcome in ("features", "diverged")


@pytest.mark.long
def test_no_silent_nan_in_256_hostile_runs(small):
    outcomes = [
        check_no_silent_nan(small, X, {**settings, "random_state": seed, "scaling": scaling})
        for X in HOSTILE_DATA.values()
        for settings in HOSTILE_SETTINGS.values()
        for seed, scaling in enumerate(["auto", "standard", "range", "auto"])
    ]
    assert len(outcomes) == 256
    assert set(outcomes) <= {"features", "diverged"}
