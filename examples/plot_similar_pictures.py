"""
Find similar pictures
=====================

A folder of photographs goes in by a Dataset of ten lines. Pictures with near codes look alike,
whatever their light and whichever way they face.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image, ImageOps
from sklearn.cluster import KMeans
from sklearn.datasets import load_sample_images
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors
from torch.utils.data import Dataset

from sk_bigan import BiGANTransformer

# %%
# Tiles of two photographs stand for a folder of your own. No tile overlaps another.

TILE = 40
temporary = TemporaryDirectory()
folder = Path(temporary.name)
for name, photograph in zip(("temple", "flower"), load_sample_images().images, strict=True):
    height, width, _ = photograph.shape
    for top in range(0, height - TILE + 1, TILE):
        for left in range(0, width - TILE + 1, TILE):
            tile = Image.fromarray(photograph[top : top + TILE, left : left + TILE])
            tile.save(folder / f"{name}-{top:03}-{left:03}.png")

# %%
# Pictures may have any size. They are cut to squares, and read when their turn comes.


class Pictures(Dataset):
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
    max_epochs=12,
    random_state=0,
)
codes = bigan.fit_transform(pictures)

# %%
# Find the five nearest codes of each picture. The other tiles of its photograph are the right
# answers. Pixels and PCA give the answers to beat.

pixels = np.stack([np.asarray(picture).ravel() for picture in pictures])
photographs = np.array([path.name.split("-")[0] for path in pictures.paths])
nearest = {}
for name, features in {
    "pixels": pixels,
    "PCA": PCA(32, random_state=0).fit_transform(pixels),
    "BiGAN": codes,
}.items():
    # Without rows, kneighbors leaves each picture out of its own neighbours.
    nearest[name] = NearestNeighbors(n_neighbors=5).fit(features).kneighbors()[1]
    right = photographs[nearest[name]] == photographs[:, np.newaxis]
    print(f"{name:<7} {right.mean():.1%} of neighbours are of the same photograph")

# %%
# Four pictures from the middle of clusters, and to the right of each its five neighbours.

queries = KMeans(4, n_init=3, random_state=0).fit(codes).transform(codes).argmin(axis=0)
figure, axes = plt.subplots(4, 6, figsize=(5, 3.5), layout="constrained")
for row, query in zip(axes, queries, strict=True):
    for ax, i in zip(row, [query, *nearest["BiGAN"][query]], strict=True):
        ax.imshow(pictures[i])
        ax.set_axis_off()
axes[0, 0].set_title("picture")
axes[0, 1].set_title("its neighbours", loc="left")
plt.show()
temporary.cleanup()
