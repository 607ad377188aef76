"""Contributions of columns to an anomaly score."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.utils import Bunch
from sklearn.utils._optional_dependencies import check_pandas_support
from torch import Tensor

from .._estimator.rows import rows_of
from .._machine.hermetic import hermetic
from .._model.fitted import Fitted
from ..anomaly import Density, resolve_score
from ..detector import BiGANDetector
from ..display.coding import steps_of
from .names import column_names

N_POINTS = 128  # of the Gauss-Legendre rule along a path


class Parts(NamedTuple):
    """An anomaly score as the sum of two parts.

    Parameters
    ----------
    error_weight : float
        Weight of the squared errors of the reconstruction.
    rest : callable, Tensor of shape (m, *sample_shape) -> Tensor of shape (m,), or None
        The part that is integrated along a path.
    origin : Tensor of shape (1, latent_dim)
        Code of the row where the paths start.
    of_gap : float or None
        What a gap counts in the place of an error; None where it counts as it is filled.
    """

    error_weight: float
    rest: Callable[[Tensor], Tensor] | None
    origin: Tensor
    of_gap: float | None = None


@hermetic
def explain(detector: Any, X: ArrayLike, *, as_frame: bool = False) -> Bunch:
    r"""Return what each column contributes to the anomaly scores of rows.

    The contributions of a row and the number `baseline` add up to its anomaly score, which is minus
    `score_samples`. The way depends on `anomaly_score`:

    - "reconstruction": the squared error of each column. The sum is exact and `baseline` is 0.
    - "density": the squared errors likewise, over :math:`2\sigma^2`, and integrated gradients [1]_
      of the Mahalanobis distance of the code. Their paths are straight lines from G(m) to the row,
      where m is the mean of the codes. `baseline` is what the distance is at G(m), nearly 0.
    - Others: integrated gradients of the whole score, from G(0), the row that G makes of the centre
      of the prior. `baseline` is the score of G(0), which may be large. Contributions then tell
      what sets a row apart from G(0).

    As in the score, a gap of a table counts 1/2 with "density", and else as its reconstruction.
    Blocks of encoded columns are summed, so that a category has one contribution.

    Integrals are sums over 128 points. On small tables they missed the score by at most 1e-3 of it
    with "density", "code" and "features". A logit crosses zero, where no share of
    it means much.

    Parameters
    ----------
    detector : fitted BiGANDetector, or Pipeline that ends in one
        Columns are those that reach the detector.

    X : array-like or frame of shape (n_samples, ...)
        Rows, images or a table as in `fit`.

    as_frame : bool, default=False
        Whether `contributions` is a frame of pandas.

    Returns
    -------
    result : Bunch
        With the attributes

        contributions : ndarray or frame of shape (n_samples, n_features)
            In the units of the score. Negative where a column makes a row more usual.
        baseline : float
            Score of the row where the paths start. With "density", its distance of codes alone.
        scores : ndarray of shape (n_samples,)
            The anomaly scores.
        feature_names_in : ndarray of shape (n_features,)
            Names of the columns.

    Raises
    ------
    NotFittedError
        Before `fit`.
    TypeError
        If `detector` is neither a BiGANDetector nor a Pipeline that ends in one.
    ValueError
        If X is not as in `fit`, or a callable `anomaly_score` has no gradient.

    References
    ----------
    .. [1] Sundararajan, Taly, Yan. "Axiomatic Attribution for Deep Networks". ICML 2017.
           arXiv:1703.01365.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sk_bigan import BiGANDetector
    >>> from sk_bigan.inspection import explain
    >>> X, _ = load_wine(return_X_y=True, as_frame=True)
    >>> detector = BiGANDetector(latent_dim=4, max_epochs=20, random_state=0).fit(X)
    >>> row = X[:1].assign(ash=X.ash.mean() + 8 * X.ash.std())
    >>> result = explain(detector, row, as_frame=True)
    >>> result.contributions.idxmax(axis=1).item()
    'ash'
    """
    pandas = check_pandas_support("explain") if as_frame else None
    *before, detector = steps_of(detector) or [detector]
    if not isinstance(detector, BiGANDetector):
        raise TypeError(
            "detector must be a BiGANDetector or a Pipeline that ends in one, got "
            f"{type(detector).__name__}"
        )
    for step in before:
        X = step.transform(X)
    scores = -detector.score_samples(X)
    model, parts = detector.model_, parts_of(detector)
    with_baseline = model.map(lambda x: attribute(model, parts, x), rows_of(detector, X))
    contributions, baseline = with_baseline[:, :-1], float(with_baseline[0, -1])
    names = None
    if hasattr(detector, "columns_"):
        blocks = detector.columns_.blocks_
        contributions = np.add.reduceat(contributions, [block.start for block in blocks], axis=1)
        names = np.array([block.name for block in blocks], dtype=object)
    result = Bunch(
        contributions=contributions,
        baseline=baseline,
        scores=scores,
        feature_names_in=column_names(X, contributions.shape[1]) if names is None else names,
    )
    if pandas is not None:
        index = getattr(X, "index", None) if hasattr(X, "iloc") else None
        result.contributions = pandas.DataFrame(contributions, index, result.feature_names_in)
    return result


def parts_of(detector: BiGANDetector) -> Parts:
    """Return the detector's score as the sum of its parts."""
    model, wanted = detector.model_, detector.anomaly_score
    centre = torch.zeros(1, model.latent_dim, device=model.device)
    if wanted == "reconstruction":
        return Parts(1.0, None, centre)
    if wanted == "density":
        density = Density(
            *(
                torch.tensor(numbers, dtype=torch.float32, device=model.device)
                for numbers in (detector.location_, detector.precision_, detector.noise_variance_)
            )
        )

        def half_distance(x: Tensor) -> Tensor:
            return -density.log(model.players.encoder(x).flatten(1), errors=0.0)

        weight = 1 / (2 * detector.noise_variance_)
        return Parts(weight, half_distance, density.location[np.newaxis], of_gap=0.5)
    score = resolve_score(wanted)
    return Parts(0.0, lambda x: score(*model.players, x), centre)


def attribute(model: Fitted, parts: Parts, x: Tensor) -> Tensor:
    """Return the contributions of the columns and, last, the baseline, (m, n_features + 1).

    Parameters
    ----------
    model : Fitted
    parts : Parts
    x : Tensor of shape (m, *sample_shape)
    """
    E, G, _ = model.players
    with torch.inference_mode(False), torch.no_grad():
        is_gap, x = x.isnan(), model.complete(x)
        contributions = parts.error_weight * (x - G(E(x))).square()
        if parts.of_gap is not None:
            contributions = contributions.where(~is_gap, parts.of_gap)
        baseline = x.new_zeros(1)
        if parts.rest is not None:
            x0 = G(parts.origin)
            contributions = contributions + integrated_gradients(parts.rest, x0, x.clone())
            baseline = parts.rest(x0)
    columns = model.layout.to_rows(contributions)
    return torch.cat([columns, baseline.expand(len(x))[:, np.newaxis]], dim=1)


def integrated_gradients(function: Callable[[Tensor], Tensor], x0: Tensor, x: Tensor) -> Tensor:
    r"""Return :math:`(x - x_0) \int_0^1 \nabla f(x_0 + t (x - x_0)) \, dt`.

    Equation 1 of Sundararajan et al. 2017.

    Parameters
    ----------
    function : callable f, Tensor of shape (m, *sample_shape) -> Tensor of shape (m,)
    x0 : Tensor of shape (1, *sample_shape)
    x : Tensor of shape (m, *sample_shape)

    Returns
    -------
    Tensor of shape (m, *sample_shape)
    """
    nodes, weights = np.polynomial.legendre.leggauss(N_POINTS)
    total = torch.zeros_like(x)
    for t, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
        point = (x0 + t * (x - x0)).requires_grad_()
        with torch.enable_grad():
            summed = function(point).sum()
        if not summed.requires_grad:
            raise ValueError(
                "anomaly_score must be a function that torch can differentiate, got one without "
                "a gradient"
            )
        (gradient,) = torch.autograd.grad(summed, point)
        total += weight * gradient
    return total * (x - x0)
