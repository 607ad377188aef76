"""Tables in the networks: gaps in samples, and the outputs of G by blocks of encoded columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn


def filled(x: Tensor, by: Tensor) -> Tensor:
    """Return x with gaps, which are NaN, filled by the values of another tensor."""
    return torch.where(x.isnan(), by, x)


def let_gaps_in(E: nn.Module, fill: Tensor) -> None:
    """Let E see the values of `fill`, of shape (*sample_shape), where x has gaps."""
    E.register_buffer("gap_fill", fill)
    E.register_forward_pre_hook(_fill_gaps)


def takes_gaps(E: nn.Module) -> bool:
    return hasattr(E, "gap_fill")


def gaps_filled(E: Any, x: Tensor) -> Tensor:
    """Return x as E sees it."""
    return filled(x, E.gap_fill) if takes_gaps(E) else x


def _fill_gaps(E: Any, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    x, *rest = inputs
    return gaps_filled(E, x), *rest


class BlockOutput(nn.Module):
    """The last layer of G for encoded columns.

    A number stays as it is, a category gets a softmax, and shares of bins get a sigmoid each.

    Parameters
    ----------
    blocks : sequence of (kind, width)
        "number", "category" or "bins", and the number of encoded columns, in their order.
    """

    def __init__(self, blocks: Sequence[tuple[str, int]]):
        super().__init__()
        self.kinds = [kind for kind, _ in blocks]
        self.widths = [width for _, width in blocks]

    def forward(self, x: Tensor) -> Tensor:
        parts = zip(self.kinds, x.split(self.widths, dim=1), strict=True)
        return torch.cat([OUTPUTS[kind](part) for kind, part in parts], dim=1)


OUTPUTS = {
    "number": lambda part: part,
    "category": lambda part: part.softmax(dim=1),
    "bins": torch.sigmoid,
}
