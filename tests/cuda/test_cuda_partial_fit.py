"""`partial_fit` keeps what it has recorded for its next call, and learns as by plain steps."""

import gc
import pickle
import weakref
from copy import deepcopy

import numpy as np
import pretended_graphs
import pytest
from helpers import AtStep, once, same_weights, spoil, without_seconds
from kinds import KINDS
from sklearn.base import clone

from sk_bigan._machine.cuda_graph import MOST_KINDS

CALLS = 3  # the third replays a step with R1 too, of which each call has one
SOME_KINDS = ("plain", "default", "vat", "BatchNorm in D", "second card")


@pytest.fixture(autouse=True)
def one_warm_up(monkeypatch):
    monkeypatch.setattr("sk_bigan._machine.cuda_graph.WARM_UP_STEPS", 1)


@pytest.fixture
def recorded(monkeypatch):
    """The graphs that there are, of all that are recorded."""
    existing, made = weakref.WeakSet(), []
    init = pretended_graphs.CUDAGraph.__init__

    def noted(graph):
        init(graph)
        existing.add(graph)
        made.append(len(existing))

    monkeypatch.setattr(pretended_graphs.CUDAGraph, "__init__", noted)
    existing.made = made
    return existing


@pytest.fixture
def pair(make):
    """Make two estimators that differ in that one records."""

    def pair(**parameters):
        return [make(**parameters, cuda_graph=flag) for flag in (False, True)]

    return pair


def learn(bigan, *parts, calls=1):
    for _ in range(calls):
        for part in parts:
            bigan.partial_fit(part)
    return bigan


def same(plain, recording):
    assert same_weights(plain, recording)
    assert without_seconds(plain.history_) == without_seconds(recording.history_)


@pytest.mark.parametrize("kind", SOME_KINDS)
def test_calls_by_a_kept_recording_learn_what_plain_ones_learn(rows, pair, kind, recorded):
    plain, recording = (learn(bigan, rows, calls=CALLS) for bigan in pair(**KINDS[kind]))
    n_recorded = 2 + (KINDS[kind].get("gradient_penalty") != 0)  # 97 rows with R1, 97, and 96
    assert len(recorded) == len(recorded.made) == n_recorded
    for bigan in (plain, recording):
        learn(bigan, rows, calls=2)
    assert len(recorded.made) == n_recorded
    same(plain, recording)


def test_every_call_has_the_rate_that_is_set(rows, pair):
    plain, recording = pair()
    for bigan in (plain, recording):
        learn(bigan, rows, calls=CALLS)
        learn(bigan.set_params(learning_rate=2.0**-8), rows, calls=2)
    same(plain, recording)


CHANGES = {
    "augmentation": {"augmentation": "displace"},
    "objective": {"objective": "hinge"},
    "weight": {"cycle_weight": 3.0},
    "precision": {"precision": "float32"},
    "TF32": {"precision": "tf32"},
    "batch_size": {"batch_size": 60},
    "device": {"device": "cuda:1"},
    "cuda_graph": {"cuda_graph": False},
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_call_has_the_parameters_that_are_set(rows, pair, change):
    plain, recording = pair(precision="bfloat16")
    for bigan in (plain, recording):
        learn(bigan, rows, calls=CALLS)
        learn(bigan.set_params(**CHANGES[change]), rows, calls=2)
    same(plain, recording)


def test_a_recording_is_not_of_another_precision_of_products(rows, make, recorded):
    bigan = learn(make(cuda_graph=True, precision="float32"), rows, calls=CALLS)
    before = len(recorded.made)
    learn(bigan.set_params(precision="tf32"), rows, calls=CALLS)
    assert len(recorded.made) == 2 * before


def test_parts_may_be_of_any_dtype(rows, pair):
    parts = [rows.astype(np.uint8), rows + np.float32(0.25)]
    plain, recording = (learn(bigan, *parts, calls=CALLS) for bigan in pair())
    same(plain, recording)


class Broken(Exception):  # noqa: N818
    pass


def fail(net):
    raise Broken


def test_a_call_that_fails_leaves_no_recording_of_what_it_undoes(rows, pair):
    plain, recording = pair()
    for bigan in (plain, recording):
        learn(bigan, rows, calls=CALLS).set_params(callbacks=[AtStep(2, fail)])
        with pytest.raises(Broken):
            bigan.partial_fit(rows)
        learn(bigan.set_params(callbacks=None), rows, calls=CALLS)
    same(plain, recording)


def test_a_call_that_goes_back_records_anew(rows, pair, monkeypatch):
    monkeypatch.setattr("sk_bigan._training.recovery.ROLLBACK_FACTOR", 0.125)
    plain, recording = pair()
    for bigan in (plain, recording):
        learn(bigan, rows, calls=CALLS).set_params(callbacks=[AtStep(2, once(spoil))])
        with pytest.warns(match="diverged"):
            bigan.partial_fit(rows)
        learn(bigan.set_params(callbacks=None), rows, calls=CALLS)
    same(plain, recording)


def spoil_and_stop(net):
    spoil(net)
    raise KeyboardInterrupt  # as skorch's callbacks end a training


def test_a_call_that_stops_and_goes_back_leaves_no_recording_of_what_it_undoes(rows, pair):
    plain, recording = pair()
    for bigan in (plain, recording):
        learn(bigan, rows, calls=CALLS).set_params(callbacks=[AtStep(2, spoil_and_stop)])
        learn(bigan, rows)
        learn(bigan.set_params(callbacks=None), rows, calls=CALLS)
    same(plain, recording)


def test_recordings_of_many_kinds_do_not_pile_up(rows, pair, recorded):
    parts = [rows[:n] for n in (66, 72, 78, 84, 90, 96) for _ in range(CALLS)]
    plain, recording = (learn(bigan, *parts) for bigan in pair(batch_size=20))
    assert len(recorded.made) > MOST_KINDS
    same(plain, recording)
    assert max(recorded.made) <= MOST_KINDS


def test_only_partial_fit_keeps_a_recording(rows, make, recorded):
    bigan = learn(make(cuda_graph=True), rows, calls=CALLS)
    assert len(recorded) > 0
    bigan.fit(rows)
    assert len(recorded) == 0


def test_a_call_that_failed_leaves_no_memory_behind(rows, make, recorded):
    bigan = learn(make(cuda_graph=True), rows, calls=CALLS)
    bigan.set_params(callbacks=[AtStep(2, fail)])
    with pytest.raises(Broken):
        bigan.partial_fit(rows)
    gc.collect()
    assert len(recorded) == 0


COPIES = {"clone": clone, "deepcopy": deepcopy, "pickle": lambda b: pickle.loads(pickle.dumps(b))}


@pytest.mark.parametrize("copied", COPIES)
def test_a_copy_has_no_recording_and_learns_as_one_of_a_plain_estimator(
    rows, pair, copied, recorded
):
    plain, recording = (learn(bigan, rows, calls=CALLS) for bigan in pair())
    before = len(recorded)
    copies = [COPIES[copied](bigan) for bigan in (plain, recording)]
    assert len(recorded) == before
    assert not hasattr(copies[1], "_recorded")
    same(*(learn(bigan, rows, calls=CALLS) for bigan in copies))
    same(*(learn(bigan, rows) for bigan in (plain, recording)))


def test_an_estimator_that_goes_takes_its_recordings_along(rows, make, recorded):
    bigan = learn(make(cuda_graph=True), rows, calls=CALLS)
    assert len(recorded) > 0
    del bigan
    gc.collect()
    assert len(recorded) == 0
