"""Whether a training is healthy: what the three networks do, looked at now and then."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from itertools import takewhile
from math import prod
from typing import NamedTuple

import torch
from sklearn.exceptions import ConvergenceWarning
from torch import Tensor, nn

from .inputs import DatasetRows, from_all_over
from .state import generators, set_generators

ROWS = 64
VALUES = 2**20  # at most, for large images

# In a row, before it is said that something is wrong. Networks start with small weights, and codes
# and samples that are nearly the same, for up to 50 steps in healthy trainings.
EPOCHS = 3
STEPS = 200


class Health(NamedTuple):
    """What is seen in one look, with the networks in evaluation mode.

    Parameters
    ----------
    d_real, d_fake : float
        Shares of the encoder's and of the generator's pairs that D tells rightly.
    d_spread : float
        Standard deviation of D's logits.
    code_spread : float
        Standard deviation of the codes E(x), as a share of the prior's; mean over coordinates.
    code_covariance : float
        Root mean square covariance of two coordinates of the codes, as a multiple of that of as
        many draws from the prior.
    sample_spread : float
        Standard deviation of the samples G(z), as a share of that of x; means over values.
    score : float
        Share of the variation of x that its reconstructions G(E(x)) explain.
    """

    d_real: float
    d_fake: float
    d_spread: float
    code_spread: float
    code_covariance: float
    sample_spread: float
    score: float


# What is wrong, how it shows, and what to try. In healthy trainings of digits and tables D's logits
# spread from 0.02 to 5, codes and samples above 0.3 once they have left the start.
COLLAPSES: dict[str, tuple[Callable[[Health], bool], str]] = {
    "the discriminator tells every pair": (
        lambda h: min(h.d_real, h.d_fake) == 1 and h.d_spread > 5,
        "a larger gradient_penalty, or a lower learning_rate",
    ),
    "the discriminator gives all pairs one logit": (
        lambda h: h.d_spread < 1e-3,
        "a smaller gradient_penalty, a lower learning_rate, or a discriminator with other weights "
        "to start from",
    ),
    "the codes of all rows are nearly the same": (
        lambda h: h.code_spread < 0.05,
        "cycle_weight=1 or more, a lower learning_rate, or BatchNorm in an encoder of your own",
    ),
    "all samples of the generator are nearly the same": (
        lambda h: h.sample_spread < 0.05,
        "cycle_weight=1 or more, a lower learning_rate, or BatchNorm in a generator of your own",
    ),
}


class Monitor:
    """Looks at a few rows and codes, always the same, and warns of a collapse once.

    Parameters
    ----------
    encoder, generator, discriminator : nn.Module
    x : Tensor of shape (n, *sample_shape)
    z : Tensor of shape (n, latent_dim)
        Draws from the prior.
    """

    def __init__(
        self,
        encoder: nn.Module,
        generator: nn.Module,
        discriminator: nn.Module,
        x: Tensor,
        z: Tensor,
    ):
        self.networks = encoder, generator, discriminator
        self.x, self.z = x, z
        self.warned = False

    @torch.no_grad()
    def look(self) -> Health:
        """The networks are left in evaluation mode, torch's generators as they were."""
        before = generators(self.x.device)
        for network in self.networks:
            network.eval()
        E, G, D = self.networks
        codes, samples = E(self.x), G(self.z)
        errors, deviations = self.x - G(codes), self.x - self.x.mean(0)
        real_logits = D(x=self.x, z=codes).float().flatten()
        fake_logits = D(x=samples, z=self.z).float().flatten()
        set_generators(self.x.device, before)
        return Health(
            d_real=(real_logits > 0).float().mean().item(),
            d_fake=(fake_logits <= 0).float().mean().item(),
            d_spread=torch.cat([real_logits, fake_logits]).std(correction=0).item(),
            # Of data that do not vary, nothing else can.
            code_spread=share(spread(codes), spread(self.z)) if spread(self.x) > 0 else 1.0,
            code_covariance=share(covariance(codes), covariance(self.z)),
            sample_spread=share(spread(samples), spread(self.x)),
            score=1 - share(sum_of_squares(errors), sum_of_squares(deviations)),
        )

    def warn_of_collapse(self, healths: Sequence[Health], n_steps: int) -> None:
        """To be told of the epochs so far, the last one last, and how many steps each had."""
        for collapse, (shows, advice) in COLLAPSES.items():
            epochs = len([*takewhile(shows, reversed(healths))])
            if epochs >= EPOCHS and epochs * n_steps >= STEPS and not self.warned:
                self.warned = True
                warnings.warn(
                    f"for {epochs * n_steps} steps, {collapse}: the training has collapsed. Try "
                    f"{advice}",
                    ConvergenceWarning,
                    stacklevel=2,
                )


def spread(values: Tensor) -> float:
    """Standard deviation over rows, mean over the rest."""
    return values.float().std(0, correction=0).mean().item()


def covariance(values: Tensor) -> float:
    """Root mean square over pairs of different columns."""
    # Squares of large codes overflow single precision, and some devices have no double.
    matrix = torch.atleast_2d(values.cpu().double().T.cov(correction=0))
    n = len(matrix)
    squares = matrix.square().sum() - matrix.diag().square().sum()
    return (squares / max(1, n * (n - 1))).sqrt().item()


def sum_of_squares(values: Tensor) -> float:
    return values.cpu().double().square().sum().item()


def rows_to_watch(X: Tensor | DatasetRows) -> Tensor:
    """A few rows from all over X, or the first of a stream."""
    return from_all_over(X, min(ROWS, max(2, VALUES // prod(X.shape[1:]))))


def share(part: float, whole: float) -> float:
    """1 where there is no whole."""
    return part / whole if whole > 0 else 1.0
