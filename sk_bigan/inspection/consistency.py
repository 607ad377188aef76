"""Agreement of the codes of refits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Bunch

from .refits import refit
from .transformers import encode

PENALTIES = np.logspace(-6, 3, 10)  # of the squared weights, for standardised codes
ROUNDING = 4 * np.finfo(np.float32).eps  # of equal codes, as a share of them: networks compute so


def consistency(
    estimator: Any,
    X: ArrayLike,
    *,
    n_repeats: int = 5,
    resample: bool = False,
    n_jobs: int | None = None,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    """Measure how far refits with other seeds learn the same codes.

    Two codes are the same if a linear map makes one of the other, as in the consistency of CEBRA
    [1]_. A third of the rows is held out from all refits. The map is fitted on one half of these
    rows and predicts the other half, and the other way round.

    Parameters
    ----------
    estimator : transformer
        With `fit` and `transform`, for instance a Pipeline. Clones of it are fitted, with other
        seeds in each parameter `random_state`, also of nested estimators.

    X : array-like or frame
        Rows or images as `estimator` takes them, at least 12.

    n_repeats : int, default=5
        Number of refits.

    resample : bool, default=False
        Whether each refit gets another half of the rows that are not held out. The codes then also
        tell how far they depend on the rows.

    n_jobs : int, default=None
        Number of refits at a time, each in a process, as in joblib.

    random_state : int, RandomState instance or None, default=None
        Source of the seeds and of the rows held out.

    Returns
    -------
    result : Bunch
        With the attributes

        matrix : ndarray of shape (n_repeats, n_repeats)
            R2 of the prediction of the codes of refit j from those of refit i, weighted by the
            variances of the codes. The diagonal is 1. NaN where the codes of refit j are the same
            in all rows: an encoder that has collapsed agrees with nothing.
        mean, std : float
            Mean and standard deviation of `matrix` outside its diagonal.
        codes : list of n_repeats ndarrays of shape (n_held_out, n_codes)
            Codes of the rows held out.

    Raises
    ------
    TypeError
        If `estimator` has no `transform`.
    ValueError
        If X has fewer than 12 rows, or `n_repeats` is below 2.

    References
    ----------
    .. [1] Schneider, Lee, Mathis. "Learnable latent embeddings for joint behavioural and neural
           analysis". Nature 2023. arXiv:2204.00673.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.decomposition import PCA
    >>> from sk_bigan.inspection import consistency
    >>> X, _ = load_iris(return_X_y=True)
    >>> round(consistency(PCA(2), X, random_state=0).mean, 6)
    1.0
    """
    codes = refit(
        estimator,
        X,
        lambda fitted, X_train, X_test: encode(fitted, X_test),
        n_repeats=n_repeats,
        resample=resample,
        n_jobs=n_jobs,
        random_state=random_state,
    )
    return agreement(codes)


def agreement(codes: list[np.ndarray]) -> Bunch:
    """Return `matrix`, `mean` and `std` of codes of the same rows, and the codes."""
    n = len(codes)
    matrix = np.eye(n)
    for i, j in np.argwhere(~np.eye(n, dtype=bool)):
        matrix[i, j] = linear_r2(codes[i], codes[j])
    pairs = matrix[~np.eye(n, dtype=bool)]
    return Bunch(matrix=matrix, mean=float(pairs.mean()), std=float(pairs.std()), codes=codes)


def linear_r2(codes: np.ndarray, others: np.ndarray) -> float:
    """Return the R2 of linear predictions of other codes, in two folds of the rows.

    NaN where the other codes do not vary.

    Parameters
    ----------
    codes : ndarray of shape (n, n_codes)
    others : ndarray of shape (n, n_others)
    """
    if (np.ptp(others, axis=0) <= ROUNDING * np.abs(others).max(axis=0)).all():
        return np.nan
    linear = make_pipeline(StandardScaler(), RidgeCV(PENALTIES))
    predicted = cross_val_predict(linear, codes, others, cv=2)
    return r2_score(others, predicted, multioutput="variance_weighted")
