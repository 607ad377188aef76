"""
Find the places of shuffled columns
===================================

Sensors in a field, wavelengths of a spectrum, pixels in an order that nobody wrote down: columns
that lie near each other measure nearly the same. Their correlations tell where they lie.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_sample_images
from sklearn.decomposition import PCA
from sklearn.feature_extraction.image import extract_patches_2d
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from sk_bigan import BiGANTransformer
from sk_bigan.displacement import column_places

# %%
# Take patches of two photographs, 12 x 12 grey pixels without their brightness, and shuffle the
# columns. Those for testing come from other parts of the photographs.

order = np.random.default_rng(0).permutation(144)
photographs = [photograph.mean(axis=2) for photograph in load_sample_images().images]


def shuffled_patches(part):
    patches = [
        extract_patches_2d(photograph[:, part], (12, 12), max_patches=1500, random_state=0)
        for photograph in photographs
    ]
    X = np.concatenate(patches).reshape(3000, 144)[:, order]
    return X - X.mean(axis=1, keepdims=True)


X_train, X_test = shuffled_patches(slice(0, 400)), shuffled_patches(slice(420, 640))
y = np.repeat(["temple", "flower"], 1500)

# %%
# Learn the places. The figure has a point for each column, and its colour is the pixel's true row:
# neighbours have been found to be neighbours. The field may be turned or mirrored, since
# correlations do not tell which side is up.

places = column_places(X_train, n_dimensions=2)
figure, ax = plt.subplots(figsize=(5, 3.5), layout="constrained")
points = ax.scatter(*places.T, c=order // 12, s=30)
ax.set(title="Places of 144 shuffled pixels", xticks=[], yticks=[], aspect="equal")
figure.colorbar(points, label="true row")
plt.show()

# %%
# `augmentation="displace"` learns such places in `fit`. The encoder then sees each row a little
# shifted and bent. Which photograph is a patch of? Ask its nearest neighbour.

settings = {"latent_dim": 16, "max_epochs": 15, "random_state": 0}
for name, transformer in {
    "PCA": PCA(16, random_state=0),
    "BiGAN": BiGANTransformer(**settings),
    "BiGAN, displace": BiGANTransformer(augmentation=["displace", "swap"], **settings),
}.items():
    pipe = make_pipeline(transformer, KNeighborsClassifier(1)).fit(X_train, y)
    print(f"{name:<16} {pipe.score(X_test, y):.3f}")

# %%
# Here all are level. Where small shifts do not matter to the answer, as in handwriting,
# displacement is worth :doc:`a point or more <../features>`.
