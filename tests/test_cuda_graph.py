"""Recorded and streamed training is the same training."""

import pytest
import torch
from skorch.callbacks import Callback, GradientNormClipping

from sk_bigan._data.batches import Batches

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def losses(bigan):
    return [(epoch["loss_d"], epoch["loss_eg"]) for epoch in bigan.history_]


def test_a_cpu_records_nothing_and_says_so(digits, small, caplog):
    plain = small(device="cpu").fit(digits)
    recorded = small(device="cpu", cuda_graph=True).fit(digits)
    assert losses(recorded) == losses(plain)
    (record,) = caplog.records
    assert "not recorded as a CUDA graph" in record.message
    assert "device='cpu'" in record.message


@needs_cuda
@pytest.mark.parametrize("gradient_penalty", [0.0, 1.0])
def test_a_recorded_step_gives_the_same_losses(digits, small, gradient_penalty, caplog):
    parameters = {"device": "cuda", "gradient_penalty": gradient_penalty, "max_epochs": 6}
    X = digits[:387]  # batches of 97 and of 96 rows
    plain = small(**parameters).fit(X)
    recorded = small(cuda_graph=True, **parameters).fit(X)
    assert losses(recorded) == [pytest.approx(epoch, rel=1e-2) for epoch in losses(plain)]
    assert not caplog.records


@needs_cuda
def test_a_step_that_callbacks_look_into_is_not_recorded(digits, small, caplog):
    clipping = ("clipping", GradientNormClipping(1.0))
    small(device="cuda", cuda_graph=True, callbacks=[clipping]).fit(digits)
    (record,) = caplog.records
    assert "['clipping']" in record.message


@needs_cuda
def test_a_step_that_waits_for_the_gpu_is_taken_as_usual(digits, small, caplog):
    class Waiting(torch.nn.Linear):
        def forward(self, x):
            return super().forward(x) * (1.0 if x.sum().item() else 2.0)

    bigan = small(device="cuda", cuda_graph=True, encoder=Waiting(64, 4), max_epochs=6)
    assert len(bigan.fit(digits).history_) == 6
    assert "not recorded as a CUDA graph" in caplog.text


@needs_cuda
def test_rows_that_do_not_fit_are_streamed(digits, small, monkeypatch):
    monkeypatch.setattr("sk_bigan._data.batches.MOST_FOR_DATA", 0.0)
    streamed = small(device="cuda").fit(digits)
    monkeypatch.undo()
    assert losses(streamed) == [pytest.approx(e) for e in losses(small(device="cuda").fit(digits))]


@needs_cuda
def test_streamed_batches_hold_every_row_once():
    batches = list(Batches(torch.arange(100), 16, torch.device("cuda")))
    assert all(batch.is_cuda for batch in batches)
    assert torch.cat(batches).cpu().sort().values.equal(torch.arange(100))


@needs_cuda
@pytest.mark.parametrize(("precision", "inside"), [("tf32", "tf32"), ("float32", "ieee")])
def test_tf32_holds_during_the_training_alone(digits, small, precision, inside):
    before = torch.backends.cuda.matmul.fp32_precision
    seen = []

    class Watch(Callback):
        def on_epoch_end(self, net, **kwargs):
            seen.append(torch.backends.cuda.matmul.fp32_precision)

    small(device="cuda", precision=precision, callbacks=[Watch()], max_epochs=1).fit(digits)
    assert seen == [inside]
    assert torch.backends.cuda.matmul.fp32_precision == before
