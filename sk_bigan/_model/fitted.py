"""A fitted model as a value: networks, and the way of rows to them and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import DTypeLike
from torch import Tensor

from .._data.inference import forward
from .._data.layout import Layout
from .._data.rows import DatasetRows
from .._data.scaling import in_units_of_rows, make_to_samples, share_of_known
from .._data.units import UNKNOWN, warn_of_other_units
from .._machine.at_rest import computed_at_rest
from .._machine.random_numbers import seeded, undisturbed
from ..networks.building import moved
from ..networks.folding import ROW_BLOCK, USUAL_BATCHING, Batching, Prepared, prepared
from ..networks.layers import joined, reader
from ..networks.players import Players
from ..networks.tables import filled, gaps_filled, takes_gaps
from ..priors import Prior
from .summary import Summary

Rows = np.ndarray | DatasetRows


@dataclass(frozen=True, eq=False)
class Fitted:
    """A fitted model, which computes without an estimator.

    Parameters
    ----------
    players : Players
        E, G and D.
    scaler : fitted scaler of scikit-learn
        Maps rows of X to the units of the networks.
    layout : Layout
        Shapes of a row of X and of a sample.
    prior : Prior
    latent_dim : int
    total_variance : float
        Mean over the training rows of :math:`\\|x - \\bar{x}\\|^2`, in the units of `scaler`.
    device : torch.device
        Device of the networks.
    summary : Summary or None
        Map of E's hidden layers to their summary, if one was learned.
    sizes_in_fit : tuple of float
        Least and greatest size of a training row, which tell rows in other units.
    """

    players: Players
    scaler: Any
    layout: Layout
    prior: Prior
    latent_dim: int
    total_variance: float
    device: torch.device
    summary: Summary | None = None
    sizes_in_fit: tuple[float, float] = UNKNOWN

    def __getstate__(self) -> dict[str, Any]:
        """Return the fields, from which the rest follows."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def to(self, device: torch.device) -> Fitted:
        """Return this model on the device: itself if there, else a copy, tried out."""
        if device == self.device:
            return self
        with undisturbed(device):  # networks of the user's own may draw
            shape = self.layout.sample_shape
            players = moved(deepcopy(self.players), device, shape, self.latent_dim)
            summary = deepcopy(self.summary).to(device) if self.summary else None
        return replace(self, players=players, device=device, summary=summary)

    @cached_property
    def to_samples(self) -> Callable[[Tensor], Tensor]:
        """The function from rows of X, on the device, to samples."""
        return make_to_samples(self.scaler, self.layout, self.device)

    @property
    def prepared_encoder(self) -> Prepared:
        return prepared(self.players.encoder, self.layout.sample_shape)

    @property
    def prepared_generator(self) -> Prepared:
        return prepared(self.players.generator, (self.latent_dim,))

    @property
    @computed_at_rest
    def prepared_players(self) -> Players:
        """E, G and D for inference."""
        E, G = self.prepared_encoder.network, self.prepared_generator.network
        return Players(E, G, self.players.discriminator)

    @computed_at_rest
    def map(
        self,
        function: Callable[[Tensor], Tensor],
        rows: Rows,
        dtype: DTypeLike = np.float64,
        out: np.ndarray | None = None,
        batching: Batching = USUAL_BATCHING,
    ) -> np.ndarray:
        """Return the function's output for every row of X, (n, ...), written to `out` if given.

        The function maps samples, (m, *sample_shape), to (m, ...).
        """
        results = forward(function, rows, self.device, dtype, out, self.to_samples, batching)
        if not takes_gaps(self.players.encoder):  # whose rows are in units of their own
            warn_of_other_units(rows, self.scaler, self.sizes_in_fit)
        return results

    @computed_at_rest
    def features(
        self, rows: Rows, which: str | Sequence[str] = "latent", out: np.ndarray | None = None
    ) -> np.ndarray:
        """Return the features of every row, (n, n_features_out), in the rows' float dtype.

        `which` names layers of the encoder, as `networks.layers.reader` takes them.
        """
        # Folding leaves out some of the layers with other names.
        folds = isinstance(which, str)
        E, batching, straight = self.prepared_encoder if folds else Prepared(self.players.encoder)
        if which == "summary":  # whose product was not tried with fewer rows
            batching = batching._replace(few_rows=ROW_BLOCK)
        dtype = rows.dtype if rows.dtype.kind == "f" else np.float64
        if which == "latent" and straight is not None:

            def function(x: Tensor) -> Tensor:
                return straight(x).flatten(1)
        else:
            read = reader(E, which, self.summary)

            def function(x: Tensor) -> Tensor:
                return joined(read(gaps_filled(E, x)))

        return self.map(function, rows, dtype, out, batching)

    @computed_at_rest
    def feature_sizes(self, which: str | Sequence[str]) -> dict[str, int]:
        """Return the number of features of each layer, by its name."""
        one_sample = torch.zeros(1, *self.layout.sample_shape, device=self.device)
        with torch.inference_mode():
            read = reader(self.players.encoder, which, self.summary)(one_sample)
        return {name: output.shape[1] for name, output in read.items()}

    @computed_at_rest
    def generate(self, z: np.ndarray) -> np.ndarray:
        """Return G(z) in the units and the shape of X, with z's dtype or float32 if wider."""
        G, batching, _ = self.prepared_generator
        dtype = np.result_type(z.dtype, np.float32)  # X may exceed what float16 holds

        def to_rows(batch: Tensor) -> Tensor:
            return self.layout.to_rows(G(batch))

        x = forward(to_rows, z, self.device, dtype, None, Tensor.float, batching)
        return in_units_of_rows(x, self.scaler, dtype).reshape(-1, *self.layout.row_shape)

    @computed_at_rest
    def draw_codes(self, n: int, seed: int) -> np.ndarray:
        """Return n draws from the prior, (n, latent_dim), float64."""
        with seeded(seed):
            return self.prior.sample(n, self.latent_dim).detach().cpu().double().numpy()

    def complete(self, x: Tensor) -> Tensor:
        """Return samples with gaps filled by their reconstruction G(E(x))."""
        E, G, _ = self.prepared_players
        return filled(x, G(E(x))) if takes_gaps(E) else x

    def explained(self, rows: Rows) -> np.ndarray:
        """Return the share of each row's variation that its reconstruction explains, (n,)."""
        E, G, _ = self.prepared_players

        def squared_error(x: Tensor) -> Tensor:
            reconstructed = G(E(x))
            return (filled(x, reconstructed) - reconstructed).flatten(1).square().sum(1)

        errors = self.map(squared_error, rows)
        if takes_gaps(E):
            return 1 - share_of_known(errors, np.asarray(rows), self.scaler)
        return 1 - errors / self.total_variance
