"""Displacement of values among columns that have places: `warp` for flat rows.

Neighbouring wavelengths of a spectrum, sensors on a field, or pixels in an unknown order measure
nearly the same. Their correlations show the neighbours, and so the places of all columns (Le Roux
et al. 2007, "Learning the 2-D Topology of Images", NIPS).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from math import prod
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike
from scipy.sparse import SparseEfficiencyWarning
from sklearn.manifold import Isomap
from sklearn.utils import check_array
from torch import Tensor

from ._data.rows import from_all_over

MOST_ROWS = 20_000  # on which correlations are measured
MOST_VALUES = 2**24  # in these rows: 130 MB in float64
MOST_COLUMNS = 5_000  # whose distances take 200 MB, and half a minute or, in many groups, minutes
LEAST_VARYING = 0.01  # share of rows in which a column differs from its median, to have a place
LEAST_EXTENT = 1e-6  # of places, whose distances are up to 2: what rounding leaves is less
N_FIELDS = 8  # drawn a batch, shared by its rows, since each costs a search among the columns
MOST_DISTANCES = 2**22  # computed at once, 16 MB, unless one field has more
N_WAVES = 8
WAVE_NUMBER = 3.0  # two thirds of a wave or so from end to end


class KnownPlaces(NamedTuple):
    """Numbers and places of the columns that have a place, on one device."""

    columns: Tensor  # (n_known,)
    places: Tensor  # (n_known, n_dimensions)


def rows_for_places(n_columns: int) -> int:
    """Return the most rows that `column_places` reads."""
    return min(MOST_ROWS, max(2, MOST_VALUES // n_columns))


def column_places(X: ArrayLike, n_dimensions: int = 3, n_neighbors: int = 4) -> np.ndarray:
    """Learn places of columns, close together if they vary alike, by Isomap of correlations.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Rows of the training data, in any units. At most 20,000 are read, and fewer if there are
        more than 800 columns.
    n_dimensions : int, default=3
        The most dimensions of the places; too many do no harm.
    n_neighbors : int, default=4
        Neighbours of a column in Isomap's graph, if there are enough others. More neighbours make
        shortcuts where correlations are deceptive.

    Returns
    -------
    ndarray of shape (n_features, n_dimensions)
        In [-1, 1], up to rotations and reflections; NaN for columns that differ from their median
        in less than a hundredth of the rows. With k varying columns there are at most k - 1
        dimensions.

    Raises
    ------
    ValueError
        If X is not as described, not 2 to 5,000 of its columns vary, or all vary alike.
    """
    rows: np.ndarray = check_array(X, dtype=np.float64, ensure_min_samples=2, input_name="X")
    rows = from_all_over(rows, rows_for_places(rows.shape[1]))
    varies = (np.median(rows, axis=0) != rows).mean(axis=0) >= LEAST_VARYING
    n_others = int(varies.sum()) - 1
    if not 1 <= n_others < MOST_COLUMNS:
        raise ValueError(
            f"X must have 2 to {MOST_COLUMNS:,} columns that vary for their places to be learned, "
            f"got {n_others + 1:,}; augmentation='displace' needs these places, or to be told them"
        )
    correlations = np.corrcoef(rows[:, varies], rowvar=False)
    distances = np.sqrt(np.clip(2 - 2 * correlations, 0, None))  # of standardised columns
    np.fill_diagonal(distances, 0)
    isomap = Isomap(
        metric="precomputed",
        n_neighbors=min(n_neighbors, n_others),
        n_components=min(n_dimensions, n_others),
        eigen_solver="dense",  # "arpack" would draw from NumPy's global generator
    )
    with warnings.catch_warnings():
        # It joins groups that have no neighbours in each other, as it should.
        warnings.filterwarnings("ignore", "The number of connected components")
        warnings.simplefilter("ignore", SparseEfficiencyWarning)
        found = np.asarray(isomap.fit_transform(distances))
    extent = np.abs(found).max()
    if extent < LEAST_EXTENT:
        raise ValueError(
            "X must have columns that do not all vary alike for their places to be learned"
        )
    places = np.full((len(varies), found.shape[1]), np.nan)
    places[varies] = found / extent
    return places


def displace(x: Tensor, places: ArrayLike | KnownPlaces, strength: float = 0.06) -> Tensor:
    """Give each column the value of another nearby, along smooth random fields.

    The column at p takes the value of the one nearest to p + A p + b + u(p), where u is a sum of
    eight random waves. A batch has eight such fields, each for an eighth of its rows. It takes
    memory for n_columns x n_columns numbers, or for 2**22 if these are more.

    Parameters
    ----------
    x : Tensor of shape (n, *sample_shape)
    places : array-like of shape (n_columns, n_dimensions)
        Places of the columns of x as flat rows, in [-1, 1], known or by `column_places`. Columns
        with NaN keep their values, and give none. A training passes the result of `known_places`.
    strength : float
        The standard deviation of the numbers in A, b and u.

    Raises
    ------
    ValueError
        If the number of places is not that of columns, or none is finite.
    """
    if not isinstance(places, KnownPlaces):
        places = known_places(places, x.shape[1:], x.device)
    rows = x.flatten(1)  # (n, n_columns)
    moved = _moved(places.places, strength)  # (N_FIELDS, n_known, n_dimensions)
    nearest = _nearest(moved.flatten(0, 1), places.places).view(N_FIELDS, -1)
    sources = torch.arange(rows.shape[1], device=x.device).repeat(N_FIELDS, 1)
    sources[:, places.columns] = places.columns[nearest]
    fields = torch.arange(len(rows), device=x.device) * N_FIELDS // len(rows)  # (n,)
    return rows.gather(1, sources[fields]).view_as(x)


def known_places(
    places: ArrayLike, sample_shape: Sequence[int], device: torch.device
) -> KnownPlaces:
    """Return the finite places, for samples of this shape.

    Raises
    ------
    ValueError
        If the number of places is not that of columns, or none is finite.
    """
    places, n_columns = np.asarray(places, dtype=np.float32), prod(sample_shape)
    if places.ndim != 2 or len(places) != n_columns:
        raise ValueError(
            f"places must have the shape (n_columns, n_dimensions) with n_columns={n_columns} "
            f"for samples of shape {tuple(sample_shape)}, got {places.shape}"
        )
    columns = np.flatnonzero(np.isfinite(places).all(axis=1))
    if not len(columns):
        raise ValueError(f"places must be finite numbers for some columns, got {places}")
    return KnownPlaces(
        torch.from_numpy(columns).to(device), torch.from_numpy(places[columns]).to(device)
    )


def _nearest(points: Tensor, places: Tensor) -> Tensor:
    """Return the number of each point's nearest place: the least |p|^2 / 2 - q p."""
    half_squares = places.square().sum(1) / 2
    with torch.autocast(points.device.type, enabled=False):  # short factors would move columns
        return torch.cat(
            [
                torch.addmm(half_squares, some, places.T, alpha=-1).argmin(1)
                for some in points.split(max(len(places), MOST_DISTANCES // len(places)))
            ]
        )


def _moved(places: Tensor, strength: float) -> Tensor:
    """Return p + A p + b + u(p) of every place p, (N_FIELDS, n_known, n_dimensions)."""

    def normal(*shape: int) -> Tensor:
        return torch.randn(N_FIELDS, *shape, device=places.device)

    k = places.shape[1]
    phases = 2 * torch.pi * torch.rand(N_FIELDS, 1, N_WAVES, device=places.device)
    waves = torch.cos(places @ normal(k, N_WAVES) * WAVE_NUMBER + phases)
    u = waves @ normal(N_WAVES, k) * (2 / N_WAVES) ** 0.5  # of variance 1, as the others
    return places + strength * (places @ normal(k, k) + normal(1, k) + u)
