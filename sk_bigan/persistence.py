"""A fitted estimator as plain numbers and texts, and as a file that runs no code when it is opened.

The file is one of safetensors: the arrays, and in its metadata a JSON text that describes the
estimator and the SHA-256 of both.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from .files import write_whole
from .inputs import Layout
from .scaling import SCALERS
from .state import OPTIMIZERS

if TYPE_CHECKING:
    from .training import BiGANNet

FORMAT = 1
MOST_DIMENSIONS = 16

# What works with a training, and a place on a machine: not the model's.
NOT_IN_FILES = ("callbacks", "checkpoint_dir")


def to_numbers(state: Mapping[str, Any]) -> dict[str, Any]:
    """The tensors of a `state_dict` as arrays, which know no device."""
    return {
        name: value.detach().cpu().numpy() if isinstance(value, Tensor) else value
        for name, value in state.items()
    }


def to_tensors(state: Mapping[str, Any]) -> dict[str, Any]:
    """And back, in memory of their own."""
    return {
        name: torch.from_numpy(np.array(value)) if isinstance(value, np.ndarray) else value
        for name, value in state.items()
    }


def write(path: Path, description: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Write both to one file, or leave what was there.

    Raises
    ------
    ImportError
        Without the package safetensors.
    OSError
        If the file cannot be written.
    """
    numpy_format = _safetensors().numpy
    arrays = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    text = json.dumps(description)
    metadata = {"sk_bigan": text, "sha256": _digest(text, arrays)}
    write_whole(path, numpy_format.save(arrays, metadata))


def read(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What `write` has written, if the file is as it was.

    Raises
    ------
    ImportError
        Without the package safetensors.
    OSError
        If the file cannot be read.
    ValueError
        If it is not such a file, or damaged.
    """
    safetensors = _safetensors()
    path.open("rb").close()  # so that what the system says of a file comes through
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (safetensors.SafetensorError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"not a file of safetensors: {error}") from error
    text = metadata.get("sk_bigan")
    if text is None:
        raise ValueError("a file of safetensors, but not one that sk_bigan has written")
    if metadata.get("sha256") != _digest(text, arrays):
        raise ValueError("damaged: its checksum is not that of its content")
    description = json.loads(text)
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise ValueError(f"not of format {FORMAT}, which this version reads")
    return description, arrays


def _digest(text: str, arrays: Mapping[str, np.ndarray]) -> str:
    digest = sha256(text.encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _safetensors() -> Any:
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(
            "models are saved and loaded by the package safetensors: pip install 'sk_bigan[save]'"
        ) from error
    return safetensors


def as_json(value: Any) -> Any:
    """The value as JSON can hold it.

    Raises
    ------
    TypeError
        If it cannot.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, torch.device):
        return str(value)
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: as_json(item) for key, item in value.items()}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"no JSON for {type(value).__name__}")


def split_parameters(parameters: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Those that a file can hold, and names of the others with what they are."""
    plain, own = {}, {}
    for name, value in parameters.items():
        try:
            plain[name] = as_json(value)
        except TypeError:
            own[name] = getattr(value, "__qualname__", type(value).__name__)
    return plain, own


def scaler_to_arrays(scaler: Any) -> tuple[str, dict[str, np.ndarray]]:
    """A scaler's class and what it has learned."""
    learned = {name: value for name, value in vars(scaler).items() if name.endswith("_")}
    return type(scaler).__name__, {name: np.asarray(value) for name, value in learned.items()}


def scaler_from_arrays(name: str, arrays: Mapping[str, np.ndarray], n_features: int) -> Any:
    """And back.

    Raises
    ------
    ValueError
        If that is no scaler for so many columns.
    """
    if name not in SCALERS:
        raise ValueError(f"scaler must be one of {sorted(SCALERS)}, got {name!r}")
    scaler = SCALERS[name]().fit(np.array([[-1.0], [1.0]]))
    needed = {
        key: ((n_features,) * np.ndim(value), np.asarray(value).dtype)
        for key, value in vars(scaler).items()
        if key.endswith("_")
    }
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
    """A layout, if its numbers go together.

    Raises
    ------
    ValueError
        If they do not.
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


def moments_to_arrays(net: BiGANNet) -> dict[str, np.ndarray]:
    """Adam's moments of each parameter."""
    return {
        f"{optimizer}.{index}.{name}": value.cpu().numpy()
        for optimizer in OPTIMIZERS
        for index, moments in getattr(net, optimizer).state_dict()["state"].items()
        for name, value in moments.items()
    }


def moments_from_arrays(
    arrays: Mapping[str, np.ndarray], learning: Mapping[str, Sequence[Tensor]]
) -> dict[str, dict[int, dict[str, Tensor]]]:
    """And back, for optimizers that move these parameters.

    Raises
    ------
    ValueError
        If they are moments of others.
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
