"""On a Dask cluster, searches and codes are those of one process, also when a worker dies."""

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from itertools import chain
from pathlib import Path

import dask.array
import dask.dataframe
import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from dask.distributed import Client
from sklearn.callback import ProgressBar
from sklearn.model_selection import GridSearchCV, KFold
from skorch.callbacks import Callback

from sk_bigan import BiGANTransformer

EXAMPLE = Path(__file__).parents[2] / "examples" / "dask_grid_search.py"


@pytest.fixture(scope="module")
def client():
    """Of two processes, with as many threads of torch in each as here."""
    before = torch.get_num_threads()
    with Client(n_workers=2, threads_per_worker=1, dashboard_address=None) as client:
        client.amm.stop()
        (threads,) = set(client.run(torch.get_num_threads).values())
        torch.set_num_threads(threads)
        yield client
    torch.set_num_threads(before)


@pytest.fixture
def folds(digits):
    return list(KFold(3).split(digits))


def search(estimator, folds, **parameters):
    return GridSearchCV(estimator, {"latent_dim": [2, 3, 4, 5]}, cv=folds, **parameters)


def on_dask(client, X, folds):
    client.wait_for_workers(2)  # the one that was killed may be on its way
    return joblib.parallel_config(backend="dask", scatter=[X, *chain.from_iterable(folds)])


def test_a_search_is_the_one_of_a_single_process(client, digits, small, folds):
    with on_dask(client, digits, folds):
        of_dask = search(small(), folds).fit(digits)
    assert_same(of_dask, search(small(), folds, n_jobs=1).fit(digits), digits)


def assert_same(a, b, X):
    """Bit for bit: scores are shares of a variation, which a last bit of a weight would change."""
    for fold in range(3):
        name = f"split{fold}_test_score"
        np.testing.assert_array_equal(a.cv_results_[name], b.cv_results_[name])
    assert a.best_params_ == b.best_params_
    np.testing.assert_array_equal(a.transform(X), b.transform(X))


class Deadly(Callback):
    """Kills the worker that begins a training after so many others, once."""

    def __init__(self, folder, others, seconds, client):
        self.folder = folder
        self.others = others
        self.seconds = seconds
        self.client = client

    def on_train_begin(self, net, **kwargs):
        n_begun = len(list(self.folder.glob("begun-*")))
        (self.folder / f"begun-{time.time_ns()}").touch()
        if n_begun >= self.others and os.getpid() != self.client:
            try:
                (self.folder / "killed").touch(exist_ok=False)
            except FileExistsError:
                return
            (self.folder / "killed").write_text(str(os.getpid()))
            time.sleep(self.seconds)
            os.kill(os.getpid(), signal.SIGKILL)


# At the second training, the other worker has not seen all folds. Three seconds after the fifth,
# Dask's memory manager, which acts every two, would have dropped copies of the data.
@pytest.mark.parametrize(("others", "seconds"), [(1, 0), (4, 3)])
def test_a_search_survives_a_worker(client, digits, small, folds, tmp_path, others, seconds):
    deadly = small(callbacks=[Deadly(tmp_path, others, seconds, client=os.getpid())])
    with on_dask(client, digits, folds):
        of_dask = search(deadly, folds).fit(digits)
    assert_same(of_dask, search(small(), folds, n_jobs=1).fit(digits), digits)
    killed = int((tmp_path / "killed").read_text())
    assert killed not in client.run(os.getpid).values()


unpickled = 0


class Counted:
    def __setstate__(self, state):
        global unpickled
        unpickled += 1
        super().__setstate__(state)


class CountedFrame(Counted, pd.DataFrame): ...


class CountedBiGAN(Counted, BiGANTransformer): ...


def n_unpickled():
    return unpickled


def since(before, client):
    """How often each worker has unpickled since then."""
    return [n - before[worker] for worker, n in client.run(n_unpickled).items()]


def test_data_go_to_each_worker_once(client, digits, small, folds):
    X = CountedFrame(digits)
    client.wait_for_workers(2)
    before = client.run(n_unpickled)
    with on_dask(client, X, folds):
        assert since(before, client) == [1, 1]
        search(small(max_epochs=1), folds, refit=False).fit(X)
    assert since(before, client) == [1, 1]


def test_scikit_learns_bars_show_the_fits_of_all_workers(client, digits, small, folds, capsys):
    bars = ProgressBar(max_propagation_depth=None)
    with on_dask(client, digits, folds):
        search(small(), folds).set_callbacks(bars).fit(digits)
    lines = capsys.readouterr().out.splitlines()
    for fit in range(12):
        assert any(f"BiGANTransformer - fit #{fit} " in line for line in lines)


# Codes, block by block: the lines of docs/scaling.md


def encode(rows, bigan, nothing):
    return bigan.transform(rows) if len(rows) else nothing


def array_of_codes(client, bigan, X):
    model = client.scatter(bigan, broadcast=True)
    nothing = bigan.transform(np.zeros((1, *X.shape[1:]), X.dtype))[:0]
    return X.map_blocks(
        encode,
        bigan=model,
        nothing=nothing,
        meta=nothing,
        chunks=(X.chunks[0], nothing.shape[1:]),
        drop_axis=list(range(2, X.ndim)),
    )


def frame_of_codes(client, bigan, frame, some):
    model = client.scatter(bigan, broadcast=True)
    nothing = bigan.transform(some)[:0]
    return frame.map_partitions(encode, bigan=model, nothing=nothing, meta=nothing)


@pytest.mark.parametrize("features", ["latent", "penultimate"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.uint8])
def test_blocks_have_the_codes_of_the_whole_array(client, digits, small, dtype, features):
    X = digits.astype(dtype)
    bigan = small(features=features).fit(X)
    codes = array_of_codes(client, bigan, dask.array.from_array(X, chunks=(90, -1)))
    assert_codes(codes, bigan.transform(X))


def assert_codes(codes, of_all):
    """Bit for bit, and announced rightly before anything is computed."""
    assert (codes.shape, codes.dtype) == (of_all.shape, of_all.dtype)
    np.testing.assert_array_equal(codes.compute(), of_all)


def test_blocks_of_images(client, digits, small):
    images = digits.reshape(-1, 8, 8)
    bigan = small().fit(images)
    codes = array_of_codes(client, bigan, dask.array.from_array(images, chunks=(90, -1, -1)))
    assert_codes(codes, bigan.transform(images))


def dated(rows):
    dates = pd.date_range("2026-01-01", periods=len(rows))
    return pd.DataFrame(rows, columns=[f"pixel{i}" for i in range(64)], index=dates)


def test_partitions_have_the_codes_of_the_whole_frame(client, digits, small):
    frame = dated(digits)
    bigan = small().fit(frame).set_output(transform="pandas")
    parts = dask.dataframe.from_pandas(frame, npartitions=5)
    codes = frame_of_codes(client, bigan, parts, parts.head(1))
    of_all = bigan.transform(frame)
    assert list(codes.columns) == list(of_all.columns)
    pd.testing.assert_frame_equal(codes.compute(), of_all, check_exact=True, check_freq=False)


def test_blocks_without_rows(client, digits, small):
    bigan = small().fit(digits)
    late = np.arange(400) >= 200
    X = dask.array.from_array(digits, chunks=(90, -1))[dask.array.from_array(late, chunks=90)]
    codes = array_of_codes(client, bigan, X)
    np.testing.assert_array_equal(codes.compute(), bigan.transform(digits[late]))


def test_partitions_without_rows(client, digits, small):
    frame = dated(digits)
    bigan = small().fit(frame).set_output(transform="pandas")
    parts = dask.dataframe.from_pandas(frame.assign(late=np.arange(400) >= 200), npartitions=5)
    late = parts[parts["late"]].drop(columns="late")
    codes = frame_of_codes(client, bigan, late, parts.drop(columns="late").head(1)).compute()
    pd.testing.assert_frame_equal(
        codes, bigan.transform(frame[200:]), check_exact=True, check_freq=False
    )


def test_the_model_goes_to_each_worker_once(client, digits, small):
    bigan = CountedBiGAN(**small().get_params()).fit(digits)
    X = dask.array.from_array(digits, chunks=(20, -1))
    before = client.run(n_unpickled)
    codes = array_of_codes(client, bigan, X)
    assert_codes(codes, bigan.transform(digits))
    assert since(before, client) == [1, 1]


# Workers with a GPU each, and the example


def test_each_worker_sees_its_own_gpu(tmp_path):
    """The commands of docs/scaling.md, with a file in place of the scheduler's address."""
    scheduler = ["--scheduler-file", str(tmp_path / "scheduler.json")]
    dask_of = [sys.executable, "-m", "dask"]
    with ExitStack() as stack:

        def start(*command, **variables):
            process = subprocess.Popen(
                [*dask_of, *command, *scheduler],
                env=os.environ | variables,
                stderr=subprocess.DEVNULL,
            )
            stack.enter_context(process)
            stack.callback(process.terminate)

        start("scheduler", "--port", "0", "--dashboard-address", ":0")
        for gpu in ("0", "1"):
            start("worker", "--nthreads", "1", CUDA_VISIBLE_DEVICES=gpu)
        with Client(scheduler_file=scheduler[1], timeout=30) as client:
            client.wait_for_workers(2, timeout=60)
            gpus = client.run(os.getenv, "CUDA_VISIBLE_DEVICES").values()
            threads = client.nthreads().values()
    assert sorted(gpus) == ["0", "1"]
    assert list(threads) == [1, 1]


def test_the_example_runs(client):
    command = [sys.executable, EXAMPLE, "--address", client.scheduler.address, "--epochs", "1"]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    *_, scores, codes = run.stdout.splitlines()
    assert scores == "Without Dask, the scores are the same: True."
    assert codes == "The codes of 9 blocks are those of the whole array: True."
    assert "12 out of  12" in run.stderr


def test_without_dask_the_example_says_what_to_install():
    without = f"import runpy, sys; sys.modules['dask'] = None; runpy.run_path({str(EXAMPLE)!r})"
    run = subprocess.run([sys.executable, "-c", without], capture_output=True, text=True)
    assert run.returncode != 0
    assert run.stderr.splitlines()[-1].endswith("pip install dask distributed")
