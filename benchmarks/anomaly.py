"""Anomaly detection: BiGANDetector beside what else one would take, in one protocol.

    python benchmarks/anomaly.py tables --data FOLDER [--seeds 5] [--json anomaly.json]
    python benchmarks/anomaly.py alarms --data FOLDER [--seeds 3] [--json alarms.json]
    python benchmarks/anomaly.py mnist [--data mnist.npz] [--digits 0 1] [--epochs 5] [--json ...]

"tables" needs `pip install pyod` and the files thyroid.npz, cardio.npz, satimage-2.npz,
pendigits.npz and vowels.npz of ADBench (Han et al. 2022), with arrays X and y, 1 for anomalies. Two
protocols: "mixture" trains on all rows, unlabelled, and scores them; "normal" trains on half of the
normal rows and scores the others and the anomalies. Columns are standardised by the training rows.
PyOD's ALAD and AutoEncoder keep their settings, but train for as many seconds as the default
BiGANDetector, which is told contamination=0.01 where there are normal rows alone. Columns: mean
AUROC and average precision (%) of each table over the seeds, their means over the tables, the mean
over the tables of the rank that the AUROC has among all methods but our other scores and PCA's
densities, and seconds of a fit with the scoring, PyOD's with three short fits before. "PCA
reconstruction" and "PCA density" (`PCA.score_samples`) keep half of the variance.

"alarms" trains on half of the normal rows of the same tables, of scikit-learn's breast_cancer
(benign) and of its digits (0 to 8). It prints the share (%) of the other half that `predict` marks,
at three values of contamination: with the threshold of the rows of the training, with that of a
fifth held out (`validation_fraction=0.2`), with that of `partial_fit` on parts of 256 rows, five
passes and at last a part of 32 rows, and IsolationForest's.

"mnist" makes each digit the anomaly in turn, after EGBAD (Zenati et al. 2018, arXiv:1802.06222):
trained on 80 % of the images of the other nine digits, average precision (%) on their last 20 % and
all images of the anomaly. BiGANDetector has the recipe for pictures (docs/anomaly.md), its default
for rows with a code as long is beside, and the VAE has the recipe's E and G, and its seconds.

With --json, figures that are in the file are not measured again, and the rest is added.
"""

import argparse
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import features
import numpy as np
import torch
from scipy.stats import rankdata
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM

from sk_bigan import BiGANDetector
from sk_bigan.anomaly import NEED_CYCLES, SCORES

TABLES = ("thyroid", "cardio", "satimage-2", "pendigits", "vowels")
PROTOCOLS = ("mixture", "normal")
PROBE = {"ALAD": 100, "AutoEncoder": 1}  # epochs, from which the seconds of others are estimated


class Task(NamedTuple):
    X: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    contamination: float
    seed: int

    @property
    def is_mixture(self) -> bool:
        return self.X is self.X_test


# Methods: (task, seconds) -> anomaly scores of the test rows


def bigan(task: Task) -> dict[str, np.ndarray]:
    """All scores that need no more than the one training."""
    model = BiGANDetector(contamination=task.contamination, random_state=task.seed).fit(task.X)
    networks = model.encoder_, model.generator_, model.discriminator_
    x = torch.from_numpy(model.scaler_.transform(task.X_test)).float().to(model.device_)
    with torch.inference_mode():
        others = {
            f"BiGANDetector, {name}": score(*networks, x).cpu().numpy()
            for name, score in SCORES.items()
            if name not in NEED_CYCLES
        }
    return {"BiGANDetector": -model.score_samples(task.X_test), **others}


def bigan_with_cycles(task: Task, seconds: float) -> np.ndarray:
    model = BiGANDetector(anomaly_score="cycle_features", random_state=task.seed)
    return -model.fit(task.X).score_samples(task.X_test)


def isolation_forest(task: Task, seconds: float) -> np.ndarray:
    return -IsolationForest(random_state=task.seed).fit(task.X).score_samples(task.X_test)


def local_outlier_factor(task: Task, seconds: float) -> np.ndarray:
    if task.is_mixture:  # a row is no neighbour of its own
        return -LocalOutlierFactor().fit(task.X).negative_outlier_factor_
    return -LocalOutlierFactor(novelty=True).fit(task.X).score_samples(task.X_test)


def neighbours(task: Task, seconds: float) -> np.ndarray:
    """Distance to the fifth neighbour."""
    index = NearestNeighbors(n_neighbors=5).fit(task.X)
    return index.kneighbors(None if task.is_mixture else task.X_test)[0][:, -1]


def one_class_svm(task: Task, seconds: float) -> np.ndarray:
    return -OneClassSVM().fit(task.X).score_samples(task.X_test)


def pca(task: Task, seconds: float) -> np.ndarray:
    """Squared error of a reconstruction that keeps half of the variance."""
    model = PCA(0.5).fit(task.X)
    X = task.X_test
    return np.square(X - model.inverse_transform(model.transform(X))).sum(1)


def probabilistic_pca(task: Task, seconds: float, n_components: float | None = None) -> np.ndarray:
    """Density of a normal distribution (Tipping & Bishop 1999)."""
    return -PCA(n_components).fit(task.X).score_samples(task.X_test)


def pyod_alad(task: Task, seconds: float) -> np.ndarray:
    from pyod.models.alad import ALAD

    def fit(epochs: int) -> ALAD:
        torch.manual_seed(task.seed)
        np.random.seed(task.seed)  # noqa: NPY002, ALAD has no random_state
        return ALAD(epochs=epochs).fit(task.X)

    return for_so_many(seconds, PROBE["ALAD"], fit).decision_function(task.X_test)


def pyod_autoencoder(task: Task, seconds: float) -> np.ndarray:
    from pyod.models.auto_encoder import AutoEncoder

    def fit(epochs: int) -> AutoEncoder:
        model = AutoEncoder(epoch_num=epochs, random_state=task.seed, verbose=0)
        return model.fit(task.X)

    return for_so_many(seconds, PROBE["AutoEncoder"], fit).decision_function(task.X_test)


def for_so_many(seconds: float, probe: int, fit: Callable[[int], object]):
    """A model fitted for about so many seconds, judged by two shorter fits."""
    fit(probe)  # what is slow the first time
    times = []
    for epochs in (probe, 3 * probe):
        start = perf_counter()
        fit(epochs)
        times.append(perf_counter() - start)
    # Beside other programs, the shorter fit may take longer.
    an_epoch = max((times[1] - times[0]) / (2 * probe), times[1] / (30 * probe))
    return fit(max(1, round(probe + (seconds - times[0]) / an_epoch)))


METHODS: dict[str, Callable[[Task, float], np.ndarray]] = {
    "BiGANDetector, cycle_features": bigan_with_cycles,
    "IsolationForest": isolation_forest,
    "LocalOutlierFactor": local_outlier_factor,
    "OneClassSVM": one_class_svm,
    "PCA reconstruction": pca,
    "PCA density": partial(probabilistic_pca, n_components=0.5),
    "PCA density, all components": probabilistic_pca,
    "kNN distance": neighbours,
    "PyOD ALAD": pyod_alad,
    "PyOD AutoEncoder": pyod_autoencoder,
}
DENSITIES = ["PCA density", "PCA density, all components"]
OTHER_SCORES = [*DENSITIES, *(f"BiGANDetector, {name}" for name in SCORES)]
RANKED = ["BiGANDetector", *(name for name in METHODS if name not in OTHER_SCORES)]


def make_task(folder: Path, table: str, protocol: str, seed: int) -> Task:
    with np.load(folder / f"{table}.npz") as data:
        X, y = data["X"].astype(np.float64), data["y"].astype(int)
    if protocol == "mixture":
        X = StandardScaler().fit_transform(X)
        return Task(X, X, y, 0.1, seed)
    normal = np.random.default_rng(seed).permutation(np.flatnonzero(y == 0))
    train, rest = np.split(normal, [len(normal) // 2])
    test = np.concatenate([rest, np.flatnonzero(y == 1)])
    scaler = StandardScaler().fit(X[train])
    return Task(scaler.transform(X[train]), scaler.transform(X[test]), y[test], 0.01, seed)


def measure_tables(arguments: argparse.Namespace, figures: "Figures") -> None:
    for protocol in PROTOCOLS:
        for seed in range(arguments.seeds):
            for table in TABLES:
                task = make_task(arguments.data, table, protocol, seed)
                key = f"{protocol}/{table}/{seed}"
                if "BiGANDetector" not in figures.of(key):
                    start = perf_counter()
                    scores = bigan(task)
                    seconds = perf_counter() - start
                    for name in scores:
                        figures.add(key, name, evaluate(task.y_test, scores[name], seconds))
                budget = figures.of(key)["BiGANDetector"]["seconds"]
                for name in METHODS.keys() - figures.of(key).keys():
                    start = perf_counter()
                    scores = METHODS[name](task, budget)
                    figures.add(key, name, evaluate(task.y_test, scores, perf_counter() - start))
        print(f"\n{protocol}, {arguments.seeds} seeds\n")
        print_tables(figures, protocol, arguments.seeds)


def evaluate(y: np.ndarray, scores: np.ndarray, seconds: float) -> dict[str, float]:
    return {
        "AUROC": 100 * roc_auc_score(y, scores),
        "AP": 100 * average_precision_score(y, scores),
        "seconds": seconds,
    }


def print_tables(figures: "Figures", protocol: str, n_seeds: int) -> None:
    def means(name: str, figure: str) -> np.ndarray:
        values = [
            [figures.of(f"{protocol}/{table}/{seed}")[name][figure] for seed in range(n_seeds)]
            for table in TABLES
        ]
        return np.mean(values, axis=1)

    aurocs = np.array([means(name, "AUROC") for name in RANKED])
    ranks = dict(zip(RANKED, rankdata(-aurocs, axis=0).mean(1).round(1), strict=True))
    heads = [*TABLES, "mean", "rank", "seconds"]
    print(f"{'AUROC / average precision':<31}" + "".join(f"{head:>13}" for head in heads))
    for name in [*RANKED, *OTHER_SCORES]:
        auroc, precision = means(name, "AUROC"), means(name, "AP")
        pairs = [*zip(auroc, precision, strict=True), (auroc.mean(), precision.mean())]
        cells = "".join(f"{a:>8.1f} /{p:3.0f}" for a, p in pairs)
        rank, seconds = ranks.get(name, ""), means(name, "seconds").mean()
        print(f"{name:<31}{cells}{rank:>13}{seconds:>13.1f}")


def normal_rows(folder: Path, table: str) -> np.ndarray:
    if table == "breast_cancer":
        X, y = load_breast_cancer(return_X_y=True)
        return X[y == 1]
    if table == "digits":
        X, y = load_digits(return_X_y=True)
        return X[y != 9]
    with np.load(folder / f"{table}.npz") as data:
        return data["X"][data["y"] == 0].astype(np.float64)


def in_parts(X: np.ndarray, **parameters) -> BiGANDetector:
    detector = BiGANDetector(**parameters)
    parts = np.array_split(X, max(1, len(X) // 256))
    for part in [*parts * 5, X[:32]]:
        detector.partial_fit(part)
    return detector


# (rows, contamination, random_state) -> fitted detector
ALARMS = {
    "rows of the training": lambda X, **told: BiGANDetector(**told).fit(X),
    "a fifth held out": lambda X, **told: BiGANDetector(validation_fraction=0.2, **told).fit(X),
    "partial_fit": in_parts,
    "IsolationForest": lambda X, **told: IsolationForest(**told).fit(X),
}
NOMINAL = (0.01, 0.05, 0.1)


def measure_alarms(arguments: argparse.Namespace, figures: "Figures") -> None:
    tables = [*TABLES, "breast_cancer", "digits"]
    print(f"{'false alarms, %':<22}{'nominal':>8}" + "".join(f"{name:>15}" for name in tables))
    for name, fit in ALARMS.items():
        for nominal in NOMINAL:
            cells = ""
            for table in tables:
                X = normal_rows(arguments.data, table)
                shares = []
                for seed in range(arguments.seeds):
                    key = f"alarms/{table}/{seed}/{nominal}"
                    if name not in figures.of(key):
                        rows = np.random.default_rng(seed).permutation(X)
                        train, fresh = np.split(rows, [len(rows) // 2])
                        detector = fit(train, contamination=nominal, random_state=seed)
                        alarms = np.mean(detector.predict(fresh) == -1)
                        figures.add(key, name, {"alarms": 100 * float(alarms)})
                    shares.append(figures.of(key)[name]["alarms"])
                cells += f"{np.mean(shares):>15.1f}"
            print(f"{name:<22}{100 * nominal:>8.0f}{cells}", flush=True)


def measure_mnist(arguments: argparse.Namespace, figures: "Figures") -> None:
    X_train, y_train, X_test, y_test = features.load_mnist(arguments.data)
    X = np.concatenate([X_train, X_test]).reshape(-1, 784)
    y = np.concatenate([y_train, y_test]).astype(int)
    names = ("BiGANDetector", "default for rows", "VAE", "PCA")
    print("digit" + "".join(f"{name:>32}" for name in names))
    for digit in arguments.digits:
        key = f"mnist/{digit}/{arguments.epochs}"
        if not set(names) <= set(figures.of(key)):
            normal, anomalies = X[y != digit], X[y == digit]
            order = np.random.default_rng(0).permutation(len(normal))
            n_train = int(0.8 * len(normal))
            train, test = np.split(normal[order], [n_train])
            test = np.concatenate([test, anomalies])
            is_anomaly = np.arange(len(test)) >= len(normal) - n_train
            for name, scores, seconds in mnist_scores(train, test, arguments.epochs):
                figures.add(key, name, evaluate(is_anomaly, scores, seconds))
        cells = (f"{figures.of(key)[name]['AP']:>32.1f}" for name in names)
        print(f"{digit:>5}" + "".join(cells), flush=True)


PICTURES = {
    "latent_dim": 8,
    "hidden_units": (1024, 256),
    "augmentation": None,
    "cycle_weight": 100,
    "batch_size": 128,
    "learning_rate": 2e-3,
}


def mnist_scores(train: np.ndarray, test: np.ndarray, epochs: int):
    """Name, anomaly scores of the test images and seconds of the fit, of each method."""

    def detector(**parameters) -> tuple[np.ndarray, float]:
        start = perf_counter()
        model = BiGANDetector(contamination=0.01, max_epochs=epochs, random_state=0, **parameters)
        model.fit(train)
        seconds = perf_counter() - start
        return -model.score_samples(test), seconds

    scores, seconds = detector(**PICTURES)
    yield "BiGANDetector", scores, seconds
    yield "default for rows", *detector(latent_dim=PICTURES["latent_dim"])

    scaled = [(2 / 255 * rows - 1).astype(np.float32) for rows in (train, test)]
    features.LATENT_DIM["mnist"] = PICTURES["latent_dim"]
    task = features.Task("mnist", scaled[0], None, scaled[1], None, None)
    vae = features.autoencoder(
        task,
        0,
        seconds,
        architecture="mlp",
        variational=True,
        hidden_units=PICTURES["hidden_units"],
    )
    back = vae.decode(vae.features["code"](scaled[1]))
    yield "VAE", np.square(scaled[1] - back).sum(1), seconds

    start = perf_counter()
    model = PCA(PICTURES["latent_dim"], random_state=0).fit(scaled[0])
    back = model.inverse_transform(model.transform(scaled[1]))
    yield "PCA", np.square(scaled[1] - back).sum(1), perf_counter() - start


class Figures:
    """What has been measured, by task and method, in memory and perhaps in a file."""

    def __init__(self, path: Path | None):
        self.path = path
        self.all = json.loads(path.read_text()) if path and path.exists() else {}

    def of(self, key: str) -> dict[str, dict[str, float]]:
        return self.all.get(key, {})

    def add(self, key: str, name: str, figures: dict[str, float]) -> None:
        self.all.setdefault(key, {})[name] = figures
        if self.path:
            self.path.write_text(json.dumps(self.all, indent=1))


MEASURES = {"tables": measure_tables, "alarms": measure_alarms, "mnist": measure_mnist}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=MEASURES)
    parser.add_argument("--data", type=Path, help="a folder of tables, or MNIST as one file")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--digits", type=int, nargs="+", default=range(10))
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if arguments.what != "mnist" and arguments.data is None:
        sys.exit("--data: give the folder of ADBench's tables")
    MEASURES[arguments.what](arguments, Figures(arguments.json))


if __name__ == "__main__":
    main()
