"""Rows come to the device, and results back, while it computes."""

import numpy as np
import pretend_cuda
import pytest
import torch
from helpers import same_weights
from torch.utils.data import Dataset, IterableDataset
from watching import Watch

from sk_bigan import BiGANDetector
from sk_bigan._data import inference


def test_rows_that_do_not_fit_are_streamed_out_of_pinned_memory(rows, make, monkeypatch):
    monkeypatch.setattr(pretend_cuda, "FREE", [100_000, 8 << 30])
    with Watch() as watch:
        streamed = make(max_epochs=1).fit(rows)
    monkeypatch.undo()
    sizes = [copy for copy in watch.copies if copy.startswith("cpu->cuda (9")]
    assert len(sizes) == 4
    assert not [wait for wait in watch.waits if "pinned=False" in wait and "(9" in wait]
    assert same_weights(streamed, make(max_epochs=1).fit(rows))


def test_one_row_broadcast_to_many_is_copied(rows, make):
    bigan, many = make(max_epochs=1).fit(rows), np.broadcast_to(rows[0], (40, rows.shape[1]))
    np.testing.assert_array_equal(bigan.transform(many), bigan.transform(many.copy()))


class Jittered(Dataset):
    """Items with noise that torch draws on the CPU, where the items are."""

    def __init__(self, X):
        self.X = torch.from_numpy(X)

    def __len__(self):
        return len(self.X)

    def __getitem__(self, index):
        return self.X[index] + 0.1 * torch.randn(self.X.shape[1])


class JitteredStream(IterableDataset):
    def __init__(self, X):
        self.items = Jittered(X)

    def __iter__(self):
        return (self.items[index] for index in range(len(self.items)))


@pytest.mark.parametrize("data", [Jittered, JitteredStream])
@pytest.mark.parametrize("augmentation", ["swap", "displace"])
def test_items_are_made_on_the_cpu(rows, make, data, augmentation):
    bigan = make(max_epochs=2, augmentation=augmentation).fit(data(rows))
    assert bigan.transform(rows).shape == (387, 4)


METHODS = {
    "transform": lambda bigan, rows: bigan.transform(rows),
    "inverse_transform": lambda bigan, rows: bigan.inverse_transform(rows[:, :4] / 16),
    "score_samples": lambda bigan, rows: bigan.score_samples(rows),
}


@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
@pytest.mark.parametrize("method", METHODS)
def test_a_batch_is_computed_before_the_one_before_it_is_waited_for(
    rows, make, monkeypatch, method, device
):
    bigan = make(cls=BiGANDetector, max_epochs=1, device=device).fit(rows)
    expected = METHODS[method](bigan, rows)
    log, watch = [], Watch()
    monkeypatch.setitem(inference.INFERENCE_ROWS, "cuda", 64)  # seven batches
    compute, synchronize = inference.compute, pretend_cuda.Event.synchronize

    def noted_compute(*args):
        log.append("compute")
        n_before = len(watch.waits)
        computed = compute(*args)
        assert watch.waits[n_before:] == []
        return computed

    def noted_synchronize(event):
        assert event.stream.device == bigan.device_
        log.append("wait")
        synchronize(event)

    monkeypatch.setattr(inference, "compute", noted_compute)
    monkeypatch.setattr(pretend_cuda.Event, "synchronize", noted_synchronize)
    with watch:
        np.testing.assert_array_equal(METHODS[method](bigan, rows), expected)
    assert log == ["compute", *["compute", "wait"] * 6, "wait"]
    assert sum(copy.startswith("cpu->cuda") for copy in watch.copies) == 7
    assert sum(copy.startswith("cuda->cpu") for copy in watch.copies) == 14  # with the sums


def test_rows_beyond_float32_are_refused_though_nothing_waits(rows, make):
    bigan = make(max_epochs=1).fit(rows)
    beyond = rows.astype(np.float64)
    beyond[200, 7] = 1e200
    with pytest.raises(ValueError, match="finite in float32, got values up to 1e\\+200"):
        bigan.transform(beyond)


def test_a_batch_is_halved_until_it_fits(rows, make):
    bigan = make(max_epochs=1).fit(rows)
    expected, sizes = bigan.transform(rows), []

    def short_of_memory(module, args):
        sizes.append(len(args[0]))
        if sizes[-1] > 128:
            raise torch.OutOfMemoryError("CUDA out of memory")

    bigan.encoder_.register_forward_pre_hook(short_of_memory)
    bigan.transform(rows[:1])  # prepares the networks anew
    sizes.clear()
    np.testing.assert_array_equal(bigan.transform(rows), expected)
    assert sizes == [416, 192, 96, 96, 96, 96, 32]
