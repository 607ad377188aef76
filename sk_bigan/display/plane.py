"""Codes as points in a plane: by their principal components, t-SNE or UMAP."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from sklearn.decomposition import PCA

from .._machine.extras import missing

FEW = 1 / 200  # of the rows, on either side of an axis, which its limits may leave out
FEWEST_OF_UMAP = 4  # rows, without a warning of its own
FEWEST = 20  # rows of which some are outliers


class Plane(NamedTuple):
    """Codes in a plane.

    Parameters
    ----------
    points : ndarray of shape (n, 2)
    axis_labels : pair of str
    origin : ndarray of shape (latent_dim,), default=None
    directions : ndarray of shape (2, latent_dim), default=None
        Where the map of codes is linear: ``points = (codes - origin) @ directions.T``.
    """

    points: np.ndarray
    axis_labels: Sequence[str]
    origin: np.ndarray | None = None
    directions: np.ndarray | None = None


def in_a_plane(codes: np.ndarray, groups: np.ndarray | None = None, method: str = "pca") -> Plane:
    """Return codes in a plane.

    Two coordinates stay as they are, more are mapped by the method. One stands beside its empirical
    distribution.

    Parameters
    ----------
    codes : ndarray of shape (n, latent_dim)
    groups : ndarray of shape (n,), default=None
        Classes, of which each gets a distribution of its own if codes are single numbers.
    method : str, default="pca"
        A key of `METHODS`.
    """
    if codes.shape[1] == 1:
        return _beside_distribution(codes, groups)
    if codes.shape[1] == 2:
        return Plane(codes, ("z0", "z1"), np.zeros(2), np.eye(2))
    if len(codes) < 2:
        raise ValueError("codes of more than two columns must have at least two rows, got 1")
    return METHODS[method](codes)


def _beside_distribution(codes: np.ndarray, groups: np.ndarray | None) -> Plane:
    whose = "codes" if groups is None else "the class's codes"
    groups = np.zeros(len(codes)) if groups is None else groups
    shares = np.empty(len(codes))
    for group in np.unique(groups):
        values = codes[groups == group, 0]
        ranks = np.searchsorted(np.sort(values), values, side="right")
        shares[groups == group] = ranks / len(values)
    return Plane(np.column_stack([codes, shares]), ("z0", f"share of {whose} up to this one"))


def _by_pca(codes: np.ndarray) -> Plane:
    with np.errstate(invalid="ignore"):  # 0 / 0 where codes do not vary
        pca = PCA(2, svd_solver="full").fit(codes)
    labels = [
        f"{which} principal component of z, {share:.0%} of the variance"
        for which, share in zip(
            ["first", "second"], np.nan_to_num(pca.explained_variance_ratio_), strict=True
        )
    ]
    return Plane(np.asarray(pca.transform(codes)), labels, pca.mean_, pca.components_)


def _by_tsne(codes: np.ndarray) -> Plane:
    from sklearn.manifold import TSNE  # whose import takes long

    perplexity = min(30, (len(codes) - 1) / 3)  # it must be below the number of rows
    tsne = TSNE(perplexity=perplexity, random_state=0)
    points = np.asarray(tsne.fit_transform(codes))
    return Plane(points, ("first coordinate of t-SNE", "second coordinate of t-SNE"))


def _by_umap(codes: np.ndarray) -> Plane:
    try:
        from umap import UMAP
    except ImportError as error:
        raise missing("umap", "method='umap'") from error
    if len(codes) < FEWEST_OF_UMAP:
        raise ValueError(
            f"method='umap' needs at least {FEWEST_OF_UMAP} rows of codes, got {len(codes)}"
        )
    # With a seed it takes one job, and warns if it is not told so.
    umap = UMAP(n_neighbors=min(15, len(codes) - 1), random_state=0, n_jobs=1)
    n_threads = torch.get_num_threads()
    try:
        points = np.asarray(umap.fit_transform(codes))
    finally:
        torch.set_num_threads(n_threads)  # numba sets OpenMP's, on which the bits of fits depend
    return Plane(points, ("first coordinate of UMAP", "second coordinate of UMAP"))


METHODS: dict[str, Callable[[np.ndarray], Plane]] = {
    "pca": _by_pca,
    "tsne": _by_tsne,
    "umap": _by_umap,
}


def check_method(method: str) -> None:
    if method not in METHODS:
        raise ValueError(f"method must be one of {[*METHODS]}, got {method!r}")


def axis_limits(values: np.ndarray) -> tuple[float, float]:
    """Return the least and the greatest value that an axis must show.

    Values further from the bulk than the bulk is wide are left out if they are very few.
    """
    n_few = max(2, int(len(values) * FEW))
    if len(values) < FEWEST:
        return values.min(), values.max()
    ordered = np.sort(values)
    low, high = ordered[n_few], ordered[-1 - n_few]
    if low == high:
        return ordered[0], ordered[-1]
    width = high - low
    near = ordered[(ordered >= low - width) & (ordered <= high + width)]
    return near[0], near[-1]
