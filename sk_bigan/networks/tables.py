"""Tables in the networks: gaps in samples, and the outputs of G by blocks of encoded columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn


def filled(x: Tensor, by: Tensor | float) -> Tensor:
    """Return x with gaps, which are NaN, filled by the values of another tensor."""
    return torch.where(x.isnan(), by, x)


def let_gaps_in(E: Any) -> None:
    """Let E see zeros, which are the means of standardised columns, where x has gaps."""
    E.takes_gaps = True
    E.register_forward_pre_hook(_fill_gaps)


def takes_gaps(E: nn.Module) -> bool:
    return getattr(E, "takes_gaps", False)


def gaps_filled(E: nn.Module, x: Tensor) -> Tensor:
    """Return x as E sees it."""
    return filled(x, 0.0) if takes_gaps(E) else x


def _fill_gaps(E: Any, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    x, *rest = inputs
    return gaps_filled(E, x), *rest


class BlockOutput(nn.Module):
    """The last layer of G for encoded columns.

    A number stays as it is. A category gets a softmax, and shares of bins get a sigmoid each; both
    are then standardised as the rows are.

    Parameters
    ----------
    blocks : sequence of (kind, width)
        "number", "category" or "bins", and the number of encoded columns, in their order.
    center, factor : Tensor of shape (n_columns,)
        Rows are standardised as ``(rows - center) * factor``.
    """

    center: Tensor
    factor: Tensor

    def __init__(self, blocks: Sequence[tuple[str, int]], center: Tensor, factor: Tensor):
        super().__init__()
        self.kinds = [kind for kind, _ in blocks]
        self.widths = [width for _, width in blocks]
        is_number = torch.tensor([kind == "number" for kind, width in blocks for _ in range(width)])
        self.register_buffer("center", center.where(~is_number, 0.0))
        self.register_buffer("factor", factor.where(~is_number, 1.0))

    def forward(self, x: Tensor) -> Tensor:
        parts = zip(self.kinds, x.split(self.widths, dim=1), strict=True)
        rows = torch.cat([OUTPUTS[kind](part) for kind, part in parts], dim=1)
        return (rows - self.center) * self.factor


OUTPUTS = {
    "number": lambda part: part,
    "category": lambda part: part.softmax(dim=1),
    "bins": torch.sigmoid,
}
