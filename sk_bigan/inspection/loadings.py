"""Loadings: the columns that drive each code."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Bunch, _safe_indexing
from sklearn.utils._optional_dependencies import check_pandas_support
from sklearn.utils.validation import _num_samples, check_is_fitted

from .._data.frames import table_of
from .jacobian import jacobian
from .names import code_names, column_names
from .transformers import check_transformer, encode, flat

MOST_VALUES = 2**24  # of the Jacobians of the rows that are computed at a time: 128 MB


def loadings(estimator: Any, X: ArrayLike, *, as_frame: bool = False) -> Bunch:
    r"""Return how far each code changes with each column of X.

    The loading of a column on a code is the derivative :math:`\partial z / \partial x`, in units of
    the code per unit of the column. Those of a linear map are its weights; PCA's are its
    `components_`. The derivatives of other maps differ from row to row, and two means are given.
    A mean near zero beside a large mean of absolute values tells of a column that raises the code
    in some rows and lowers it in others.

    Derivatives of a BiGAN, of scikit-learn's scalers, of PCA and of pipelines of these are exact.
    Others are central differences with steps of a thousandth of each column's standard deviation,
    which take two calls of `transform` per column. These need a `transform` that is smooth and does
    not draw random numbers.

    Parameters
    ----------
    estimator : fitted transformer
        For instance a :class:`~sk_bigan.BiGANTransformer` or a Pipeline.

    X : array-like or frame
        Rows or images of numbers without gaps, over which the means are taken.

    as_frame : bool, default=False
        Whether `mean` and `mean_absolute` are frames of pandas.

    Returns
    -------
    result : Bunch
        With the attributes

        mean, mean_absolute : ndarray or frame of shape (n_features, n_codes)
            Mean of the derivatives and of their absolute values. Rows are the columns of X.
        feature_names_in : ndarray of shape (n_features,)
            Names of the columns of X.
        feature_names_out : ndarray of shape (n_codes,)
            Names of the codes.

    Raises
    ------
    NotFittedError
        Before `fit`.
    TypeError
        If `estimator` has no `transform`.
    ValueError
        If X is not as in `fit`, or the estimator encodes categories, along which there is no
        derivative.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.decomposition import PCA
    >>> from sk_bigan.inspection import loadings
    >>> X, _ = load_iris(return_X_y=True)
    >>> pca = PCA(2).fit(X)
    >>> np.allclose(loadings(pca, X).mean, pca.components_.T)
    True
    """
    pandas = check_pandas_support("loadings") if as_frame else None
    check_transformer(estimator)
    check_is_fitted(estimator)
    X = table_of(X)
    rows = flat(X)
    n_rows, n_features = rows.shape
    deviations = rows.std(axis=0)
    n_codes = encode(estimator, _safe_indexing(X, [0])).shape[1]
    n_at_once = max(1, MOST_VALUES // (n_codes * n_features))
    total = np.zeros((2, n_codes, n_features))
    for start in range(0, n_rows, n_at_once):
        chunk = _safe_indexing(X, slice(start, start + n_at_once))
        derivatives = jacobian(estimator, chunk, deviations)
        means = np.stack([derivatives.mean(axis=0), np.abs(derivatives).mean(axis=0)])
        total += _num_samples(chunk) * means
    result = Bunch(
        mean=total[0].T / n_rows,
        mean_absolute=total[1].T / n_rows,
        feature_names_in=column_names(X, n_features),
        feature_names_out=code_names(estimator, n_codes),
    )
    if pandas is not None:
        for key in ("mean", "mean_absolute"):
            result[key] = pandas.DataFrame(
                result[key], result.feature_names_in, result.feature_names_out
            )
    return result
