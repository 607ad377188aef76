"""Anomaly detection by a trained BiGAN."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import OutlierMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted
from torch import Tensor
from torch.utils.data import Dataset

from .anomaly import NEED_CYCLES, SCORES, Density, Score, codes_and_errors
from .base import same
from .devices import forward
from .inputs import DatasetRows
from .parameters import Parameters
from .transformer import BiGANTransformer


class BiGANDetector(OutlierMixin, BiGANTransformer):
    r"""Detection of anomalies by a bidirectional GAN.

    A :class:`BiGANTransformer` that has learned what is usual, in X that is all usual or nearly so,
    also says of a sample how usual it is. Everything else it does as well: `transform`,
    `inverse_transform` and the displays show why a sample is taken for an anomaly.

    Parameters
    ----------
    latent_dim : int, default=32
        Length of a code z.

    anomaly_score : str or callable, default="density"
        What anomalies have more of. The density had the best AUROC on five tables
        (docs/benchmarks.md).

        - "density": improbability, by a normal distribution of codes E(x) and one of what
          reconstructions miss, as in probabilistic PCA. Both are fitted to the rows without the
          share of `contamination` that is least probable.
        - "reconstruction": :math:`\|x - G(E(x))\|^2`.
        - "code": distance of the code to the centre of the prior, :math:`\|E(x)\|^2`.
        - "features": distance of x and G(E(x)) in D's last hidden layer (EGBAD [1]_).
        - "cycle_features": the same in a discriminator of pairs (x, x) and (x, G(E(x))), which
          makes E and G better inverses in training, as does one of pairs (z, z) and (z, E(G(z)))
          (ALAD [2]_). A training takes half as long again.
        - "logit": -D(x, E(x)) (EGBAD). D is fooled at the end of a good training, and tells
          little.

        A callable maps (encoder, generator, discriminator, x) with x of shape (n, \*sample_shape),
        in the units of `scaler_`, to a tensor of shape (n,).

    contamination : float, default=0.1
        Share of anomalies in X, in (0, 0.5]: as many of its rows are predicted to be such. If X is
        known to be free of them, a small one (0.01) makes use of all its rows.

    consistency_weight : float, default=0.0
        Weight of the mean of :math:`(E(a(x)) - E(a'(x)))^2` in the loss of E, for two
        augmentations of x.

    cycle_weight : float, default=10.0
        Weight of the mean of :math:`(x - G(E(x)))^2` in the loss of E and G.

    **parameters
        Those of :class:`BiGANTransformer`, with its defaults.

    Attributes
    ----------
    offset_ : float
        What `decision_function` subtracts from `score_samples`.

    location_ : ndarray of shape (latent_dim,)
        Mean of the codes. This and the next two only with ``anomaly_score="density"``.

    precision_ : ndarray of shape (latent_dim, latent_dim)
        Inverse of the covariance of the codes.

    noise_variance_ : float
        Mean squared error of a reconstructed value, in the units of `scaler_`.

    encoder_, history_, ...
        Those of :class:`BiGANTransformer`; with "cycle_features", the networks of `discriminator_`
        are its `xz`, `xx` and `zz`, and `history_` has losses by these names.

    See Also
    --------
    sklearn.ensemble.IsolationForest : Faster, and needs no scaling.
    sklearn.neighbors.NearestNeighbors : The distance to the fifth is better where X is all usual.

    References
    ----------
    .. [1] Zenati et al. "Efficient GAN-Based Anomaly Detection". 2018. arXiv:1802.06222.
    .. [2] Zenati et al. "Adversarially Learned Anomaly Detection". ICDM 2018. arXiv:1812.02288.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sk_bigan import BiGANDetector
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> benign, malignant = X[y == 1], X[y == 0]
    >>> detector = BiGANDetector(max_epochs=5, contamination=0.05, random_state=0).fit(benign)
    >>> bool((detector.predict(malignant) == -1).mean() > 0.7)
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **Parameters._parameter_constraints,
        "anomaly_score": [StrOptions({"density", *SCORES}), callable],
        "contamination": [Interval(Real, 0, 0.5, closed="right")],
    }

    def __init__(
        self,
        latent_dim: int = 32,
        *,
        anomaly_score: str | Score = "density",
        contamination: float = 0.1,
        consistency_weight: float = 0.0,
        cycle_weight: float = 10.0,
        **parameters: Any,
    ):
        super().__init__(
            latent_dim,
            consistency_weight=consistency_weight,
            cycle_weight=cycle_weight,
            **parameters,
        )
        self.anomaly_score = anomaly_score
        self.contamination = contamination

    def score_samples(self, X: ArrayLike | Dataset) -> np.ndarray:
        """How usual each sample is: minus the anomaly score.

        Parameters
        ----------
        X : array-like or Dataset
            Rows, images or items of the shape that they had in `fit`.

        Returns
        -------
        ndarray of shape (n_samples,), float64
            The lower, the more of an anomaly. With "density" a logarithm of the density, up to a
            constant.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If X is not as in `fit`.
        """
        check_is_fitted(self)
        self._check_params()
        if not same(fitted_for := self._structure["anomaly_score"], self.anomaly_score):
            raise ValueError(
                f"anomaly_score changed from {fitted_for!r} to {self.anomaly_score!r} since fit"
            )
        return self._normality(self._checked(X), vars(self))

    def score(self, X: ArrayLike | Dataset, y: Any = None) -> float:
        """Mean of `score_samples` over X.

        Parameters
        ----------
        X : array-like or Dataset
            Rows, images or items of the shape that they had in `fit`.

        y : Ignored
            Not used, present for API consistency by convention.

        Returns
        -------
        float

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If X is not as in `fit`.
        """
        return super().score(X)

    def decision_function(self, X: ArrayLike | Dataset) -> np.ndarray:
        """`score_samples` less `offset_`: negative for anomalies.

        Parameters
        ----------
        X : array-like or Dataset
            Rows, images or items of the shape that they had in `fit`.

        Returns
        -------
        ndarray of shape (n_samples,), float64

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If X is not as in `fit`.
        """
        return self.score_samples(X) - self.offset_

    def predict(self, X: ArrayLike | Dataset) -> np.ndarray:
        """Which samples are anomalies.

        Parameters
        ----------
        X : array-like or Dataset
            Rows, images or items of the shape that they had in `fit`.

        Returns
        -------
        ndarray of shape (n_samples,), int
            -1 for anomalies, 1 for the others.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If X is not as in `fit`.
        """
        return np.where(self.decision_function(X) < 0, -1, 1)

    def _calibration(self, rows: np.ndarray | DatasetRows) -> dict[str, Any]:
        fitted: dict[str, Any] = {}
        if self.anomaly_score == "density":
            density = Density.fit(
                *self._codes_and_errors(rows),
                n_values=prod(self._layout.sample_shape),
                outliers=self.contamination,
            )
            fitted = {f"{name}_": value for name, value in density._asdict().items()}
        normality = self._normality(rows, fitted)
        return {**fitted, "offset_": float(np.percentile(normality, 100 * self.contamination))}

    def _normality(self, rows: np.ndarray | DatasetRows, fitted: Mapping[str, Any]) -> np.ndarray:
        if self.anomaly_score == "density":
            density = Density(*(fitted[f"{name}_"] for name in Density._fields))
            return density.log(*self._codes_and_errors(rows))
        wanted = self.anomaly_score
        score = SCORES[wanted] if isinstance(wanted, str) else wanted
        networks = self.encoder_, self.generator_, self.discriminator_
        return -self._forward(lambda x: _one_a_row(score(*networks, x), len(x)), rows)

    def _codes_and_errors(self, rows: np.ndarray | DatasetRows) -> tuple[np.ndarray, np.ndarray]:
        both = self._forward(lambda x: codes_and_errors(self.encoder_, self.generator_, x), rows)
        return both[:, :-1], both[:, -1]

    def _forward(
        self, of_samples: Callable[[Tensor], Tensor], rows: np.ndarray | DatasetRows
    ) -> np.ndarray:
        to_samples = self._to_samples()
        return forward(lambda batch: of_samples(to_samples(batch)), rows, self.device_, np.float64)

    def _structure_now(self) -> dict[str, Any]:
        return {**super()._structure_now(), "anomaly_score": self.anomaly_score}

    def _blueprint(self) -> dict[str, Any]:
        needed = self._structure["anomaly_score"] in NEED_CYCLES
        return {**super()._blueprint(), "cycle_discriminators": needed}

    def _array_ranks(self) -> dict[str, int]:
        of_density = {"location_": 1, "precision_": 2, "noise_variance_": 0}
        return {"offset_": 0, **(of_density if self.anomaly_score == "density" else {})}


def _one_a_row(scores: Any, n_rows: int) -> Tensor:
    if not isinstance(scores, Tensor) or scores.shape != (n_rows,):
        raise ValueError(
            f"anomaly_score must give a tensor of shape ({n_rows},) for as many samples, got "
            f"{tuple(scores.shape) if isinstance(scores, Tensor) else scores!r}"
        )
    return scores
