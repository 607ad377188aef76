"""Features on scikit-learn's bundled data: BiGAN beside an untrained encoder, PCA and raw columns.

    python benchmarks/tables.py [digits wine breast_cancer iris] [--latent-dim 16] [--seeds 1]

Default parameters, five stratified splits a seed; each figure is the test accuracy (%) of a
logistic regression on standardised features, mean and standard error over the splits. PCA sees
tables standardised and digits as they are, as BiGAN's scaling does. "explained" is the share of
held-out variation that the reconstructions explain: `score`, and the same for PCA.
"""

import argparse
from time import perf_counter

import numpy as np
import torch
from sklearn import datasets
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_bigan import BiGANTransformer

COLUMNS = ("code", "layer", "untrained layer", "PCA", "raw", "explained", "by PCA", "seconds")


def accuracy(train, y_train, test, y_test):
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))
    return 100 * classifier.fit(train, y_train).score(test, y_test)


def explained(X_train, X_test, reconstructed):
    left = np.square(X_test - reconstructed).sum(axis=1).mean()
    return 1 - left / np.square(X_train - X_train.mean(axis=0)).sum(axis=1).mean()


def figures(X, y, train, test, latent_dim, seed):
    X_train, X_test, y_train, y_test = X[train], X[test], y[train], y[test]
    start = perf_counter()
    bigan = BiGANTransformer(latent_dim, random_state=seed).fit(X_train)
    seconds = perf_counter() - start
    untrained = BiGANTransformer(latent_dim, random_state=seed, max_epochs=50, learning_rate=1e-12)
    untrained.fit(X_train)

    def of(model, features="latent"):
        model.set_params(features=features)
        return accuracy(model.transform(X_train), y_train, model.transform(X_test), y_test)

    scaled_train, scaled_test = (bigan.scaler_.transform(rows) for rows in (X_train, X_test))
    pca = PCA(min(latent_dim, X.shape[1]), random_state=seed).fit(scaled_train)
    codes_train, codes_test = pca.transform(scaled_train), pca.transform(scaled_test)
    return (
        of(bigan),
        of(bigan, "penultimate"),
        of(untrained, "penultimate"),
        accuracy(codes_train, y_train, codes_test, y_test),
        accuracy(X_train, y_train, X_test, y_test),
        bigan.score(X_test),
        explained(scaled_train, scaled_test, pca.inverse_transform(codes_test)),
        seconds,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=["digits", "wine", "breast_cancer", "iris"])
    parser.add_argument("--latent-dim", type=int, default=BiGANTransformer().latent_dim)
    parser.add_argument("--seeds", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(2)
    print(f"latent_dim={args.latent_dim}, {5 * args.seeds} splits: mean (standard error)")
    print(f"{'':<14}" + "".join(f"{column:>17}" for column in COLUMNS))
    for name in args.names:
        X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
        rows = np.array(
            [
                figures(X, y, train, test, args.latent_dim, seed)
                for seed in range(args.seeds)
                for train, test in StratifiedKFold(5, shuffle=True, random_state=seed).split(X, y)
            ]
        )
        errors = rows.std(axis=0, ddof=1) / np.sqrt(len(rows))
        cells = (f"{m:.3f} ({e:.3f})" for m, e in zip(rows.mean(axis=0), errors, strict=True))
        print(f"{name:<14}" + "".join(f"{cell:>17}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
