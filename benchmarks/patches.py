"""A dictionary of patches: features of images without a network (Coates, Ng & Lee 2011, AISTATS).

"An Analysis of Single-Layer Networks in Unsupervised Feature Learning", Sections 3.1 to 3.2.3, with
its 6 x 6 patches at every place; 800 centroids and 4 quadrants make 3,200 features.
"""

import numpy as np
import torch
from sklearn.cluster import KMeans
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, unfold

SIDE = 6
N_CENTROIDS = 800
N_PATCHES = 100_000  # that whitening and centroids are learned from
CONTRAST_FLOOR = 10 / 127.5**2  # added to a patch's variance: 10 where pixels are 0 to 255
WHITENING_FLOOR = 0.1  # added to the eigenvalues of the covariance of patches
IMAGES_AT_ONCE = 64


def normalised_patches(images: Tensor) -> Tensor:
    """Return every patch with zero mean and unit contrast, (n, n_places, n_values)."""
    patches = unfold(images, SIDE).transpose(1, 2)
    centred = patches - patches.mean(2, keepdim=True)
    return centred / (centred.var(2, keepdim=True) + CONTRAST_FLOOR).sqrt()


class PatchDictionary:
    """Whitened patches, k-means, the triangle activation, means over quadrants.

    Parameters
    ----------
    shape : tuple of int
        (channels, height, width) of the images, whose flat rows are on [-1, 1].
    seed : int
    """

    def __init__(self, shape: tuple[int, int, int], seed: int):
        self.shape = shape
        self.seed = seed

    def fit(self, X: np.ndarray) -> "PatchDictionary":
        generator = np.random.default_rng(self.seed)
        some = generator.choice(len(X), min(len(X), N_PATCHES // 10), replace=False)
        patches = torch.cat(
            [self._some_patches(images, generator) for images in self._images(X[some])]
        )
        self.mean_ = patches.mean(0)
        values, vectors = torch.linalg.eigh((patches - self.mean_).T.cov())
        self.whitening_ = (vectors / (values + WHITENING_FLOOR).sqrt()) @ vectors.T
        white = ((patches - self.mean_) @ self.whitening_).numpy()
        kmeans = KMeans(N_CENTROIDS, n_init=1, max_iter=50, random_state=self.seed).fit(white)
        self.centroids_ = torch.from_numpy(kmeans.cluster_centers_)
        return self

    @property
    def n_places(self) -> int:
        _, height, width = self.shape
        return (height - SIDE + 1) * (width - SIDE + 1)

    def transform(self, X: np.ndarray) -> np.ndarray:
        return np.concatenate([self._encode(images).numpy() for images in self._images(X)])

    def _images(self, X: np.ndarray) -> tuple[Tensor, ...]:
        return torch.from_numpy(X).unflatten(1, self.shape).split(IMAGES_AT_ONCE)

    def _some_patches(self, images: Tensor, generator: np.random.Generator) -> Tensor:
        places = generator.choice(self.n_places, 10, replace=False)
        return normalised_patches(images)[:, places].flatten(0, 1)

    def _encode(self, images: Tensor) -> Tensor:
        white = (normalised_patches(images) - self.mean_) @ self.whitening_
        distances = torch.cdist(white, self.centroids_.expand(len(white), -1, -1))
        triangle = (distances.mean(2, keepdim=True) - distances).relu()  # equation 4
        maps = triangle.transpose(1, 2).unflatten(
            2, (self.shape[1] - SIDE + 1, self.shape[2] - SIDE + 1)
        )
        return adaptive_avg_pool2d(maps, 2).flatten(1)
