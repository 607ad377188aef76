"""Rows drawn by a model, in place of real ones: ours beside CTGAN and TVAE.

    pip install ctgan
    python benchmarks/table_samples.py --data FOLDER [--rda FOLDER] [--seeds 1] [--json FILE]

A model learns the table with its classes as one more column, and draws as many rows as it learned
from. Gradient-boosted trees learn from these rows and are tested on real ones: accuracy and AUROC
(one class against the rest), in %. CTGAN and TVAE (Xu et al. 2019, arXiv 1907.00503) get the epochs
that take the seconds of ours, at least one. They take no gaps: rows with gaps are left out for all.
Seconds are of processor time, those of CTGAN and TVAE with two short fits that measure an epoch.
"""

import argparse
import warnings
from collections.abc import Callable
from time import process_time

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from table_data import Task, add_arguments, make_task, record, recorded, tables

from sk_bigan import BiGANTransformer
from sk_bigan.columns import ColumnEncoder

LABEL = "the class"


def with_classes(task: Task) -> pd.DataFrame:
    rows = task.train.reset_index(drop=True)
    return rows.assign(**{LABEL: task.y_train.astype(str)}).dropna().reset_index(drop=True)


def discrete_columns(frame: pd.DataFrame) -> list[str]:
    return [block.name for block in ColumnEncoder().fit(frame).blocks_ if block.kind == "category"]


def ours(frame: pd.DataFrame, task: Task, seconds: float | None) -> pd.DataFrame:
    n_dimensions = min(len(frame.columns), 32)
    bigan = BiGANTransformer(n_dimensions, scaling=ColumnEncoder(), random_state=task.seed)
    return bigan.fit(frame).sample(len(frame), random_state=task.seed)


def of_ctgan(name: str) -> Callable[[pd.DataFrame, Task, float | None], pd.DataFrame]:
    def draw(frame: pd.DataFrame, task: Task, seconds: float | None) -> pd.DataFrame:
        if seconds is None:
            raise SystemExit(f"{name} has the seconds of ours: measure it too, and first")
        import ctgan

        def fit(epochs: int):
            model = getattr(ctgan, name)(epochs=epochs, enable_gpu=False)
            if hasattr(model, "set_random_state"):
                model.set_random_state(task.seed)
            start = process_time()
            model.fit(frame, discrete_columns(frame))
            return model, process_time() - start

        one, six = fit(1)[1], fit(6)[1]
        epochs = max(1, round(1 + 5 * (seconds - one) / (six - one)))
        return fit(epochs)[0].sample(len(frame))

    return draw


DRAWERS: dict[str, Callable[..., pd.DataFrame]] = {
    "real rows": lambda frame, task, seconds: frame,
    "ours": ours,
    "CTGAN": of_ctgan("CTGAN"),
    "TVAE": of_ctgan("TVAE"),
}


def figures_of(drawn: pd.DataFrame, task: Task, encoder: ColumnEncoder) -> dict[str, float]:
    y = drawn.pop(LABEL).astype(int).to_numpy()
    test = task.test.dropna()
    y_test = task.y_test[task.test.notna().all(axis=1)]
    likelihood = np.zeros((len(test), max(task.y_train.max(), y.max()) + 1))
    if np.ptp(y) == 0:  # no other class was drawn
        likelihood[:, y[0]] = 1
    else:
        trees = HistGradientBoostingClassifier(max_iter=50, random_state=task.seed)
        trees.fit(encoder.transform(drawn[task.train.columns]), y)
        likelihood[:, trees.classes_] = trees.predict_proba(encoder.transform(test))
    scores = [
        roc_auc_score(y_test == label, likelihood[:, label])
        for label in np.unique(y_test)
        if (y_test != label).any()
    ]
    return {
        "accuracy": 100 * np.mean(likelihood.argmax(axis=1) == y_test),
        "AUROC": 100 * float(np.mean(scores)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_arguments(parser)
    parser.add_argument("--methods", nargs="+", default=[*DRAWERS], choices=[*DRAWERS])
    arguments = parser.parse_args()
    records = recorded(arguments)
    found = tables(arguments)
    for name, read in found.items():
        for seed in range(arguments.seeds):
            measured = records.setdefault(name, {}).setdefault(str(seed), {})
            task = make_task(read, seed)
            frame = with_classes(task)
            encoder = ColumnEncoder().fit(frame.drop(columns=LABEL))
            for method in arguments.methods:
                if method in measured:
                    continue
                seconds = measured.get("ours", {}).get("seconds")
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # sizes that do not suit, unseen categories
                    start = process_time()
                    drawn = DRAWERS[method](frame, task, seconds)
                    took = process_time() - start
                    measured[method] = {"seconds": took} | figures_of(drawn.copy(), task, encoder)
                record(arguments, records)
    print("| | accuracy | AUROC | seconds |\n|---|---|---|---|")
    for method in arguments.methods:
        means = [
            np.mean([[s[method][f] for s in records[t].values()] for t in found])
            for f in ("accuracy", "AUROC", "seconds")
        ]
        print(f"| {method} | " + " | ".join(f"{value:.1f}" for value in means) + " |")


if __name__ == "__main__":
    main()
