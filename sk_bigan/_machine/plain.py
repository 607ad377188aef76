"""Plain values of nested states: as JSON, as copies on the CPU, and whether they are finite."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor


def as_json(value: Any) -> Any:
    """Return the value as JSON can hold it.

    Raises
    ------
    TypeError
        If it cannot.
    """
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, torch.device):
        return str(value)
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: as_json(item) for key, item in value.items()}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"no JSON for {type(value).__name__}")


def split_plain(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the values that JSON can hold, and the names of the others with their classes."""
    plain, others = {}, {}
    for name, value in values.items():
        try:
            plain[name] = as_json(value)
        except TypeError:
            others[name] = getattr(value, "__qualname__", type(value).__name__)
    return plain, others


def on_cpu(state: Any) -> Any:
    """Return a copy of a nested state with every tensor on the CPU."""
    if isinstance(state, Tensor):
        return state.detach().to("cpu", copy=True)
    if isinstance(state, dict):
        return {key: on_cpu(value) for key, value in state.items()}
    if isinstance(state, list | tuple):
        return type(state)(on_cpu(value) for value in state)
    return state


def all_finite(state: Any) -> bool:
    """Return whether every number in the tensors of a nested state is finite.

    It waits for a device once, and once more where a sum is not finite.
    """
    by_device = defaultdict(list)
    for tensor in _tensors(state):
        by_device[tensor.device].append(tensor)
    # The sums show most of them at a fraction of the cost.
    return all(_have_finite_sums(some) or _are_finite(some) for some in by_device.values())


def _have_finite_sums(tensors: Sequence[Tensor]) -> bool:
    sums = torch.stack([tensor.sum(dtype=torch.float32) for tensor in tensors])
    return bool(sums.isfinite().all())


def _are_finite(tensors: Sequence[Tensor]) -> bool:
    return bool(torch.stack([tensor.isfinite().all() for tensor in tensors]).all())


def _tensors(state: Any) -> Iterator[Tensor]:
    """Yield the tensors of a nested state."""
    if isinstance(state, Tensor):
        yield state
    elif isinstance(state, dict | list | tuple):
        for value in state.values() if isinstance(state, dict) else state:
            yield from _tensors(value)
