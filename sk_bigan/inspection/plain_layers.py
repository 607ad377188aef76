"""Generators as lists of plain layers, which a few lines of any language can run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

from .._data.scaling import center_and_factor
from .._model.fitted import Fitted
from ..display.coding import Coder, is_affine, steps_of

Layer = dict[str, Any]  # "kind" and its arrays
MOST_NUMBERS = 1_000_000  # in the layers: 5 MB of text
TOLERANCE = 1e-4  # of the layers' outputs, as a share of the largest

ACTIVATIONS = {
    "leaky_relu": lambda x, layer: np.where(x > 0, x, layer["slope"] * x),
    "tanh": lambda x, layer: np.tanh(x),
    "sigmoid": lambda x, layer: 1 / (1 + np.exp(-x)),
}
LAYERS = {
    "linear": lambda x, layer: x @ layer["weight"].T + layer["bias"],
    "scale": lambda x, layer: x * layer["factor"] + layer["shift"],
    **ACTIVATIONS,
}
NO_CHANGE = (nn.Identity, nn.Flatten, nn.Unflatten, nn.Dropout)  # of a row, after training


def plain_layers(coder: Coder, codes: np.ndarray) -> list[Layer] | None:
    """Return layers that map codes to flat rows in X's units, as `coder.decode` does.

    None if the way back has other parts than perceptrons and affine maps, more than `MOST_NUMBERS`
    numbers, or other results than these layers for the codes given.

    Parameters
    ----------
    coder : Coder
    codes : ndarray of shape (n, n_codes)
    """
    layers = _layers_back(coder)
    if layers is None or sum(np.size(value) for one in layers for value in one.values()) > (
        MOST_NUMBERS
    ):
        return None
    expected = np.asarray(coder.decode(codes), dtype=np.float64).reshape(len(codes), -1)
    error = np.abs(run(layers, codes) - expected).max()
    return layers if error <= TOLERANCE * max(1, np.abs(expected).max()) else None


def run(layers: list[Layer], codes: np.ndarray) -> np.ndarray:
    """Return the layers' output for each code."""
    x = codes.astype(np.float64)
    for layer in layers:
        x = LAYERS[layer["kind"]](x, layer)
    return x


def _layers_back(coder: Coder) -> list[Layer] | None:
    layers: list[Layer] = []
    steps = coder.before
    if coder.bigan is None:
        steps = steps_of(coder.estimator)
    elif hasattr(coder.bigan, "columns_"):
        return None
    else:
        generator = _of_generator(coder.bigan.model_)
        if generator is None:
            return None
        layers += generator
    for step in reversed(steps):
        if not is_affine(step):
            return None
        layers.append(_inverse_of(step))
    return layers


def _inverse_of(step: Any) -> Layer:
    n_codes = len(step.get_feature_names_out())
    units = np.vstack([np.eye(n_codes), np.zeros(n_codes)])
    *images, origin = np.asarray(step.inverse_transform(units))
    weight = np.transpose(images - origin)
    diagonal = np.diag(weight)
    if weight.shape[0] == weight.shape[1] and np.array_equal(weight, np.diag(diagonal)):
        return {"kind": "scale", "factor": diagonal, "shift": origin}
    return {"kind": "linear", "weight": weight, "bias": origin}


def _of_generator(model: Fitted) -> list[Layer] | None:
    """Return G, with its output in the order and the units of X."""
    layers = [_layer(module) for module in _leaves(model.players.generator)]
    if None in layers:
        return None
    found = [layer for layer in layers if layer]
    last = next((one for one in reversed(found) if one["kind"] == "linear"), None)
    if last is None:
        return None
    numbers = torch.arange(len(last["bias"])).reshape(1, *model.layout.sample_shape)
    order = model.layout.to_rows(numbers)[0].numpy()
    last["weight"], last["bias"] = last["weight"][order], last["bias"][order]
    center, factor = center_and_factor(model.scaler)
    ones = np.ones(len(order))
    return [*found, {"kind": "scale", "factor": ones / factor, "shift": ones * center}]


def _leaves(network: nn.Module) -> Iterator[nn.Module]:
    if type(network) is nn.Sequential:
        for child in network:
            yield from _leaves(child)
    else:
        yield network


def _layer(module: nn.Module) -> Layer | None:
    """Return a module as a layer, {} if it changes nothing, None if it is of another kind."""
    if type(module) in NO_CHANGE:
        return {}
    if type(module) is nn.Linear:
        bias = torch.zeros(len(module.weight)) if module.bias is None else module.bias
        return {"kind": "linear", "weight": _array(module.weight), "bias": _array(bias)}
    if type(module) is nn.BatchNorm1d and module.affine and module.track_running_stats:
        mean, variance = _array(module.running_mean), _array(module.running_var)
        factor = _array(module.weight) / np.sqrt(variance + module.eps)
        return {"kind": "scale", "factor": factor, "shift": _array(module.bias) - mean * factor}
    if type(module) in (nn.ReLU, nn.LeakyReLU):
        return {"kind": "leaky_relu", "slope": getattr(module, "negative_slope", 0.0)}
    if type(module) in (nn.Tanh, nn.Sigmoid):
        return {"kind": type(module).__name__.lower()}
    return None


def _array(tensor: Any) -> np.ndarray:
    return tensor.detach().cpu().double().numpy()
