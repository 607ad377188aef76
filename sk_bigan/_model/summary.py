"""A compact summary of hidden layers, as long as a code.

Its directions are those in which rows differ most, measured by how much the views of one row
differ: Fisher's discriminant with every row as a class of its own. No labels are used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.linalg import eigh
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn
from torch.nn.functional import normalize

from .format import to_tensors

N_ROWS = 4_000  # that a summary is learned from
N_ROWS_AT_FIRST = 200  # before the training, while hidden layers are of little use
N_COMPONENTS = 512  # principal components that the directions are found in
LEAST_WITHIN = 0.03  # of the variance within a row, as a share of the mean variance of all views


class Summary(nn.Linear):
    """An affine map whose outputs are scaled to one length, the root of their number.

    On a sphere, distances order neighbours as cosines do, and linear classifiers lose nothing.
    """

    def forward(self, hidden: Tensor) -> Tensor:
        outputs: Tensor = normalize(super().forward(hidden), dim=1)
        return outputs * self.out_features**0.5

    @property
    def n_rows_to_relearn(self) -> int:
        """Least rows to learn from: fewer than principal components leave directions out."""
        return min(N_COMPONENTS, self.in_features)


def learn_summary(views: Sequence[np.ndarray], latent_dim: int, seed: int) -> Summary:
    """Return the summary of hidden layers that separates rows best.

    Parameters
    ----------
    views : two ndarrays of shape (n, n_hidden)
        Hidden layers of two views of each row. Two that are equal give principal components.
    latent_dim : int
    seed : int

    Raises
    ------
    ValueError
        If the summary would be longer than there are rows or hidden values.
    """
    n_rows, n_hidden = views[0].shape
    if latent_dim > min(n_rows, n_hidden):
        raise ValueError(
            f"features='summary' needs at least latent_dim={latent_dim} rows and hidden values, "
            f"got {n_rows} rows and {n_hidden} hidden values"
        )
    scaler = StandardScaler().set_output(transform="default").fit(np.concatenate(views))
    n_components = max(latent_dim, min(N_COMPONENTS, n_rows, n_hidden))
    pca = PCA(n_components, random_state=seed).set_output(transform="default")
    pca.fit(scaler.transform(np.concatenate(views)))
    first, second = (pca.transform(scaler.transform(view)) for view in views)
    between = np.cov(np.concatenate([first, second]).T).reshape(n_components, n_components)
    within = (first - second).T @ (first - second) / (2 * n_rows)
    floor = max(LEAST_WITHIN * np.trace(between) / n_components, np.finfo(np.float32).tiny)
    _, directions = eigh(between, within + floor * np.eye(n_components))  # ascending
    weight = directions[:, : -latent_dim - 1 : -1].T @ pca.components_ / scaler.scale_
    return summary_from_arrays({"weight": weight, "bias": -weight @ scaler.mean_}, weight.shape)


def summary_from_arrays(arrays: Mapping[str, np.ndarray], shape: tuple[int, ...]) -> Summary:
    """Return the summary with these numbers.

    Raises
    ------
    ValueError
        If they are no map of (latent_dim, n_hidden) = `shape`, or not finite.
    """
    shapes = {name: array.shape for name, array in arrays.items()}
    if shapes != {"weight": shape, "bias": shape[:1]}:
        raise ValueError(f"a summary needs a weight of {shape} and a bias, got {shapes}")
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise ValueError("a summary has numbers that are not finite")
    latent_dim, n_hidden = shape
    summary = nn.utils.skip_init(Summary, n_hidden, latent_dim).requires_grad_(False)
    summary.load_state_dict(to_tensors(arrays))
    return summary
