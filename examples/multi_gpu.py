"""One training on several GPUs, or here on two processes of the CPU.

    torchrun --nproc-per-node=2 examples/multi_gpu.py [--epochs 20] [--output bigan.safetensors]

Each process is given the same rows and takes its share of every batch; together they do what one
process would with the whole batches. `accelerate launch` starts it as well, also on several
machines. Without either, it trains in one process. Needs the extras `accelerate` and `save`.
"""

import argparse
from pathlib import Path

from accelerate import PartialState
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from sk_bigan import BiGANTransformer

parser = argparse.ArgumentParser(description="Train in several processes")
parser.add_argument("--epochs", type=int, default=20)
parser.add_argument("--output", type=Path, default=Path("bigan.safetensors"))
parser.add_argument("--checkpoints", type=Path, help="a folder; the same call goes on from there")
args = parser.parse_args()

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)

bigan = BiGANTransformer(
    data_parallel=True,
    batch_size=128,  # of all processes together
    max_epochs=args.epochs,
    checkpoint_dir=args.checkpoints,
    random_state=0,
).fit(X_train)
bigan.save(args.output)  # in all processes, of which the first writes

if PartialState().is_main_process:
    classifier = LogisticRegression(max_iter=2000).fit(bigan.transform(X_train), y_train)
    accuracy = classifier.score(bigan.transform(X_test), y_test)
    print(f"Accuracy of a classifier of the codes: {accuracy:.3f}")
    print(f"Wrote {args.output}")
