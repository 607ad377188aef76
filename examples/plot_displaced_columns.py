"""
Columns in an unknown order: the layout that correlations tell
==============================================================

Sensors in a field, wavelengths of a spectrum, pixels in an order that nobody wrote down: columns
that lie near each other measure nearly the same, and so tell where they lie. Here the rows are
patches of two photographs, 12 by 12 pixels, whose columns are shuffled. With the layout that is
learned from them, the encoder sees every row a little displaced: shifted, turned and bent. The
classes are the two photographs, trained on their left parts and tested on their right.
"""

import argparse
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_sample_images
from sklearn.decomposition import PCA
from sklearn.feature_extraction.image import extract_patches_2d
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_bigan import BiGANTransformer
from sk_bigan.displacement import column_places, displace

parser = argparse.ArgumentParser(description="Rows displaced among places that nobody told")
parser.add_argument("--output", type=Path, default=Path("displaced_columns.png"))
parser.add_argument("--epochs", type=int, default=50)
args = parser.parse_args()

side = 12
order = np.random.default_rng(0).permutation(side**2)
photographs = [photograph.mean(axis=2) for photograph in load_sample_images().images]


def patches(part, n_each):
    """Shuffled columns, without the brightness and contrast of a patch, and which photograph."""
    drawn = [
        extract_patches_2d(photograph[:, part], (side, side), max_patches=n_each, random_state=0)
        for photograph in photographs
    ]
    X = np.concatenate(drawn).reshape(-1, side**2)[:, order]
    X -= X.mean(axis=1, keepdims=True)
    return X / (X.std(axis=1, keepdims=True) + 5), np.repeat([0, 1], n_each)


X_train, y_train = patches(slice(0, 400), 2000)
X_test, y_test = patches(slice(420, 640), 1000)

# %%
# The places of the columns. A colour is the true place of a pixel, by its row and by its column:
# neighbours have been found to be neighbours. ``augmentation="displace"`` does this in ``fit``.

rows, columns = np.divmod(order, side)
places = column_places(X_train, n_dimensions=2)
figure, axes = plt.subplots(1, 2, figsize=(7, 3.4), layout="constrained")
for ax, true, name in zip(axes, (rows, columns), ("row", "column"), strict=True):
    points = ax.scatter(*places.T, c=true, s=24)
    ax.set(title=f"Learned places, true {name}", xticks=[], yticks=[], aspect="equal")
    figure.colorbar(points, ax=ax)
figure.savefig(args.output, dpi=120)
print(f"Wrote {args.output}")

# %%
# What it is worth: codes of 16 numbers for a linear classifier and for the nearest neighbour.

displaced = partial(displace, strength=0.15)
parameters = {"latent_dim": 16, "max_epochs": args.epochs, "random_state": 0}
methods = {
    "PCA": PCA(16, random_state=0),
    'augmentation="swap"': BiGANTransformer(**parameters),
    'augmentation=[displaced, "swap"]': BiGANTransformer(
        **parameters, augmentation=[displaced, "swap"]
    ),
}
print(f"\n{'accuracy of codes':<34}  linear    1-NN")
for name, method in methods.items():
    train, test = method.fit(X_train).transform(X_train), method.transform(X_test)
    accuracies = [
        make_pipeline(StandardScaler(), classifier).fit(train, y_train).score(test, y_test)
        for classifier in (LogisticRegression(), KNeighborsClassifier(1))
    ]
    print(f"{name:<34}" + "".join(f"{accuracy:8.3f}" for accuracy in accuracies))
