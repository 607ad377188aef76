"""The players of a game: E, G, and D or several discriminators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import nn


class Discriminators(nn.ModuleDict):
    """The three discriminators of ALAD, Zenati et al. 2018 (arXiv 1812.02288), by their pairs.

    - "xz", D: separates (x, E(x)) from (G(z), z).
    - "xx": separates (x, x) from (G(E(x)), x).
    - "zz": separates (z, z) from (E(G(z)), z).

    Each has the signature (x=, z=) -> logits. In "xx" and "zz", `x` is what may have come back and
    `z`, flattened, is what was sent.
    """


class Players(NamedTuple):
    """The networks of a game.

    Parameters
    ----------
    encoder : nn.Module
        E: x -> z.
    generator : nn.Module
        G: z -> x.
    discriminator : nn.Module or Discriminators
        D: (x=, z=) -> logits of shape (n,) or (n, 1).
    """

    encoder: nn.Module
    generator: nn.Module
    discriminator: nn.Module

    def to(self, device: torch.device) -> Players:
        """Move the networks to the device."""
        for network in self:
            network.to(device)
        return self

    @property
    def D(self) -> nn.Module:
        """The discriminator of pairs of a sample and its code."""
        if isinstance(self.discriminator, Discriminators):
            return self.discriminator["xz"]
        return self.discriminator

    @property
    def cycle_discriminators(self) -> Mapping[str, nn.Module]:
        """The discriminators of the cycles, by their pairs; empty where D is alone."""
        if isinstance(self.discriminator, Discriminators):
            return {pairs: self.discriminator[pairs] for pairs in ("xx", "zz")}
        return {}
