"""The same fits on rows without structure."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Bunch, check_random_state

from .consistency import agreement
from .refits import refit
from .transformers import check_rows_differ, encode, flat
from .units import explained_share


def shuffled_control(
    estimator: Any,
    X: ArrayLike,
    *,
    n_repeats: int = 5,
    n_jobs: int | None = None,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    """Compare the fits on X with fits on X whose columns are shuffled independently.

    Shuffled columns keep their values, and lose all that they have in common. What an estimator
    finds in X, and not there, is structure.

    Parameters
    ----------
    estimator : transformer
        As :func:`consistency` takes it.

    X : array-like or frame of pandas
        Rows or images of numbers, at least 12.

    n_repeats : int, default=5
        Number of refits on X, and as many on the shuffled X.

    n_jobs : int, default=None
        Number of refits at a time, each in a process, as in joblib.

    random_state : int, RandomState instance or None, default=None
        Source of the seeds, of the rows held out and of the orders of the columns.

    Returns
    -------
    result : Bunch
        `real` and `shuffled` are Bunches with the attributes

        scores : ndarray of shape (n_repeats,)
            Share of the variation of held-out rows that their reconstructions explain, in the units
            of ``BiGANTransformer(scaling="auto")``. NaN without `inverse_transform`.
        consistency : Bunch
            As :func:`consistency` returns it.
        spectrum : ndarray of shape (n_codes,)
            Shares of the variance along the principal axes of the codes, in descending order, means
            over the refits. Equal shares mean that no direction stands out.

        `score_difference` and `consistency_difference` are the means of `real` minus those of
        `shuffled`.

    Raises
    ------
    TypeError
        If `estimator` has no `transform`.
    ValueError
        If X has fewer than 12 rows, equal rows alone or no numbers, or `n_repeats` is below 2.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.decomposition import PCA
    >>> from sk_bigan.inspection import shuffled_control
    >>> X, _ = load_iris(return_X_y=True)
    >>> control = shuffled_control(PCA(2), X, random_state=0)
    >>> control.real.scores.mean() > control.shuffled.scores.mean()
    np.True_
    """
    random = check_random_state(random_state)
    check_rows_differ(flat(X))
    parts = {}
    for name, rows in {"real": X, "shuffled": shuffle_columns(X, random)}.items():
        measured = refit(
            estimator,
            rows,
            lambda fitted, X_train, X_test: (
                encode(fitted, X_test),
                explained_share(fitted, X_train, X_test),
            ),
            n_repeats=n_repeats,
            resample=False,
            n_jobs=n_jobs,
            random_state=random,
        )
        codes = [of_refit for of_refit, _ in measured]
        parts[name] = Bunch(
            scores=np.array([score for _, score in measured]),
            consistency=agreement(codes),
            spectrum=np.mean([spectrum(of_refit) for of_refit in codes], axis=0),
        )
    real, shuffled = parts["real"], parts["shuffled"]
    return Bunch(
        **parts,
        score_difference=float(real.scores.mean() - shuffled.scores.mean()),
        consistency_difference=real.consistency.mean - shuffled.consistency.mean,
    )


def shuffle_columns(X: Any, random: np.random.RandomState) -> Any:
    """Return X with each column, or pixel, in an order of its own."""
    if hasattr(X, "iloc"):
        shuffled = X.copy()
        for j in range(X.shape[1]):
            shuffled.isetitem(j, X.iloc[random.permutation(len(X)), j].array)
        return shuffled
    X = np.asarray(X)
    columns = X.reshape(len(X), -1)
    orders = [random.permutation(len(X)) for _ in range(columns.shape[1])]
    return np.take_along_axis(columns, np.column_stack(orders), axis=0).reshape(X.shape)


def spectrum(codes: np.ndarray) -> np.ndarray:
    """Return the shares of the variance along the principal axes, in descending order."""
    variances = np.linalg.svd(codes - codes.mean(axis=0), compute_uv=False) ** 2
    return variances / (variances.sum() or 1)
