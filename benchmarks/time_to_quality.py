"""Speed of the defaults, and what they give up for it.

    python benchmarks/time_to_quality.py digits mnist [--data mnist.npz] [--seeds 3] [--json FILE]

The default beside the default of the first edition: batches of 128, a rate of 2e-4, 600 updates in
20 to 100 epochs, and R1 in every step. Both take turns on the validation parts of `features.py`,
seed by seed. Columns: seconds of processor time of a fit, accuracy (%) of one nearest neighbour and
of a logistic regression on the code and on the layer (the latter with 10,000 labels at most), and
the share of variation that reconstructions explain. The last line is the ratio of the seconds.
"""

import argparse
import json
from pathlib import Path
from time import process_time

import features
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_bigan import BiGANTransformer
from sk_bigan._training import engine

FIGURES = ("seconds", "code 1-NN", "code linear", "layer 1-NN", "layer linear", "explained")
MOST_LABELS = 10_000


def first_default(n_rows):
    """Parameters of the first edition's default."""
    n_epochs = min(max(600 // -(-n_rows // 128), 20), 100)
    return {"batch_size": min(128, n_rows), "learning_rate": 2e-4, "max_epochs": n_epochs}


METHODS = {  # parameters by the number of rows, and the steps from one R1 to the next
    "default": (lambda n_rows: {}, engine.R1_EVERY),
    "first edition": (first_default, 1),
}


def measure(task, method, seed):
    parameters, engine.R1_EVERY = METHODS[method]
    start = process_time()
    bigan = BiGANTransformer(
        features.LATENT_DIM[task.name], random_state=seed, **parameters(len(task.X_train))
    ).fit(task.X_train)
    row = [process_time() - start]
    for read in ("latent", "penultimate"):
        bigan.set_params(features=read)
        train, test = bigan.transform(task.X_train), bigan.transform(task.X_test)
        for reader in (
            KNeighborsClassifier(1),
            make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
        ):
            n = MOST_LABELS if read == "penultimate" else None
            reader.fit(train[:n], task.y_train[:n])
            row.append(100 * reader.score(test, task.y_test))
    return [*row, bigan.score(task.X_test)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data_sets", nargs="+")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()

    figures = {}
    for name in arguments.data_sets:
        rows = {method: [] for method in METHODS}
        for seed in range(arguments.seeds):
            for task in features.make_tasks(name, arguments.data, seed, True, False):
                for method, its_rows in rows.items():
                    its_rows.append(measure(task, method, seed))
        print(f"{name:<18}" + "".join(f"{figure:>14}" for figure in FIGURES))
        for method, its_rows in rows.items():
            means = np.mean(its_rows, axis=0)
            figures[f"{name}, {method}"] = dict(zip(FIGURES, means.tolist(), strict=True))
            print(f"{method:<18}" + "".join(f"{mean:>14.3f}" for mean in means), flush=True)
        seconds = {method: np.sum(its_rows, axis=0)[0] for method, its_rows in rows.items()}
        print(f"{'ratio':<18}{seconds['default'] / seconds['first edition']:>14.2f}\n", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
