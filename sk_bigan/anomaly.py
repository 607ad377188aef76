"""Anomaly scores, as functions of the three networks.

A score maps (E, G, D, x) to one number a sample, high for anomalies. Add one by writing such a
function and naming it in `SCORES`. The density is apart, since it is fitted to the data.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from scipy.linalg import pinvh
from sklearn.covariance import LedoitWolf
from torch import Tensor, nn

Score = Callable[[nn.Module, nn.Module, nn.Module, Tensor], Tensor]
"""(E, G, D, x), x of shape (n, *sample_shape) -> (n,)."""

MOST_STEPS = 10  # of fitting the density, should they not converge


def reconstruction(E: nn.Module, G: nn.Module, D: nn.Module, x: Tensor) -> Tensor:
    r"""Return the squared error of the reconstruction, :math:`\|x - G(E(x))\|^2`."""
    return (x - G(E(x))).flatten(1).square().sum(1)


def logit(E: nn.Module, G: nn.Module, D: nn.Module, x: Tensor) -> Tensor:
    """Return minus the logit of the pair, -D(x, E(x)): EGBAD, Zenati et al. 2018 (1802.06222)."""
    return -D(x=x, z=E(x)).flatten()


def hidden_distance(E: nn.Module, G: nn.Module, D: nn.Module, x: Tensor) -> Tensor:
    r"""Return the distance of sample and reconstruction in D's last hidden layer f.

    :math:`\|f(x, E(x)) - f(G(E(x)), E(x))\|_1`: EGBAD, Zenati et al. 2018 (arXiv 1802.06222).
    """
    z = E(x)
    return _distance(D, x, G(z), z)


def cycle_hidden_distance(E: nn.Module, G: nn.Module, D: nn.Module, x: Tensor) -> Tensor:
    r"""Return the same distance in a discriminator of samples and their reconstructions.

    :math:`\|f_{xx}(x, x) - f_{xx}(x, G(E(x)))\|_1`: ALAD, Zenati et al. 2018 (arXiv 1812.02288).
    """
    return _distance(D.get_submodule("xx"), x, G(E(x)), x.flatten(1))


def code(E: nn.Module, G: nn.Module, D: nn.Module, x: Tensor) -> Tensor:
    r"""Return the squared distance of the code to the centre of the prior, :math:`\|E(x)\|^2`."""
    return E(x).square().sum(1)


SCORES: dict[str, Score] = {
    "reconstruction": reconstruction,
    "logit": logit,
    "features": hidden_distance,
    "cycle_features": cycle_hidden_distance,
    "code": code,
}
NEED_CYCLES = ("cycle_features",)


def resolve_score(score: str | Score) -> Score:
    """Return the function of a score, given by name or as one."""
    return SCORES[score] if isinstance(score, str) else score


def _distance(D: nn.Module, x: Tensor, reconstructed: Tensor, z: Tensor) -> Tensor:
    """Return the city-block distance in D's last hidden layer."""
    if not callable(last_hidden := getattr(D, "last_hidden", None)):
        raise ValueError(
            "anomaly_score='features' needs a discriminator with a method last_hidden(*, x, z), "
            f"got {type(D).__name__} without"
        )
    return (last_hidden(x=x, z=z) - last_hidden(x=reconstructed, z=z)).flatten(1).abs().sum(1)


class Density(NamedTuple):
    r"""Normal distributions of codes and of the errors of reconstructions.

    .. math:: \log p(x) = -\frac12 (E(x) - m)^T P \, (E(x) - m)
        - \frac{1}{2 \sigma^2} \|x - G(E(x))\|^2 + \text{constant}

    These are the two terms of probabilistic PCA (Tipping & Bishop 1999), with E and G in the place
    of linear maps.

    Parameters
    ----------
    location : ndarray or Tensor of shape (latent_dim,)
        m, the mean of the codes.
    precision : ndarray or Tensor of shape (latent_dim, latent_dim)
        P, the inverse of their covariance, shrunk as by Ledoit & Wolf 2004.
    noise_variance : float or Tensor of no dimension
        :math:`\sigma^2`, of each value of a sample.
    """

    location: Any
    precision: Any
    noise_variance: Any

    @classmethod
    def fit(
        cls,
        codes: np.ndarray,
        errors: np.ndarray,
        n_values: int,
        outliers: float,
        n_gaps: np.ndarray | int = 0,
    ) -> Self:
        """Fit to all rows but a share of outliers, those of lowest density.

        As in Rousseeuw & Van Driessen 1999, Section 3, each step fits the rows that were densest in
        the step before, until these rows stay the same.

        Parameters
        ----------
        codes : ndarray of shape (n, latent_dim)
        errors : ndarray of shape (n,)
            Squared errors of the reconstructions.
        n_values : int
            Number of values in a sample.
        outliers : float
            Share of the rows.
        n_gaps : ndarray of shape (n,) or 0
            Number of values that a sample lacks, and that its error leaves out.
        """
        n_known = n_values - np.broadcast_to(n_gaps, len(codes))
        n_outliers = int(outliers * len(codes))
        inliers = np.ones(len(codes), dtype=bool)
        for _ in range(MOST_STEPS):
            covariance = LedoitWolf().fit(codes[inliers])
            variance = errors[inliers].sum() / max(n_known[inliers].sum(), 1)
            variance = max(variance, np.finfo(np.float32).tiny)
            density = cls(covariance.location_, covariance.precision_, float(variance))
            log_densities = density.log(codes, errors, n_gaps)
            before = inliers
            inliers = log_densities >= np.partition(log_densities, n_outliers)[n_outliers]
            if np.array_equal(inliers, before):
                break
        return density

    def mixed_with(self, other: Self, share: float) -> Self:
        """Return the moments of a mixture of both, `share` of it of the other.

        Parameters
        ----------
        other : Density
        share : float
            In [0, 1].
        """

        def mean(a: Any, b: Any) -> Any:
            return (1 - share) * a + share * b

        shift = other.location - self.location
        within = mean(pinvh(self.precision), pinvh(other.precision))
        between = share * (1 - share) * np.outer(shift, shift)
        return type(self)(
            mean(self.location, other.location),
            pinvh(within + between),  # fewer rows than dimensions have no inverse
            float(mean(self.noise_variance, other.noise_variance)),
        )

    def log(self, codes: Any, errors: Any, n_gaps: Any = 0) -> Any:
        """Return log densities up to a constant, of shape (n,): arrays of arrays, or tensors.

        A value that is not known counts as much as a known one does on average, so that rows with
        gaps and rows without are on one scale.
        """
        deviations = codes - self.location
        distances = (deviations @ self.precision * deviations).sum(1)
        return -(distances + errors / self.noise_variance + n_gaps) / 2


def codes_and_errors(
    E: nn.Module, G: nn.Module, x: Tensor, is_known: Tensor | None = None
) -> Tensor:
    """Return E(x) and the squared error of the known values' reconstruction, (n, latent_dim + 1).

    All values of x are known where nothing says otherwise.
    """
    z = E(x).flatten(1)
    errors = x - G(z)
    if is_known is not None:
        errors = errors.where(is_known, 0.0)
    return torch.cat([z, errors.flatten(1).square().sum(1, keepdim=True)], dim=1)
