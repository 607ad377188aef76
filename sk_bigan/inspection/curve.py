"""Explained shares over the number of codes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.utils import Bunch, _safe_indexing, check_random_state
from sklearn.utils.parallel import Parallel, delayed

from .._data.frames import table_of
from ..display.coding import is_invertible
from .folds import shuffled_folds
from .transformers import check_rows_differ, check_transformer, flat
from .units import explained_share, scaler_of


def latent_dim_curve(
    estimator: Any,
    X: ArrayLike,
    latent_dims: ArrayLike,
    *,
    param_name: str = "latent_dim",
    cv: Any = 3,
    n_jobs: int | None = None,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    """Measure how much of held-out rows codes of each length explain, beside PCA.

    Parameters
    ----------
    estimator : transformer
        With `fit`, `transform` and `inverse_transform`.

    X : array-like or frame
        Rows or images of numbers.

    latent_dims : array-like of int
        Lengths of a code.

    param_name : str, default="latent_dim"
        Parameter of the estimator that is the length, as "n_components" of a PCA, or
        "bigantransformer__latent_dim" of a Pipeline.

    cv : int, cross-validation generator or iterable, default=3
        Folds, as in :func:`sklearn.model_selection.cross_validate`. An int makes folds of shuffled
        rows.

    n_jobs : int, default=None
        Number of fits at a time, each in a process, as in joblib.

    random_state : int, RandomState instance or None, default=None
        Source of the folds. The estimator keeps its own seed.

    Returns
    -------
    result : Bunch
        With the attributes

        latent_dims : ndarray of shape (n_dims,)
            Lengths of a code.
        scores, pca_scores : ndarray of shape (n_dims, n_folds)
            Share of the variation of the test rows that reconstructions explain, in the units of
            ``BiGANTransformer(scaling="auto")``, which PCA gets too. 1 is perfect, and the mean of
            the training rows as a prediction scores 0.

    Raises
    ------
    TypeError
        If `estimator` has no `transform`, or no `inverse_transform` of its codes.
    ValueError
        If `latent_dims` are not positive integers, `param_name` is no parameter, or all rows of X
        are equal.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sk_bigan import BiGANTransformer
    >>> from sk_bigan.inspection import latent_dim_curve
    >>> X, _ = load_iris(return_X_y=True)
    >>> bigan = BiGANTransformer(max_epochs=20, random_state=0)
    >>> latent_dim_curve(bigan, X, [1, 2]).scores.shape
    (2, 3)
    """
    check_transformer(estimator)
    if not is_invertible(estimator):
        raise TypeError(
            "estimator must have the method inverse_transform, for what its transform gives, got "
            f"{estimator!r}"
        )
    dims = np.asarray(latent_dims)
    if dims.ndim != 1 or not dims.size or dims.dtype.kind not in "iu" or dims.min() < 1:
        raise ValueError(f"latent_dims must be positive integers, got {latent_dims!r}")
    X = table_of(X)
    rows = flat(X)
    folds = shuffled_folds(cv, rows, None, check_random_state(random_state))
    check_rows_differ(rows)

    def score(latent_dim: int, train: np.ndarray, test: np.ndarray) -> float:
        X_train, X_test = _safe_indexing(X, train), _safe_indexing(X, test)
        fitted = clone(estimator).set_params(**{param_name: latent_dim}).fit(X_train)
        return explained_share(fitted, X_train, X_test)

    scores = Parallel(n_jobs=n_jobs)(
        delayed(score)(latent_dim, *fold) for latent_dim in dims.tolist() for fold in folds
    )
    pca_scores = [
        pca_shares(_safe_indexing(X, train), _safe_indexing(X, test), dims) for train, test in folds
    ]
    return Bunch(
        latent_dims=dims,
        scores=np.reshape(scores, (len(dims), len(folds))),
        pca_scores=np.transpose(pca_scores),
    )


def pca_shares(X_train: Any, X_test: Any, n_components: np.ndarray) -> np.ndarray:
    """Return `explained_share` of PCAs with these numbers of components."""
    scaler = scaler_of(X_train)
    pca = PCA(random_state=0).fit(scaler.transform(flat(X_train)))
    deviations = scaler.transform(flat(X_test)) - pca.mean_
    explained = np.sum((deviations @ pca.components_.T) ** 2, axis=0)  # by component
    shares = np.cumsum(explained) / np.sum(deviations**2)
    return shares[np.minimum(n_components, len(shares)) - 1]
