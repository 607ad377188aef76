"""Processes that share a training do what one does, and one that dies ends the others."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from sk_bigan import BiGANTransformer

HERE = Path(__file__).parent
EXAMPLE = HERE.parents[1] / "examples" / "multi_gpu.py"
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone"]


def launch(n_processes, script, *arguments, **variables):
    command = [*TORCHRUN, f"--nproc-per-node={n_processes}", HERE / script, *arguments]
    environment = {**os.environ, **variables}
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def fit(output, n_processes=2, **parameters):
    """The run, and the codes of each process that came to the end."""
    output.mkdir(exist_ok=True)
    run = launch(n_processes, "shared_fit.py", output, json.dumps(parameters))
    return run, [np.load(file) for file in sorted(output.glob("codes*.npy"))]


@pytest.fixture(scope="module")
def one_process(tmp_path_factory):
    """The codes of a training without others, of 20 steps."""
    run, (codes,) = fit(tmp_path_factory.mktemp("one"), 1, max_epochs=2)
    assert run.returncode == 0, run.stderr
    return codes


def test_two_halves_of_a_batch_give_the_gradients_of_the_whole():
    run = launch(2, "law.py")
    assert run.returncode == 0, run.stderr
    cases = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(cases) == 48
    for case in cases:
        # A BatchNorm in D amplifies the rounding of single precision.
        tolerance = 2e-6 if case["discriminator"] == "Normalized" else 1e-6
        assert case["gradients"] < tolerance, case
        assert case["losses"] < 1e-6, case
        assert case["statistics"] < 1e-6, case


def test_two_processes_learn_the_features_of_one(tmp_path, one_process):
    run, codes = fit(tmp_path, max_epochs=2)
    assert run.returncode == 0, run.stderr
    np.testing.assert_array_equal(*codes)
    np.testing.assert_allclose(codes[0], one_process, atol=1e-3)
    assert one_process.std() > 0.03


def test_one_process_learns_what_a_training_that_is_not_shared_learns(one_process, tmp_path):
    from sklearn.datasets import load_digits

    X = load_digits(return_X_y=True)[0][:1280]
    bigan = BiGANTransformer(
        hidden_units=(64,),
        precision="float32",
        augmentation=None,
        cycle_weight=1,
        max_epochs=2,
        random_state=0,
    ).fit(X)
    np.testing.assert_allclose(bigan.transform(X), one_process, atol=1e-3)


@pytest.mark.parametrize(
    "parameters",
    [
        {"augmentation": ["displace", "swap"], "vat_weight": 1.0, "random_state": None},
        {"n_rows": 1279, "batch_size": 100, "validation_fraction": 0.1},
    ],
    ids=["drawing", "uneven"],
)
def test_all_processes_end_with_the_same_networks(tmp_path, parameters):
    run, codes = fit(tmp_path, max_epochs=2, **parameters)
    assert run.returncode == 0, run.stderr
    np.testing.assert_array_equal(*codes)
    assert codes[0].std() > 0.02


def test_the_first_alone_warns_and_draws_and_saves(tmp_path):
    run, codes = fit(tmp_path, max_epochs=2, verbose=1)
    assert run.returncode == 0, run.stderr
    assert run.stderr.count("an epoch has ended") == 1  # a warning is shown once a place
    assert run.stderr.count("| 0/2") == 1
    assert len(codes) == 2
    assert BiGANTransformer.load(tmp_path / "bigan").n_epochs_ == 2


def test_parts_of_a_batch_one_after_another(tmp_path, one_process):
    """Each with BatchNorm statistics of its own, hence not quite the whole batch's training."""
    output = tmp_path / "parts"
    output.mkdir()
    settings = json.dumps({"max_epochs": 2})
    run = launch(2, "shared_fit.py", output, settings, ACCELERATE_GRADIENT_ACCUMULATION_STEPS="4")
    assert run.returncode == 0, run.stderr
    codes, others = (np.load(output / f"codes{rank}.npy") for rank in (0, 1))
    np.testing.assert_array_equal(codes, others)
    assert np.abs(codes - one_process).max() > 1e-3
    assert np.corrcoef(codes.ravel(), one_process.ravel())[0, 1] > 0.8


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """Checkpoints of a training of which one process was killed, and what a whole one learns."""
    output = tmp_path_factory.mktemp("killed")
    start = time.monotonic()
    run, codes = fit(output, kill=["1", 25], max_epochs=4, checkpoint_dir=str(output / "run"))
    assert time.monotonic() - start < 60
    assert run.returncode != 0
    assert "SIGKILL" in run.stderr
    assert codes == []
    run, (whole, _) = fit(tmp_path_factory.mktemp("whole"), max_epochs=4)
    assert run.returncode == 0, run.stderr
    return output / "run", whole


@pytest.mark.parametrize("n_processes", [1, 2])
def test_after_a_kill_any_number_of_processes_goes_on(tmp_path, killed, n_processes):
    checkpoints, whole = killed
    shutil.copytree(checkpoints, tmp_path / "run")
    run, resumed = fit(tmp_path, n_processes, max_epochs=4, checkpoint_dir=str(tmp_path / "run"))
    assert run.returncode == 0, run.stderr
    np.testing.assert_allclose(resumed[0], whole, atol=1e-3)
    assert (tmp_path / "epochs0").read_text() == "4"


def test_who_is_left_without_a_launcher_says_so_within_seconds(tmp_path):
    """Started one by one, as a cluster's scheduler does."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = json.dumps({"max_epochs": 200, "kill": ["1", 25]})
    processes = [
        subprocess.Popen(
            [sys.executable, HERE / "shared_fit.py", tmp_path, settings],
            env={
                **os.environ,
                "MASTER_ADDR": "127.0.0.1",
                "MASTER_PORT": str(port),
                "WORLD_SIZE": "2",
                "RANK": str(rank),
                "LOCAL_RANK": str(rank),
            },
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    assert processes[1].wait(120) == -signal.SIGKILL
    _, said = processes[0].communicate(timeout=30)
    processes[1].stderr.close()
    assert processes[0].returncode == 1
    assert "process 0 of 2 cannot reach the others" in said
    assert "goes on from the last checkpoint" in said


def test_without_accelerate_the_error_says_what_to_install(digits):
    script = """
import sys
sys.modules["accelerate"] = None
import numpy as np
from sk_bigan import BiGANTransformer
BiGANTransformer(data_parallel=True).fit(np.eye(4))
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "ImportError: data_parallel needs the package accelerate" in run.stderr
    assert "pip install accelerate" in run.stderr


def test_the_example(tmp_path):
    run = launch(2, EXAMPLE, "--epochs", "2", "--output", tmp_path / "bigan")
    assert run.returncode == 0, run.stderr
    (accuracy, wrote) = run.stdout.splitlines()  # of the first alone
    assert accuracy.startswith("Accuracy of a classifier of the codes: ")
    assert wrote.startswith("Wrote ")
    assert BiGANTransformer.load(tmp_path / "bigan").n_epochs_ == 2
