"""Speed of the defaults, and what they give up for it.

    python benchmarks/time_to_quality.py digits mnist [--data mnist.npz] [--seeds 3] [--json FILE]
        [--methods default "first edition" autoencoder UMAP]

The default beside the default of the first edition: batches of 128, a rate of 2e-4, 600 updates in
20 to 100 epochs, and R1 in every step. Beside them the autoencoder of the same E and G, which gets
the default's seconds, and UMAP, each as in `features.py`. All take turns on the validation parts of
that file, seed by seed. Columns: seconds of processor time of a fit, accuracy (%) of one nearest
neighbour and of a logistic regression on the code and on the layer, and the share of variation that
reconstructions explain. All have all labels, but for the regression on the layer, which has 10,000
at most. The last line is the ratio of the seconds.
"""

import argparse
import json
from pathlib import Path
from time import perf_counter, process_time

import features
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_bigan._training import engine

FIGURES = ("seconds", "code 1-NN", "code linear", "layer 1-NN", "layer linear", "explained")
MOST_LABELS = 10_000


def first_default(n_rows):
    """Parameters of the first edition's default."""
    n_epochs = min(max(600 // -(-n_rows // 128), 20), 100)
    return {"batch_size": min(128, n_rows), "learning_rate": 2e-4, "max_epochs": n_epochs}


def first_edition(task, seed, seconds):
    before, engine.R1_EVERY = engine.R1_EVERY, 1
    try:
        return features.bigan(task, seed, seconds, **first_default(len(task.X_train)))
    finally:
        engine.R1_EVERY = before


METHODS = {
    "default": features.bigan,
    "first edition": first_edition,
    "autoencoder": features.METHODS["autoencoder mlp"],
    "UMAP": features.METHODS["UMAP"],
}


def measure(task, method, seed, seconds):
    """Return the figures, NaN where a method has none, and the seconds by the clock."""
    start, started = process_time(), perf_counter()
    fitted = METHODS[method](task, seed, seconds)
    row, elapsed = [process_time() - start], perf_counter() - started
    for name in ("code", "layer"):
        encode = fitted.features.get(name)
        if encode is None:
            row += [np.nan, np.nan]
            continue
        train, test = encode(task.X_train), encode(task.X_test)
        logistic = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        n = MOST_LABELS if name == "layer" else len(train)
        for reader, rows in ((KNeighborsClassifier(1), len(train)), (logistic, n)):
            reader.fit(train[:rows], task.y_train[:rows])
            row.append(100 * reader.score(test, task.y_test))
    return [*row, explained(task, fitted)], elapsed


def explained(task, fitted):
    """Return the share of variation that reconstructions explain, as `score` does."""
    if fitted.decode is None:
        return np.nan
    error = task.X_test - fitted.decode(fitted.features["code"](task.X_test))
    return 1 - np.square(error).sum(1).mean() / task.X_train.var(axis=0).sum()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data_sets", nargs="+")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=[*METHODS])
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()

    figures = {}
    for name in arguments.data_sets:
        rows = {method: [] for method in arguments.methods}
        for seed in range(arguments.seeds):
            for task in features.make_tasks(name, arguments.data, seed, True, False):
                seconds = None
                for method, its_rows in rows.items():
                    row, elapsed = measure(task, method, seed, seconds)
                    its_rows.append(row)
                    seconds = elapsed if method == "default" else seconds
        print(f"{name:<18}" + "".join(f"{figure:>14}" for figure in FIGURES))
        for method, its_rows in rows.items():
            means = np.mean(its_rows, axis=0)
            figures[f"{name}, {method}"] = dict(zip(FIGURES, means.tolist(), strict=True))
            print(f"{method:<18}" + "".join(f"{mean:>14.3f}" for mean in means), flush=True)
        totals = {method: np.sum(its_rows, axis=0)[0] for method, its_rows in rows.items()}
        if {"default", "first edition"} <= totals.keys():
            ratio = totals["default"] / totals["first edition"]
            print(f"{'ratio':<18}{ratio:>14.2f}\n", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
