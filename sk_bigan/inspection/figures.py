"""Figures of the codes of one fit."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import trustworthiness
from sklearn.metrics import silhouette_score
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors
from sklearn.preprocessing import StandardScaler
from sklearn.utils import _safe_indexing

from .._data.frames import table_of
from .transformers import encode, flat
from .units import explained_share, scaler_of

N_NEIGHBORS = 5
FEWEST_TEST_ROWS = 2 * N_NEIGHBORS + 1  # for the trustworthiness
N_CLUSTERS = 8  # without classes
LABELS_PER_CLASS = 5  # of the classifier with few labels
N_DRAWS = 10  # of these labels
MOST_ROWS = 2000  # whose distances are computed, since these take the square in memory


def measure(
    estimator: Any, X: Any, y: np.ndarray | None, train: np.ndarray, test: np.ndarray, seed: int
) -> dict[str, float]:
    """Return all figures of one fit."""
    X = table_of(X)
    X_train, X_test = _safe_indexing(X, train), _safe_indexing(X, test)
    random = np.random.RandomState(seed)
    start = perf_counter()
    fitted = clone(estimator).fit(X_train)
    seconds = perf_counter() - start
    codes, scaler = encode(fitted, X_test), scaler_of(X_train)
    few = random.permutation(len(codes))[:MOST_ROWS]
    figures = {
        "n_codes": codes.shape[1],
        "explained": explained_share(fitted, X_train, X_test),
        **neighbourhood_figures(scaler.transform(flat(X_test))[few], codes[few]),
    }
    n_clusters = N_CLUSTERS if y is None else len(np.unique(y))
    figures["silhouette"] = silhouette(codes, n_clusters, few, random)
    if y is not None:
        train_codes = encode(fitted, X_train)
        figures |= class_figures(train_codes, y[train], codes, y[test], random)
    return figures | {"seconds": seconds}


def neighbourhood_figures(X: np.ndarray, codes: np.ndarray) -> dict[str, float]:
    """Return how far codes keep the neighbours of X, both of shape (n, ...)."""
    in_x, in_codes = (
        NearestNeighbors(n_neighbors=N_NEIGHBORS).fit(rows).kneighbors(return_distance=False)
        for rows in (X, codes)
    )
    kept = [len(np.intersect1d(a, b)) for a, b in zip(in_x, in_codes, strict=True)]
    return {
        "trustworthiness": trustworthiness(X, codes, n_neighbors=N_NEIGHBORS),
        "neighbors_kept": float(np.mean(kept)) / N_NEIGHBORS,
    }


def silhouette(
    codes: np.ndarray, n_clusters: int, few: np.ndarray, random: np.random.RandomState
) -> float:
    """Return the silhouette of clusters in a few rows.

    NaN where codes are too few, or too much alike, for several clusters of several rows.
    """
    if n_clusters >= len(codes):
        return np.nan
    clusters = KMeans(n_clusters, n_init=10, random_state=random).fit_predict(codes)[few]
    is_one_or_all = len(np.unique(clusters)) in (1, len(few))
    return np.nan if is_one_or_all else silhouette_score(codes[few], clusters)


def class_figures(
    codes: np.ndarray,
    y: np.ndarray,
    test_codes: np.ndarray,
    y_test: np.ndarray,
    random: np.random.RandomState,
) -> dict[str, float]:
    """Return the accuracies of classifiers of the standardised codes."""
    scaler = StandardScaler().set_output(transform="default").fit(codes)
    codes, test_codes = scaler.transform(codes), scaler.transform(test_codes)
    linear = LogisticRegression(max_iter=1000)
    draws = [few_of_each_class(y, random) for _ in range(N_DRAWS)]
    of_few = [linear.fit(codes[few], y[few]).score(test_codes, y_test) for few in draws]
    return {
        "accuracy_1nn": KNeighborsClassifier(1).fit(codes, y).score(test_codes, y_test),
        "accuracy_linear": linear.fit(codes, y).score(test_codes, y_test),
        "accuracy_few_labels": float(np.mean(of_few)),
    }


def few_of_each_class(y: np.ndarray, random: np.random.RandomState) -> np.ndarray:
    """Return the numbers of random rows, at most 5 of each class."""
    members = (np.flatnonzero(y == label) for label in np.unique(y))
    return np.concatenate([random.permutation(rows)[:LABELS_PER_CLASS] for rows in members])
