"""Features of tables with categories, gaps and skew: ours beside PCA, bins and untrained layers.

    python benchmarks/tables.py --data FOLDER [--seeds 3] [--missing 0.1] [--json tables.json]

FOLDER has index.csv and the tables that it names, each with a column "target". Rows with the same
target in both parts are drawn at random: two thirds to learn from, one third to test, at most 3,000
in all. `--missing` removes a share of all cells but the target's. Tables of every other line of the
index were used to choose settings; `--choose` measures these alone.

Columns are encoded by `ColumnEncoder`, numbers as one standardised number ("raw") or as eight
quantile bins ("bins"), categories as zeros and a one. A gap gets the mean of each encoded column,
except with ours, which takes gaps. Codes have a third of the table's columns, at most 32. Figures:
the test rows that the nearest neighbour and a linear classifier get right (%), on standardised
features.
"""

import argparse
import json
import warnings
from collections.abc import Callable
from math import ceil
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from sk_bigan import BiGANTransformer
from sk_bigan.columns import ColumnEncoder

MOST_ROWS = 3000
MOST_DIMENSIONS = 32
UNTRAINED = {"learning_rate": 1e-12, "max_epochs": 1, "features": "penultimate"}


class Task(NamedTuple):
    """A table, split: frames of the columns, and numbers of the classes."""

    train: pd.DataFrame
    test: pd.DataFrame
    y_train: np.ndarray
    y_test: np.ndarray
    seed: int

    @property
    def n_dimensions(self) -> int:
        return min(ceil(self.train.shape[1] / 3), MOST_DIMENSIONS)


Features = tuple[np.ndarray, np.ndarray]


# Methods: task -> features of both parts


def encoded(task: Task, numbers: str) -> Features:
    encoder = ColumnEncoder(numbers=numbers).fit(task.train)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of categories that only test rows have
        train, test = encoder.transform(task.train), encoder.transform(task.test)
    means = np.nanmean(train, axis=0)
    return tuple(np.where(np.isnan(rows), means, rows) for rows in (train, test))


def pca(task: Task, numbers: str) -> Features:
    train, test = encoded(task, numbers)
    scaler = StandardScaler().fit(train)
    train, test = scaler.transform(train), scaler.transform(test)
    model = PCA(min(task.n_dimensions, *train.shape), random_state=task.seed).fit(train)
    return model.transform(train), model.transform(test)


def bigan(task: Task, numbers: str, **parameters) -> Features:
    """The frame as it is, gaps included."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of sizes and of unseen categories
        scaling = ColumnEncoder(numbers=numbers)
        settings = {"scaling": scaling, "random_state": task.seed, **parameters}
        model = BiGANTransformer(task.n_dimensions, **settings).fit(task.train)
        return model.transform(task.train), model.transform(task.test)


METHODS: dict[str, Callable[[Task], Features]] = {
    "raw": lambda task: encoded(task, "standard"),
    "bins": lambda task: encoded(task, "bins"),
    "PCA": lambda task: pca(task, "standard"),
    "PCA, bins": lambda task: pca(task, "bins"),
    "untrained layer": lambda task: bigan(task, "standard", **UNTRAINED),
    "untrained layer, bins": lambda task: bigan(task, "bins", **UNTRAINED),
    "code": lambda task: bigan(task, "standard"),
    "code, bins": lambda task: bigan(task, "bins"),
}


def figures(task: Task, features: Features) -> dict[str, float]:
    scaler = StandardScaler().fit(features[0])
    train, test = (scaler.transform(part) for part in features)
    classifiers = {
        "1-NN": KNeighborsClassifier(1),
        "logistic": LogisticRegression(max_iter=3000),
    }
    return {
        name: 100 * classifier.fit(train, task.y_train).score(test, task.y_test)
        for name, classifier in classifiers.items()
    }


def make_task(folder: Path, table: str, seed: int, missing: float) -> Task:
    frame = pd.read_csv(folder / f"{table}.csv.gz")
    y = frame.pop("target")
    if y.nunique() > 50:  # a number
        y = pd.qcut(y, 4, labels=False)
    codes = pd.factorize(y)[0]
    if len(frame) > MOST_ROWS:
        kept = train_test_split(
            np.arange(len(frame)), train_size=MOST_ROWS, stratify=codes, random_state=seed
        )[0]
        frame, codes = frame.iloc[kept].reset_index(drop=True), codes[kept]
    if missing:
        gaps = np.random.default_rng(seed).random(frame.shape) < missing
        frame = frame.mask(gaps)
    train, test, y_train, y_test = train_test_split(
        frame, codes, test_size=1 / 3, stratify=codes, random_state=seed
    )
    return Task(train, test, y_train, y_test, seed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with index.csv")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--missing", type=float, default=0.0)
    parser.add_argument("--choose", action="store_true", help="every other table only")
    parser.add_argument("--methods", nargs="+", default=[*METHODS], choices=[*METHODS])
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    tables = pd.read_csv(arguments.data / "index.csv")["name"].tolist()
    if arguments.choose:
        tables = tables[::2]
    path = arguments.json
    known = json.loads(path.read_text()) if path and path.exists() else {}
    for table in tables:
        for seed in range(arguments.seeds):
            key = f"{table}/{seed}/{arguments.missing:g}"
            measured = known.setdefault(key, {})
            for name in arguments.methods:
                if name not in measured:
                    task = make_task(arguments.data, table, seed, arguments.missing)
                    measured[name] = figures(task, METHODS[name](task))
                    if path:
                        path.write_text(json.dumps(known, indent=1))
    print(
        f"{'1-NN / logistic, %':<26}" + "".join(f"{table[:13]:>15}" for table in tables) + "   mean"
    )
    for name in arguments.methods:
        means = [
            [
                np.mean(
                    [
                        known[f"{table}/{seed}/{arguments.missing:g}"][name][figure]
                        for seed in range(arguments.seeds)
                    ]
                )
                for figure in ("1-NN", "logistic")
            ]
            for table in tables
        ]
        cells = "".join(f"{near:>8.1f} /{linear:5.1f}" for near, linear in means)
        mean = np.mean(means, axis=0)
        print(f"{name:<26}{cells}  {mean[0]:.1f} / {mean[1]:.1f}")


if __name__ == "__main__":
    main()
