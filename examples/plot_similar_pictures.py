"""
Find similar pictures: codes of a folder of photographs
=======================================================

A folder of photographs goes in by a Dataset of ten lines. Nearest neighbours among the codes are
pictures that look alike, whatever their light and whichever way they face.
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image, ImageOps
from sklearn.cluster import KMeans
from sklearn.datasets import load_sample_images
from sklearn.neighbors import NearestNeighbors
from torch.utils.data import Dataset

from sk_bigan import BiGANTransformer

parser = argparse.ArgumentParser(description="Find similar pictures")
parser.add_argument("--output", type=Path, default=Path("similar.png"), help="the picture")
parser.add_argument("--epochs", type=int, default=30)
args = parser.parse_args()

# %%
# Tiles of the two photographs that scikit-learn brings along stand for a folder of photographs. No
# tile overlaps another. Take a folder of your own in its place.

TILE = 40
temporary = TemporaryDirectory()
folder = Path(temporary.name)
for name, photograph in zip(("temple", "flower"), load_sample_images().images, strict=True):
    height, width, _ = photograph.shape
    for top in range(0, height - TILE + 1, TILE):
        for left in range(0, width - TILE + 1, TILE):
            tile = Image.fromarray(photograph[top : top + TILE, left : left + TILE])
            tile.save(folder / f"{name}-{top:03}-{left:03}.png")


class Pictures(Dataset):
    """Pictures in files of any size, cut to squares and read when their turn comes."""

    def __init__(self, paths, side=32):
        self.paths, self.side = list(paths), side

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, i):
        with Image.open(self.paths[i]) as picture:
            return ImageOps.fit(picture.convert("RGB"), (self.side, self.side))


pictures = Pictures(sorted(folder.glob("*.png")))

# %%
# The recipe for photographs: convolutions with pooling, and an encoder that sees parts of a
# picture, mirrored, in another light, while it learns.

bigan = BiGANTransformer(
    latent_dim=32,
    architecture="pooled",
    augmentation=["crop", "mirror", "colour"],
    batch_size=64,
    max_epochs=args.epochs,
    random_state=0,
)
codes = bigan.fit_transform(pictures)

# %%
# The nearest codes, and for comparison the nearest pixels. Tiles of one photograph should find each
# other.

pixels = np.stack([np.asarray(picture).ravel() for picture in pictures]).astype(float)
photograph_of = np.array([path.name.split("-")[0] for path in pictures.paths])


def neighbours(features, n_neighbors=5):
    """The nearest other pictures of each, (n, n_neighbors)."""
    # Without rows, the neighbours of the rows that were learned, themselves left out.
    return NearestNeighbors(n_neighbors=n_neighbors).fit(features).kneighbors()[1]


found = {"codes": neighbours(codes), "pixels": neighbours(pixels)}
for name, nearest in found.items():
    same = photograph_of[nearest] == photograph_of[:, np.newaxis]
    print(f"{name}: {same.mean():.1%} of neighbours are of the same photograph")

# %%
# One row a picture: itself, and the five whose codes are nearest. The six pictures are the ones in
# the middle of clusters of codes.

queries = KMeans(6, n_init=3, random_state=0).fit(codes).transform(codes).argmin(axis=0)
figure, axes = plt.subplots(len(queries), 6, figsize=(6, 6.4), layout="constrained")
for row, query in zip(axes, queries, strict=True):
    for axis, i in zip(row, [query, *found["codes"][query]], strict=True):
        axis.imshow(pictures[i])
        axis.set_axis_off()
axes[0, 0].set_title("picture")
axes[0, 1].set_title("nearest codes", loc="left")
figure.savefig(args.output, dpi=100)
temporary.cleanup()
