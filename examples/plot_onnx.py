"""
Serve codes without torch
=========================

`to_onnx` writes the encoder, scaling included, to one small file. onnxruntime runs it where neither
torch nor scikit-learn is installed.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from onnxruntime import InferenceSession
from sklearn.datasets import load_digits

from sk_bigan import BiGANTransformer

# %%
# Train, and write the encoder to a file.

X, _ = load_digits(return_X_y=True)
bigan = BiGANTransformer(random_state=0).fit(X)
folder = TemporaryDirectory()
path = Path(folder.name) / "digits.onnx"
bigan.to_onnx(path)
print(f"{path.stat().st_size / 1e6:.1f} MB")

# %%
# Serve: raw rows go in, codes come out. These three lines are all that the server needs.

session = InferenceSession(path)
rows = X.astype(np.float32)
(codes,) = session.run(["features"], {"X": rows})

# %%
# They are the codes of `transform`.

print(f"largest difference: {np.abs(codes - bigan.transform(X)).max():.0e}")

# %%
# Ask for one row at a time, as a server does, two hundred times each way.

milliseconds = {"onnxruntime": [], "transform": []}
for row in rows[:200, np.newaxis]:
    start = perf_counter()
    session.run(["features"], {"X": row})
    milliseconds["onnxruntime"].append(1000 * (perf_counter() - start))
    start = perf_counter()
    bigan.transform(row)
    milliseconds["transform"].append(1000 * (perf_counter() - start))

# %%
# Times depend on the machine, and on what else it does. For a single row the graph takes less,
# since it checks nothing. :doc:`Save and ship <../save_and_ship>` measures more.

figure, ax = plt.subplots(figsize=(5, 2.6), layout="constrained")
bars = ax.barh(list(milliseconds), [np.median(times) for times in milliseconds.values()])
ax.bar_label(bars, fmt="%.2f ms", padding=3)
ax.margins(x=0.2)
ax.set(xlabel="median time of one row (milliseconds)")
plt.show()
folder.cleanup()
