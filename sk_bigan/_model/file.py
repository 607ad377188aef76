"""The file of a model: safetensors with a JSON text beside the arrays and a digest of both.

Reading runs no code.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from .._machine.extras import missing
from .._machine.files import write_whole

FORMAT = 1


def write(path: Path, description: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Write both to one file, or leave the file that was there.

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
    """Return the description and the arrays of a file that `write` has written.

    Raises
    ------
    ImportError
        Without the package safetensors.
    OSError
        If the file cannot be read.
    ValueError
        If it is no such file, or damaged.
    """
    safetensors = _safetensors()
    path.open("rb").close()  # so that the system's own error comes through
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (safetensors.SafetensorError, TypeError, ValueError, AttributeError) as error:
        advice = "; joblib.load opens a pickle, and runs its code" if _is_pickle(path) else ""
        raise ValueError(f"not a file of safetensors: {error}{advice}") from error
    text = metadata.get("sk_bigan")
    if text is None:
        raise ValueError("a file of safetensors, but not one that sk_bigan has written")
    if metadata.get("sha256") != _digest(text, arrays):
        raise ValueError("damaged: its checksum is not that of its content")
    description = json.loads(text)
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise ValueError(f"not of format {FORMAT}, which this version reads")
    return description, arrays


def _is_pickle(path: Path) -> bool:
    """Return whether the file begins as pickles do, of joblib with or without compression."""
    return path.read_bytes()[:2] in (b"\x80\x04", b"\x80\x05", b"x\x9c", b"x\x01", b"x^", b"x\xda")


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
        raise missing("save", "the file of a model") from error
    return safetensors
