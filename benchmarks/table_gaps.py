"""Gaps in tables, filled: ours beside the imputers of scikit-learn.

    python benchmarks/table_gaps.py --data FOLDER [--rda FOLDER] [--removed 0.2] [--json FILE]

A share of all cells of at most 1,000 rows is removed and filled, in tables of at most 100 encoded
columns. Figures: squared error of the filled cells, in the units of `ColumnEncoder`, over that of
the mean; and the mean rank. "forests" are of ten trees and three rounds.
"""

import argparse
import json
import warnings
from collections.abc import Callable

import numpy as np
from scipy.stats import rankdata
from sklearn.ensemble import RandomForestRegressor
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer, SimpleImputer
from table_data import Task, add_arguments, make_task, tables

from sk_bigan import BiGANTransformer
from sk_bigan.columns import ColumnEncoder

MOST_ROWS = 1000
MOST_COLUMNS = 100  # encoded ones, for imputers that go from column to column


def ours(given: np.ndarray, task: Task) -> np.ndarray:
    model = BiGANTransformer(task.n_dimensions, scaling="columns", random_state=task.seed)
    return model.fit(given).impute(given)


def by(make_imputer: Callable[[int], object]) -> Callable[[np.ndarray, Task], np.ndarray]:
    return lambda given, task: make_imputer(task.seed).fit_transform(given)


def forests(seed: int) -> IterativeImputer:
    forest = RandomForestRegressor(n_estimators=10, max_features=0.3, random_state=seed)
    return IterativeImputer(forest, max_iter=3, random_state=seed)


# (rows with NaN, task) -> rows without
IMPUTERS: dict[str, Callable[[np.ndarray, Task], np.ndarray]] = {
    "mean": by(lambda seed: SimpleImputer()),
    "KNN": by(lambda seed: KNNImputer()),
    "iterative, linear": by(lambda seed: IterativeImputer(random_state=seed)),
    "iterative, forests": by(forests),
    "ours": ours,
}


def measure(task: Task, removed_share: float, known: dict[str, float]) -> dict[str, float]:
    """Return the squared error of each imputer; none for a table that is too wide."""
    frame = task.train.head(MOST_ROWS).reset_index(drop=True)
    encoder = ColumnEncoder().fit(frame)
    rows = encoder.transform(frame)
    if rows.shape[1] > MOST_COLUMNS:
        return {}
    widths = [block.stop - block.start for block in encoder.blocks_]
    cells = np.random.default_rng(task.seed).random(frame.shape) < removed_share
    removed = np.repeat(cells, widths, axis=1) & ~np.isnan(rows)
    given = np.where(removed, np.nan, rows)
    errors = {}
    for name in [name for name in IMPUTERS if name not in known]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of iterations that have not converged
            filled = IMPUTERS[name](given, task)
        errors[name] = float(np.square(filled - rows)[removed].mean())
    return known | errors


def print_figures(records: dict[str, dict[str, dict[str, float]]]) -> None:
    means = {
        table: {
            name: np.mean([errors[name] / errors["mean"] for errors in by_seed.values()])
            for name in IMPUTERS
        }
        for table, by_seed in records.items()
    }
    errors = np.array([[of_table[name] for of_table in means.values()] for name in IMPUTERS])
    ranks = rankdata(errors, axis=0)
    print(f"{len(means)} tables\n| | error / that of the mean | rank |\n|---|---|---|")
    for name, row, its_ranks in zip(IMPUTERS, errors, ranks, strict=True):
        print(f"| {name} | {row.mean():.2f} | {its_ranks.mean():.1f} |")
    print("\n| | " + " | ".join(IMPUTERS) + " |\n" + "|---" * (len(IMPUTERS) + 1) + "|")
    for table, of_table in means.items():
        print(f"| {table} | " + " | ".join(f"{error:.2f}" for error in of_table.values()) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_arguments(parser)
    parser.add_argument("--removed", type=float, default=0.2, help="share of cells")
    arguments = parser.parse_args()
    records = {}
    if arguments.json and arguments.json.exists():
        records = json.loads(arguments.json.read_text())
    found = tables(arguments)
    for name, read in found.items():
        by_seed = records.setdefault(name, {})
        for seed in range(arguments.seeds):
            known = by_seed.get(str(seed), {})
            by_seed[str(seed)] = measure(make_task(read, seed), arguments.removed, known)
            if arguments.json:
                arguments.json.write_text(json.dumps(records, indent=1))
    narrow = {name: records[name] for name in found if all(records[name].values())}
    print_figures(narrow)


if __name__ == "__main__":
    main()
