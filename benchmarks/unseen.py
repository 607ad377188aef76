"""Tables on which no setting was chosen: the default BiGAN's features beside PCA's.

    python benchmarks/unseen.py --data FOLDER [--seeds 3] [--only TABLE ...] [--json unseen.json]

These are the tables with classes in R's packages mlbench and kernlab, but for Shuttle and ticdata,
most of whose rows are of one class. FOLDER holds their .rda files, at any depth: they are in the
folder data of both packages' archives on CRAN, and, installed by Debian's r-cran-mlbench and
r-cran-kernlab, below /usr/lib/R/site-library. `pip install rdata` reads them.

Ordered categories become their ranks, others columns of zeros and ones. Rows with gaps are left
out, and classes of fewer than ten rows. A code has a third as many numbers as there are columns, at
most 32. As in features.py: rows are standardised, five stratified folds averaged (of more than
2,000 rows, the first is taken alone), an autoencoder has E's and G's very networks and the seconds
of the BiGAN. Accuracy (%) of the nearest neighbour and of a logistic regression on up to 10,000
rows, means over the seeds. The last rows are means over the tables, and of how many tables no PCA
of that width is better by more than a point.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import features
import joblib
import numpy as np
import torch

TABLES = {  # and the column of the class
    "BreastCancer": "Class",
    "DNA": "Class",
    "Glass": "Type",
    "HouseVotes84": "Class",
    "Ionosphere": "Class",
    "LetterRecognition": "lettr",
    "PimaIndiansDiabetes": "diabetes",
    "Satellite": "classes",
    "Sonar": "Class",
    "Soybean": "Class",
    "Vehicle": "Class",
    "Vowel": "Class",
    "Zoo": "type",
    "income": "INCOME",
    "musk": "Class",
    "promotergene": "Class",
    "spam": "type",
}
LEAST_OF_A_CLASS = 10
MANY_ROWS = 2_000
KINDS = ("raw", "PCA", "BiGAN", "autoencoder", "untrained layer", "BiGAN's layer")
FIGURES = ("1-NN", "logistic")


def load(name: str, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    import pandas as pd
    import rdata

    path = next(folder.rglob(f"{name}.rda"), None)
    if path is None:
        sys.exit(f"--data: {name}.rda is neither in {folder} nor below")
    frame = rdata.read_rda(path)[name].dropna()
    frame = frame.drop(columns="Id", errors="ignore")
    y = frame.pop(TABLES[name]).astype(str)
    known = y.map(y.value_counts()) >= LEAST_OF_A_CLASS
    for column, values in frame.items():
        if getattr(values.dtype, "ordered", False):
            frame[column] = values.cat.codes
    X = pd.get_dummies(frame[known], dtype=float).to_numpy(float)
    return X[:, np.ptp(X, axis=0) > 0], y[known].to_numpy(str)


def tasks(name: str, X: np.ndarray, y: np.ndarray, seed: int) -> Iterator[features.Task]:
    splits = features.stratified_splits(X, y, seed, validation=False)
    for X_train, y_train, X_test, y_test in splits[: 1 if len(X) > MANY_ROWS else None]:
        rows = features.standardised(X_train, X_test)
        yield features.Task(name, rows[0], y_train, rows[1], y_test, reader=None)


def measure(task: features.Task, seed: int) -> dict[str, float]:
    start = perf_counter()
    bigan = features.bigan(task, seed, None)
    seconds = perf_counter() - start
    autoencoder = features.autoencoder(task, seed, seconds, architecture="mlp")
    encoders = {
        "raw": lambda X: X,
        "PCA": features.pca(task, seed, None).features["code"],
        "BiGAN": bigan.features["code"],
        "autoencoder": autoencoder.features["code"],
        "untrained layer": features.untrained(task, seed, None).features["layer"],
        "BiGAN's layer": bigan.features["layer"],
    }
    measured = {}
    for kind, encode in encoders.items():
        figures = features.figures_of_features(task, encode)
        *_, logistic = (value for column, value in figures.items() if "logistic" in column)
        measured |= {f"{kind} 1-NN": figures["1-NN"], f"{kind} logistic": logistic}
    return measured


def print_table(records: dict[str, dict[str, dict[str, float]]]) -> None:
    print("\n| 1-NN / logistic | rows, columns, code | " + " | ".join(KINDS) + " |")
    print("|---" * (len(KINDS) + 2) + "|")
    means = {
        name: {c: np.mean([f[c] for f in by_seed.values()]) for c in next(iter(by_seed.values()))}
        for name, by_seed in records.items()
    }
    for name, mean in means.items():
        size = ", ".join(f"{mean[column]:.0f}" for column in ("rows", "columns", "code"))
        print(f"| {name} | {size} | " + " | ".join(pair(mean, kind) for kind in KINDS) + " |")
    of_all = {c: np.mean([mean[c] for mean in means.values()]) for c in mean}
    print("| mean | | " + " | ".join(pair(of_all, kind) for kind in KINDS) + " |")

    def as_good_as_pca(kind: str, figure: str) -> str:
        columns = f"{kind} {figure}", f"PCA {figure}"
        own, pca = np.array([[mean[c] for c in columns] for mean in means.values()]).T
        return str(np.sum(own >= pca - 1))

    counts = (" / ".join(as_good_as_pca(kind, figure) for figure in FIGURES) for kind in KINDS)
    print(f"| of {len(means)}, not a point below PCA | | " + " | ".join(counts) + " |")


def pair(figures: dict[str, float], kind: str) -> str:
    return " / ".join(f"{figures[f'{kind} {figure}']:.1f}" for figure in FIGURES)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=TABLES, default=list(TABLES), metavar="TABLE")
    parser.add_argument(
        "--json", type=Path, help="is added to: what is in it is not measured again"
    )
    args = parser.parse_args()
    torch.set_num_threads(joblib.cpu_count())  # those that `taskset` leaves
    records = json.loads(args.json.read_text()) if args.json and args.json.exists() else {}
    for name in args.only:
        X, y = load(name, args.data)
        features.LATENT_DIM[name] = min(32, X.shape[1] // 3)
        size = {"rows": len(X), "columns": X.shape[1], "code": features.LATENT_DIM[name]}
        by_seed = records.setdefault(name, {})
        for seed in range(args.seeds):
            if str(seed) in by_seed:
                continue
            folds = [measure(task, seed) for task in tasks(name, X, y, seed)]
            figures = {column: float(np.mean([f[column] for f in folds])) for column in folds[0]}
            by_seed[str(seed)] = size | figures
            print(name, seed, *(f"{c}: {value:.5g}" for c, value in figures.items()), flush=True)
            if args.json:
                args.json.write_text(json.dumps(records, indent=1))
    print_table(records)


if __name__ == "__main__":
    main()
