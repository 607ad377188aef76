"""Thirty-nine tables with classes, each split into rows to learn from and rows to test on.

Twenty-two are files of CSV: a folder has index.csv and the tables that it names, each with a column
"target". Of these, every other one was used to choose settings. Seventeen are the tables with
classes in R's packages mlbench and kernlab, but for Shuttle and ticdata, most of whose rows are of
one class; no setting was chosen on them. Their .rda files are in the folder `data` of both
packages' archives on CRAN, and below /usr/lib/R/site-library where Debian's r-cran-mlbench and
r-cran-kernlab are installed. `pip install rdata` reads them.

Ordered categories become their ranks. Classes of fewer than ten rows are left out.
"""

import argparse
from functools import partial
from math import ceil
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

MOST_ROWS = 3000
MOST_DIMENSIONS = 32
LEAST_OF_A_CLASS = 10
CLASS_OF_R_TABLE = {
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


class Task(NamedTuple):
    """A table, split: frames of the columns, and numbers of the classes."""

    train: pd.DataFrame
    test: pd.DataFrame
    y_train: np.ndarray
    y_test: np.ndarray
    seed: int
    n_dimensions: int  # of a code


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, help="folder with index.csv")
    parser.add_argument("--rda", type=Path, help="folder with .rda files, at any depth")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--choose", action="store_true", help="tables for choices only")
    parser.add_argument("--json", type=Path, help="is added to; what is in it is not run again")


def tables(arguments: argparse.Namespace) -> dict:
    """Return functions that read a table, by its name: () -> (frame, classes)."""
    names = pd.read_csv(arguments.data / "index.csv")["name"].tolist()
    found = {name: partial(from_csv, arguments.data, name) for name in names}
    if arguments.choose:
        return {name: found[name] for name in names[::2]}
    if arguments.rda:
        found |= {name: partial(from_r, arguments.rda, name) for name in CLASS_OF_R_TABLE}
    return found


def from_csv(folder: Path, name: str) -> tuple[pd.DataFrame, pd.Series]:
    frame = pd.read_csv(folder / f"{name}.csv.gz")
    y = frame.pop("target")
    return frame, pd.qcut(y, 4, labels=False) if y.nunique() > 50 else y  # of a number, quarters


def from_r(folder: Path, name: str) -> tuple[pd.DataFrame, pd.Series]:
    import rdata

    path = next(folder.rglob(f"{name}.rda"), None)
    if path is None:
        raise SystemExit(f"--rda: {name}.rda is neither in {folder} nor below")
    frame = rdata.read_rda(path, default_encoding="ASCII")[name].drop(columns="Id", errors="ignore")
    y = frame.pop(CLASS_OF_R_TABLE[name]).astype(str)
    for column, values in frame.items():
        if getattr(values.dtype, "ordered", False):
            frame[column] = values.cat.codes.where(values.notna())
    return frame, y


def make_task(read, seed: int, missing: float = 0.0, n_dimensions: int | None = None) -> Task:
    """Split a table at random, by classes; of many rows, a sample is kept.

    Parameters
    ----------
    read : callable, () -> (frame, classes)
    seed : int
    missing : float
        Share of all cells to remove.
    n_dimensions : int or None
        None stands for a third of the columns, at most `MOST_DIMENSIONS`.
    """
    frame, y = read()
    kept = np.flatnonzero(y.map(y.value_counts()) >= LEAST_OF_A_CLASS)
    if len(kept) > MOST_ROWS:
        kept = train_test_split(
            kept, train_size=MOST_ROWS, stratify=y.iloc[kept], random_state=seed
        )[0]
    frame = frame.iloc[kept].reset_index(drop=True)
    classes = pd.factorize(y.iloc[kept])[0]
    frame = frame.loc[:, frame.nunique() > 1]
    if missing:
        frame = frame.mask(np.random.default_rng(seed).random(frame.shape) < missing)
    parts = train_test_split(frame, classes, test_size=1 / 3, stratify=classes, random_state=seed)
    return Task(*parts, seed, n_dimensions or min(ceil(frame.shape[1] / 3), MOST_DIMENSIONS))
