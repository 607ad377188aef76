"""Backward passes without the algebra of torch's compiler."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def backward(
    outputs: Sequence[Tensor], gradients: Sequence[Tensor], inputs: Sequence[Tensor] | None = None
) -> None:
    """Propagate these gradients from the outputs, as `torch.autograd.backward` does.

    That one compares symbolic shapes, and the import of their algebra takes as long as a short fit.
    """
    if outputs:
        torch.autograd.backward(_WithGradients.apply(gradients, *outputs), inputs=inputs)


class _WithGradients(torch.autograd.Function):
    """A number whose gradients at the outputs are the ones given."""

    @staticmethod
    def forward(ctx: Any, gradients: Sequence[Tensor], *outputs: Tensor) -> Tensor:
        ctx.gradients = gradients
        return outputs[0].new_zeros(())

    @staticmethod
    def backward(ctx: Any, _: Tensor) -> tuple[Tensor | None, ...]:
        return None, *ctx.gradients
