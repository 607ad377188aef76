"""Digits drawn by the recipe for drawings: the picture of README and of the site's first page.

    python benchmarks/drawings.py [--data mnist.npz] [--output drawings.png]

Trains "BiGAN mlp, drawings" of `features.py` on MNIST's 60,000 images as flat rows; `--data` is as
there. Samples, test images beside their reconstructions, and walks between codes of two test
images. One core needs about ten minutes.
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
from features import DRAWINGS, LATENT_DIM, load_mnist

from sk_bigan import BiGANTransformer, InterpolationDisplay, ReconstructionDisplay, SampleDisplay

SHAPE = (28, 28)


def draw(bigan, X, path):
    figure = plt.figure(figsize=(8, 4.4), layout="constrained")
    places = [["drawn", "rebuilt"], ["drawn", "walks"]]
    axes = figure.subplot_mosaic(places, height_ratios=(1, 3))
    style = {"image_shape": SHAPE, "cmap": "gray_r"}
    SampleDisplay.from_estimator(bigan, n_samples=100, ax=axes["drawn"], **style)
    ReconstructionDisplay.from_estimator(bigan, X, n_samples=10, ax=axes["rebuilt"], **style)
    InterpolationDisplay.from_estimator(bigan, X[:7], X[7:14], ax=axes["walks"], **style)
    axes["drawn"].set(title="Digits that G draws", xlabel="")
    axes["rebuilt"].set(title="Unseen digits, rebuilt from 50 numbers")
    axes["walks"].set(title="From the code of one digit to another's", xlabel="")
    figure.savefig(path, dpi=72)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--output", type=Path, default=Path("drawings.png"))
    arguments = parser.parse_args()
    X, _, X_test, _ = load_mnist(arguments.data)
    bigan = BiGANTransformer(LATENT_DIM["mnist"], random_state=0, **DRAWINGS).fit(X)
    draw(bigan, X_test, arguments.output)


if __name__ == "__main__":
    main()
