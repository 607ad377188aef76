"""Features of raw rows: `transform`, the same network in torch, its file of ONNX, and PCA.

    python benchmarks/serving.py [--seconds 1] [--threads 2] [--rows 1000000]

The built-in networks: for scikit-learn's digits in float64, a code of 16, and for 28 by 28 pixels
in bytes, a code of 50. "E" is scaling and the prepared encoder in `torch.inference_mode`, without
the checks of `transform`. PCA has as many components, and NumPy's BLAS one thread, whose idle ones
would spin while it is torch's turn. The four take turns, many times over for SECONDS in all for
each; times are the medians of a call. One run, so that ratios mean something.

At last rows a second of ROWS x 64 values of float32, `transform` beside E in batches of its size.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

from sk_bigan import BiGANTransformer
from sk_bigan._data.inference import inference_rows

COLUMNS = ("transform", "E", "ONNX", "PCA")


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


def session_of(bigan, dtype, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Idle threads of onnxruntime would otherwise spin while it is torch's turn.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "encoder.onnx")
        bigan.to_onnx(path, dtype=dtype)
        return onnxruntime.InferenceSession(path, options)


def bare(bigan):
    """Scaling and encoder, without what `transform` checks."""
    E, to_samples = bigan.model_.prepared_encoder.network, bigan.model_.to_samples

    @torch.inference_mode()
    def encode(rows):
        return E(to_samples(torch.from_numpy(rows).flatten(1))).numpy()

    return encode


def compare(name, bigan, X, counts, seconds, threads):
    """Print one line for each number of rows."""
    bigan.fit(X[:1797])
    dtype = "uint8" if X.dtype == np.uint8 else "float64"
    session, encode = session_of(bigan, dtype, threads), bare(bigan)
    flat = X.reshape(len(X), -1).astype(np.float64)
    pca = PCA(bigan.latent_dim).fit(flat[:1797])
    for n_rows in counts:
        rows, flat_rows = X[:n_rows], flat[:n_rows]
        calls = [
            lambda rows=rows: bigan.transform(rows),
            lambda rows=rows: encode(rows),
            lambda rows=rows: session.run(None, {"X": rows}),
            lambda rows=flat_rows: pca.transform(rows),
        ]
        by_transform, by_torch, by_onnx, by_pca = medians(calls, seconds)
        times = [f"{1e3 * t:>9.3f} ms" for t in (by_transform, by_torch, by_onnx, by_pca)]
        ratios = f"{by_transform / by_pca:>18.2f}{by_transform / by_onnx:>18.2f}"
        print(f"{name:<8}{n_rows:>6}{''.join(times)}{ratios}", flush=True)


def throughput(n_rows):
    """Rows a second of many rows, `transform` beside E alone."""
    X = np.random.default_rng(0).normal(size=(n_rows, 64)).astype(np.float32)
    bigan = BiGANTransformer(max_epochs=1, device="cpu", random_state=0).fit(X[:1000])
    width = bigan.model_.prepared_encoder.batching.width
    size, encode = inference_rows(64, bigan.device_, width), bare(bigan)

    def all_rows():
        out = np.empty((n_rows, 16), np.float32)  # anew, as `transform` does
        for start in range(0, n_rows, size):
            out[start : start + size] = encode(X[start : start + size])

    by_transform, by_torch = medians([lambda: bigan.transform(X), all_rows], 0)
    print(
        f"\n{n_rows:,} x 64: {n_rows / by_transform:,.0f} rows a second by transform, "
        f"{by_torch / by_transform:.2f} of E's"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rows", type=int, default=1_000_000)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    threadpool_limits(1, user_api="blas")

    print(f"{'':<8}{'rows':>6}", *(f"{name:>12}" for name in COLUMNS), sep="", end="")
    print(f"{'transform / PCA':>18}{'transform / ONNX':>18}")
    settings = {"max_epochs": 1, "augmentation": None, "device": "cpu", "random_state": 0}
    images = np.random.default_rng(0).integers(256, size=(4096, 28, 28), dtype=np.uint8)
    for name, X, latent_dim, counts in (
        ("digits", load_digits().data, 16, (1, 32, 1797)),
        ("mlp", images.reshape(len(images), -1), 50, (1, 32, 4096)),
        ("conv", images, 50, (1, 32, 4096)),
    ):
        architecture = "conv" if name == "conv" else "mlp"
        bigan = BiGANTransformer(latent_dim, architecture=architecture, **settings)
        compare(name, bigan, X, counts, arguments.seconds, arguments.threads)
    throughput(arguments.rows)


if __name__ == "__main__":
    main()
