"""What a second process brings to one training, and what it costs to keep them together.

    python benchmarks/data_parallel.py [--processes 1 2] [--batch-sizes 128 512 2048] [--rounds 3]

Trains the default networks for 28 by 28 pixels and a code of 50 on 16,384 random rows for one epoch
by `torchrun`, in turns, with one thread a process, or one GPU if there are any. Columns: rows a
second, the best of the rounds; as a multiple of one process'; steps a second; and the megabytes
that each process sends a step (gradients, by a ring: 2 (n - 1) / n of their bytes).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

N_ROWS, N_FEATURES = 16_384, 784


def train(batch_size: int, output: Path) -> None:
    """In each of the processes."""
    from accelerate import PartialState

    from sk_bigan import BiGANTransformer

    torch.set_num_threads(1)
    X = np.random.default_rng(0).integers(256, size=(N_ROWS, N_FEATURES), dtype=np.uint8)
    bigan = BiGANTransformer(50, batch_size=batch_size, data_parallel=True, random_state=0)
    bigan.set_params(max_epochs=2).fit(X)  # the first epoch sets up
    if PartialState().is_main_process:
        networks = bigan.encoder_, bigan.generator_, bigan.discriminator_
        n_bytes = sum(4 * p.numel() for network in networks for p in network.parameters())
        seconds = bigan.history_[-1]["dur"]
        output.write_text(json.dumps({"seconds": seconds, "bytes": n_bytes}))


def measure(n_processes: int, batch_size: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "result")
        command = [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *(f"--nproc-per-node={n_processes}", __file__),
            *("--train", str(batch_size), str(output)),
        ]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        subprocess.run(command, check=True, env=environment)
        return json.loads(output.read_text())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[128, 512, 2048])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--train", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.train:
        train(int(arguments.train[0]), Path(arguments.train[1]))
        return
    print(f"{'batch':>8}{'processes':>12}{'rows / s':>12}{'':>8}{'steps / s':>12}{'MB a step':>12}")
    for batch_size in arguments.batch_sizes:
        runs: dict[int, list[dict[str, float]]] = {n: [] for n in arguments.processes}
        for _ in range(arguments.rounds):
            for n, results in runs.items():
                results.append(measure(n, batch_size))
        speeds = {n: N_ROWS / min(run["seconds"] for run in results) for n, results in runs.items()}
        for n, speed in speeds.items():
            ratio = speed / speeds[arguments.processes[0]]
            sent = 2 * (n - 1) / n * runs[n][0]["bytes"] / 1e6
            steps = speed / batch_size
            print(f"{batch_size:>8}{n:>12}{speed:>12,.0f}{ratio:>7.2f}x{steps:>12.1f}{sent:>12.1f}")


if __name__ == "__main__":
    main()
