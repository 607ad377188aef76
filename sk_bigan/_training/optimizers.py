"""The two optimizers of a game, and their moments as plain tensors."""

from __future__ import annotations

from inspect import unwrap
from typing import Any

import torch
from torch import nn

from ..networks.players import Players

ADAM_BETAS = (0.5, 0.999)  # Donahue et al. 2017, Appendix A


class Adam(torch.optim.Adam):
    """Adam without torch's compiler, whose import takes longer than a short fit.

    torch wraps these methods for those who compile their step, which we do not.
    """

    step = torch.no_grad()(unwrap(torch.optim.Adam.step))
    add_param_group = unwrap(torch.optim.Adam.add_param_group)
    state_dict = unwrap(torch.optim.Adam.state_dict)
    load_state_dict = unwrap(torch.optim.Adam.load_state_dict)
    zero_grad = unwrap(torch.optim.Adam.zero_grad)


Optimizers = dict[str, torch.optim.Optimizer]
"""By the names "optimizer_d_" and "optimizer_eg_"."""

Moments = dict[int, dict[str, torch.Tensor]]
"""The state of an optimizer, by the number of the parameter."""


def learning_parameters(players: Players) -> dict[str, list[nn.Parameter]]:
    """Return the parameters that each optimizer updates."""
    E, G, D = players
    modules = {"optimizer_d_": (D,), "optimizer_eg_": (E, G)}
    return {
        name: [p for module in learners for p in module.parameters() if p.requires_grad]
        for name, learners in modules.items()
    }


def make_optimizers(players: Players) -> Optimizers:
    """Return fresh optimizers of the players; every epoch of a training sets their rate."""
    return {
        name: Adam(parameters, betas=ADAM_BETAS, fused=True)
        for name, parameters in learning_parameters(players).items()
    }


def moments_of(optimizers: Optimizers) -> dict[str, Moments]:
    """Return the moments by the name of the optimizer; the tensors are its own."""
    return {name: optimizer.state_dict()["state"] for name, optimizer in optimizers.items()}


def load_moments(optimizers: Optimizers, moments: dict[str, Any]) -> None:
    """Load moments; learning rates and other settings stay."""
    for name, optimizer in optimizers.items():
        groups = optimizer.state_dict()["param_groups"]
        optimizer.load_state_dict({"state": moments[name], "param_groups": groups})
