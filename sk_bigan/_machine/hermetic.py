"""A plain torch, whatever the caller's process has set."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

from .random_numbers import CPU
from .threads import one_at_a_time

AUTOCAST_DEVICES = ("cpu", "cuda", "mps")


@contextmanager
def hermetic() -> Iterator[None]:
    """Compute as in a plain process inside, and leave the caller's settings as they were.

    Inside, autocast and inference mode are off, gradients are on, and new tensors are float32 on
    the CPU. A setting that is plain already is not touched, so that nesting costs next to nothing.
    """
    with ExitStack() as stack:
        if torch.is_inference_mode_enabled():
            stack.enter_context(torch.inference_mode(False))
        if not torch.is_grad_enabled():
            stack.enter_context(torch.enable_grad())
        for device in AUTOCAST_DEVICES:
            if torch.is_autocast_enabled(device):
                # Casts of weights that this autocast has cached would outlive a training step.
                torch.clear_autocast_cache()
                stack.enter_context(torch.autocast(device, enabled=False))
        if torch.get_default_device() != CPU:
            stack.enter_context(CPU)
        if (dtype := torch.get_default_dtype()) != torch.float32:
            stack.enter_context(one_at_a_time())  # the default belongs to the whole process
            torch.set_default_dtype(torch.float32)
            stack.callback(torch.set_default_dtype, dtype)
        yield
