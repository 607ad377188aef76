"""An encoder in a file of ONNX, served by a process that has no torch.

python examples/serve_onnx.py
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
from sklearn.datasets import load_digits

from sk_bigan import BiGANTransformer

# What the serving process runs, where torch, sk_bigan and scikit-learn cannot be imported.
SERVER = """
import json, sys
sys.modules["torch"] = sys.modules["sk_bigan"] = sys.modules["sklearn"] = None
from time import perf_counter
import numpy as np, onnxruntime

session = onnxruntime.InferenceSession("digits.onnx")
about = json.loads(session.get_modelmeta().custom_metadata_map["sk_bigan"])
X = np.load("X.npy").astype(np.float32)
for n in (1, 33, 500):
    (codes,) = session.run(["features"], {"X": X[:n]})
    np.save(f"codes{n}.npy", codes)
start = perf_counter()
for _ in range(50):
    session.run(["features"], {"X": X})
seconds = (perf_counter() - start) / 50
print(f"Served rows of {about['row_shape']} as codes of {about['latent_dim']} numbers, "
      f"{len(X) / seconds:,.0f} rows a second.", flush=True)
"""

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--epochs", type=int, default=20)
args = parser.parse_args()

# %%
# 1. Train, and write the encoder. The file takes X as it comes: scaling is part of it.

X, _ = load_digits(return_X_y=True)
bigan = BiGANTransformer(max_epochs=args.epochs, device="cpu", random_state=0).fit(X)

with tempfile.TemporaryDirectory() as scratch:
    folder = Path(scratch)
    bigan.to_onnx(folder / "digits.onnx")
    print(f"Wrote {(folder / 'digits.onnx').stat().st_size / 1e6:.2f} MB.", flush=True)

    # %%
    # 2. Serve, in another process: raw rows in, codes out.

    np.save(folder / "X.npy", X)
    subprocess.run([sys.executable, "-c", SERVER], cwd=folder, check=True)

    # %%
    # 3. The same codes come out, whatever the number of rows.

    for n in (1, 33, 500):
        difference = np.abs(np.load(folder / f"codes{n}.npy") - bigan.transform(X[:n])).max()
        print(f"{n} rows: within {difference:.0e} of transform.")
        assert difference < 1e-5

start = perf_counter()
for _ in range(50):
    bigan.transform(X)
seconds = (perf_counter() - start) / 50
print(f"transform, with torch: {len(X) / seconds:,.0f} rows a second.")
