"""Rows come to the device, and results back, while it computes."""

import pretend_cuda
from helpers import same_weights
from watching import Watch


def test_rows_that_do_not_fit_are_streamed_out_of_pinned_memory(rows, make, monkeypatch):
    monkeypatch.setattr(pretend_cuda, "FREE", [100_000, 8 << 30])
    with Watch() as watch:
        streamed = make(max_epochs=1).fit(rows)
    monkeypatch.undo()
    sizes = [copy for copy in watch.copies if copy.startswith("cpu->cuda (9")]
    assert len(sizes) == 4
    assert not [wait for wait in watch.waits if "pinned=False" in wait and "(9" in wait]
    assert same_weights(streamed, make(max_epochs=1).fit(rows))
