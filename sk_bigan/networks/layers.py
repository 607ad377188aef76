"""Features read out of an encoder: its code, or the layers before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_max_pool2d

# What maps of hidden layers are max-pooled to: Radford et al. 2016 (arXiv 1511.06434), Section 5.1.
GRID = 4


def reader(
    encoder: nn.Module, features: str | Sequence[str], summary: nn.Module | None = None
) -> Callable[[Tensor], dict[str, Tensor]]:
    """Return a function from samples to features, (n, n_outputs) by the name of the layer.

    Parameters
    ----------
    encoder : nn.Module
        Its submodule `body`, if any, is the penultimate layer, whose children are hidden layers.
    features : {"latent", "penultimate", "hidden", "summary"} or sequence of str
        Or names as in `encoder.named_modules()`.
    summary : nn.Module or None
        The map of all hidden layers, (n, n_hidden), to their summary.

    Raises
    ------
    ValueError
        If the encoder has no such layer; at the call, if it takes no part or gives no tensor.
    """
    if features == "latent":
        return lambda x: {"latent": encoder(x).flatten(1)}
    if features == "penultimate":
        body = body_of(encoder, "penultimate")
        return lambda x: {"penultimate": body(x).flatten(1)}
    if features == "hidden":
        return _reader_of_hidden(encoder, features)
    if features == "summary":
        hidden = _reader_of_hidden(encoder, features)
        if summary is None:
            raise ValueError(
                "features='summary' is learned in training: set it before `fit` or `partial_fit`"
            )
        return lambda x: {"summary": summary(joined(hidden(x)))}
    if not features:
        raise ValueError("features must name at least one layer, got an empty list")
    known = [name for name, _ in encoder.named_modules(remove_duplicate=False) if name]
    for name in features:
        if name not in known:
            raise ValueError(
                "features must be 'latent', 'penultimate', 'hidden', 'summary' or names of layers "
                f"of the encoder, which are {known}; got {name!r}"
            )
    return _reader_of_layers(encoder, [*dict.fromkeys(features)])


def joined(outputs: dict[str, Tensor]) -> Tensor:
    """Return the outputs of layers side by side."""
    layers = [*outputs.values()]
    return layers[0] if len(layers) == 1 else torch.cat(layers, dim=1)


def body_of(encoder: nn.Module, features: str) -> nn.Module:
    """Return the layers before the head, or raise a ValueError that names `features`."""
    body = getattr(encoder, "body", None)
    if not isinstance(body, nn.Module):
        raise ValueError(
            f"features={features!r} needs an encoder with a submodule `body`, "
            f"got {type(encoder).__name__} without"
        )
    return body


def _reader_of_hidden(encoder: nn.Module, features: str) -> Callable[[Tensor], dict[str, Tensor]]:
    children = [f"body.{name}" for name in body_of(encoder, features)._modules]
    return _reader_of_layers(encoder, children or ["body"])


def _reader_of_layers(
    encoder: nn.Module, names: Sequence[str]
) -> Callable[[Tensor], dict[str, Tensor]]:
    # A copy on the same weights: hooks on the encoder itself would see other threads' calls too.
    observed = _with_layers_apart(encoder)
    outputs: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[..., None]:
        def hook(layer: nn.Module, args: Any, output: Any) -> None:
            if not isinstance(output, Tensor):
                raise ValueError(
                    f"features needs layers that give one tensor, but {name!r} gives "
                    f"{type(output).__name__}"
                )
            kept = _pooled(output).clone()  # the layer above may work in place
            outputs[name] = torch.cat([outputs[name], kept], 1) if name in outputs else kept

        return hook

    for name in names:
        observed.get_submodule(name).register_forward_hook(keep(name))

    def read(x: Tensor) -> dict[str, Tensor]:
        outputs.clear()  # of a call that has failed
        observed(x)
        if missing := [name for name in names if name not in outputs]:
            raise ValueError(f"features names layers that take no part in E(x): {missing}")
        return {name: outputs.pop(name) for name in names}

    return read


def _with_layers_apart(network: nn.Module) -> nn.Module:
    """Return a copy on the same weights, in which a layer of two names is two layers."""
    shared = {id(one): one for one in (*all_tensors(network), *hooks_of_others(network))}
    copy, seen = deepcopy(network, {**shared}), set()
    for layer in [*copy.modules()]:
        for name, child in layer._modules.items():
            if child in seen:
                layer._modules[name] = deepcopy(child, {**shared})
            seen.add(child)
    return copy


def all_tensors(network: nn.Module) -> Iterator[Tensor]:
    """Yield every tensor of a network, also those that a hook has left beside its weights."""
    yield from network.parameters()
    yield from network.buffers()
    for layer in network.modules():
        yield from (value for value in vars(layer).values() if isinstance(value, Tensor))


def hooks_of_others(network: nn.Module) -> Iterator[Any]:
    """Yield the hooks that are no methods of layers; a copy of one would note what nobody reads."""
    for layer in network.modules():
        for hook in (*layer._forward_hooks.values(), *layer._forward_pre_hooks.values()):
            if not isinstance(getattr(hook, "__self__", None), nn.Module):
                yield hook


def _pooled(output: Tensor) -> Tensor:
    """Return (n, n_outputs), with maps of (n, channels, height, width) pooled to a grid."""
    if output.ndim != 4:
        return output.flatten(1)
    height, width = output.shape[2:]
    # torch 2.13 pools wrongly on MPS: github.com/pytorch/pytorch/issues/190064
    maps = output.cpu() if output.device.type == "mps" else output
    grid = adaptive_max_pool2d(maps, (min(height, GRID), min(width, GRID)))
    return grid.to(output.device).flatten(1)
