"""Codes of any fitted transformer, and rows made of codes."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.decomposition import PCA, KernelPCA, TruncatedSVD
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from ..transformer import BiGANTransformer
from .common import codes_of

AFFINE = (MaxAbsScaler, MinMaxScaler, PCA, RobustScaler, StandardScaler, TruncatedSVD)


class Coder:
    """A fitted transformer's way from rows to codes and back.

    Codes of a BiGAN are E(x), whatever its `features` are, also within a Pipeline and whatever
    comes behind it there. Codes of others are the output of `transform`.

    Parameters
    ----------
    estimator : BiGANTransformer, Pipeline or transformer

    Attributes
    ----------
    bigan : BiGANTransformer or None
    before : list of transformers
        The steps before the BiGAN.

    Raises
    ------
    NotFittedError
        Before `fit`.
    TypeError
        If there is neither a BiGAN nor a `transform`.
    """

    def __init__(self, estimator: Any):
        while isinstance(estimator, FrozenEstimator):
            estimator = estimator.estimator
        self.estimator = estimator
        steps = steps_of(estimator)
        places = [i for i, step in enumerate(steps) if isinstance(step, BiGANTransformer)]
        self.bigan: BiGANTransformer | None = steps[places[0]] if places else None
        self.before: list[Any] = steps[: places[0]] if places else []
        if self.bigan is None and not hasattr(estimator, "transform"):
            raise TypeError(
                "estimator must be a BiGANTransformer, a Pipeline with one or another transformer, "
                f"got {type(estimator).__name__}"
            )
        check_is_fitted(self.estimator if self.bigan is None else self.bigan)

    def to_step(self, X: Any) -> Any:
        """Return X as it gets to the BiGAN."""
        for step in self.before:
            X = step.transform(X)
        return X

    def encode(self, X: Any) -> np.ndarray:
        """Return codes of shape (n, n_codes)."""
        if self.bigan is not None:
            return codes_of(self.bigan, self.to_step(X))
        codes = self.estimator.transform(X)
        codes = codes.toarray() if hasattr(codes, "toarray") else codes
        return check_array(codes, input_name="the output of transform")

    @property
    def can_decode(self) -> bool:
        """Return whether rows can be made of codes."""
        if self.bigan is None:
            return is_invertible(self.estimator)
        return all(map(is_invertible, self.before))

    def decode(self, codes: np.ndarray) -> Any:
        """Return the rows, or the table, that the codes stand for."""
        if self.bigan is None:
            return self.estimator.inverse_transform(codes)
        rows = self.bigan.model_.generate(codes)
        if hasattr(self.bigan, "columns_"):
            rows = self.bigan.columns_.inverse_transform(rows)
        for step in reversed(self.before):
            rows = step.inverse_transform(rows)
        return rows


def steps_of(estimator: Any) -> list[Any]:
    """Return the steps of an estimator one after the other, those of nested pipelines too."""
    if isinstance(estimator, FrozenEstimator):
        return steps_of(estimator.estimator)
    if not isinstance(estimator, Pipeline):
        return [estimator]
    steps = (step for _, step in estimator.steps if step is not None and step != "passthrough")
    return [inner for step in steps for inner in steps_of(step)]


def is_affine(step: Any) -> bool:
    """Return whether `transform` is a map x -> x A + b, by the class of the step."""
    return isinstance(step, AFFINE) and not getattr(step, "clip", False)


def is_invertible(estimator: Any) -> bool:
    """Return whether `inverse_transform` takes what `transform` gives."""
    return all(_is_invertible_step(step) for step in steps_of(estimator))


def _is_invertible_step(step: Any) -> bool:
    # These have the method, which fails with other settings.
    if isinstance(step, BiGANTransformer):
        return step.features == "latent"
    if isinstance(step, KernelPCA):
        return step.fit_inverse_transform
    if isinstance(step, SimpleImputer):
        return step.add_indicator
    return hasattr(step, "inverse_transform")
