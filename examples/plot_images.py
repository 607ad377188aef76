"""
Images: convolutions on patches of two photographs
==================================================

A bidirectional GAN learns to encode and to draw patches of the two photographs that scikit-learn
brings along, in colour, without being told which is which. Its codes then say whether a patch that
it has never seen is of the temple or of the flower.
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_sample_images
from sklearn.decomposition import PCA
from sklearn.feature_extraction.image import extract_patches_2d
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_bigan import (
    BiGANTransformer,
    InterpolationDisplay,
    ReconstructionDisplay,
    SampleDisplay,
)

parser = argparse.ArgumentParser(description="Convolutions on patches of two photographs")
parser.add_argument("--output", type=Path, default=Path("images.png"), help="the picture")
parser.add_argument("--epochs", type=int, default=10)
args = parser.parse_args()

# %%
# Patches of 16 x 16 pixels, bytes of red, green and blue last: (n, 16, 16, 3). That is all the
# estimator needs to see to know how they lie. Both photographs are cut into eight stripes; the
# second and the sixth are for testing, the others for training.


def patches(stripes, n_of_each):
    """(n, 16, 16, 3), uint8, and which photograph they are of."""
    images, photographs = [], []
    for number, photograph in enumerate(load_sample_images().images):
        for stripe in stripes:
            part = photograph[:, 80 * stripe : 80 * (stripe + 1)]
            images.append(extract_patches_2d(part, (16, 16), max_patches=n_of_each, random_state=0))
            photographs += [number] * n_of_each
    return np.concatenate(images), np.array(photographs)


X_train, y_train = patches([0, 2, 3, 4, 6, 7], n_of_each=500)
X_test, y_test = patches([1, 5], n_of_each=500)

# %%
# The networks get as deep as the images are large.

bigan = BiGANTransformer(
    latent_dim=32, architecture="conv", max_epochs=args.epochs, random_state=0
).fit(X_train)
print(bigan.encoder_)

# %%
# Which photograph is a patch of? A linear classifier on the codes, on the layer before them, and on
# PCA's components.


def accuracy(transformer, features=None):
    if features:
        transformer.set_params(features=features)
    train, test = (transformer.transform(flat(transformer, X)) for X in (X_train, X_test))
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    return classifier.fit(train, y_train).score(test, y_test)


def flat(transformer, X):
    return X if isinstance(transformer, BiGANTransformer) else X.reshape(len(X), -1)


pca = PCA(32, random_state=0).fit(X_train.reshape(len(X_train), -1))
for name, score in {
    "BiGAN, code, 32-d": accuracy(bigan, "latent"),
    "BiGAN, layer before it": accuracy(bigan, "penultimate"),
    "BiGAN, all hidden layers": accuracy(bigan, "hidden"),
    "PCA, 32-d": accuracy(pca),
}.items():
    print(f"{name:<26} {score:.3f}")

# %%
# Images come back as they came in: same shape, same units.

figure = plt.figure(figsize=(12, 5.5), layout="constrained")
axes = figure.subplot_mosaic(
    [["patches", "patches"], ["walks", "samples"]], height_ratios=[1, 2], width_ratios=[2, 1]
)
shown = X_test[:: len(X_test) // 14]
ReconstructionDisplay.from_estimator(bigan, shown, n_samples=14, ax=axes["patches"])
InterpolationDisplay.from_estimator(bigan, shown[:4], shown[4:8], ax=axes["walks"])
SampleDisplay.from_estimator(bigan, n_samples=36, ax=axes["samples"])
figure.savefig(args.output, dpi=100)
