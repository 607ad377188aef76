"""Priors P_Z, the distributions that codes are matched to: draws and support.

D separates E(x) from z easily if one can take values that the other cannot. A prior therefore also
names the activation that maps E's last layer onto its support. Add one by naming it in `PRIORS`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn


class Prior(NamedTuple):
    """A distribution of codes.

    Parameters
    ----------
    sample : callable, (n_samples, latent_dim) -> Tensor of shape (n_samples, latent_dim)
        Independent draws. Inside the estimator torch's default generator is seeded from
        `random_state`, so draw with torch.
    code_activation : callable () -> nn.Module
        Makes the module that maps real numbers onto the support; identity for an unbounded prior.
    """

    sample: Callable[[int, int], Tensor]
    code_activation: Callable[[], nn.Module] = nn.Identity


def normal(n_samples: int, latent_dim: int) -> Tensor:
    """Draw independent standard normal coordinates."""
    return torch.randn(n_samples, latent_dim)


def uniform(n_samples: int, latent_dim: int) -> Tensor:
    """Draw independent coordinates, uniform on [-1, 1]."""
    return 2 * torch.rand(n_samples, latent_dim) - 1


PRIORS: dict[str, Prior] = {
    "normal": Prior(normal),
    "uniform": Prior(uniform, code_activation=nn.Tanh),
}


def resolve_prior(prior: str | Prior | Callable[[int, int], Tensor], latent_dim: int) -> Prior:
    """Return the named prior, or a user's own after one trial draw.

    Raises
    ------
    ValueError
        If the user's own does not give finite codes of shape (n_samples, latent_dim), or has no
        function that makes an activation.
    """
    if isinstance(prior, str):
        return PRIORS[prior]
    own = prior if isinstance(prior, Prior) else Prior(prior)
    if isinstance(own.code_activation, nn.Module) or not callable(own.code_activation):
        raise ValueError(
            "prior must have a code_activation that makes modules, as torch.nn.Tanh without "
            f"parentheses, got {own.code_activation!r}"
        )
    try_draw(own, latent_dim, torch.device("cpu"))
    return own


def try_draw(prior: Prior, latent_dim: int, device: torch.device) -> None:
    """Draw once with new tensors on the device, as a training there does.

    Raises
    ------
    ValueError
        If that fails or does not give finite codes of shape (n_samples, latent_dim).
    """
    try:
        with device:
            z = prior.sample(2, latent_dim)
    except RuntimeError as error:
        raise ValueError(f"prior failed to draw (2, {latent_dim}) on {device}: {error}") from error
    if not (isinstance(z, Tensor) and z.shape == (2, latent_dim) and z.isfinite().all()):
        raise ValueError(
            "prior must map (n_samples, latent_dim) to a finite tensor of that shape, "
            f"got {z!r} for (2, {latent_dim})"
        )
