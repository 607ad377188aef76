"""The whole state of a training, as plain values and tensors, and back into the engine."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from skorch.history import History
from torch import Tensor

if TYPE_CHECKING:
    from .training import BiGANNet

NETWORKS = ("encoder_", "generator_", "discriminator_")
OPTIMIZERS = ("optimizer_d_", "optimizer_eg_")


class EpochSoFar(NamedTuple):
    """How far an epoch has come.

    Parameters
    ----------
    order : dict
        State of the random generators that the order of its rows was drawn from.
    n_batches : int
    totals : Counter
        Of the losses, over these batches.
    """

    order: dict[str, Tensor]
    n_batches: int
    totals: Counter[str]


def training_state(net: BiGANNet) -> dict[str, Any]:
    """All that the rest of the training depends on, but for X and the parameters.

    Tensors are the engine's own, not copies.
    """
    epoch = net.epoch_so_far_
    records = net.history if epoch is None else net.history[:-1]
    return {
        **{name: getattr(net, name).state_dict() for name in NETWORKS},
        **{name: getattr(net, name).state_dict()["state"] for name in OPTIMIZERS},
        "lr": net.lr,
        "rollbacks": net.rollbacks_,
        "history": [_plain(record) for record in records],
        "epoch": None if epoch is None else [epoch.order, epoch.n_batches, dict(epoch.totals)],
        "generators": generators(torch.device(net.device)),
        "callbacks": {name: _learned(callback) for name, callback in net.callbacks_},
    }


def load_training_state(net: BiGANNet, state: dict[str, Any]) -> None:
    """Let the engine go on from there; the state stays as it is."""
    state = on_cpu(state)  # an optimizer goes on with the very tensors that it is given
    for name in NETWORKS:
        getattr(net, name).load_state_dict(state[name])
    for name in OPTIMIZERS:
        load_moments(getattr(net, name), state[name])
    net.lr = state["lr"]
    net.rollbacks_ = state["rollbacks"]
    net.history_ = History({**record, "batches": []} for record in state["history"])
    net.epoch_so_far_ = None
    if state["epoch"] is not None:
        order, n_batches, totals = state["epoch"]
        here = {name: total.to(net.device) for name, total in totals.items()}
        net.epoch_so_far_ = EpochSoFar(order, n_batches, Counter(here))
    set_generators(torch.device(net.device), state["generators"])
    for name, callback in net.callbacks_:
        vars(callback).update(state["callbacks"].get(name, {}))


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """The numbers and texts among them, which can be read back without running code."""
    plain = (bool, int, float, str, type(None))
    items = {key: v.item() if isinstance(v, np.generic) else v for key, v in values.items()}
    return {key: value for key, value in items.items() if type(value) in plain}


def load_moments(optimizer: torch.optim.Optimizer, moments: dict[int, Any]) -> None:
    """Its state; what its groups of parameters are told stays as it is."""
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": moments, "param_groups": groups})


def _learned(callback: Any) -> dict[str, Any]:
    """What a callback has counted, as EarlyStopping its patience; skorch ends such names in "_"."""
    return _plain({name: value for name, value in vars(callback).items() if name.endswith("_")})


def is_finite(state: Any) -> bool:
    """Whether every number in tensors is."""
    if isinstance(state, Tensor):
        # The sum tells of most at a fraction of the cost.
        return bool(state.sum().isfinite() or state.isfinite().all())
    if isinstance(state, dict):
        return all(map(is_finite, state.values()))
    return not isinstance(state, list | tuple) or all(map(is_finite, state))


def generators(device: torch.device) -> dict[str, Tensor]:
    """The states of torch's generators that a training on the device draws from."""
    states = {"cpu": torch.get_rng_state()}
    if device.type != "cpu":
        with torch.accelerator.device_index(device.index):
            states[device.type] = torch.get_device_module(device).get_rng_state()
    return states


def set_generators(device: torch.device, states: dict[str, Tensor]) -> None:
    """Back to these states; a generator that has none among them stays."""
    torch.set_rng_state(states["cpu"])
    if device.type in states and device.type != "cpu":
        with torch.accelerator.device_index(device.index):
            torch.get_device_module(device).set_rng_state(states[device.type])


def on_cpu(state: Any) -> Any:
    """A copy with every tensor on the CPU."""
    if isinstance(state, Tensor):
        return state.detach().to("cpu", copy=True)
    if isinstance(state, dict):
        return {key: on_cpu(value) for key, value in state.items()}
    if isinstance(state, list | tuple):
        return type(state)(on_cpu(value) for value in state)
    return state
