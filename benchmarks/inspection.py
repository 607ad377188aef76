"""Stability of the default's codes, and accuracy of a classifier after a refit.

    python benchmarks/inspection.py consistency [--repeats 3] [--json inspection.json]
    python benchmarks/inspection.py refit [--seeds 3] [--data mnist.npz] [--json inspection.json]

"consistency" refits the default transformer on scikit-learn's digits, wine, breast_cancer, iris and
diabetes, and on the same tables with every column shuffled. Columns: mean and spread of the R2 (%)
of linear maps between the held-out codes of two refits, share (%) of held-out rows that
reconstructions explain, and the share (%) of the variance on the first axis of the codes.

"refit" trains on half of the training rows of the digits, and classifiers on these codes. A refit
with another seed gets the other half. Figures: accuracy (%) on test rows of the old classifiers, on
codes of the old model, of the refit as they are, and of the refit aligned by `CodeAlignment` on the
training rows, and of new classifiers on codes of the refit. With --data, also on the first 10,000
training images and all test images of MNIST.

All runs have one thread. With --json, figures that are in the file are not measured again.
"""

import argparse
import json
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import features
import numpy as np
import torch
from sklearn import datasets
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_bigan import BiGANTransformer
from sk_bigan.inspection import CodeAlignment, shuffled_control

TABLES = {
    "digits": datasets.load_digits,
    "wine": datasets.load_wine,
    "breast_cancer": datasets.load_breast_cancer,
    "iris": datasets.load_iris,
    "diabetes": datasets.load_diabetes,
}
LATENT_DIM = {**features.LATENT_DIM, "diabetes": 5}
MNIST_ROWS = 10_000
Figures = dict[str, float]


def default(name: str, seed: int = 0) -> BiGANTransformer:
    return BiGANTransformer(LATENT_DIM[name], random_state=seed)


def consistency_of(name: str, n_repeats: int) -> dict[str, Figures]:
    X, _ = TABLES[name](return_X_y=True)
    control = shuffled_control(default(name), X, n_repeats=n_repeats, random_state=0)
    return {
        part: {
            "R2": control[part].consistency.mean,
            "spread": control[part].consistency.std,
            "explained": float(control[part].scores.mean()),
            "first axis": float(control[part].spectrum[0]),
        }
        for part in ("real", "shuffled")
    }


def refit_of(name: str, seed: int, data: Path | None) -> dict[str, Figures]:
    if name == "mnist":
        X_train, y_train, X_test, y_test = features.load_mnist(data, "mnist_784")
        X_train, y_train = X_train[:MNIST_ROWS], y_train[:MNIST_ROWS]
    else:
        X, y = TABLES[name](return_X_y=True)
        X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=seed, stratify=y)
    half = len(X_train) // 2
    old = default(name, seed).fit(X_train[:half])
    new = default(name, seed + 1000).fit(X_train[half:])
    alignment = CodeAlignment().fit(new.transform(X_train), old.transform(X_train))
    codes = {
        "old": old.transform(X_test),
        "refit": new.transform(X_test),
        "refit, aligned": alignment.transform(new.transform(X_test)),
    }
    classifiers = {
        "linear": make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
        "1-NN": KNeighborsClassifier(1),
    }
    measured: dict[str, Figures] = {}
    for kind, classifier in classifiers.items():
        classifier.fit(old.transform(X_train[:half]), y_train[:half])
        measured[kind] = {key: classifier.score(rows, y_test) for key, rows in codes.items()}
        classifier.fit(new.transform(X_train[half:]), y_train[half:])
        measured[kind]["refit, new classifier"] = classifier.score(codes["refit"], y_test)
    return measured


def jobs(arguments: argparse.Namespace) -> Iterator[tuple[str, Callable[[], dict[str, Figures]]]]:
    if arguments.what == "consistency":
        for name in TABLES:
            key = f"{name}, {arguments.repeats} refits"
            yield key, lambda name=name: consistency_of(name, arguments.repeats)
        return
    for name in ["digits", *(["mnist"] if arguments.data else [])]:
        for seed in range(arguments.seeds):
            yield f"{name}, seed {seed}", lambda n=name, s=seed: refit_of(n, s, arguments.data)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["consistency", "refit"])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--data", type=Path, help="MNIST's file, as for mnist_features.py")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", UserWarning)  # of sizes
    path = arguments.json
    known = json.loads(path.read_text()) if path and path.exists() else {}
    measured = {}
    for key, measure in jobs(arguments):
        if key not in known:
            known[key] = measure()
            if path:
                path.write_text(json.dumps(known, indent=1))
        measured[key] = known[key]
        print_figures(key, known[key])
    if arguments.what == "refit":
        for name in dict.fromkeys(key.split(",")[0] for key in measured):
            of_seeds = [figures for key, figures in measured.items() if key.startswith(name)]
            print_figures(f"{name}, mean", means(of_seeds))


def means(of_seeds: list[dict[str, Figures]]) -> dict[str, Figures]:
    return {
        part: {c: float(np.mean([figures[part][c] for figures in of_seeds])) for c in columns}
        for part, columns in of_seeds[0].items()
    }


def print_figures(label: str, parts: dict[str, Figures]) -> None:
    for part, figures in parts.items():
        cells = "".join(f"{name:>22}{100 * value:6.1f}" for name, value in figures.items())
        print(f"{label:<26}{part:<9}{cells}", flush=True)


if __name__ == "__main__":
    main()
