"""Folds of cross-validation."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold, check_cv

Fold = tuple[np.ndarray, np.ndarray]


def shuffled_folds(
    cv: Any, X: np.ndarray, y: np.ndarray | None, random: np.random.RandomState
) -> list[Fold]:
    """Return the numbers of the training rows and of the test rows of each fold.

    An int makes folds of shuffled rows, since tables are often sorted, by classes for instance.

    Parameters
    ----------
    cv : int, cross-validation generator or iterable
    X : ndarray of shape (n, n_features)
    y : ndarray of shape (n,) or None
        Classes, whose shares an int keeps.
    random : RandomState
    """
    if isinstance(cv, Integral):
        splitter = KFold if y is None else StratifiedKFold
        cv = splitter(int(cv), shuffle=True, random_state=random)
    return [*check_cv(cv, y, classifier=y is not None).split(X, y)]
