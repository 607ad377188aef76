"""Health checks of a training: statistics of the three networks, and signs of a collapse."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from itertools import takewhile
from math import prod
from typing import NamedTuple, Self

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from torch import Tensor

from .._data.rows import DatasetRows, from_all_over
from .._machine.at_rest import at_rest
from .._machine.devices import to_device
from .._machine.plain import all_finite
from .._machine.random_numbers import undisturbed
from ..exceptions import Diverged
from ..networks.blocks import gaps_filled
from ..networks.players import Players
from .engine import BiGANNet
from .step import Game

ROWS = 64
VALUES = 2**20  # at most, for large images

STEPS_BETWEEN_CHECKS = 100  # a check waits for the end of an epoch

# Consecutive epochs and steps before a warning. In healthy trainings, networks start with small
# weights, and with nearly equal codes and samples for up to 50 steps.
EPOCHS = 3
STEPS = 200


class Health(NamedTuple):
    """The result of one health check, with the networks in evaluation mode.

    Parameters
    ----------
    d_real, d_fake : float
        Shares of the encoder's and of the generator's pairs that D labels correctly.
    d_spread : float
        Standard deviation of D's logits.
    code_spread : float
        Standard deviation of the codes E(x) over the prior's, both means over coordinates.
    code_covariance : float
        Root mean square covariance of two coordinates of the codes, over that of the same number
        of draws from the prior.
    sample_spread : float
        Standard deviation of the samples G(z) over that of x, both means over values.
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


MOST_SPREAD = 10.0  # of samples; networks are made for about 1


class Settings(NamedTuple):
    """The settings of a training that may be at fault.

    Parameters
    ----------
    lr : float
    game : Game
    x_spread : float
        Standard deviation of the samples, mean over values.
    """

    lr: float
    game: Game
    x_spread: float


# Signs of a collapse. In healthy trainings of digits and tables D's logits spread from 0.02 to 5,
# and codes and samples above 0.3 after the start.
COLLAPSES: dict[str, Callable[[Health], bool]] = {
    "the discriminator tells every pair": (
        lambda h: min(h.d_real, h.d_fake) == 1 and h.d_spread > 5
    ),
    "the discriminator gives all pairs one logit": lambda h: h.d_spread < 1e-3,
    "the codes of all rows are nearly the same": lambda h: h.code_spread < 0.1,
    "all samples of the generator are nearly the same": lambda h: h.sample_spread < 0.1,
}

# What to try instead of a setting at fault. Each such setting led to a collapse on digits, wine or
# breast_cancer, where the default does not collapse.
REMEDIES: dict[str, Callable[[Settings], bool]] = {
    "scaling='auto', since the values that the networks get spread by {s.x_spread:.2g}": (
        lambda s: s.x_spread > MOST_SPREAD
    ),
    "a lower learning_rate than {s.lr:g}": lambda s: s.lr > 0.01,
    "a higher learning_rate than {s.lr:g}": lambda s: s.lr < 1e-7,
    "a smaller gradient_penalty than {s.game.gradient_penalty:g}": (
        lambda s: s.game.gradient_penalty > 100
    ),
    "gradient_penalty=1 instead of {s.game.gradient_penalty:g}": (
        lambda s: s.game.gradient_penalty < 0.1
    ),
    "cycle_weight=1 or more instead of {s.game.cycle_weight:g}": lambda s: s.game.cycle_weight < 1,
    "a consistency_weight below the cycle_weight of {s.game.cycle_weight:g}": (
        lambda s: s.game.consistency_weight > s.game.cycle_weight >= 1
    ),
}
NO_CAUSE_KNOWN = "a lower learning_rate than {s.lr:g}, or BatchNorm in networks of your own"


class Monitor:
    """Health checks on a few rows and codes, always the same.

    Parameters
    ----------
    players : Players
    x : Tensor of shape (n, *sample_shape)
        Gaps are NaN.
    z : Tensor of shape (n, latent_dim)
        Draws from the prior.
    """

    def __init__(self, players: Players, x: Tensor, z: Tensor):
        self.players = players
        self.is_known = ~x.isnan()
        self.x, self.z = gaps_filled(players.encoder, x), z

    @torch.no_grad()
    def look(self) -> Health:
        """Return the networks' health."""
        (E, G, _), D = self.players, self.players.D
        with at_rest(self.players, self.x.device):
            codes, samples = E(self.x), G(self.z)
            errors, deviations = self.x - G(codes), self.x - self.x.mean(0)
            errors, deviations = (d.where(self.is_known, 0.0) for d in (errors, deviations))
            real_logits = D(x=self.x, z=codes).float().flatten()
            fake_logits = D(x=samples, z=self.z).float().flatten()
        return Health(
            d_real=(real_logits > 0).float().mean().item(),
            d_fake=(fake_logits <= 0).float().mean().item(),
            d_spread=torch.cat([real_logits, fake_logits]).std(correction=0).item(),
            # Of data that do not vary, nothing else can.
            code_spread=ratio(spread(codes), spread(self.z)) if spread(self.x) > 0 else 1.0,
            code_covariance=ratio(covariance(codes), covariance(self.z)),
            sample_spread=ratio(spread(samples), spread(self.x)),
            score=1 - ratio(sum_of_squares(errors), sum_of_squares(deviations)),
        )


class HealthChecks:
    """The health checks of one training: when they are due, and their warning of a collapse.

    Parameters
    ----------
    net : BiGANNet
    monitor : Monitor

    Attributes
    ----------
    checked_epoch : bool
        Whether the last epoch ended with a check.
    """

    def __init__(self, net: BiGANNet, monitor: Monitor):
        self.net = net
        self.monitor = monitor
        self.checked_epoch = False
        self._warned = False

    @classmethod
    def of(cls, net: BiGANNet, X: Tensor | DatasetRows) -> Self:
        """Return the checks of a training on X; the training does not feel their draws."""
        device = torch.device(net.device)
        with undisturbed(device), device, torch.no_grad():
            x = net.to_samples(to_device(rows_to_watch(X), device))
            z = net.prior.sample(len(x), net.latent_dim).to(x)
        return cls(net, Monitor(net.players, x, z))

    def check(self) -> Health | None:
        """Return the networks' health, or None if anything in the training is not finite."""
        health = self.monitor.look()
        fine = np.isfinite(health).all() and all_finite(self.net.training_state())
        return health if fine else None

    def after_epoch(self, losses: dict[str, float], n_steps: int) -> dict[str, float]:
        """Return the health as of the last check, which is made now if it is due.

        Raises
        ------
        Diverged
            If losses or anything in the training are not finite.
        """
        history = self.net.history
        n_epochs = len(history)
        due, due_before = (n * n_steps // STEPS_BETWEEN_CHECKS for n in (n_epochs, n_epochs - 1))
        self.checked_epoch = due > due_before or n_epochs in (1, self.net.max_epochs)
        earlier = [Health(*(e[name] for name in Health._fields)) for e in history[:-1]]
        health = self.check() if self.checked_epoch else earlier[-1]
        if health is None or not np.isfinite([*losses.values()]).all():
            raise Diverged(n_epochs, losses)
        if self.checked_epoch and not self._warned:
            settings = Settings(self.net.lr_at_start, self.net.game, spread(self.monitor.x))
            self._warned = warn_of_collapse([*earlier, health], n_steps, settings)
        return health._asdict()


def warn_of_collapse(healths: Sequence[Health], n_steps: int, settings: Settings) -> bool:
    """Warn if the last epochs show a collapse; return whether they do.

    Parameters
    ----------
    healths : sequence of Health
        Of the epochs so far, the last one last.
    n_steps : int
        Steps of an epoch.
    settings : Settings
    """
    remedies = [remedy for remedy, helps in REMEDIES.items() if helps(settings)]
    advice = " and ".join(remedies or [NO_CAUSE_KNOWN]).format(s=settings)
    for collapse, shows in COLLAPSES.items():
        epochs = len([*takewhile(shows, reversed(healths))])
        if epochs >= EPOCHS and epochs * n_steps >= STEPS:
            warnings.warn(
                f"for {epochs * n_steps} steps, {collapse}: the training has collapsed. Try "
                f"{advice}",
                ConvergenceWarning,
                stacklevel=2,
            )
            return True
    return False


def spread(values: Tensor) -> float:
    """Return the standard deviation over rows, averaged over the rest."""
    return values.float().std(0, correction=0).mean().item()


def covariance(values: Tensor) -> float:
    """Return the root mean square covariance of two different columns."""
    # Squares of large codes overflow single precision, and some devices have no double.
    matrix = torch.atleast_2d(values.cpu().double().T.cov(correction=0))
    n = len(matrix)
    squares = matrix.square().sum() - matrix.diag().square().sum()
    return (squares / max(1, n * (n - 1))).sqrt().item()


def sum_of_squares(values: Tensor) -> float:
    return values.cpu().double().square().sum().item()


def rows_to_watch(X: Tensor | DatasetRows) -> Tensor:
    """Return a few rows at equal distances, or the first of a stream."""
    return from_all_over(X, min(ROWS, max(2, VALUES // prod(X.shape[1:]))))


def ratio(part: float, whole: float) -> float:
    """Return part / whole, or 1 where the whole is 0."""
    return part / whole if whole > 0 else 1.0
