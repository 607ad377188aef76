"""Report of a GPU, in about ten minutes.

    python benchmarks/gpu_report.py [--quick] [--only waits recorded] [--json gpu.json]

Each section prints lines of a name and a figure, and goes on after an error, which it prints in
their place. The report is written as JSON too. Kinds of steps are those of `make test-cuda`.
"""

import argparse
import json
import logging
import multiprocessing
import pickle
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import torch
from joblib import Parallel, delayed
from sklearn.datasets import load_digits
from skorch.callbacks import Callback
from speed import kernel_share, ours, plain_loop, take_turns

from sk_bigan import BiGANTransformer
from sk_bigan._data import batches
from sk_bigan._training.engine import BiGANNet

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "cuda"))

from kinds import KINDS  # noqa: E402, of the folder of the tests

CUDA_TESTS = ("test_cuda_graph.py", "test_devices.py", "test_displacement.py")
CUDA = torch.device("cuda")
DIGITS = load_digits().data[:387].astype(np.float32)
IMAGES = {"architecture": "conv", "sample_shape": (1, 28, 28), "hidden_units": (32, 64, 256)}


def small(**changed):
    """An estimator with one of `KINDS`, whose rates float32 holds exactly, as recordings need."""
    parameters = {
        "latent_dim": 4,
        "hidden_units": (32,),
        "max_epochs": 5,
        "batch_size": 100,
        "random_state": 0,
        "device": "cuda",
        "learning_rate": 2.0**-12,
    }
    cls = changed.pop("cls", BiGANTransformer)
    return cls(**(parameters | changed))


def weights(bigan):
    networks = bigan.encoder_, bigan.generator_, bigan.discriminator_
    return [value.cpu() for network in networks for value in network.state_dict().values()]


def difference(a, b):
    """Return the largest difference of two trainings' weights."""
    pairs = zip(weights(a), weights(b), strict=True)
    return max((p.double() - q.double()).abs().max().item() for p, q in pairs)


def pixels(n_rows):
    generator = np.random.default_rng(0)
    return generator.integers(256, size=(n_rows, 784), dtype=np.uint8)


def seconds(function):
    torch.cuda.synchronize()
    start = perf_counter()
    function()
    torch.cuda.synchronize()
    return perf_counter() - start


# Sections: each yields (name, figure)


def machine(quick):
    properties = torch.cuda.get_device_properties(CUDA)
    yield "card", properties.name
    yield "capability", f"{properties.major}.{properties.minor}"
    yield "memory, GB", properties.total_memory / 1e9
    yield "torch", torch.__version__
    yield "CUDA", torch.version.cuda


def tests(quick):
    """The tests that need a GPU, in a process of their own."""
    files = [str(ROOT / "tests" / name) for name in CUDA_TESTS]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *files], cwd=ROOT, capture_output=True, text=True
    )
    yield "tests", run.stdout.strip().splitlines()[-1]


@contextmanager
def waits_are_errors():
    """Let torch raise an error where a step waits for the device."""
    step = BiGANNet.train_step

    def checked(net, batch, game):
        torch.cuda.set_sync_debug_mode("error")
        try:
            return step(net, batch, game)
        finally:
            torch.cuda.set_sync_debug_mode("default")

    BiGANNet.train_step = checked
    try:
        yield
    finally:
        BiGANNet.train_step = step


def waits(quick):
    """Twenty steps of each kind."""
    for kind, parameters in one_card():
        with waits_are_errors():
            yield f"waits: {kind}", outcome(lambda: small(**parameters).fit(DIGITS))  # noqa: B023


def one_card():
    return ((kind, values) for kind, values in KINDS.items() if "device" not in values)


def outcome(function):
    """Return "none" or the error."""
    try:
        function()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "none"


def recorded(quick):
    """Largest difference of weights between recorded and plain trainings, 0 for equal bits."""
    for kind, parameters in one_card():
        plain, again, replayed = (
            small(**parameters, cuda_graph=flag).fit(DIGITS) for flag in (False, False, True)
        )
        yield f"plain against plain: {kind}", difference(plain, again)
        yield f"recorded against plain: {kind}", difference(plain, replayed)


class Waiting(torch.nn.Linear):
    """An encoder that no graph can record."""

    def forward(self, x):
        return super().forward(x) * (1.0 if x.sum().item() else 2.0)


def failed_recording(quick):
    encoder = Waiting(64, 4)
    plain = small(encoder=encoder).fit(DIGITS)
    before = torch.cuda.memory_allocated()
    failed = small(encoder=encoder, cuda_graph=True).fit(DIGITS)
    yield "failed recording against plain", difference(plain, failed)
    yield "MB that it keeps", (torch.cuda.memory_allocated() - before) / 1e6
    yield "a recording after it", outcome(lambda: small(cuda_graph=True).fit(DIGITS))


def step_times(quick):
    """Milliseconds of a step in the last of three epochs, beside the plain loop."""
    sizes = (128,) if quick else (128, 512, 2048)
    n_steps = 20 if quick else 100
    for size in sizes:
        X = pixels(n_steps * size)
        for architecture, parameters in {"mlp": {}, "conv": IMAGES}.items():
            for precision in ("bfloat16", "tf32", "float32"):
                for way, cuda_graph in {"eager": False, "recorded": True}.items():
                    bigan = BiGANTransformer(50, max_epochs=3, batch_size=size, random_state=0)
                    bigan.set_params(device="cuda", precision=precision, cuda_graph=cuda_graph)
                    bigan.set_params(**parameters).fit(X)
                    name = f"ms a step: {architecture}, {precision}, {way}, {size} rows"
                    yield name, 1e3 * bigan.history_[-1]["dur"] / n_steps
    X = torch.from_numpy(pixels(128 * n_steps)).float() / 127.5 - 1
    turns = take_turns({"plain": plain_loop(X, CUDA), "ours": ours(X, CUDA)}, CUDA, 3)
    for name, times in turns.items():
        yield f"ms a step, pure game, 128 rows: {name}", 1e3 * median(times) / n_steps


def idle(quick):
    X = torch.from_numpy(pixels(12_800)).float() / 127.5 - 1
    for way, cuda_graph in {"eager": False, "recorded": True}.items():
        yield (
            f"% of the time inside kernels: {way}",
            kernel_share(ours(X, CUDA, cuda_graph=cuda_graph)),
        )


def transform(quick):
    n_rows = 20_000 if quick else 1_000_000
    bigan = BiGANTransformer(50, max_epochs=1, device="cuda", random_state=0).fit(pixels(2_000))
    X = pixels(n_rows)
    bigan.transform(X[:10_000])
    times = [seconds(lambda: bigan.transform(X)) for _ in range(3)]
    yield "rows a second in transform", n_rows / median(times)


def streaming(quick):
    X, times, most = pixels(20_000 if quick else 200_000), {}, batches.MOST_FOR_DATA
    for name, share in {"resident": most, "streamed": 0.0}.items():
        batches.MOST_FOR_DATA = share
        bigan = BiGANTransformer(50, max_epochs=2, device="cuda", random_state=0).fit(X)
        times[name] = bigan.history_[-1]["dur"]
    batches.MOST_FOR_DATA = most
    yield "streamed / resident", times["streamed"] / times["resident"]


class StopAt(Callback):
    """Ends a training by an error, once, within an epoch."""

    n_steps_ = 0

    def on_batch_end(self, net, **kwargs):
        self.n_steps_ += 1
        if self.n_steps_ == 6:
            raise ZeroDivisionError


def resume(quick):
    for first, second in (("cuda", "cpu"), ("cpu", "cuda"), ("cuda", "cuda")):
        with tempfile.TemporaryDirectory() as folder:
            settings = {"checkpoint_dir": folder, "checkpoint_every": 0.0, "precision": "float32"}
            outcome(lambda: small(**settings, device=first, callbacks=[StopAt()]).fit(DIGITS))  # noqa: B023
            bigan = small(**settings, device=second)
            yield f"error of resuming {first} on {second}", outcome(lambda: bigan.fit(DIGITS))  # noqa: B023


def in_child(bigan, pipe):
    pipe.send(outcome(lambda: bigan.transform(DIGITS)))


def processes(quick):
    bigan = small().fit(DIGITS)
    codes = bigan.transform(DIGITS)
    unpickled = pickle.loads(pickle.dumps(bigan)).transform(DIGITS)
    yield "pickled against itself", float(np.abs(unpickled - codes).max())
    (of_loky,) = Parallel(n_jobs=2)(delayed(bigan.transform)(DIGITS) for _ in range(1))
    yield "loky against itself", float(np.abs(of_loky - codes).max())
    pipe, childs = multiprocessing.Pipe()
    child = multiprocessing.get_context("fork").Process(target=in_child, args=(bigan, childs))
    child.start()
    yield "error in a forked process", pipe.recv() if pipe.poll(60) else "it hangs"
    child.kill()


SECTIONS = {
    section.__name__: section
    for section in (
        *(machine, tests, waits, recorded, failed_recording, step_times, idle),
        *(transform, streaming, resume, processes),
    )
}


def report(section, quick):
    """Return the figures of a section as far as it comes."""
    figures = {}
    try:
        for name, figure in SECTIONS[section](quick):
            figures[name] = figure
            print(f"{name:60} {figure:.4g}" if isinstance(figure, float) else f"{name:60} {figure}")
    except Exception as error:
        figures["error"] = f"{type(error).__name__}: {error}"
        print(f"{section} ended early: {figures['error']}")
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a minute, to see that all runs")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=[*SECTIONS])
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        parser.error("there is no CUDA device")
    logging.getLogger("sk_bigan").setLevel(logging.ERROR)
    found = {section: report(section, arguments.quick) for section in arguments.only}
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=2, default=str))


if __name__ == "__main__":
    main()
