"""A training by recorded steps is the same training."""

import weakref

import pretended_graphs
import pytest
import torch
from helpers import AtStep, once, same_weights, spoil, without_seconds
from kinds import KINDS


@pytest.fixture
def replays(monkeypatch):
    """The graph of each replay."""
    replay, graphs = pretended_graphs.CUDAGraph.replay, []
    monkeypatch.setattr(
        pretended_graphs.CUDAGraph, "replay", lambda graph: (graphs.append(graph), replay(graph))
    )
    return graphs


@pytest.mark.parametrize("kind", KINDS)
def test_a_recorded_training_has_the_bits_of_a_plain_one(rows, make, kind, replays):
    plain, recorded = (make(**KINDS[kind], cuda_graph=flag).fit(rows) for flag in (False, True))
    assert same_weights(plain, recorded)
    assert without_seconds(plain.history_) == without_seconds(recorded.history_)
    with_r1 = KINDS[kind].get("gradient_penalty") != 0  # in the first step of an epoch
    assert len({id(graph) for graph in replays}) == 2 + with_r1  # 97 rows with R1, 97, and 96


def test_a_recorded_training_goes_back_as_a_plain_one(rows, make, monkeypatch):
    monkeypatch.setattr("sk_bigan._training.recovery.ROLLBACK_FACTOR", 0.125)
    with pytest.warns(match="diverged"):
        plain, recorded = (
            make(cuda_graph=flag, callbacks=[AtStep(14, once(spoil))]).fit(rows)
            for flag in (False, True)
        )
    assert same_weights(plain, recorded)


class Greedy(torch.nn.Linear):
    """An encoder with too little memory for a recording."""

    def forward(self, x):
        if pretended_graphs.capturing:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return super().forward(x)


def test_a_recording_that_fails_is_gone_before_the_next_step(rows, make, monkeypatch, caplog):
    existing, counts = weakref.WeakSet(), []
    init = pretended_graphs.CUDAGraph.__init__
    monkeypatch.setattr(
        pretended_graphs.CUDAGraph, "__init__", lambda graph: (init(graph), existing.add(graph))[0]
    )

    class Counting(Greedy):
        def forward(self, x):
            codes = super().forward(x)
            counts.append(len(existing))
            return codes

    make(cuda_graph=True, encoder=Counting(64, 4)).fit(rows)
    assert "not recorded as a CUDA graph: CUDA out of memory" in caplog.text
    assert max(counts) == 0


def test_a_step_that_cannot_be_recorded_is_taken_as_usual(rows, make, caplog):
    encoder = Greedy(64, 4)
    plain, failed = (make(cuda_graph=flag, encoder=encoder).fit(rows) for flag in (False, True))
    assert same_weights(plain, failed)
    assert len(caplog.records) == 1


def test_a_recording_leaves_other_threads_alone(rows, make, monkeypatch):
    modes = []
    enter = pretended_graphs.graph.__enter__
    monkeypatch.setattr(
        pretended_graphs.graph,
        "__enter__",
        lambda graph: (modes.append(graph.capture_error_mode), enter(graph)),
    )
    make(cuda_graph=True).fit(rows)
    assert modes == ["thread_local"] * 3


def test_a_recording_is_made_on_the_card_of_the_training(rows, make, monkeypatch):
    cards = []
    enter = pretended_graphs.graph.__enter__

    def noted(graph):
        cards.append((graph.in_stream.stream.device.index, torch.cuda.current_device()))
        enter(graph)

    monkeypatch.setattr(pretended_graphs.graph, "__enter__", noted)
    make(cuda_graph=True, device="cuda:1").fit(rows)
    assert cards == [(1, 1)] * 3
    assert torch.cuda.current_device() == 0
