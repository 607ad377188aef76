"""Refits of an estimator on the same rows with other seeds."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.ensemble._base import _set_random_states
from sklearn.model_selection import train_test_split
from sklearn.utils import _safe_indexing, check_random_state, check_scalar
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import _num_samples

from .._data.frames import table_of
from .transformers import check_transformer

T = TypeVar("T")

HELD_OUT = 1 / 3  # of the rows
FEWEST_ROWS = 12  # for codes of two halves of the rows held out


def refit(
    estimator: Any,
    X: ArrayLike,
    measure: Callable[[Any, Any, Any], T],
    *,
    n_repeats: int,
    resample: bool,
    n_jobs: int | None,
    random_state: int | np.random.RandomState | None,
) -> list[T]:
    """Fit clones with other seeds and return what `measure` gives for each.

    Parameters
    ----------
    estimator : transformer
    X : array-like
    measure : callable, (fitted, X_train, X_test) -> object
        X_test has the same third of the rows for all clones, which none is fitted on.
    n_repeats : int
    resample : bool
        Whether each clone gets a half of the other rows, drawn at random.
    n_jobs : int or None
    random_state : int, RandomState or None
        Source of the seeds, of the rows held out and of the halves.
    """
    check_transformer(estimator)
    check_scalar(n_repeats, "n_repeats", Integral, min_val=2)
    X = table_of(X)
    n_rows = _num_samples(X)
    if n_rows < FEWEST_ROWS:
        raise ValueError(f"X must have at least {FEWEST_ROWS} rows, got {n_rows}")
    random = check_random_state(random_state)
    train, test = train_test_split(np.arange(n_rows), test_size=HELD_OUT, random_state=random)
    X_test = _safe_indexing(X, test)

    def one(seed: int, rows: np.ndarray) -> T:
        X_train = _safe_indexing(X, rows)
        refitted = clone(estimator)
        _set_random_states(refitted, np.random.RandomState(seed))
        return measure(refitted.fit(X_train), X_train, X_test)

    jobs = []
    for seed in random.randint(np.iinfo(np.int32).max, size=n_repeats):
        rows = random.choice(train, len(train) // 2, replace=False) if resample else train
        jobs.append(delayed(one)(seed, rows))
    return list(Parallel(n_jobs=n_jobs)(jobs))
