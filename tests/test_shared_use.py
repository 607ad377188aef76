"""One estimator in many threads, many estimators in many processes, and one process for long."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import same_weights
from joblib import parallel_config
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from skorch.callbacks import Callback

HERE = Path(__file__).parent


@pytest.mark.parametrize("features", ["latent", "penultimate", "hidden", ["body.0"]])
def test_eight_threads_transform_as_one_does(digits, small, features):
    bigan = small(features=features).fit(digits)
    parts = np.array_split(np.tile(digits, (4, 1)), 40)
    alone = [bigan.transform(part) for part in parts]
    with ThreadPoolExecutor(8) as threads:
        together = [*threads.map(bigan.transform, parts)]
        scores = [*threads.map(bigan.score, parts)]
    for a, b in zip(alone, together, strict=True):
        np.testing.assert_array_equal(a, b)
    assert scores == [bigan.score(part) for part in parts]


class AskedFromElsewhere(Callback):
    """Lets another thread ask for codes in the middle of a training."""

    def __init__(self, threads, ask):
        self.threads, self.ask = threads, ask
        self.answers = []

    def __deepcopy__(self, memo):
        return self

    def on_batch_end(self, net, **kwargs):
        if net.encoder_.training and len(self.answers) < 3:
            self.answers.append(self.threads.submit(self.ask))
            time.sleep(0.05)  # seconds, for the other thread to begin


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_who_asks_while_another_thread_trains_waits_for_its_end(digits, small, method):
    expected = getattr(small().fit(digits), method)(digits)
    bigan = small().fit(digits)
    with ThreadPoolExecutor(3) as threads:
        asked = AskedFromElsewhere(threads, lambda: bigan.transform(digits))
        getattr(bigan.set_params(callbacks=[asked]), method)(digits)
    assert len(asked.answers) == 3
    for answer in asked.answers:
        np.testing.assert_array_equal(answer.result(), expected.transform(digits))
    assert same_weights(bigan, expected)


@pytest.fixture(scope="module")
def search(small):
    pipe = make_pipeline(small(hidden_units=(256,)), LogisticRegression(max_iter=1000))
    return lambda **kw: GridSearchCV(pipe, {"bigantransformer__latent_dim": [2, 5]}, cv=2, **kw)


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_grid_searches_side_by_side_find_what_one_alone_does(search, backend):
    """Also forked processes, which OpenMP's threads do not follow.

    Processes beside each other compute in one thread each, and so does this one.
    """
    X, y = load_digits(return_X_y=True)
    X, y = X[:400], y[:400]
    n_threads = torch.get_num_threads()
    search().fit(X, y)  # in threads, so that there is something that a fork does not take along
    try:
        torch.set_num_threads(1)
        alone = search().fit(X, y)
        if backend == "multiprocessing":
            torch.set_num_threads(n_threads)
        with parallel_config(backend):
            together = search(n_jobs=2).fit(X, y)
    finally:
        torch.set_num_threads(n_threads)
    np.testing.assert_array_equal(
        together.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"]
    )


AFTER_A_FORK = """
import os, sys, torch
torch.set_num_threads(2)
from sklearn.datasets import load_digits
from sk_bigan import BiGANTransformer
X = load_digits().data
bigan = BiGANTransformer(8, max_epochs=1, random_state=0).fit(X)
codes = bigan.transform(X)
if os.fork() == 0:
    same = (bigan.transform(X) == codes).all()
    bigan.fit(X)
    os._exit(0 if same else 1)
_, status = os.wait()
sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_computes_and_does_not_wait_forever():
    subprocess.run([sys.executable, "-c", AFTER_A_FORK], check=True, timeout=60)


FIFTY_FITS = """
import gc
import sys
from pathlib import Path
from resource import getpagesize

from sklearn.datasets import load_digits
from sk_bigan import BiGANTransformer

X = load_digits().data[:400]


def fit(n):
    folder = Path(sys.argv[1], str(n)) if n % 2 else None
    bigan = BiGANTransformer(hidden_units=(512, 512), max_epochs=1, checkpoint_dir=folder).fit(X)
    bigan.partial_fit(X).transform(X)


def resident():
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * getpagesize()


for n in range(10):
    fit(n)
before = resident()
for n in range(10, 60):
    fit(n)
print(resident() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="Linux tells of memory there")
def test_fifty_fits_hold_memory_flat(tmp_path):
    """In a process of its own: in one that ran a thousand tests, freed memory lies scattered."""
    command = [sys.executable, "-c", FIFTY_FITS, tmp_path]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(run.stdout) < 16 * 2**20  # less than the weights of three
