"""Histories of healthy trainings: default fits on six data sets.

    python benchmarks/health.py [--data FOLDER] [--json health.json]

FOLDER has mnist.npz and colour32.npz; without it only the data of scikit-learn are measured. Rows
are the epochs at a tenth, at half and at the end of each training. A warning is an error, so that
the table also shows that default fits warn of nothing.
"""

import argparse
import json
import warnings
from pathlib import Path

from batch_norm import colour32, mnist
from sklearn import datasets

from sk_bigan import BiGANTransformer

ENTRIES = ("loss_d", "loss_eg", "d_real", "d_fake", "d_spread", "code_spread", "sample_spread")
BUNDLED = ("digits", "iris", "wine", "breast_cancer")
PICTURES = {"mnist": mnist, "colour32": colour32}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder with mnist.npz and colour32.npz")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    warnings.simplefilter("error")
    tables = {name: getattr(datasets, f"load_{name}")().data for name in BUNDLED}
    if arguments.data:
        for name, load in PICTURES.items():
            images = load(arguments.data)
            tables[name] = images.reshape(len(images), -1)
    histories = {}
    print(f"| data | epoch | {' | '.join(ENTRIES)} | score |")
    print("|---" * (len(ENTRIES) + 3) + "|")
    for name, X in tables.items():
        history = histories[name] = BiGANTransformer(random_state=0).fit(X).history_
        for epoch in (max(1, len(history) // 10), len(history) // 2, len(history)):
            record = history[epoch - 1]
            cells = [f"{record[entry]:.2f}" for entry in (*ENTRIES, "score")]
            print(f"| {name} | {epoch} | {' | '.join(cells)} |", flush=True)
        if arguments.json:
            arguments.json.write_text(json.dumps(histories, indent=1))


if __name__ == "__main__":
    main()
