"""Codes of a refit, turned onto those of the fit before."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import orthogonal_procrustes
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.validation import check_is_fitted, validate_data


class CodeAlignment(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    r"""Rotation of codes onto reference codes of the same rows.

    Two fits may learn the same features along other axes. The rotation, and if need be a
    reflection, undoes that (orthogonal Procrustes [1]_), so that a classifier of the reference
    codes goes on working after a refit.

    Parameters
    ----------
    scale : bool, default=False
        Whether to multiply all codes by one number too, the best in least squares.

    Attributes
    ----------
    rotation_ : ndarray of shape (n_codes, n_codes)
        Orthogonal matrix R in :math:`z \mapsto s \, (z - \bar{z}) R + \bar{r}`.

    scale_ : float
        The factor s, 1 without `scale`.

    mean_, reference_mean_ : ndarray of shape (n_codes,)
        Means of the codes and of the reference.

    n_features_in_ : int
        Number of codes seen during fit.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of codes seen during fit. Defined only when X has feature names that are all strings.

    See Also
    --------
    consistency : Measures how far refits learn the same codes.

    References
    ----------
    .. [1] Schönemann. "A generalized solution of the orthogonal Procrustes problem". Psychometrika
           31 (1966).

    Examples
    --------
    A pipeline that is refitted on new rows, with the codes of the model before:

    >>> from sklearn.datasets import load_digits
    >>> from sklearn.pipeline import make_pipeline
    >>> from sk_bigan import BiGANTransformer
    >>> from sk_bigan.inspection import CodeAlignment
    >>> X, _ = load_digits(return_X_y=True)
    >>> old = BiGANTransformer(latent_dim=8, max_epochs=2, random_state=0).fit(X[:900])
    >>> new = make_pipeline(
    ...     BiGANTransformer(latent_dim=8, max_epochs=2, random_state=1), CodeAlignment()
    ... )
    >>> new.fit(X[900:], old.transform(X[900:])).transform(X).shape
    (1797, 8)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {"scale": ["boolean"]}

    def __init__(self, *, scale: bool = False):
        self.scale = scale

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Learn the rotation.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_codes)
            Codes.

        y : array-like of shape (n_samples, n_codes)
            Reference codes of the same rows.

        Returns
        -------
        self : CodeAlignment

        Raises
        ------
        ValueError
            If the shapes differ, or a number is not finite.
        """
        self._validate_params()
        codes = validate_data(self, X, dtype=np.float64)
        reference = check_array(y, dtype=np.float64, input_name="y")
        check_consistent_length(codes, reference)
        if codes.shape != reference.shape:
            raise ValueError(
                f"y must have as many codes as X, {codes.shape[1]}, got {reference.shape[1]}"
            )
        self.mean_, self.reference_mean_ = codes.mean(axis=0), reference.mean(axis=0)
        centred = codes - self.mean_
        self.rotation_, trace = orthogonal_procrustes(centred, reference - self.reference_mean_)
        variation = np.sum(centred**2)
        self.scale_ = float(trace / variation) if self.scale and variation > 0 else 1.0
        self._n_features_out = codes.shape[1]
        return self

    def transform(self, X: ArrayLike) -> np.ndarray:
        """Turn codes onto the reference.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_codes)

        Returns
        -------
        ndarray of shape (n_samples, n_codes), float64
        """
        check_is_fitted(self)
        codes = validate_data(self, X, dtype=np.float64, reset=False)
        return self.scale_ * (codes - self.mean_) @ self.rotation_ + self.reference_mean_

    def inverse_transform(self, X: ArrayLike) -> np.ndarray:
        """Turn aligned codes back.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_codes)

        Returns
        -------
        ndarray of shape (n_samples, n_codes), float64

        Raises
        ------
        ValueError
            If X has another number of codes than in `fit`.
        """
        check_is_fitted(self)
        codes = check_array(X, dtype=np.float64, input_name="X")
        if codes.shape[1] != self.n_features_in_:
            raise ValueError(f"X must have {self.n_features_in_} codes, got {codes.shape[1]}")
        return (codes - self.reference_mean_) / self.scale_ @ self.rotation_.T + self.mean_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.single_output = False
        tags.target_tags.multi_output = True
        return tags
