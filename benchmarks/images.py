"""What convolutions give on MNIST in 10 epochs, beside multilayer perceptrons in the same time.

    python benchmarks/images.py [--data mnist.npz] [--epochs 10] [--seeds 1] [--validation]

Prints, for codes of 50 numbers, the layer before them and all hidden layers: 1-NN (Euclidean, all
labels) and logistic regression (10,000 labels); and of reconstructions G(E(x)) the mean squared
error, on [-1, 1], and the share that a classifier trained on real digits reads as x's class.
With --validation, the last 10,000 of the training images stand in for the test set.
"""

import argparse
import os
import sys
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from sklearn.neural_network import MLPClassifier

from sk_bigan import BiGANTransformer

sys.path.append(str(Path(__file__).parents[1] / "examples"))
from mnist_features import accuracies, load_mnist, mean_squared_error

LATENT_DIM = 50
FEATURES = ("latent", "penultimate", "hidden")


def timed_fit(X, **parameters):
    start = perf_counter()
    bigan = BiGANTransformer(LATENT_DIM, **parameters).fit(X)
    return bigan, perf_counter() - start


def report(name, bigan, seconds, data, reader):
    X_train, y_train, X_test, y_test = data
    for features in FEATURES:
        bigan.set_params(features=features)
        train, test = bigan.transform(X_train), bigan.transform(X_test)
        nearest, logistic = accuracies((train, test), y_train, y_test)
        line = f"{name:<24}{features:<13}{train.shape[1]:>6}{nearest:>8.2f}{logistic:>9.2f}"
        if features == "latent":
            rebuilt = bigan.inverse_transform(test)
            read = 100 * reader.score(rebuilt / 255, y_test)
            line += f"{mean_squared_error(X_test, rebuilt):>8.4f}{read:>8.2f}{seconds:>8.0f}"
        print(line, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    folder = os.environ.get("SK_BIGAN_DATA")
    default = Path(folder, "mnist.npz") if folder else None
    parser.add_argument("--data", type=Path, default=default)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--validation", action="store_true")
    parser.add_argument("--device", default="auto")
    args = parser.parse_args()
    torch.set_num_threads(os.cpu_count())
    X_train, y_train, X_test, y_test = load_mnist(args.data)
    if args.validation:
        X_train, X_test = X_train[:-10_000], X_train[-10_000:]
        y_train, y_test = y_train[:-10_000], y_train[-10_000:]
    data = X_train, y_train, X_test, y_test

    reader = MLPClassifier((512,), early_stopping=True, random_state=0)
    reader.fit(X_train / 255, y_train)
    print(f"the classifier reads {100 * reader.score(X_test / 255, y_test):.2f} % of real digits\n")
    columns = f"{'1-NN %':>8}{'logit %':>9}{'MSE':>8}{'read %':>8}{'s':>8}"
    print(f"{'networks, epochs, seed':<24}{'features':<13}{'width':>6}{columns}")

    for seed in range(args.seeds):
        parameters = {"random_state": seed, "device": args.device}
        convolutions = parameters | {"architecture": "conv", "sample_shape": (1, 28, 28)}
        bigan, seconds = timed_fit(X_train, max_epochs=args.epochs, **convolutions)
        report(f"conv, {args.epochs}, {seed}", bigan, seconds, data, reader)

        trial, _ = timed_fit(X_train[:10_000], max_epochs=5, **parameters)
        one_epoch = np.median([epoch["dur"] for epoch in trial.history_])
        n_epochs = round(seconds / (one_epoch * len(X_train) / 10_000))
        bigan, seconds = timed_fit(X_train, max_epochs=n_epochs, **parameters)
        report(f"mlp, {n_epochs}, {seed}", bigan, seconds, data, reader)


if __name__ == "__main__":
    main()
