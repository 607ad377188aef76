"""Jacobians of codes with respect to the columns of X."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils._set_output import _get_adapter_from_container
from torch import Tensor

from .._data.scaling import center_and_factor
from .._estimator.rows import rows_of
from .._model.fitted import Fitted
from ..columns import ColumnEncoder
from ..display.coding import is_affine
from ..networks.layers import reader
from ..transformer import BiGANTransformer
from .transformers import encode, flat

STEP = 1e-3  # of finite differences, in standard deviations of a column


def jacobian(estimator: Any, X: Any, deviations: np.ndarray | None) -> np.ndarray:
    """Return the Jacobian of `transform` in each row.

    It is exact for BiGANs, for affine maps and for pipelines of these. Others are differentiated by
    central differences.

    Parameters
    ----------
    estimator : fitted transformer
    X : array-like of n rows
    deviations : ndarray of shape (n_features,) or None
        Standard deviations of the columns, in which the steps of differences are measured; None
        takes those of X.

    Returns
    -------
    ndarray of shape (n, n_codes, n_features), or (1, n_codes, n_features) where all rows have the
    same
    """
    if isinstance(estimator, FrozenEstimator):
        return jacobian(estimator.estimator, X, deviations)
    if isinstance(estimator, Pipeline):
        return _by_chain_rule(estimator, X, deviations)
    if isinstance(estimator, BiGANTransformer):
        return _of_encoder(estimator, X, deviations)
    if isinstance(estimator, ColumnEncoder):
        return _of_columns(estimator, X, deviations)
    if is_affine(estimator):  # with the same Jacobian in every row
        return _of_affine_map(estimator, X)
    return _by_differences(estimator, X, deviations)


def _by_chain_rule(pipeline: Pipeline, X: Any, deviations: np.ndarray | None) -> np.ndarray:
    product = None
    for _, step in pipeline.steps:
        if step is None or step == "passthrough":
            continue
        outer = jacobian(step, X, deviations)
        product = outer if product is None else outer @ product
        X = step.transform(X)
        deviations = None
    if product is None:
        return np.eye(flat(X).shape[1])[np.newaxis]
    return product


def _of_affine_map(estimator: Any, X: Any) -> np.ndarray:
    # Its own arrays would do, but differ from class to class, as with `whiten` and `with_std`.
    n_features = estimator.n_features_in_
    units = np.vstack([np.eye(n_features), np.zeros(n_features)])
    *images, origin = encode(estimator, _like(X, units))
    return np.transpose(images - origin)[np.newaxis]


def _of_columns(encoder: ColumnEncoder, X: Any, deviations: np.ndarray | None) -> np.ndarray:
    kinds = {block.kind: block.name for block in encoder.blocks_}
    if "category" in kinds:
        raise ValueError(
            f"categories have no derivatives, got them in column {kinds['category']!r}: encode X "
            "first, Z = ColumnEncoder().fit_transform(X), and take the loadings of an estimator of "
            "the encoded columns, loadings(estimator.fit(Z), Z)"
        )
    if "bins" in kinds:
        return _by_differences(encoder, X, deviations)
    return _of_affine_map(encoder, X)


def _of_encoder(estimator: BiGANTransformer, X: Any, deviations: np.ndarray | None) -> np.ndarray:
    model = estimator.model_
    read = reader(model.players.encoder, estimator.features, model.summary)

    def codes(x: Tensor) -> Tensor:
        return torch.cat([*read(x).values()], dim=1)

    by_sample = model.map(lambda x: per_row_jacobian(codes, x, model), rows_of(estimator, X))
    _, factor = center_and_factor(model.scaler)
    by_row = by_sample * factor
    if hasattr(estimator, "columns_"):  # rows are encoded columns
        by_row = by_row @ _of_columns(estimator.columns_, X, deviations)
    return by_row


def per_row_jacobian(function: Callable[[Tensor], Tensor], x: Tensor, model: Fitted) -> Tensor:
    """Return the Jacobian of each row's output, which depends on no other row.

    Parameters
    ----------
    function : callable, Tensor of shape (m, *sample_shape) -> Tensor of shape (m, k)
    x : Tensor of shape (m, *sample_shape)
    model : Fitted
        Whose layout orders the columns.

    Returns
    -------
    Tensor of shape (m, k, n_features)
    """
    with torch.inference_mode(False):
        x = x.clone().requires_grad_()
        outputs = function(x)  # (m, k)
        gradients = []
        for output in outputs.unbind(1):
            # The gradient of the sum over the rows is each row's own gradient.
            (gradient,) = torch.autograd.grad(output.sum(), x, retain_graph=True)
            gradients.append(model.layout.to_rows(gradient))
        return torch.stack(gradients, dim=1)


def _by_differences(estimator: Any, X: Any, deviations: np.ndarray | None) -> np.ndarray:
    rows = flat(X)
    if deviations is None:
        deviations = rows.std(axis=0)
    steps = STEP * np.where(deviations > 0, deviations, 1)
    columns = []
    for j, step in enumerate(steps):
        shift = np.zeros(len(steps))
        shift[j] = step
        after, before = (encode(estimator, _like(X, rows + s)) for s in (shift, -shift))
        columns.append((after - before) / (2 * step))
    return np.stack(columns, axis=2)


def _like(X: Any, rows: np.ndarray) -> Any:
    """Return rows in the container of X, with its names or the shape of its rows."""
    if not hasattr(X, "columns"):
        return rows.reshape(-1, *np.shape(X)[1:])
    if hasattr(X, "column_names"):  # of pyarrow
        return type(X).from_pydict(dict(zip(X.column_names, rows.T, strict=True)))
    adapter = _get_adapter_from_container(X)
    return adapter.create_container(rows, None, columns=[*X.columns])
