"""Virtual adversarial training: the small change of a sample that changes its code most.

Codes that resist such changes vary little where samples are dense (Miyato et al. 2019,
arXiv:1704.03976). The divergence of predictions there is the squared distance of codes here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.modules.dropout import _DropoutNd

from .._machine.devices import products_in

# Share of the distance to the nearest other sample of the batch, so that a change is small where
# samples are dense and depends on no unit (as in Hu et al. 2017, arXiv:1702.08720).
REACH = 0.2


def most_changing(E: nn.Module, x: Tensor, precision: torch.dtype) -> Tensor:
    """Return the small change that E(x) reacts to most, by one power iteration.

    It starts from a random direction.

    Parameters
    ----------
    E : nn.Module
        Its running statistics do not change, and its dropout does not act.
    x : Tensor of shape (n, *sample_shape)
    precision : torch.dtype
        Dtype of matrix products.

    Returns
    -------
    Tensor of shape (n, *sample_shape)
        Each row has the length of REACH times the distance to the nearest other row. It is zero
        where E does not react.
    """
    rows = x.flatten(1)
    distances = torch.cdist(rows, rows).fill_diagonal_(torch.inf)  # (n, n)
    lengths = REACH * distances.amin(1).nan_to_num(posinf=0)  # (n,), 0 for a row by itself
    direction = _of_lengths(torch.randn_like(x), lengths).requires_grad_()
    with without_dropout(E), products_in(precision, x.device):
        both = statistics_kept(E, torch.cat([x, x + direction]))
    codes, changed = both.float().chunk(2)
    (gradient,) = torch.autograd.grad((changed - codes).square().sum(), direction)
    return _of_lengths(gradient, lengths)


def statistics_kept(E: nn.Module, x: Tensor) -> Tensor:
    """Return E(x), and leave E's running statistics as they are."""
    statistics = {name: buffer.clone() for name, buffer in E.named_buffers()}
    return functional_call(E, statistics, (x,))


def dropout_layers(E: nn.Module) -> list[nn.Module]:
    """Return the layers of dropout that are in training mode."""
    return [layer for layer in E.modules() if isinstance(layer, _DropoutNd) and layer.training]


@contextmanager
def without_dropout(E: nn.Module) -> Iterator[None]:
    """Let dropout layers pass all values inside."""
    layers = dropout_layers(E)
    for layer in layers:
        layer.training = False
    try:
        yield
    finally:
        for layer in layers:
            layer.training = True


def _of_lengths(directions: Tensor, lengths: Tensor) -> Tensor:
    """Scale every row to its length; a row of zeros stays so."""
    rows = directions.flatten(1)
    unit = rows / rows.norm(dim=1, keepdim=True).clamp_min(torch.finfo(rows.dtype).tiny)
    return (unit * lengths[:, None]).view_as(directions)
