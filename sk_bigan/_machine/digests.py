"""Texts that tell functions, objects and networks apart, also from process to process."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import partial
from hashlib import sha256
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .plain import split_plain


def described(value: Any) -> str:
    """Return a text that is another for a value that computes something else.

    It is the value's repr and a digest: of the code, defaults and closure of a function, of the
    class and the attributes of an object, of the tensors of a network, of the numbers of a
    `RandomState`. A value that cannot be looked into has no digest.
    """
    text = _without_addresses(value)
    digest = sha256()
    try:
        if isinstance(value, np.random.RandomState):
            # Not the place among these numbers: a training that Ctrl-C has ended goes on with the
            # same generator, whose first draw has made them.
            value = value.get_state(legacy=False)["state"].get("key")
        for part in _parts(value, {}):
            digest.update(len(part).to_bytes(8, "little") + part)
    except Exception:  # of an odd object's own code
        return text
    name = type(value).__qualname__ if "\n" in text else text  # a network's has a line a layer
    return f"{name} with digest {digest.hexdigest()[:16]}"


def digest_of(*arrays: np.ndarray) -> str:
    """Return a text that is another for arrays of other numbers."""
    digest = sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


def _without_addresses(value: Any) -> str:
    try:
        return re.sub(r" at 0x[0-9a-f]+", "", repr(value), flags=re.IGNORECASE)
    except Exception:  # of an odd object's own code
        return type(value).__qualname__


def _parts(value: Any, seen: dict[int, Any]) -> Iterator[bytes]:
    """Yield all that tells the value from others; what is in `seen` counts by its number there."""
    yield type(value).__qualname__.encode()
    if isinstance(value, Tensor | np.ndarray):
        yield from _of_array(value)
    elif isinstance(value, list | tuple):
        yield from _of_all([len(value), *value], seen)
    elif isinstance(value, dict):
        yield from _of_all([len(value), *value, *value.values()], seen)
    elif isinstance(value, set | frozenset):  # which another process may have in another order
        yield repr(sorted(map(repr, value))).encode()
    elif isinstance(value, CodeType):
        yield value.co_code
        yield from _of_all([value.co_names, value.co_consts], seen)
    elif isinstance(value, ModuleType):
        yield value.__name__.encode()
    elif not hasattr(value, "__dict__"):
        yield _without_addresses(value).encode()
    elif id(value) in seen:
        yield str([*seen].index(id(value))).encode()
    else:
        seen[id(value)] = value
        yield from _of_all(_contents(value), seen)


def _of_all(values: Iterable[Any], seen: dict[int, Any]) -> Iterator[bytes]:
    for value in values:
        yield from _parts(value, seen)


def _of_array(array: Any) -> Iterator[bytes]:
    yield f"{array.dtype} {tuple(array.shape)}".encode()
    if isinstance(array, Tensor):
        array = array.detach().cpu().flatten().view(torch.uint8).numpy()
    yield repr(array.tolist()).encode() if array.dtype.hasobject else array.tobytes()


def _contents(value: Any) -> Iterator[Any]:
    """Yield what a function, a class or an object consists of."""
    if isinstance(value, FunctionType):
        yield from (value.__qualname__, value.__code__, value.__defaults__, value.__kwdefaults__)
        yield [cell.cell_contents for cell in value.__closure__ or ()]
    elif isinstance(value, MethodType):
        yield from (value.__func__, value.__self__)
    elif isinstance(value, partial):
        yield from (value.func, value.args, value.keywords)
    elif isinstance(value, type):
        yield from (value.__module__, value.__qualname__, *_attributes(value))
    else:
        yield from (type(value), *_attributes(value))
        if isinstance(value, nn.Module):
            yield from ([*value.named_children()], value._parameters, value._buffers)


def _attributes(value: Any) -> Iterator[Any]:
    """Yield the names and values of attributes, except those of Python's and, as caches, dicts."""
    for name, attribute in sorted(vars(value).items()):
        code = getattr(attribute, "__func__", getattr(attribute, "fget", attribute))
        if isinstance(code, FunctionType):
            yield from (name, code)
        elif not name.startswith("__") and not (
            isinstance(attribute, dict) and split_plain({name: attribute})[1]
        ):
            yield from (name, attribute)
