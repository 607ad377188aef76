"""Counts of what a GPU would do: launches, copies between host and device, and waits."""

import traceback
from collections import Counter
from pathlib import Path

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

aten = torch.ops.aten
WAITS = {
    aten._local_scalar_dense.default,
    aten.equal.default,
    aten.is_nonzero.default,
    aten.item.default,
    aten.masked_select.default,
    aten.nonzero.default,
}
COPIES = {aten._to_copy.default, aten.copy_.default}
# Beside views, these start no kernel.
WITHOUT_KERNEL = {
    *("empty", "empty_strided", "empty_like", "new_empty", "new_empty_strided"),
    *("alias", "detach", "lift_fresh", "set_", "_unsafe_view"),
    *("is_same_size", "_has_compatible_shallow_copy_type"),
}


def is_on(value, kind):
    return isinstance(value, torch.Tensor) and value.device.type == kind


def launches(func):
    """Return whether the operation starts a kernel."""
    return not func.is_view and func._schema.name.split("::")[1] not in WITHOUT_KERNEL


def place():
    """Return the line of the package that the present operation comes from."""
    for frame in reversed(traceback.extract_stack()):
        if "sk_bigan" in Path(frame.filename).parts:
            return f"{Path(frame.filename).name}:{frame.lineno}"
    return "autograd"


class Watch(TorchDispatchMode):
    """Counts launches, copies and waits of the operations inside.

    Attributes
    ----------
    launches : Counter
        By the name of the operation.
    copies : list of str
        Copies between host and device that wait for nothing.
    waits : list of str
        Operations for which the host waits until the device has done all its work.
    """

    def __init__(self):
        super().__init__()
        self.launches, self.copies, self.waits = Counter(), [], []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func._can_decompose() and torch.is_inference_mode_enabled():
            with self:  # in inference mode, `item` and `to` come whole
                return func.decompose(*args, **kwargs)
        given, _ = tree_flatten((args, kwargs))
        out = func(*args, **kwargs)
        results, _ = tree_flatten(out)
        if not any(is_on(value, "cuda") for value in [*given, *results]):
            return out
        if func in WAITS:
            self.wait(str(func))
        elif func in COPIES:
            self.launches[str(func)] += 1
            self._see_copy(func, args, kwargs, out)
        elif launches(func):
            self.launches[str(func)] += 1
            if any(is_on(value, "cpu") and value.dim() for value in given):
                self.wait(f"{func} with a tensor of the host")
        return out

    def _see_copy(self, func, args, kwargs, out):
        source, target = (args[1], args[0]) if func is aten.copy_.default else (args[0], out)
        if source.device.type == target.device.type:
            return
        of_host = source if source.device.type == "cpu" else target
        asked = kwargs.get("non_blocking") or (len(args) > 2 and args[2])
        what = (
            f"{source.device.type}->{target.device.type} {tuple(source.shape)} "
            f"pinned={of_host.is_pinned()} non_blocking={bool(asked)}"
        )
        if asked and of_host.is_pinned():
            self.copies.append(what)
        else:
            self.wait(what)

    def wait(self, what):
        self.waits.append(f"{what} at {place()}")
