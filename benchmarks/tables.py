"""Features of tables with categories, gaps and skew: ours beside PCA, bins and autoencoders.

    python benchmarks/tables.py --data FOLDER [--rda FOLDER] [--missing 0.1] [--code 4]

`table_data.py` says which tables these are. A third of the rows is test rows, at most 3,000 rows
are taken, and `--missing` removes a share of all cells. Codes have a third of the table's columns,
at most 32, or `--code` numbers.

Columns are encoded by `ColumnEncoder`, numbers as one standardised number ("raw") or as eight
quantile bins ("bins"), categories as zeros and a one. A gap gets the mean of each encoded column,
or with `--imputer` what scikit-learn's IterativeImputer puts there; the networks take gaps as they
are. The autoencoders are our networks, steps and schedule with the reconstruction alone, of rows as
they are or, denoising, of rows whose values are swapped as ours are. "layer" is the layer before
the code, of 1,024 units.

Figures are of test rows, on standardised features: what the nearest neighbour, a logistic
regression and gradient-boosted trees get right (%), and the AUROC (%) of the logistic regression
where there are two classes. Trees are not grown on layers. They are means over tables of means over
seeds. The last column counts the tables of 300 rows and more on which the mean of 1-NN and logistic
is more than two points below that of PCA's code.
"""

import argparse
import warnings
from collections.abc import Callable
from functools import partial

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler
from table_data import Task, add_arguments, make_task, record, recorded, tables

from sk_bigan import BiGANTransformer
from sk_bigan.columns import ColumnEncoder

UNTRAINED = {"learning_rate": 1e-12, "max_epochs": 1}
FIGURES = ("1-NN", "logistic", "AUROC", "trees")
ENOUGH_ROWS = 300

Features = tuple[np.ndarray, np.ndarray]
Imputer = Callable[[], BaseEstimator]


def encoded(task: Task, numbers: str) -> Features:
    encoder = ColumnEncoder(numbers=numbers).fit(task.train)
    return tuple(encoder.transform(part) for part in (task.train, task.test))


def filled(task: Task, numbers: str, imputer: Imputer) -> Features:
    train, test = encoded(task, numbers)
    if not np.isnan(train).any() and not np.isnan(test).any():
        return train, test
    model = imputer().fit(train)
    return model.transform(train), model.transform(test)


def pca(task: Task, numbers: str, imputer: Imputer) -> Features:
    train, test = filled(task, numbers, imputer)
    scaler = StandardScaler().fit(train)
    train, test = scaler.transform(train), scaler.transform(test)
    model = PCA(min(task.n_dimensions, *train.shape), random_state=task.seed).fit(train)
    return model.transform(train), model.transform(test)


def bigan(task: Task, imputer: Imputer | None = None, **parameters) -> dict[str, Features]:
    """The frame as it is, gaps included."""
    model = BiGANTransformer(
        task.n_dimensions, scaling=ColumnEncoder(), random_state=task.seed, **parameters
    ).fit(task.train)
    features = {}
    for name, which in {"code": "latent", "layer": "penultimate"}.items():
        model.set_params(features=which)
        features[name] = model.transform(task.train), model.transform(task.test)
    return features


def no_game(real_logits, fake_logits):
    return 0 * real_logits.mean(), 0 * fake_logits.mean()


# Of all columns, a table of hundreds would take hours.
ITERATIVE = partial(IterativeImputer, n_nearest_features=20, max_iter=5, random_state=0)
RECONSTRUCTION = {"objective": no_game, "gradient_penalty": 0, "consistency_weight": 0}

# Name: (task, imputer) -> features of both parts, by what they are
METHODS: dict[str, Callable[[Task, Imputer], dict[str, Features]]] = {
    "raw": lambda task, imputer: {"rows": filled(task, "standard", imputer)},
    "bins": lambda task, imputer: {"rows": filled(task, "bins", imputer)},
    "PCA": lambda task, imputer: {"code": pca(task, "standard", imputer)},
    "PCA, bins": lambda task, imputer: {"code": pca(task, "bins", imputer)},
    "untrained": partial(bigan, **UNTRAINED),
    "autoencoder": partial(bigan, **RECONSTRUCTION, augmentation=None),
    "denoising autoencoder": partial(bigan, **RECONSTRUCTION),
    "ours": bigan,
}
OF_EACH_TABLE = [
    ("raw", "rows"),
    ("PCA", "code"),
    ("denoising autoencoder", "code"),
    ("ours", "code"),
    ("untrained", "layer"),
    ("ours", "layer"),
]


def measure(task: Task, features: Features, kind: str) -> dict[str, float]:
    scaler = StandardScaler().fit(features[0])
    train, test = (scaler.transform(part) for part in features)
    nearest = KNeighborsClassifier(1).fit(train, task.y_train)
    logistic = LogisticRegression(max_iter=3000).fit(train, task.y_train)
    figures = {
        "1-NN": 100 * nearest.score(test, task.y_test),
        "logistic": 100 * logistic.score(test, task.y_test),
    }
    if len(logistic.classes_) == 2:
        figures["AUROC"] = 100 * roc_auc_score(task.y_test, logistic.decision_function(test))
    if kind != "layer":
        trees = HistGradientBoostingClassifier(max_iter=50, random_state=task.seed)
        figures["trees"] = 100 * trees.fit(train, task.y_train).score(test, task.y_test)
    return figures


def print_means(records: dict) -> None:
    """Print a row of means for each method and kind of features."""
    n_rows = {table: by_seed["0"]["rows"] for table, by_seed in records.items()}

    def mean(table: str, method: str, kind: str, figure: str) -> float:
        seeds = records[table].values()
        return np.mean([seed["figures"][method][kind].get(figure, np.nan) for seed in seeds])

    print("| | " + " | ".join(FIGURES) + " | behind PCA |\n" + "|---" * (len(FIGURES) + 2) + "|")
    first = next(iter(records.values()))["0"]["figures"]
    for method in first:
        for kind in first[method]:
            means = [[mean(table, method, kind, f) for table in records] for f in FIGURES]
            behind = [
                table
                for table in records
                if "PCA" in first
                and n_rows[table] >= ENOUGH_ROWS
                and sum(
                    mean(table, method, kind, f) - mean(table, "PCA", "code", f)
                    for f in FIGURES[:2]
                )
                < -4
            ]
            cells = " | ".join(average(values) for values in means)
            print(f"| {method}, {kind} | {cells} | {len(behind)} {' '.join(behind)} |")


def average(values: list[float]) -> str:
    known = [value for value in values if not np.isnan(value)]
    return f"{np.mean(known):.1f}" if known else ""


def print_tables(records: dict, pairs: list[tuple[str, str]]) -> None:
    """Print a row for each table, of 1-NN / logistic of some features."""
    print("\n| 1-NN / logistic | " + " | ".join(", ".join(pair) for pair in pairs) + " |")
    print("|---" * (len(pairs) + 1) + "|")
    for table, by_seed in records.items():
        cells = [
            [[seed["figures"][m][k][f] for f in FIGURES[:2]] for seed in by_seed.values()]
            for m, k in pairs
        ]
        texts = [" / ".join(f"{v:.1f}" for v in np.mean(cell, axis=0)) for cell in cells]
        print(f"| {table} | " + " | ".join(texts) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_arguments(parser)
    parser.add_argument("--missing", type=float, default=0.0, help="share of cells to remove")
    parser.add_argument("--code", type=int, help="numbers of a code")
    parser.add_argument("--imputer", action="store_true", help="not the mean, for raw and PCA")
    parser.add_argument("--methods", nargs="+", default=[*METHODS], choices=[*METHODS])
    arguments = parser.parse_args()
    imputer = ITERATIVE if arguments.imputer else SimpleImputer
    found = tables(arguments)
    records = recorded(arguments)
    for name, read in found.items():
        by_seed = records.setdefault(name, {})
        for seed in range(arguments.seeds):
            task = make_task(read, seed, arguments.missing, arguments.code)
            rows = len(task.train) + len(task.test)
            figures = by_seed.setdefault(str(seed), {"rows": rows, "figures": {}})["figures"]
            for method in arguments.methods:
                if method in figures:
                    continue
                with warnings.catch_warnings():  # sizes that do not suit, unseen categories
                    warnings.simplefilter("ignore")
                    features = METHODS[method](task, imputer)
                    figures[method] = {
                        kind: measure(task, both, kind) for kind, both in features.items()
                    }
                record(arguments, records)
    records = {name: records[name] for name in found}
    print_means(records)
    first = next(iter(records.values()))["0"]["figures"]
    print_tables(records, [pair for pair in OF_EACH_TABLE if pair[0] in first])


if __name__ == "__main__":
    main()
