"""Networks for inference: BatchNorm folded into the layer before it, and the rows of a block.

In evaluation mode BatchNorm is an affine map of its input, and so part of a linear layer or of a
convolution that comes before. A pass over memory and a call of a module go with it.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from itertools import pairwise
from math import prod
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from .mlp import Encoder

FOLDS: dict[tuple[type, type], Any] = {
    (nn.Linear, nn.BatchNorm1d): fuse_linear_bn_eval,
    (nn.Conv2d, nn.BatchNorm2d): fuse_conv_bn_eval,
}
CHAINS = (nn.Sequential, Encoder)  # of their children
TOLERANCE = 1e-4  # of a trial, where rounding differs and mistakes are far larger

# Kernels sum a handful of rows, or the rows left over at the end, in another order than the rest.
# Padded to a multiple of this, a row's result does not depend on the rows that came with it.
ROW_BLOCK = 32
SMALLER_BLOCKS = (4, 8, 16)  # of which one may do on a CPU, by itself


class Batching(NamedTuple):
    """Numbers that decide how many rows a network computes at once.

    Parameters
    ----------
    few_rows : int
        In a batch of so many rows, each row's output has the same bits as among any others.
    width : int
        The most values that a layer makes of a row, if known.
    """

    few_rows: int = ROW_BLOCK
    width: int = 1


USUAL_BATCHING = Batching()


class Prepared(NamedTuple):
    """A network for inference.

    Parameters
    ----------
    network : nn.Module
    batching : Batching
    straight : callable, Tensor -> Tensor, or None
        Computes what the network does, layer by layer. The calls of modules within modules take as
        long for a few rows as the products do. None where the network is more than a chain.
    """

    network: nn.Module
    batching: Batching = USUAL_BATCHING
    straight: Callable[[Tensor], Tensor] | None = None


_known: WeakKeyDictionary[nn.Module, tuple[Any, Prepared]] = WeakKeyDictionary()


def prepared(network: nn.Module, input_shape: tuple[int, ...]) -> Prepared:
    """Return the network with BatchNorm folded, or itself where there is nothing to fold.

    The copy is kept, and made anew when weights, statistics, layers or hooks have changed since. A
    change through `Tensor.data` leaves no trace and is not seen.

    Parameters
    ----------
    network : nn.Module
    input_shape : tuple of int
        Shape of one row of its input, for trials.
    """
    try:
        state = _state(network)
    except RuntimeError:  # a tensor that was made in inference mode does not count its changes
        return Prepared(network)
    known = _known.get(network)
    if known is None or known[0] != state:
        known = _known[network] = (state, _prepare(network, input_shape))
    return known[1]


def _state(network: nn.Module) -> list[Any]:
    """Return what changes whenever the network computes something else."""
    state: list[Any] = [torch.get_num_threads()]
    layers = [network]
    for layer in layers:
        if layer._modules:
            layers += [child for child in layer._modules.values() if child is not None]
        state += (id(layer), layer.training, *layer._forward_hooks, *layer._forward_pre_hooks)
        for tensors in (layer._parameters, layer._buffers):
            for tensor in tensors.values() if tensors else ():
                if tensor is not None:
                    state += (tensor.data_ptr(), tensor._version)
    return state


@torch.inference_mode()
def _prepare(network: nn.Module, input_shape: tuple[int, ...]) -> Prepared:
    if not any(_to_fold(layer) for layer in network.modules()):
        return Prepared(network)
    device = next(network.parameters()).device
    rows = torch.arange(ROW_BLOCK * prod(input_shape), device=device).sin()
    rows = rows.view(ROW_BLOCK, *input_shape)
    wanted = network(rows)
    try:
        copy = deepcopy(network).requires_grad_(False)
        for layer in [*copy.modules()]:
            _fold_within(layer)
        width, outputs = _widest(copy, rows)
    except Exception:  # it cannot be copied, or calls a layer by its number
        return Prepared(network)
    # A linear layer's outputs may lie along another axis than the one that BatchNorm normalises.
    if not (outputs - wanted).abs().max() <= TOLERANCE * wanted.abs().max():  # or is not finite
        return Prepared(network)
    few_rows = next(
        (
            size
            for size in (SMALLER_BLOCKS if device.type == "cpu" else ())
            if torch.equal(torch.cat([copy(block) for block in rows.split(size)]), outputs)
        ),
        ROW_BLOCK,
    )
    return Prepared(copy, Batching(few_rows, width), _straight(copy))


def _straight(network: nn.Module) -> Callable[[Tensor], Tensor] | None:
    layers = _chain(network)
    if layers == [network]:
        return None
    steps = [layer.forward if not _has_hooks(layer) else layer for layer in layers]

    def compute(x: Tensor) -> Tensor:
        for step in steps:
            x = step(x)
        return x

    return compute


def _chain(network: nn.Module) -> list[nn.Module]:
    """Return the layers that a network calls one after another; of other networks, itself."""
    if type(network) not in CHAINS or _has_hooks(network):
        return [network]
    return [layer for child in network.children() for layer in _chain(child)]


def _has_hooks(layer: nn.Module) -> bool:
    return bool(layer._forward_hooks or layer._forward_pre_hooks)


def _widest(network: nn.Module, rows: Tensor) -> tuple[int, Tensor]:
    """Return the most values that a layer makes of a row, and the network's output for the rows."""
    widths = [1]

    def note(layer: nn.Module, args: Any, output: Any) -> None:
        if isinstance(output, Tensor):
            widths.append(output.numel() // len(rows))

    hooks = [layer.register_forward_hook(note) for layer in network.modules()]
    outputs = network(rows)
    for hook in hooks:
        hook.remove()
    return max(widths), outputs


def _to_fold(sequence: nn.Module) -> list[tuple[int, Any]]:
    """Return where in a sequence BatchNorm comes right after a layer, and what folds it."""
    if type(sequence) is not nn.Sequential:
        return []
    return [
        (number, FOLDS[kinds])
        for number, (layer, norm) in enumerate(pairwise(sequence))
        if (kinds := (type(layer), type(norm))) in FOLDS
        and not (norm.training or norm.running_mean is None)
        and not (_has_hooks(layer) or _has_hooks(norm))
    ]


def _fold_within(sequence: Any) -> None:
    for number, fold in reversed(_to_fold(sequence)):
        sequence[number] = fold(sequence[number], sequence[number + 1])
        del sequence[number + 1]
