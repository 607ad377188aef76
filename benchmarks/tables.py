"""Features of tables with categories, gaps and skew: ours beside PCA, bins and untrained layers.

    python benchmarks/tables.py features --data FOLDER [--seeds 3] [--missing 0.1] [--json FILE]
    python benchmarks/tables.py gaps --data FOLDER [--seeds 3] [--json FILE]

FOLDER has index.csv and the tables that it names, each with a column "target". Rows with the same
target in both parts are drawn at random: two thirds to learn from, one third to test, at most 3,000
in all. `--missing` removes a share of all cells but the target's. Tables of every other line of the
index were used to choose settings; `--choose` measures these alone.

Columns are encoded by `ColumnEncoder`, numbers as one standardised number ("raw") or as eight
quantile bins ("bins"), categories as zeros and a one. A gap gets the mean of each encoded column,
except with ours, which takes gaps. Codes have a third of the table's columns, at most 32. Figures:
the test rows that the nearest neighbour and a linear classifier get right (%), on standardised
features. "layer" is the layer before the code, of 1,024 units.

"gaps" removes a fifth of all cells of at most 1,000 rows and fills them, in tables of at most 100
encoded columns. Figures: squared error
of the filled cells, in the units of `ColumnEncoder`, over that of the mean; and the mean rank.
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
from scipy.stats import rankdata
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestRegressor
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from sk_bigan import BiGANTransformer
from sk_bigan.columns import ColumnEncoder

MOST_ROWS = 3000
MOST_DIMENSIONS = 32
MOST_COLUMNS = 100  # encoded ones, for imputers that go from column to column
UNTRAINED = {"learning_rate": 1e-12, "max_epochs": 1}


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


def bigan(task: Task, numbers: str, **parameters) -> dict[str, Features]:
    """The frame as it is, gaps included."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of sizes and of unseen categories
        scaling = ColumnEncoder(numbers=numbers)
        settings = {"scaling": scaling, "random_state": task.seed, **parameters}
        model = BiGANTransformer(task.n_dimensions, **settings).fit(task.train)
        features = {}
        for name, which in {"code": "latent", "layer": "penultimate"}.items():
            model.set_params(features=which)
            features[name] = model.transform(task.train), model.transform(task.test)
        return features


# Name: task -> features, by what they are
METHODS: dict[str, Callable[[Task], dict[str, Features]]] = {
    "raw": lambda task: {"rows": encoded(task, "standard")},
    "bins": lambda task: {"rows": encoded(task, "bins")},
    "PCA": lambda task: {"code": pca(task, "standard")},
    "PCA, bins": lambda task: {"code": pca(task, "bins")},
    "untrained": lambda task: bigan(task, "standard", **UNTRAINED),
    "ours": lambda task: bigan(task, "standard"),
    "ours, bins": lambda task: bigan(task, "bins"),
}


def right(task: Task, features: Features) -> list[float]:
    """Return the shares of test rows (%) that both classifiers get right."""
    scaler = StandardScaler().fit(features[0])
    train, test = (scaler.transform(part) for part in features)
    classifiers = KNeighborsClassifier(1), LogisticRegression(max_iter=3000)
    return [100 * c.fit(train, task.y_train).score(test, task.y_test) for c in classifiers]


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


def ours(given: np.ndarray, task: Task) -> np.ndarray:
    model = BiGANTransformer(task.n_dimensions, scaling="columns", random_state=task.seed)
    return model.fit(given).impute(given)


def by(make_imputer: Callable[[int], object]) -> Callable[[np.ndarray, Task], np.ndarray]:
    return lambda given, task: make_imputer(task.seed).fit_transform(given)


FOREST = {"n_estimators": 10, "max_features": 0.3}
# (rows with NaN, task) -> rows without
IMPUTERS: dict[str, Callable[[np.ndarray, Task], np.ndarray]] = {
    "mean": by(lambda seed: SimpleImputer()),
    "KNN": by(lambda seed: KNNImputer()),
    "iterative, linear": by(lambda seed: IterativeImputer(random_state=seed)),
    "iterative, forests": by(
        lambda seed: IterativeImputer(
            RandomForestRegressor(**FOREST, random_state=seed), max_iter=3, random_state=seed
        )
    ),
    "ours": ours,
}


def measure_gaps(arguments: argparse.Namespace, figures: dict) -> None:
    for table in names_of_tables(arguments):
        for seed in range(arguments.seeds):
            task = make_task(arguments.data, table, seed, missing=0.0)
            frame = task.train.head(1000).reset_index(drop=True)
            encoder = ColumnEncoder().fit(frame)
            rows = encoder.transform(frame)
            if rows.shape[1] > MOST_COLUMNS:
                continue
            blocks = np.repeat(
                np.arange(frame.shape[1]), [block.stop - block.start for block in encoder.blocks_]
            )
            removed = (np.random.default_rng(seed).random(frame.shape) < 0.2)[:, blocks]
            removed &= ~np.isnan(rows)
            given = np.where(removed, np.nan, rows)
            measured = figures.setdefault(f"gaps/{table}/{seed}", {})
            for name, impute in IMPUTERS.items():
                if name not in measured:
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore")  # of iterations that have not converged
                        filled = impute(given, task)
                    measured[name] = float(np.square(filled - rows)[removed].mean())
                    save(arguments, figures)
    tables = [t for t in names_of_tables(arguments) if f"gaps/{t}/0" in figures]
    print(f"{'error / error of the mean':<26}" + "".join(f"{table[:13]:>15}" for table in tables))
    errors = np.array(
        [
            [
                np.mean(
                    [
                        figures[f"gaps/{table}/{seed}"][name]
                        / figures[f"gaps/{table}/{seed}"]["mean"]
                        for seed in range(arguments.seeds)
                    ]
                )
                for table in tables
            ]
            for name in IMPUTERS
        ]
    )
    ranks = rankdata(errors, axis=0).mean(axis=1)
    for name, row, rank in zip(IMPUTERS, errors, ranks, strict=True):
        cells = "".join(f"{value:>15.2f}" for value in row)
        print(f"{name:<26}{cells}   mean {row.mean():.2f}, rank {rank:.1f}")


def names_of_tables(arguments: argparse.Namespace) -> list[str]:
    names = pd.read_csv(arguments.data / "index.csv")["name"].tolist()
    return names[::2] if arguments.choose else names


def save(arguments: argparse.Namespace, figures: dict) -> None:
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1))


def measure_features(arguments: argparse.Namespace, figures: dict) -> None:
    tables = names_of_tables(arguments)
    missing = arguments.missing
    for table in tables:
        for seed in range(arguments.seeds):
            measured = figures.setdefault(f"{table}/{seed}/{missing:g}", {})
            for name in arguments.methods:
                if name not in measured:
                    task = make_task(arguments.data, table, seed, missing)
                    features = METHODS[name](task)
                    measured[name] = {kind: right(task, both) for kind, both in features.items()}
                    save(arguments, figures)
    print(f"{'1-NN / logistic, %':<22}{'mean':>14}" + "".join(f"{t[:12]:>14}" for t in tables))
    for name in arguments.methods:
        for kind in figures[f"{tables[0]}/0/{missing:g}"][name]:
            of_tables = np.mean(
                [
                    [figures[f"{t}/{seed}/{missing:g}"][name][kind] for t in tables]
                    for seed in range(arguments.seeds)
                ],
                axis=0,
            )
            cells = [of_tables.mean(axis=0), *of_tables]
            texts = "".join(f"{near:>7.1f} /{linear:5.1f}" for near, linear in cells)
            print(f"{f'{name}, {kind}':<22}{texts}")


MEASURES = {"features": measure_features, "gaps": measure_gaps}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=MEASURES)
    parser.add_argument("--data", type=Path, required=True, help="folder with index.csv")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--missing", type=float, default=0.0)
    parser.add_argument("--choose", action="store_true", help="every other table only")
    parser.add_argument("--methods", nargs="+", default=[*METHODS], choices=[*METHODS])
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    known = arguments.json is not None and arguments.json.exists()
    MEASURES[arguments.what](arguments, json.loads(arguments.json.read_text()) if known else {})


if __name__ == "__main__":
    main()
