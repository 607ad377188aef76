"""Where to compute, in which precision, and with whose random numbers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}

# Kernels sum a handful of rows, or the rows left over at the end, in another order than the rest.
# Padded to a multiple of this, a row's result does not depend on the rows that came with it.
ROW_BLOCK = 32
INFERENCE_ROWS = 4096

_generators = threading.RLock()


def resolve_device(device: str | torch.device) -> torch.device:
    """The device that is meant; "auto" takes CUDA, then MPS, then the CPU.

    Raises
    ------
    ValueError
        If torch does not know the device or this machine has none such.
    """
    if device == "auto":
        if torch.cuda.is_available():
            device = "cuda"
        else:
            device = "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        resolved = torch.device(device)
        torch.empty(0, device=resolved).cpu()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ValueError(
            "device must be 'auto' or a torch device that this machine has, "
            f"got {device!r}: {error}"
        ) from error
    return resolved


def resolve_precision(precision: str, device: torch.device) -> torch.dtype:
    """The dtype of the matrix products; "auto" is bfloat16 where the hardware has it natively."""
    if precision != "auto":
        return PRECISIONS[precision]
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    elif device.type == "cpu":
        capabilities = torch.cpu.get_capabilities()
        native = capabilities.get("avx512_bf16") or capabilities.get("amx_bf16")
    else:
        native = False
    return torch.bfloat16 if native else torch.float32


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Torch's generators start from `seed` inside and are as they were outside.

    They belong to the whole process, so that one thread at a time may be inside.
    """
    with _generators, torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        if device.type == "cpu":
            yield
            return
        generators = torch.get_device_module(device)
        with torch.accelerator.device_index(device.index):
            before = generators.get_rng_state()
            generators.manual_seed(seed)
            try:
                yield
            finally:
                generators.set_rng_state(before)


@torch.inference_mode()
def forward(module: nn.Module, rows: np.ndarray, device: torch.device) -> np.ndarray:
    """The module's output for every row, computed in float32 batch by batch.

    Parameters
    ----------
    module : nn.Module
        In evaluation mode, on `device`.
    rows : ndarray of shape (n, ...), float32

    Returns
    -------
    ndarray of shape (n, ...), float32
    """
    outputs = []
    for start in range(0, len(rows), INFERENCE_ROWS):
        batch = torch.from_numpy(rows[start : start + INFERENCE_ROWS])
        missing = -len(batch) % ROW_BLOCK
        padded = torch.cat([batch, batch.new_zeros(missing, *batch.shape[1:])])
        output: Tensor = module(padded.to(device))
        outputs.append(output[: len(batch)].cpu())
    return torch.cat(outputs).numpy()
