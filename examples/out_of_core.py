"""Rows that are never in memory together: a scaler, the networks and the codes, part by part.

python examples/out_of_core.py [--rows 1000000] [--chunk 50000] [--folder FOLDER]

The rows, 256 bytes each, lie in a memory map in FOLDER, which is deleted afterwards.
"""

import argparse
import resource
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from sklearn.preprocessing import StandardScaler

from sk_bigan import BiGANTransformer

N_FEATURES, LATENT_DIM = 64, 8

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--rows", type=int, default=1_000_000)
parser.add_argument("--chunk", type=int, default=50_000)
parser.add_argument("--folder", type=Path, help="default: the system's for temporary files")
args = parser.parse_args()


def peak_megabytes():
    """Of the memory that this process has had, the file's pages in it included."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def parts(X):
    return (X[start : start + args.chunk] for start in range(0, len(X), args.chunk))


with tempfile.TemporaryDirectory(dir=args.folder) as folder:
    # %%
    # 1. Rows of 64 columns, of which the last ones have other means than the first.

    random = np.random.default_rng(0)
    mixing = random.normal(size=(LATENT_DIM, N_FEATURES))
    path = Path(folder) / "X.npy"
    X = open_memmap(path, mode="w+", dtype="f4", shape=(args.rows, N_FEATURES))
    for part in parts(X):
        part[:] = random.normal(size=(len(part), LATENT_DIM)) @ mixing
    X[args.rows // 2 :] += 1
    X.flush()
    X = np.load(path, mmap_mode="r")
    start = peak_megabytes()

    # %%
    # 2. The scaling of all rows, by scikit-learn's own partial_fit. Without it, the first part
    #    would decide.

    scaler = StandardScaler()
    for part in parts(X):
        scaler.partial_fit(part)

    # %%
    # 3. One pass of training. `BiGANTransformer(max_epochs=..., scaling=scaler).fit(X)` would make
    #    several on the map, in an order that it shuffles.

    bigan = BiGANTransformer(
        latent_dim=LATENT_DIM,
        hidden_units=(64,),
        batch_size=1000,
        scaling=scaler,
        random_state=0,
    )
    for part in parts(X):
        bigan.partial_fit(part)
    print(f"Trained in {bigan.n_epochs_} parts; score of the last {bigan.score(part):.2f}.")

    # %%
    # 4. Codes of all rows, into a memory map.

    codes = open_memmap(
        Path(folder) / "codes.npy", mode="w+", dtype="f4", shape=(args.rows, LATENT_DIM)
    )
    bigan.transform(X, out=codes)
    codes.flush()
    last = bigan.transform(X[-args.chunk :])
    same = np.allclose(codes[-args.chunk :], last, atol=1e-5)
    print(f"Codes of {codes.shape}; those of the last rows are transform's: {same}.")
    print(
        f"Peak memory {peak_megabytes():.0f} MB, {start:.0f} MB before the training; "
        f"the files have {(X.nbytes + codes.nbytes) / 1e6:.0f} MB."
    )
