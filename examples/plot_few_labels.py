"""
Few labels: what it is worth that the encoder saw digits bent and shifted
=========================================================================

Labels are dear, images are not. The networks learn from all training digits without a label; then a
linear classifier gets ten labels, or some hundreds. While it learned, the encoder saw every digit a
little shifted, turned and bent, and with some pixels of another digit, so that its codes depend on
that less than on which digit it is.
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedShuffleSplit, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_bigan import BiGANTransformer

parser = argparse.ArgumentParser(description="Accuracy against the number of labels, on the digits")
parser.add_argument("--output", type=Path, default=Path("few_labels.png"), help="the picture")
parser.add_argument("--epochs", type=int, default=50)
args = parser.parse_args()

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)

# %%
# Codes of 16 numbers: from an encoder that saw rows as they are, from one that saw some values of
# other rows (the default), from one that saw images warped too, and PCA's.

parameters = {"latent_dim": 16, "max_epochs": args.epochs, "random_state": 0}
methods = {
    "PCA": PCA(16, random_state=0),
    "BiGAN, augmentation=None": BiGANTransformer(**parameters, augmentation=None),
    'BiGAN, augmentation="swap"': BiGANTransformer(**parameters),
    'BiGAN, augmentation=["warp", "swap"]': BiGANTransformer(
        **parameters, augmentation=["warp", "swap"], sample_shape=(1, 8, 8)
    ),
}
codes = {
    name: (method.fit(X_train).transform(X_train), method.transform(X_test))
    for name, method in methods.items()
}

# %%
# Each point is the mean over 20 random choices of the labelled digits.

counts = [10, 20, 50, 100, 200, 500]


def accuracy(train, test, n_labels):
    chosen = StratifiedShuffleSplit(20, train_size=n_labels, random_state=0)
    classifier = make_pipeline(StandardScaler().fit(train), LogisticRegression(max_iter=2000))
    return np.mean(
        [
            classifier.fit(train[rows], y_train[rows]).score(test, y_test)
            for rows, _ in chosen.split(train, y_train)
        ]
    )


figure, ax = plt.subplots(layout="constrained")
for name, (train, test) in codes.items():
    accuracies = [accuracy(train, test, n_labels) for n_labels in counts]
    print(f"{name:<40}" + "".join(f"{a:8.3f}" for a in accuracies))
    ax.plot(counts, accuracies, marker="o", label=name)
ax.set(xscale="log", xlabel="labels", ylabel="test accuracy", title="Digits, codes of 16 numbers")
ax.set_xticks(counts, counts)
ax.minorticks_off()
ax.grid(alpha=0.3)
ax.legend()
figure.savefig(args.output, dpi=120)
print(f"Wrote {args.output}")
