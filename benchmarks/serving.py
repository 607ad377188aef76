"""Features of raw rows: `transform`, the same network in torch, and its file of ONNX.

    python benchmarks/serving.py [--seconds 1] [--threads 2]

The built-in networks for 28 by 28 pixels and a code of 50, on uint8. "E" is scaling and encoder in
`torch.inference_mode`, without the checks of `transform`. The three take turns, many times over for
SECONDS in all for each; times are the medians of a call. One run, so that ratios mean something.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from sk_bigan import BiGANTransformer

N_ROWS = (1, 32, 4096)


def medians(calls, seconds):
    """The median seconds of each call."""
    times = [[] for _ in calls]
    end = time.perf_counter() + seconds * len(calls)
    while time.perf_counter() < end or len(times[0]) < 7:
        for call, taken in zip(calls, times, strict=True):
            start = time.perf_counter()
            call()
            taken.append(time.perf_counter() - start)
    return [np.median(taken) for taken in times]


def session_of(bigan, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Idle threads of onnxruntime would otherwise spin while it is torch's turn.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "encoder.onnx")
        bigan.to_onnx(path, dtype="uint8")
        return onnxruntime.InferenceSession(path, options)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)

    images = np.random.default_rng(0).integers(256, size=(max(N_ROWS), 28, 28), dtype=np.uint8)
    data = {"mlp": images.reshape(len(images), -1), "conv": images}
    settings = {"latent_dim": 50, "max_epochs": 1, "augmentation": None, "device": "cpu"}
    print(f"{'':<6}{'rows':>6}{'transform':>12}{'E':>12}{'ONNX':>12}", end="")
    print(f"{'transform / ONNX':>20}{'E / ONNX':>12}")
    for architecture, X in data.items():
        bigan = BiGANTransformer(architecture=architecture, random_state=0, **settings)
        bigan.fit(X[:256])
        session, to_samples = session_of(bigan, arguments.threads), bigan.model_.to_samples
        for n_rows in N_ROWS:
            rows = X[:n_rows]

            @torch.inference_mode()
            def in_torch(bigan=bigan, to_samples=to_samples, rows=rows):
                return bigan.encoder_(to_samples(torch.from_numpy(rows).flatten(1))).numpy()

            calls = [
                lambda bigan=bigan, rows=rows: bigan.transform(rows),
                in_torch,
                lambda session=session, rows=rows: session.run(None, {"X": rows}),
            ]
            by_transform, by_torch, by_onnx = medians(calls, arguments.seconds)
            times = [f"{1000 * taken:>9.3f} ms" for taken in (by_transform, by_torch, by_onnx)]
            ratios = f"{by_transform / by_onnx:>20.2f}{by_torch / by_onnx:>12.2f}"
            print(f"{architecture:<6}{n_rows:>6}{''.join(times)}{ratios}", flush=True)


if __name__ == "__main__":
    main()
