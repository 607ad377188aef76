"""A fitted model as plain values and arrays, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch

from .._data.layout import Layout
from .._data.units import UNKNOWN
from .._machine.threads import require_no_fork
from ..networks.players import Players
from ..priors import Prior
from .fitted import Fitted
from .format import to_numbers
from .summary import summary_from_arrays


def state_of(model: Fitted) -> dict[str, Any]:
    """Return the model as plain values and arrays, but for the prior."""
    require_no_fork(model.device)
    networks = zip(Players._fields, model.players, strict=True)
    return {
        **{f"{name}_": to_numbers(network.state_dict()) for name, network in networks},
        "scaler_": model.scaler,
        "layout": tuple(model.layout),
        "latent_dim": model.latent_dim,
        "total_variance": model.total_variance,
        "summary": to_numbers(model.summary.state_dict()) if model.summary else None,
        "sizes_in_fit": model.sizes_in_fit,
    }


def model_of(state: Mapping[str, Any], players: Players, prior: Prior) -> Fitted:
    """Return the model of a state, on the CPU, or refuse a summary of other players.

    Older states have no summary, and no sizes.
    """
    model = Fitted(
        players=players,
        scaler=state["scaler_"],
        layout=Layout(*state["layout"]),
        prior=prior,
        latent_dim=state["latent_dim"],
        total_variance=state["total_variance"],
        device=torch.device("cpu"),
        sizes_in_fit=tuple(state.get("sizes_in_fit", UNKNOWN)),
    )
    if not (arrays := state.get("summary")):
        return model
    n_hidden = sum(model.feature_sizes("hidden").values())
    return replace(model, summary=summary_from_arrays(arrays, (model.latent_dim, n_hidden)))
