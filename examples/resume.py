"""A training that is killed goes on in a new process; its model travels in a file without code.

python examples/resume.py
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from sk_bigan import BiGANTransformer

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--folder", type=Path, help="of the checkpoints; for the process to kill")
parser.add_argument("--epochs", type=int, default=40)
args = parser.parse_args()

X, _ = load_digits(return_X_y=True)


def train(folder):
    bigan = BiGANTransformer(max_epochs=args.epochs, checkpoint_dir=folder, random_state=0)
    return bigan.fit(X)


if args.folder:  # this is the process to kill
    train(args.folder)
    raise SystemExit

with tempfile.TemporaryDirectory() as scratch:
    # %%
    # 1. A process trains, and is killed when it has written some checkpoints.

    folder = Path(scratch) / "run"
    command = [sys.executable, __file__, "--folder", folder, "--epochs", str(args.epochs)]
    with subprocess.Popen(command) as process:
        while process.poll() is None and not (folder / "checkpoint-000004.pt").exists():
            time.sleep(0.01)
        process.kill()
    print(f"Killed; it left {sorted(path.name for path in folder.glob('*.pt'))}.")

    # %%
    # 2. The same call goes on from there, to the very weights of a training that nobody killed.

    resumed, whole = train(folder), train(None)
    same = np.array_equal(resumed.transform(X), whole.transform(X))
    print(f"Resumed to {resumed.n_epochs_} epochs; the codes of both are the same: {same}.")

    # %%
    # 3. The model in a file that runs no code when it is opened.

    path = Path(scratch) / "digits.safetensors"
    resumed.save(path)
    again = BiGANTransformer.load(path)
    same = np.array_equal(again.transform(X), resumed.transform(X))
    print(f"Saved in {path.stat().st_size / 1e6:.1f} MB; it gives the same codes: {same}.")
