"""Repeatable results of an NVIDIA GPU, whatever the caller's process has set."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from .threads import one_at_a_time, require_no_fork

CUDNN: Any = torch.backends.cudnn  # whose stub does not know `conv` and `rnn`
MATMUL: Any = torch.backends.cuda.matmul
MATMUL_OF_CPU: Any = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]


@contextmanager
def repeatable(device: torch.device, tf32: bool = False) -> Iterator[None]:
    """Make an NVIDIA GPU repeat its results inside, in float32 or, if wanted, in TF32.

    By default torch convolves float32 in TF32, and by algorithms that may sum in another order each
    time. The settings belong to the whole process, so that one thread at a time may be inside.

    Raises
    ------
    ForkedError
        If the parent of this process used the GPU before it forked.
    """
    if device.type != "cuda":
        yield
        return
    require_no_fork(device)
    with one_at_a_time(), _deterministic(), _float32_products("tf32" if tf32 else "ieee"):
        yield


@contextmanager
def _deterministic() -> Iterator[None]:
    """Let cuDNN take algorithms that repeat their sums, and the same ones each time."""
    before = CUDNN.deterministic, CUDNN.benchmark
    CUDNN.deterministic, CUDNN.benchmark = True, False
    try:
        yield
    finally:
        CUDNN.deterministic, CUDNN.benchmark = before


@contextmanager
def _float32_products(precision: str) -> Iterator[None]:
    """Multiply float32 in this precision, "ieee" or "tf32".

    torch has two interfaces: `allow_tf32` with `set_float32_matmul_precision`, and
    `fp32_precision`. To read the first is an error where the two differ; so is
    `torch.backends.cudnn.flags`, which reads it. Inside, the two agree.
    """
    operations = MATMUL, MATMUL_OF_CPU, CUDNN.conv, CUDNN.rnn
    own = [_own_precision(operation) for operation in operations]
    for operation in operations:
        operation.fp32_precision = "ieee"
    matmul = torch.get_float32_matmul_precision()
    try:
        cudnn = CUDNN.allow_tf32
    except RuntimeError:  # it differs from "ieee"
        cudnn = True
    try:
        MATMUL_OF_CPU.fp32_precision = own[1]
        MATMUL.allow_tf32 = CUDNN.allow_tf32 = precision == "tf32"
        for operation in (MATMUL, CUDNN.conv, CUDNN.rnn):
            operation.fp32_precision = precision
        yield
    finally:
        torch.set_float32_matmul_precision(matmul)
        CUDNN.allow_tf32 = cudnn
        for operation, before in zip(operations, own, strict=True):
            operation.fp32_precision = before


def _own_precision(operation: Any) -> str:
    """Return what is set for the operation itself, or "none" where the general setting holds.

    It leaves the operation at "none".
    """
    before = operation.fp32_precision
    operation.fp32_precision = "none"
    return "none" if operation.fp32_precision == before else before
