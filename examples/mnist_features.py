"""Features of MNIST's 60,000 images, beside an untrained encoder, PCA and raw pixels.

    python examples/mnist_features.py [--data mnist.npz] [--epochs 20]

`--data` (or the variable SK_BIGAN_DATA, a folder) names a file with X_train, y_train, X_test and
y_test; without it, the images come from OpenML. Networks see flat rows of 784 pixels, no image
knowledge. Prints 1-NN (Euclidean, all 60,000 labels) and logistic regression (10,000 labels).
"""

import argparse
import os
from pathlib import Path
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import fetch_openml
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_bigan import (
    BiGANTransformer,
    InterpolationDisplay,
    LatentDisplay,
    LossCurveDisplay,
    ReconstructionDisplay,
    SampleDisplay,
)

N_LOGISTIC = 10_000


def load_mnist(path, openml_name="mnist_784"):
    """The original split, as (X_train, y_train, X_test, y_test), float32 rows of 0..255."""
    if path is None:
        X, y = fetch_openml(openml_name, version=1, return_X_y=True, as_frame=False)
        X, y = X.astype(np.float32), y.astype(int)
        return X[:60_000], y[:60_000], X[60_000:], y[60_000:]
    data = np.load(path)
    X_train, X_test = (
        data[name].reshape(-1, 784).astype(np.float32) for name in ("X_train", "X_test")
    )
    return X_train, data["y_train"], X_test, data["y_test"]


def accuracies(features, y_train, y_test):
    """(1-NN, logistic regression) in percent, from (train, test) features."""
    train, test = features
    nearest = KNeighborsClassifier(1, algorithm="brute").fit(train, y_train)
    logistic = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    logistic.fit(train[:N_LOGISTIC], y_train[:N_LOGISTIC])
    return 100 * nearest.score(test, y_test), 100 * logistic.score(test, y_test)


def mean_squared_error(X, reconstructed):
    """With pixels on [-1, 1]."""
    return np.square((X - reconstructed) / 127.5).mean()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    folder = os.environ.get("SK_BIGAN_DATA")
    default = Path(folder, "mnist.npz") if folder else None
    parser.add_argument("--data", type=Path, default=default)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--latent-dim", type=int, default=50)
    parser.add_argument("--cycle-weight", type=float, default=None, help="0: the pure BiGAN")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--skip-baselines", action="store_true")
    parser.add_argument("--output", type=Path, default=Path("mnist_features.png"))
    args = parser.parse_args()
    torch.set_num_threads(os.cpu_count())
    X_train, y_train, X_test, y_test = load_mnist(args.data)

    k = args.latent_dim
    parameters = {
        "latent_dim": k,
        "max_epochs": args.epochs,
        "random_state": args.seed,
    }
    if args.cycle_weight is not None:
        parameters["cycle_weight"] = args.cycle_weight
    start = perf_counter()
    bigan = BiGANTransformer(**parameters, verbose=1).fit(X_train)
    print(f"\n{args.epochs} epochs in {perf_counter() - start:.0f} s on {bigan.device_}\n")

    rows = {f"BiGAN, code, {k}-d": bigan, "BiGAN, layer before it": bigan}
    if not args.skip_baselines:
        parameters |= {"max_epochs": 1, "learning_rate": 1e-12}
        untrained = BiGANTransformer(**parameters).fit(X_train)
        rows |= {"untrained, code": untrained, "untrained, layer before it": untrained}
        rows |= {f"PCA, {k}-d": PCA(k, random_state=0).fit(X_train), "raw pixels, 784-d": None}

    print(f"{'features':<28}{'1-NN %':>8}{'logistic %':>12}{'MSE':>8}")
    for name, model in rows.items():
        if model is None:
            features, error = (X_train, X_test), 0.0
        else:
            error = mean_squared_error(X_test, model.inverse_transform(latent(model, X_test)))
            if isinstance(model, BiGANTransformer):
                model.set_params(features="penultimate" if "layer" in name else "latent")
            features = model.transform(X_train), model.transform(X_test)
        nearest, logistic = accuracies(features, y_train, y_test)
        print(f"{name:<28}{nearest:>8.2f}{logistic:>12.2f}{error:>8.4f}", flush=True)

    draw(bigan, X_test, y_test, args.output)
    print(f"\nWrote {args.output}")


def latent(model, X):
    if isinstance(model, BiGANTransformer):
        model.set_params(features="latent")
    return model.transform(X)


def draw(bigan, X, y, path):
    """Losses and codes above; digits, walks between digits and samples below."""
    figure = plt.figure(figsize=(13, 10), layout="constrained")
    axes = figure.subplot_mosaic(
        [["losses", "codes"], ["digits", "samples"], ["walks", "samples"]],
        height_ratios=[5, 2, 3],
        width_ratios=[3, 2],
    )
    shape = {"image_shape": (28, 28)}
    LossCurveDisplay.from_estimator(bigan, ax=axes["losses"])
    LatentDisplay.from_estimator(bigan, X[:2000], y[:2000], ax=axes["codes"])
    ReconstructionDisplay.from_estimator(bigan, X, n_samples=12, ax=axes["digits"], **shape)
    InterpolationDisplay.from_estimator(bigan, X[:4], X[4:8], ax=axes["walks"], **shape)
    SampleDisplay.from_estimator(bigan, ax=axes["samples"], **shape)
    figure.savefig(path, dpi=80)


if __name__ == "__main__":
    main()
