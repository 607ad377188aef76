"""Who follows a training: bars, held-out scores, schedules, scikit-learn's callbacks."""

import gc
import threading
import weakref
from copy import deepcopy
from multiprocessing import get_context

import numpy as np
import pytest
import torch
from helpers import AtStep, Noisy, interrupt, once, same_weights, spoil, without_seconds
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from skorch.callbacks import Callback, EarlyStopping
from torch import nn
from torch.optim import SGD
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, ReduceLROnPlateau
from torch.utils.data import TensorDataset

from sk_bigan._training.monitoring import Monitor, covariance
from sk_bigan.callbacks import LRScheduler
from sk_bigan.networks import Players

EPOCH = 4  # steps, of 400 rows

# The bar


def test_the_bar_counts_epochs_and_shows_losses_and_score(digits, small, capsys):
    small(max_epochs=3, verbose=1, validation_fraction=0.2).fit(digits)
    out, err = capsys.readouterr()
    assert out == ""
    for text in ("| 3/3 [", "loss_d=", "loss_eg=", "valid_score="):
        assert text in err
    assert err.endswith("\n")


def test_a_process_without_stderr_trains_all_the_same(digits, small, monkeypatch):
    """Programs without a console on Windows have none."""
    monkeypatch.setattr("sys.stderr", None)
    assert small(max_epochs=3, verbose=1).fit(digits).n_epochs_ == 3


def test_the_bar_stops_where_the_training_stops(digits, small, capsys):
    with pytest.raises(KeyboardInterrupt):
        small(max_epochs=9, verbose=1, callbacks=[AtStep(2 * EPOCH + 1, interrupt)]).fit(digits)
    last = capsys.readouterr().err.rsplit("\r", 1)[1]
    assert "| 2/9 [" in last
    assert last.endswith("\n")


def test_the_bar_starts_where_a_resumed_training_does(digits, small, tmp_path, capsys):
    def stop(net):
        raise ValueError("a fault")

    settings = {"max_epochs": 5, "checkpoint_dir": tmp_path, "verbose": 1}
    with pytest.raises(ValueError, match="a fault"):
        small(**settings, callbacks=[AtStep(3 * EPOCH + 1, stop)]).fit(digits)
    capsys.readouterr()
    small(**settings).fit(digits)
    first, *_, last = capsys.readouterr().err.strip().split("\r")
    assert "| 3/5 [" in first
    assert "| 5/5 [" in last


# Rows held out


def parts(X, fraction):
    order = np.random.RandomState(0).permutation(len(X))
    n = int(np.ceil(fraction * len(X)))
    return X[np.sort(order[n:])], X[np.sort(order[:n])]


def test_held_out_rows_teach_nothing(digits, small):
    trained_on, _ = parts(digits / 8 - 1, 0.3)
    held_out = small(scaling=None, validation_fraction=0.3).fit(digits / 8 - 1)
    assert same_weights(held_out, small(scaling=None).fit(trained_on))


def test_the_held_out_score_is_the_score_of_those_rows(digits, small):
    scores = []

    class Score(Callback):
        def on_epoch_end(self, net, **kwargs):
            scores.append(bigan.score(parts(digits, 0.25)[1]))

    bigan = small(max_epochs=3, validation_fraction=0.25, callbacks=[Score()])
    bigan.fit(digits)
    assert [epoch["valid_score"] for epoch in bigan.history_] == scores


def test_a_dataset_is_held_out_as_an_array_is(digits, small):
    settings = {"validation_fraction": 0.2, "max_epochs": 3}
    of_array = small(**settings).fit(digits)
    of_dataset = small(**settings).fit(TensorDataset(torch.from_numpy(digits.copy())))
    assert same_weights(of_array, of_dataset)
    assert without_seconds(of_array.history_) == without_seconds(of_dataset.history_)


def test_stopping_early_on_the_held_out_score_keeps_the_best(digits, small):
    patience = EarlyStopping(
        monitor="valid_score", lower_is_better=False, patience=3, load_best=True, sink=print
    )
    bigan = small(
        max_epochs=60, learning_rate=2e-2, validation_fraction=0.25, callbacks=[patience]
    ).fit(digits)
    scores = [epoch["valid_score"] for epoch in bigan.history_]
    assert bigan.n_epochs_ == len(scores) < 60
    assert np.argmax(scores) == len(scores) - 4
    assert bigan.score(parts(digits, 0.25)[1]) == max(scores)


def test_a_resumed_training_holds_the_same_rows_out(digits, small, tmp_path):
    def stop(net):
        raise ValueError("a fault")

    settings = {"max_epochs": 4, "validation_fraction": 0.2, "random_state": None}
    folder = tmp_path / "run"
    with pytest.raises(ValueError, match="a fault"):
        small(**settings, checkpoint_dir=folder, callbacks=[AtStep(9, stop)]).fit(digits)
    trained_on = []

    class Seen(Callback):
        def on_batch_begin(self, net, batch, **kwargs):
            trained_on.append(batch.numpy(force=True))

    small(**settings, checkpoint_dir=folder, callbacks=[Seen()]).fit(digits)
    rows, _ = parts(digits, 0.2)
    assert {row.tobytes() for row in np.concatenate(trained_on)} == {row.tobytes() for row in rows}


def test_a_score_that_is_not_finite_sends_the_training_back(digits, small):
    last_step_of_an_epoch = AtStep(2 * EPOCH, once(spoil))
    with pytest.warns(ConvergenceWarning, match="diverged in epoch 2.*goes on from epoch 1"):
        bigan = small(
            max_epochs=3, validation_fraction=0.2, batch_size=80, callbacks=[last_step_of_an_epoch]
        ).fit(digits)
    assert np.isfinite([epoch["valid_score"] for epoch in bigan.history_]).all()
    assert bigan.n_epochs_ == 3


def test_a_fault_of_a_network_is_no_divergence(digits, small):
    class Faulty(nn.Linear):
        def __init__(self, sample_shape, latent_dim):
            super().__init__(sample_shape[0], latent_dim)

        def forward(self, x):
            if not self.training and len(x) == 96:  # the rows held out, in whole blocks of 32
                raise ValueError("a fault of its own")
            return super().forward(x)

    with pytest.raises(ValueError, match="a fault of its own"):
        small(encoder=Faulty, validation_fraction=0.2).fit(digits)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_images_are_held_out_as_rows_are(digits, small, dtype):
    settings = {"validation_fraction": 0.2, "scaling": "range"}
    of_rows = small(**settings).fit(digits)
    of_images = small(**settings).fit(digits.reshape(-1, 8, 8).astype(dtype))
    scores = [[e["valid_score"] for e in b.history_] for b in (of_rows, of_images)]
    assert scores[0] == pytest.approx(scores[1], abs=1e-12)


def test_scoring_draws_nothing_that_the_training_would_have_drawn(digits, small):
    trained_on, _ = parts(digits / 8 - 1, 0.3)
    settings = {"scaling": None, "encoder": Noisy}
    held_out = small(**settings, validation_fraction=0.3).fit(digits / 8 - 1)
    assert same_weights(held_out, small(**settings).fit(trained_on))


class Look(Callback):
    """Asks the estimator for features in the middle of its training."""

    def __init__(self, bigan, X):
        self.bigan, self.X = bigan, X
        self.alone, self.among_others = [], []

    def __deepcopy__(self, memo):
        return self

    def ask(self, net, **kwargs):
        codes = self.bigan.transform(self.X)
        self.alone.append(self.bigan.transform(self.X[:1])[0])
        self.among_others.append(codes[0])
        self.bigan.inverse_transform(codes)
        self.bigan.score(self.X)

    on_batch_begin = on_batch_end = on_epoch_end = ask


@pytest.mark.parametrize("settings", [{}, {"validation_fraction": 0.3}, {"encoder": Noisy}])
def test_who_looks_at_a_training_sees_a_model_and_changes_nothing(digits, small, settings):
    bigan = small(**settings)
    look = Look(bigan, digits[:40])
    bigan.set_params(callbacks=[look]).fit(digits)
    assert same_weights(bigan, small(**settings).fit(digits))
    if "encoder" not in settings:  # that one draws for each row
        np.testing.assert_array_equal(look.alone, look.among_others)


PARTS_TRAINED = {
    "all": lambda bigan: [bigan.encoder_, bigan.generator_, bigan.discriminator_],
    "a body": lambda bigan: [bigan.encoder_.body],
    "layers of BatchNorm": lambda bigan: [
        layer
        for network in (bigan.encoder_, bigan.generator_)
        for layer in network.modules()
        if isinstance(layer, nn.BatchNorm1d)
    ],
}


@pytest.mark.parametrize("parts", PARTS_TRAINED)
def test_networks_that_their_owner_trains_on_give_the_numbers_of_networks_at_rest(
    digits, small, parts
):
    bigan = small().fit(digits)

    def numbers():
        codes = bigan.transform(digits[:9])
        return codes, bigan.inverse_transform(codes), bigan.score_samples(digits[:9])

    expected = numbers()
    modes = {}
    for part in PARTS_TRAINED[parts](bigan):
        modes |= {layer: layer.train().training for layer in part.modules()}
    assert modes
    for _ in range(2):  # nor are statistics changed
        for found, wanted in zip(numbers(), expected, strict=True):
            np.testing.assert_array_equal(found, wanted)
    assert all(layer.training for layer in modes)


def test_partial_fit_holds_nothing_out(digits, small):
    bigan = small(validation_fraction=0.5).partial_fit(digits)
    assert same_weights(bigan, small().partial_fit(digits))


def test_too_few_rows_to_hold_some_out(digits, small):
    wanted = r"validation_fraction=0.9 holds 9 of 10 rows out, and a training needs two"
    with pytest.raises(ValueError, match=wanted):
        small(validation_fraction=0.9).fit(digits[:10])


def test_the_estimator_lets_go_of_its_data(digits, small):
    X = digits.copy()
    alive = weakref.ref(X)
    bigan = small(validation_fraction=0.2, verbose=1).fit(X)
    del X
    gc.collect()
    assert alive() is None
    assert bigan.n_epochs_ == 2


# Learning rates


class Rates(Callback):
    def __init__(self, seen):
        self.seen = seen

    def __deepcopy__(self, memo):
        return self

    def on_batch_end(self, net, **kwargs):
        optimizers = (net.optimizer_d_, net.optimizer_eg_)
        self.seen.append({group["lr"] for o in optimizers for group in o.param_groups})


def rates_of(estimator, X):
    """Of every epoch; all optimizers have one."""
    seen = []
    estimator.set_params(callbacks=[*estimator.callbacks, Rates(seen)]).fit(X)
    assert all(len(rates) == 1 for rates in seen)
    return [rates.pop() for rates in seen[::EPOCH]]


def of_torch(scheduler, n_epochs, metrics=None, lr=4e-4, **parameters):
    optimizer = SGD([torch.ones(1, requires_grad=True)], lr=lr)
    schedule, rates = scheduler(optimizer, **parameters), []
    for epoch in range(n_epochs):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step(*[] if metrics is None else [metrics[epoch]])
    return rates


def test_a_schedule_sets_both_players_rates(digits, small):
    cosine = LRScheduler("CosineAnnealingLR", T_max=6, eta_min=1e-6)
    bigan = small(max_epochs=6, callbacks=[cosine])
    wanted = of_torch(CosineAnnealingLR, 6, T_max=6, eta_min=1e-6)
    assert rates_of(bigan, digits) == pytest.approx(wanted)
    assert [epoch["event_lr"] for epoch in bigan.history_] == pytest.approx(wanted)


@pytest.mark.parametrize("policy", ["LinearLR", LinearLR])
def test_a_schedule_of_torchs_goes_by_its_name_too(digits, small, policy):
    bigan = small(max_epochs=4, callbacks=[LRScheduler(policy, total_iters=3)])
    assert rates_of(bigan, digits) == pytest.approx(of_torch(LinearLR, 4, total_iters=3))


def test_a_schedule_may_look_at_the_history(digits, small):
    plateau = LRScheduler(ReduceLROnPlateau, monitor="loss_eg", patience=0, event_name=None)
    bigan = small(max_epochs=8, callbacks=[plateau])
    rates = rates_of(bigan, digits)
    losses = [epoch["loss_eg"] for epoch in bigan.history_]
    assert rates == pytest.approx(of_torch(ReduceLROnPlateau, 8, losses, patience=0))
    assert len(set(rates)) > 1
    assert "event_lr" not in bigan.history_[0]


def test_a_resumed_training_goes_on_with_its_schedule(digits, small, tmp_path):
    def stop(net):
        raise ValueError("a fault")

    steps = {"max_epochs": 6, "callbacks": [LRScheduler("StepLR", step_size=2)]}
    whole = small(**steps).fit(digits)
    interrupted = small(**steps, checkpoint_dir=tmp_path)
    interrupted.callbacks = [*interrupted.callbacks, AtStep(4 * EPOCH + 2, stop)]
    with pytest.raises(ValueError, match="a fault"):
        interrupted.fit(digits)
    resumed = small(**steps, checkpoint_dir=tmp_path).fit(digits)
    assert same_weights(resumed, whole)
    assert without_seconds(resumed.history_) == without_seconds(whole.history_)


def test_a_schedule_stays_lower_after_a_divergence(digits, small):
    steps = LRScheduler("StepLR", step_size=2)
    bigan = small(max_epochs=4, callbacks=[steps, AtStep(2 * EPOCH + 1, once(spoil))])
    with pytest.warns(ConvergenceWarning, match="diverged"):
        bigan.fit(digits)
    # From the first epoch, the last that was looked at.
    assert [epoch["event_lr"] for epoch in bigan.history_] == pytest.approx(
        [4e-4, 4e-5, 4e-6, 4e-6]
    )


def test_the_usual_rates_fall_in_the_second_half(digits, small):
    rates = rates_of(small(max_epochs=4, callbacks=[]), digits)
    assert rates == pytest.approx([4e-4, 4e-4, 4e-4, 2e-4])


def test_a_schedule_that_does_not_apply(digits, small):
    for wrong in ({"step_every": "batch"}, {"monitor": len}):
        scheduler = LRScheduler("StepLR", step_size=2, **wrong)
        with pytest.raises(ValueError, match="LRScheduler needs step_every='epoch' and the name"):
            small(callbacks=[scheduler]).fit(digits)
    for unknown in ("Cosine", "ref", 3):
        with pytest.raises(ValueError, match=f"policy must be a class .*, got {unknown!r}"):
            small(callbacks=[LRScheduler(unknown)]).fit(digits)
    missing = LRScheduler("ReduceLROnPlateau", monitor="accuracy")
    with pytest.raises(ValueError, match=r"monitor must be .*\['code_cov.*, got 'accuracy'"):
        small(callbacks=[missing]).fit(digits)


def test_a_schedule_is_cloned_with_its_parameters(digits, small):
    cosine = LRScheduler("CosineAnnealingLR", event_name="rate", T_max=4)
    first = small(callbacks=[cosine]).fit(digits)
    again = clone(first).fit(digits)
    assert [e["rate"] for e in again.history_] == [e["rate"] for e in first.history_]


# Copies


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_callback_that_holds_its_estimator_sees_it_learn(digits, small, method):
    class Watch(Callback):
        def __init__(self, held, scores):
            self.held, self.scores = held, scores

        def __deepcopy__(self, memo):
            return Watch(deepcopy(self.held, memo), self.scores)

        def on_epoch_end(self, net, **kwargs):
            self.scores.append(self.held[-1].score(digits))

    bigan, scores = small(), []
    bigan.set_params(callbacks=[Watch(Pipeline([("bigan", bigan)]), scores)])
    getattr(bigan, method)(digits)
    assert scores[-1] == bigan.score(digits)
    assert len({*scores}) == len(scores) == bigan.n_epochs_


def test_what_cannot_be_copied_is_shared(digits, small):
    class Writer(Callback):
        def __init__(self, written):
            self.written = written
            self.lock = threading.Lock()  # as writers and connections have

        def on_epoch_end(self, net, **kwargs):
            self.last_ = net.history[-1, "loss_d"]
            with self.lock:
                self.written.append(self.last_)

    writer = Writer([])
    writer.done = get_context("spawn").Event()  # whose copy is a RuntimeError
    bigan = small(callbacks=[("writer", writer)]).fit(digits)
    assert writer.written == [epoch["loss_d"] for epoch in bigan.history_]
    assert not hasattr(writer, "last_")


# What is noted of codes and reconstructions


def test_covariance_is_that_of_numpy():
    values = np.random.RandomState(0).normal(size=(30, 4)) @ np.diag([1, 2, 3, 4])
    pairs = np.cov(values.T, bias=True)[~np.eye(4, dtype=bool)]
    assert covariance(torch.from_numpy(values)) == pytest.approx(np.sqrt(np.mean(pairs**2)))
    assert covariance(torch.ones(5, 1)) == 0


class Judge(nn.Module):
    def forward(self, *, x, z):
        return x[:, 0] + z[:, 0]


def test_a_perfect_inverse_scores_one_and_the_mean_scores_zero():
    x, z = torch.randn(64, 3), torch.randn(64, 3)
    perfect = Monitor(Players(nn.Identity(), nn.Identity(), Judge()), x, z).look()
    assert perfect.score == 1

    class Mean(nn.Module):
        def forward(self, codes):
            return x.mean(0).expand(64, 3)

    assert Monitor(Players(nn.Identity(), Mean(), Judge()), x, z).look().score == pytest.approx(
        0, abs=1e-6
    )


def test_large_codes_are_no_divergence(digits, small):
    class Large(nn.Linear):
        def __init__(self, sample_shape, latent_dim):
            super().__init__(sample_shape[0], latent_dim)

        def forward(self, x):
            return 1e11 * super().forward(x)

    bigan = small(encoder=Large, cycle_weight=0, consistency_weight=0).fit(digits)
    assert bigan.history_[-1]["code_covariance"] > 1e18


def test_codes_that_repeat_each_other_covary():
    x, z = torch.randn(64, 3), torch.randn(64, 3)
    as_the_prior = Monitor(Players(nn.Identity(), nn.Identity(), Judge()), z, z).look()
    assert as_the_prior.code_covariance == 1

    class Repeat(nn.Module):
        def forward(self, x):
            return x[:, :1].expand(64, 3)

    assert Monitor(Players(Repeat(), nn.Identity(), Judge()), x, z).look().code_covariance > 3


# scikit-learn's callbacks


@pytest.fixture(scope="module")
def of_sklearn():
    return pytest.importorskip("sklearn.callback", reason="scikit-learn before 1.9 has none")


class Recorder:
    """A callback of scikit-learn's that writes down what it is told of."""

    def __init__(self, stop_after=None, look=False):
        self.stop_after = stop_after
        self.look = look
        self.events = []
        self.fitted = []

    def setup(self, estimator, context):
        self.events.append("setup")

    def teardown(self, estimator, context):
        self.events.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.events.append((f"{context.task_name} begins", context.max_subtasks))

    def on_fit_task_end(self, estimator, context, *, X, y, fitted_estimator):
        self.events.append((f"{context.task_name} ends", len(X)))
        self.fitted.append(fitted_estimator)
        return context.task_name == "epoch" and context.task_id + 1 == self.stop_after


def test_an_epoch_is_a_task(digits, small, of_sklearn):
    recorder = Recorder()
    small(max_epochs=2).set_callbacks(recorder).fit(digits)
    epoch = [("epoch begins", 0), ("epoch ends", 400)]
    fit = [("fit begins", 2), *epoch, *epoch, ("fit ends", 400)]
    assert recorder.events == ["setup", *fit, "teardown"]


@pytest.mark.parametrize("features", ["latent", "summary"])
def test_watching_changes_nothing_and_shows_what_will_be(digits, small, of_sklearn, features):
    recorder = Recorder()
    watched = small(max_epochs=3, features=features).set_callbacks(recorder).fit(digits)
    assert same_weights(watched, small(max_epochs=3, features=features).fit(digits))
    *epochs, end = recorder.fitted
    assert [bigan.n_epochs_ for bigan in epochs] == [1, 2, 3]
    assert [len(bigan.history_) for bigan in epochs] == [1, 2, 3]
    for whole in (epochs[-1], end):
        assert np.array_equal(whole.transform(digits), watched.transform(digits))
    assert not np.array_equal(epochs[0].transform(digits), watched.transform(digits))


def test_they_may_stop_the_training(digits, small, of_sklearn, capsys):
    steps = LRScheduler("StepLR", step_size=2)
    bigan = small(max_epochs=9, verbose=1, callbacks=[steps])
    bigan.set_callbacks(Recorder(stop_after=3)).fit(digits)
    assert bigan.n_epochs_ == 3
    assert all("event_lr" in epoch for epoch in bigan.history_)
    assert "| 3/9 [" in capsys.readouterr().err


def test_an_epoch_after_which_another_callback_stops_has_its_end(digits, small, of_sklearn, capsys):
    class Stop(Callback):
        def on_epoch_end(self, net, **kwargs):
            raise KeyboardInterrupt  # as skorch's EarlyStopping

    recorder = Recorder()
    bigan = small(max_epochs=9, verbose=1, callbacks=[Stop()]).set_callbacks(recorder).fit(digits)
    assert recorder.events[1:-1] == [
        ("fit begins", 9),
        ("epoch begins", 0),
        ("epoch ends", 400),
        ("fit ends", 400),
    ]
    assert "| 1/9 [" in capsys.readouterr().err
    assert bigan.n_epochs_ == 1


def test_epochs_that_are_repeated_are_one_task_each(digits, small, of_sklearn):
    recorder = Recorder()
    bigan = small(max_epochs=6, callbacks=[AtStep(4 * EPOCH + 1, once(spoil))])
    with pytest.warns(ConvergenceWarning, match="diverged in epoch 5.*goes on from epoch 1"):
        bigan.set_callbacks(recorder).fit(digits)
    assert recorder.events.count(("epoch begins", 0)) == 6
    assert recorder.events.count(("epoch ends", 400)) == 6


def test_the_epochs_of_a_resumed_training_have_their_numbers(digits, small, of_sklearn, tmp_path):
    class Numbers(Recorder):
        def on_fit_task_begin(self, estimator, context):
            self.events.append(context.task_id)

    def fail(net):
        raise ValueError("a fault")

    settings = {"max_epochs": 5, "checkpoint_dir": tmp_path}
    with pytest.raises(ValueError, match="a fault"):
        small(**settings, callbacks=[AtStep(3 * EPOCH + 1, fail)]).fit(digits)
    recorder = Numbers()
    small(**settings).set_callbacks(recorder).fit(digits)
    assert [e for e in recorder.events if isinstance(e, int)] == [0, 3, 4]  # the fit, two epochs


@pytest.mark.parametrize("hook", ["on_fit_task_end", "teardown"])
def test_what_fails_after_the_training_undoes_nothing(digits, small, of_sklearn, hook):
    class Failing(Recorder):
        def fail(self, estimator, context):
            if context.task_name == "fit":
                raise ValueError("a fault")

    setattr(Failing, hook, Failing.fail)
    bigan = small(max_epochs=3, warm_start=True).fit(digits)
    with pytest.raises(ValueError, match="a fault"):
        bigan.set_callbacks(Failing()).fit(digits)
    assert bigan.n_epochs_ == len(bigan.history_) == 6
    bigan.set_callbacks().fit(digits)
    assert same_weights(
        bigan, small(max_epochs=3, warm_start=True).fit(digits).fit(digits).fit(digits)
    )


def test_they_are_told_of_a_failure(digits, small, of_sklearn):
    def fail(net):
        raise ValueError("a fault")

    recorder = Recorder()
    bigan = small(callbacks=[AtStep(5, fail)]).set_callbacks(recorder)
    before = set(vars(bigan))
    with pytest.raises(ValueError, match="a fault"):
        bigan.fit(digits)
    assert recorder.events[-1] == "teardown"
    assert set(vars(bigan)) == before


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_bars_from_a_grid_search_down_to_epochs(digits, small, of_sklearn, capsys, n_jobs):
    pipe = Pipeline([("bigan", small(max_epochs=2)), ("clf", LogisticRegression())])
    search = GridSearchCV(pipe, {"bigan__latent_dim": [2, 3]}, cv=2, n_jobs=n_jobs)
    search.set_callbacks(of_sklearn.ProgressBar(max_propagation_depth=None))
    search.fit(digits, np.arange(400) % 2)
    bars = capsys.readouterr().out.splitlines()
    ours = [bar for bar in bars if "fit-transform-bigan" in bar]
    assert len(ours) == 5  # of each of four splits, and of the best on all rows
    assert all("100%" in bar for bar in ours)


def test_epochs_within_a_grid_search_in_other_processes(digits, small, of_sklearn):
    y = np.arange(400) % 2
    monitor = of_sklearn.ScoringMonitor(scoring={"score": lambda bigan, X, y: bigan.score(X)})
    pipe = Pipeline([("bigan", small(max_epochs=2)), ("clf", LogisticRegression())])
    pipe["bigan"].set_callbacks(monitor)
    search = GridSearchCV(pipe, {"bigan__latent_dim": [2, 3]}, cv=2, n_jobs=2).fit(digits, y)
    scores = [t["score"] for t in monitor.get_logs().data if t["task_name"] == "epoch"]
    assert len(scores) == 10  # two of each of four splits, and of the best on all rows
    assert search.best_estimator_["bigan"].score(digits) in scores
