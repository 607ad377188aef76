"""A fitted model with a summary of its hidden layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from torch import Tensor

from .._machine.hermetic import hermetic
from .._machine.random_numbers import seeded
from ..networks.layers import body_of, joined, reader
from ..networks.tables import gaps_filled
from .fitted import Fitted, Rows
from .summary import learn_summary


@hermetic
def summarised(
    model: Fitted, rows: Rows, augmentation: Callable[[Tensor], Tensor] | None, seed: int
) -> Fitted:
    """Return the model with a summary that is learned from two views of each row."""
    body_of(model.players.encoder, "summary")  # or an error that names it
    E = model.prepared_encoder.network
    read, augmented = reader(E, "hidden"), augmentation or (lambda x: x)

    def hidden(x: Tensor) -> Tensor:
        return joined(read(gaps_filled(E, augmented(x))))

    with seeded(seed, model.device):
        views = [model.map(hidden, rows, np.float32) for _ in range(2)]
    summary = learn_summary(views, model.latent_dim, seed)
    return replace(model, summary=summary.to(model.device))
