"""The parts of a model as plain numbers and texts, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .._data.layout import Layout
from .._data.scaling import SCALERS

MOST_DIMENSIONS = 16
ROW_COUNT = "n_samples_seen_"  # an integer or a float, by the version of scikit-learn


def to_numbers(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tensors of a `state_dict` as arrays, which have no device."""
    return {
        name: value.detach().cpu().numpy() if isinstance(value, Tensor) else value
        for name, value in state.items()
    }


def to_tensors(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arrays of a state as tensors, in memory of their own."""
    return {
        name: torch.from_numpy(np.array(value)) if isinstance(value, np.ndarray) else value
        for name, value in state.items()
    }


def scaler_to_arrays(scaler: Any) -> tuple[str, dict[str, np.ndarray]]:
    """Return the name of a scaler's class, and its learned numbers."""
    learned = {name: value for name, value in vars(scaler).items() if name.endswith("_")}
    return type(scaler).__name__, {name: np.asarray(value) for name, value in learned.items()}


def scaler_from_arrays(name: str, arrays: Mapping[str, np.ndarray], n_features: int) -> Any:
    """Return the scaler with this class and these numbers.

    Raises
    ------
    ValueError
        If it is no scaler for this number of columns.
    """
    if name not in SCALERS:
        raise ValueError(f"scaler must be one of {sorted(SCALERS)}, got {name!r}")
    scaler = SCALERS[name]().fit(np.array([[-1.0], [1.0]]))
    needed = {
        key: ((n_features,) * np.ndim(value), np.asarray(value).dtype)
        for key, value in vars(scaler).items()
        if key.endswith("_")
    }
    if ROW_COUNT in needed.keys() & arrays.keys():
        count, (_, dtype) = arrays[ROW_COUNT], needed[ROW_COUNT]
        if count.dtype.kind in "if" and np.isfinite(count).all():
            arrays = {**arrays, ROW_COUNT: count.astype(dtype)}
    if needed != {key: (array.shape, array.dtype) for key, array in arrays.items()}:
        raise ValueError(f"{name} of {n_features} columns needs arrays of {needed}")
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise ValueError(f"{name} has numbers that are not finite")
    if not np.all(arrays.get("scale_", 1)):
        raise ValueError(f"{name} has a scale of 0")
    if arrays["n_features_in_"] != n_features:
        raise ValueError(f"{name} of {n_features} columns has learned from others")
    for key, array in arrays.items():
        setattr(scaler, key, array if array.ndim else array.item())
    return scaler


def layout_from_json(row_shape: Any, sample_shape: Any, channels_last: Any) -> Layout:
    """Return a layout.

    Raises
    ------
    ValueError
        If its numbers contradict each other.
    """
    layout = Layout(tuple(row_shape), tuple(sample_shape), bool(channels_last))
    for shape in layout[:2]:
        if not 1 <= len(shape) <= MOST_DIMENSIONS:
            raise ValueError(f"shapes have 1 to {MOST_DIMENSIONS} numbers, got {len(shape)}")
        if not all(type(n) is int and 1 <= n < 2**63 for n in shape):
            raise ValueError(f"shapes must be positive integers, got {shape}")
    if prod(layout.row_shape) != prod(layout.sample_shape):
        raise ValueError(f"rows of {layout.row_shape} are not samples of {layout.sample_shape}")
    if layout.channels_last and (len(row_shape), len(sample_shape)) != (3, 3):
        raise ValueError("channels_last needs images")
    return layout


def moments_to_arrays(moments: Mapping[str, Mapping[int, Any]]) -> dict[str, np.ndarray]:
    """Return Adam's moments, by the names of optimizers and the numbers of parameters."""
    return {
        f"{optimizer}.{index}.{name}": value.cpu().numpy()
        for optimizer, its_moments in moments.items()
        for index, of_parameter in its_moments.items()
        for name, value in of_parameter.items()
    }


def moments_from_arrays(
    arrays: Mapping[str, np.ndarray], learning: Mapping[str, Sequence[Tensor]]
) -> dict[str, dict[int, dict[str, Tensor]]]:
    """Return the moments for optimizers of these parameters.

    Raises
    ------
    ValueError
        If they are moments of other parameters.
    """
    left = dict(arrays)
    moments: dict[str, dict[int, dict[str, Tensor]]] = {}
    for optimizer, parameters in learning.items():
        moments[optimizer] = {}
        for index, parameter in enumerate(parameters):
            shapes = {"step": (), "exp_avg": parameter.shape, "exp_avg_sq": parameter.shape}
            names = {n: f"{optimizer}.{index}.{n}" for n in shapes}
            found = {n: left.pop(name) for n, name in names.items() if name in left}
            if not found:
                continue  # a parameter that never had a gradient
            if {n: array.shape for n, array in found.items()} != shapes:
                raise ValueError(f"moments of another parameter than {index} of {optimizer}")
            moments[optimizer][index] = to_tensors(found)
    if left:
        raise ValueError(f"no parameters for the moments {sorted(left)[:5]}")
    return moments
