"""Codes of any fitted transformer, and rows made of codes."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from ..transformer import BiGANTransformer
from .common import encode


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
    before : Pipeline or None
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
        self.bigan: BiGANTransformer | None = None
        self.before: Pipeline | None = None
        if isinstance(estimator, BiGANTransformer):
            self.bigan = estimator
        for i, (_, step) in enumerate(estimator.steps if isinstance(estimator, Pipeline) else []):
            if isinstance(step, BiGANTransformer):
                self.bigan = step
                self.before = estimator[:i] if i else None
                break
        if self.bigan is None and not hasattr(estimator, "transform"):
            raise TypeError(
                "estimator must be a BiGANTransformer, a Pipeline with one or another transformer, "
                f"got {type(estimator).__name__}"
            )
        check_is_fitted(self.estimator if self.bigan is None else self.bigan)

    def to_step(self, X: Any) -> Any:
        """Return X as it gets to the BiGAN."""
        return X if self.before is None else self.before.transform(X)

    def encode(self, X: Any) -> np.ndarray:
        """Return codes of shape (n, n_codes)."""
        if self.bigan is not None:
            return encode(self.bigan, self.to_step(X))
        codes = self.estimator.transform(X)
        codes = codes.toarray() if hasattr(codes, "toarray") else codes
        return check_array(codes, input_name="the output of transform")

    @property
    def can_decode(self) -> bool:
        """Return whether rows can be made of codes."""
        inverse = self.before if self.bigan is not None else self.estimator
        return inverse is None or hasattr(inverse, "inverse_transform")

    def decode(self, codes: np.ndarray) -> Any:
        """Return the rows, or the table, that the codes stand for."""
        if self.bigan is None:
            return self.estimator.inverse_transform(codes)
        rows = self.bigan.model_.generate(codes)
        if hasattr(self.bigan, "columns_"):
            rows = self.bigan.columns_.inverse_transform(rows)
        return rows if self.before is None else self.before.inverse_transform(rows)
