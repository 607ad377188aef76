"""Figures of codes, side by side for several estimators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.utils import Bunch, check_random_state, column_or_1d
from sklearn.utils._optional_dependencies import check_pandas_support
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_consistent_length

from .figures import FEWEST_TEST_ROWS, measure
from .folds import shuffled_folds
from .transformers import check_rows_differ, check_transformer, flat
from .units import InUnits


def evaluate(
    estimators: Any,
    X: ArrayLike,
    y: ArrayLike | None = None,
    *,
    cv: Any = 3,
    with_pca: bool = True,
    n_jobs: int | None = None,
    random_state: int | np.random.RandomState | None = None,
    as_frame: bool = False,
) -> Bunch:
    """Measure how good the codes of estimators are, by cross-validation.

    Clones are fitted on the training rows of each fold, without `y`, and measured on the test rows.

    Parameters
    ----------
    estimators : transformer, list of transformers, or dict of transformers by name
        With `fit` and `transform`. They keep their own seeds.

    X : array-like or frame
        Rows or images of numbers.

    y : array-like of shape (n_samples,), default=None
        Classes.

    cv : int, cross-validation generator or iterable, default=3
        Folds, as in :func:`sklearn.model_selection.cross_validate`. An int makes folds of shuffled
        rows, which keep the shares of the classes.

    with_pca : bool, default=True
        Whether to measure PCA too, once for each number of codes that `estimators` give. It gets
        columns in the units of ``BiGANTransformer(scaling="auto")``. An estimator that you name
        ``"PCA(2)"`` stands in the place of PCA with 2 components.

    n_jobs : int, default=None
        Number of fits at a time, each in a process, as in joblib. Seconds are longer with several.

    random_state : int, RandomState instance or None, default=None
        Source of the folds, of the initial clusters, of the rows whose distances are measured and
        of the few labels.

    as_frame : bool, default=False
        Whether `table` is a frame of pandas.

    Returns
    -------
    result : Bunch
        `names` are the names of the estimators. `table` is a frame with a row for each, or a Bunch
        of ndarrays of shape (n_estimators,), with these means over the folds:

        n_codes
            Number of codes.
        explained
            Share of the variation that reconstructions explain; NaN without `inverse_transform`.
        trustworthiness
            As :func:`sklearn.manifold.trustworthiness`, for 5 neighbours: 1 if all neighbours of
            codes are neighbours in X.
        neighbors_kept
            Share of the 5 nearest neighbours in X that are among the 5 nearest in codes.
        silhouette
            Silhouette of the clusters of k-means in codes: as many as classes, or 8 without `y`.
            NaN where all codes are the same, or a fold has no more test rows than classes.
        accuracy_1nn, accuracy_linear
            With `y`, accuracies of the nearest neighbour and of a logistic regression on
            standardised codes.
        accuracy_few_labels
            With `y`, accuracy of a logistic regression that is fitted on 5 rows per class, mean
            over 10 draws.
        seconds
            Time of `fit`.

        Distances are those of 2,000 random test rows at most. X is in the units that PCA gets.

    Raises
    ------
    TypeError
        If an estimator has no `transform`.
    ValueError
        If there is no estimator, `y` has another length than X or holds no classes or too many for
        the folds, X holds no numbers or equal rows alone, or a fold has fewer than 11 test rows or
        one class to train on.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sk_bigan import BiGANTransformer
    >>> from sk_bigan.inspection import evaluate
    >>> X, y = load_iris(return_X_y=True)
    >>> bigan = BiGANTransformer(latent_dim=2, max_epochs=20, random_state=0)
    >>> evaluate(bigan, X, y, random_state=0).names
    ['BiGANTransformer', 'PCA(2)']
    """
    pandas = check_pandas_support("evaluate") if as_frame else None
    named = by_name(estimators)
    if not named:
        raise ValueError("estimators must be at least one transformer, got none")
    for estimator in named.values():
        check_transformer(estimator)
    rows = flat(X)
    classes = None if y is None else classes_of(y, rows, cv)
    random = check_random_state(random_state)
    folds = shuffled_folds(cv, rows, classes, random)
    if (n_least := min(len(test) for _, test in folds)) < FEWEST_TEST_ROWS:
        raise ValueError(
            f"X must have at least {FEWEST_TEST_ROWS} test rows in each fold, got {n_least} of "
            f"{len(rows)} rows with cv={cv!r}"
        )
    check_rows_differ(rows)
    if classes is not None and min(len(np.unique(classes[train])) for train, _ in folds) < 2:
        raise ValueError(
            "y must hold at least two classes in the training rows of each fold, got one"
        )
    seeds = random.randint(np.iinfo(np.int32).max, size=len(folds))

    def measure_all(all_of_them: Mapping[str, Any]) -> dict[str, dict[str, float]]:
        measured = Parallel(n_jobs=n_jobs)(
            delayed(measure)(estimator, X, classes, *fold, seed)
            for estimator in all_of_them.values()
            for fold, seed in zip(folds, seeds, strict=True)
        )
        by_estimator = [measured[i : i + len(folds)] for i in range(0, len(measured), len(folds))]
        return {
            name: {
                key: float(np.mean([figures[key] for figures in of_folds])) for key in of_folds[0]
            }
            for name, of_folds in zip(all_of_them, by_estimator, strict=True)
        }

    figures = measure_all(named)
    if with_pca:
        most = min(rows.shape[1], *(len(train) for train, _ in folds))
        widths = {min(int(of_one["n_codes"]), most) for of_one in figures.values()}
        pcas = {
            f"PCA({k})": make_pipeline(InUnits(), PCA(k, random_state=0)) for k in sorted(widths)
        }
        others = {name: pca for name, pca in pcas.items() if name not in named}
        figures |= measure_all(others)
    names = [*figures]
    columns = [*figures[names[0]]]
    values = np.array([[figures[name][column] for column in columns] for name in names])
    table = Bunch(**dict(zip(columns, values.T, strict=True)))
    if pandas is not None:
        table = pandas.DataFrame(table, names)
    return Bunch(names=names, table=table)


def classes_of(y: ArrayLike, rows: np.ndarray, cv: Any) -> np.ndarray:
    """Return y as an array, if it holds classes that so many folds can be made of."""
    classes = column_or_1d(y)
    check_consistent_length(rows, classes)
    if classes.dtype == object and not all(isinstance(label, str) for label in classes):
        types = sorted({type(label).__name__ for label in classes})
        raise ValueError(
            f"y must hold classes as integers or texts, got {', '.join(types)} in an array of "
            "objects"
        )
    if classes.dtype.kind == "f" and not np.isfinite(classes).all():
        raise ValueError("y must hold classes as integers or texts, got NaN or infinity")
    if (kind := type_of_target(classes)) not in ("binary", "multiclass"):
        raise ValueError(f"y must hold classes, got {kind} values")
    n_classes = len(np.unique(classes))
    if isinstance(cv, Integral) and n_classes * int(cv) > len(classes):
        raise ValueError(
            f"y must hold classes of at least {cv} rows, as many as folds, on average, got "
            f"{n_classes} different values in {len(classes)} rows"
        )
    return classes


def by_name(estimators: Any) -> dict[str, Any]:
    """Return estimators by their names, which are numbered where classes repeat."""
    if isinstance(estimators, Mapping):
        return dict(estimators)
    if not isinstance(estimators, Sequence):
        estimators = [estimators]
    names = [type(estimator).__name__ for estimator in estimators]
    numbered = [
        f"{name} {names[: i + 1].count(name)}" if names.count(name) > 1 else name
        for i, name in enumerate(names)
    ]
    return dict(zip(numbered, estimators, strict=True))
