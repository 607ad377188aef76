"""A training that was broken off on one kind of device goes on, on another."""

import numpy as np
import pytest
from helpers import AtStep
from skorch.callbacks import Callback


class BrokenOff(Exception):  # noqa: N818
    pass


def break_off(net):
    raise BrokenOff


class Rows(Callback):
    """Keeps the rows of the batches of all attempts at a training."""

    batches = []  # noqa: RUF012, shared by the copies that trainings make

    def on_batch_end(self, net, batch=None, **kwargs):
        self.batches.append(batch.cpu().numpy())


@pytest.mark.parametrize(
    ("first", "second"), [("cuda", "cpu"), ("cpu", "cuda"), ("cuda", "cuda:1")]
)
@pytest.mark.parametrize("validation_fraction", [None, 0.2])
def test_the_rest_of_an_epoch_has_the_rows_that_were_left(
    rows, make, tmp_path, first, second, validation_fraction
):
    seen = Rows()
    seen.batches.clear()
    settings = {"max_epochs": 3, "precision": "float32", "validation_fraction": validation_fraction}
    settings |= {"checkpoint_dir": tmp_path, "checkpoint_every": 0.0}
    with pytest.raises(BrokenOff):  # in the second of four steps of the second epoch
        make(**settings, device=first, callbacks=[seen, AtStep(6, break_off)]).fit(rows)
    del seen.batches[5:]  # whose step no checkpoint has
    bigan = make(**settings, device=second, callbacks=[seen]).fit(rows)
    assert len(bigan.history_) == 3
    epochs = [np.concatenate(seen.batches[start : start + 4]) for start in (0, 4, 8)]
    assert len(seen.batches) == 12
    for epoch in epochs:
        assert len(epoch) == len(np.unique(epoch, axis=0))
        np.testing.assert_array_equal(np.unique(epoch, axis=0), np.unique(epochs[0], axis=0))
