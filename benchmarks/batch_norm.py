"""Statistics of BatchNorm in G: of codes and of draws from the prior in turn, or of either alone.

    python benchmarks/batch_norm.py [--data FOLDER] [--seeds 3] [--json batch_norm.json]

G's BatchNorm learns its running statistics from codes and from draws z in turn, since both pass
through G in a step of the training. Here a final pass (`torch.optim.swa_utils.update_bn`) replaces
them by the statistics of codes alone, or of draws alone. Columns: the share of the variation of
held-out rows that reconstructions explain, and the Frechet distance between samples and held-out
rows, in their first 32 principal components.

A fifth of the rows is held out. FOLDER has mnist.npz and colour32.npz; without it only the data of
scikit-learn are measured. MNIST and colour32 count with 10,000 rows. "light" has the weights that
draw better samples: cycle_weight=1, consistency_weight=0.
"""

import argparse
import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from features import frechet_distance, photographs
from sk_bigan._estimator.steps import resolve_batch_size
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from torch.optim.swa_utils import update_bn

from sk_bigan import BiGANTransformer

ROWS = 10_000
LIGHT = {"cycle_weight": 1, "consistency_weight": 0}
WARPED = {"architecture": "conv", "augmentation": ["warp", "swap"], "max_epochs": 3}


def mnist(folder: Path) -> np.ndarray:
    return np.load(folder / "mnist.npz")["X_train"][:ROWS]


def colour32(folder: Path) -> np.ndarray:
    return photographs(folder / "colour32.npz", "train", ROWS)


def flat(load: Callable[[Path], np.ndarray]) -> Callable[[Path], np.ndarray]:
    return lambda folder: load(folder).reshape(ROWS, -1)


# Name: rows from a folder, parameters
CASES: dict[str, tuple[Callable[[Path], np.ndarray], dict[str, Any]]] = {
    "digits": (lambda folder: load_digits().data, {}),
    "digits, light": (lambda folder: load_digits().data, LIGHT),
    "breast_cancer": (lambda folder: load_breast_cancer().data, {}),
    "wine": (lambda folder: load_wine().data, {}),
    "mnist, flat": (flat(mnist), {"latent_dim": 50}),
    "mnist, flat, light": (flat(mnist), {"latent_dim": 50, **LIGHT}),
    "mnist, conv": (mnist, {"latent_dim": 50, **WARPED}),
    "colour32, flat": (flat(colour32), {"latent_dim": 64, "max_epochs": 5}),
    "colour32, conv": (colour32, {"latent_dim": 64, **WARPED}),
}
BUNDLED = ("digits", "breast_cancer", "wine")


def with_statistics_of(bigan: BiGANTransformer, inputs: list[torch.Tensor]) -> BiGANTransformer:
    """Return a copy whose G has seen these batches last, and nothing else."""
    bigan = deepcopy(bigan)
    update_bn(inputs, bigan.generator_)
    bigan.generator_.eval()
    return bigan


def figures(bigan: BiGANTransformer, held_out: np.ndarray) -> dict[str, float]:
    rows = bigan.scaler_.transform(held_out.reshape(len(held_out), -1))
    samples = bigan.sample(len(held_out)).reshape(len(held_out), -1)
    samples = bigan.scaler_.transform(samples)
    pca = PCA(min(32, rows.shape[1]), random_state=0).fit(rows)
    return {
        "explained": bigan.score(held_out),
        "Frechet": frechet_distance(pca.transform(samples), pca.transform(rows)),
    }


def measure(X: np.ndarray, parameters: dict[str, Any], seed: int) -> dict[str, dict[str, float]]:
    train, held_out = train_test_split(X, test_size=0.2, random_state=seed)
    bigan = BiGANTransformer(random_state=seed, **parameters).fit(train)
    codes = torch.from_numpy(bigan.transform(train)).float()
    draws = torch.from_numpy(bigan.model_.draw_codes(len(train), seed)).float()
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(seed))
    batch_size = resolve_batch_size(bigan.batch_size, len(train))
    batches = [part for part in order.split(batch_size) if len(part) > 1]
    return {
        "codes and draws": figures(bigan, held_out),
        "codes": figures(with_statistics_of(bigan, [codes[b] for b in batches]), held_out),
        "draws": figures(with_statistics_of(bigan, [draws[b] for b in batches]), held_out),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder with mnist.npz and colour32.npz")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--cases", nargs="+", default=[*CASES], choices=[*CASES])
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    records: dict[str, list[dict[str, dict[str, float]]]] = {}
    print(f"{'':<20}" + "".join(f"{name:>26}" for name in ("codes and draws", "codes", "draws")))
    for case in arguments.cases:
        if arguments.data is None and not case.startswith(BUNDLED):
            continue
        load, parameters = CASES[case]
        X = load(arguments.data)
        records[case] = [measure(X, parameters, seed) for seed in range(arguments.seeds)]
        cells = ""
        for statistics in records[case][0]:
            mean = {
                figure: np.mean([record[statistics][figure] for record in records[case]])
                for figure in ("explained", "Frechet")
            }
            cells += f"{mean['explained']:>16.3f} /{mean['Frechet']:>8.2f}"
        print(f"{case:<20}{cells}", flush=True)
        if arguments.json:
            arguments.json.write_text(json.dumps(records, indent=1))


if __name__ == "__main__":
    main()
