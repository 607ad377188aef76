"""Anomaly detection by a trained BiGAN."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from numbers import Real
from os import PathLike
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.base import OutlierMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted
from torch import Tensor
from torch.utils.data import Dataset

from ._data.rows import DatasetRows
from ._estimator.parameters import CONSTRAINTS, check_parameters, same
from ._estimator.rows import refuse_streams, rows_of
from ._model.fitted import Fitted
from .anomaly import SCORES, Density, Score, codes_and_errors, resolve_score
from .augmentations import Augmentation
from .networks.building import OwnNetwork
from .networks.players import Players
from .networks.tables import takes_gaps
from .objectives import Objective
from .priors import Prior
from .transformer import BiGANTransformer, Scaling

MEMORY = 500  # rows of earlier calls of `partial_fit` at most, since the networks have moved on


class BiGANDetector(OutlierMixin, BiGANTransformer):
    r"""Detection of anomalies by a bidirectional GAN.

    A :class:`BiGANTransformer` that has learned from rows that are usual, or nearly all so, scores
    how usual a sample is. `transform`, `inverse_transform` and the displays work too, and show why
    a sample is taken for an anomaly.

    Parameters
    ----------
    latent_dim : int, default=32
        Length of a code z. Pictures want 8, and a recipe (docs/anomaly.md).

    anomaly_score : str or callable, default="density"
        Score that is high for anomalies. The density had the best AUROC on five tables
        (docs/benchmarks.md).

        - "density": minus the log density, by normal distributions of the codes E(x) and of the
          errors of reconstructions, as in probabilistic PCA. Both are fitted without the
          `contamination` of rows that is least probable.
        - "reconstruction": :math:`\|x - G(E(x))\|^2`.
        - "code": distance of the code to the centre of the prior, :math:`\|E(x)\|^2`.
        - "features": distance of x and G(E(x)) in D's last hidden layer (EGBAD [1]_).
        - "cycle_features": the same in a discriminator of pairs (x, x) and (x, G(E(x))). It and
          one of pairs (z, z) and (z, E(G(z))) take part in training (ALAD [2]_), which takes
          twice as long.
        - "logit": -D(x, E(x)) (EGBAD). A good training ends with a D that is fooled, whose logits
          say little.

        A callable maps (encoder, generator, discriminator, x) with x of shape (n, \*sample_shape),
        in the units of `scaler_`, to a tensor of shape (n,).

    contamination : float, default=0.1
        Share of anomalies in X, in (0, 0.5], and so of the rows of X that `predict` marks. The
        networks know these rows: of fresh rows `predict` marks more, on small tables several times
        as many. With ``validation_fraction=0.2`` it is the share of fresh usual rows that `predict`
        marks, for X without anomalies.

    consistency_weight : float, default=0.0
        Weight of the mean of :math:`(E(a(x)) - E(a'(x)))^2` in the loss of E, for two
        augmentations of x.

    cycle_weight : float, default=10.0
        Weight of the mean of :math:`(x - G(E(x)))^2` in the loss of E and G.

    validation_fraction : float, default=None
        Share of the rows that `fit` keeps from the networks, and sets `offset_` by.

    architecture, hidden_units, ... : see :class:`BiGANTransformer`
        Its other parameters, with its defaults.

    Attributes
    ----------
    offset_ : float
        The number that `decision_function` subtracts from `score_samples`. `partial_fit` averages
        it, and the next three, over its calls.

    n_samples_seen_ : int
        Rows that `offset_` comes from. `partial_fit` counts earlier calls as at most 500 rows,
        so that its averages follow the networks.

    location_ : ndarray of shape (latent_dim,)
        Mean of the codes. It and the next two only with ``anomaly_score="density"``.

    precision_ : ndarray of shape (latent_dim, latent_dim)
        Inverse of the covariance of the codes.

    noise_variance_ : float
        Mean squared error of a known value's reconstruction, in the units of `scaler_`.

    encoder_, history_, ...
        Those of :class:`BiGANTransformer`. With "cycle_features", `discriminator_` holds three
        networks, "xz", "xx" and "zz", and `history_` has losses by these names.

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
        **CONSTRAINTS,
        "anomaly_score": [StrOptions({"density", *SCORES}), callable],
        "contamination": [Interval(Real, 0, 0.5, closed="right")],
    }

    def __init__(
        self,
        latent_dim: int = 32,
        *,
        anomaly_score: str | Score = "density",
        contamination: float = 0.1,
        architecture: str = "mlp",
        hidden_units: str | Sequence[int] = "auto",
        sample_shape: Sequence[int] | None = None,
        encoder: OwnNetwork | None = None,
        generator: OwnNetwork | None = None,
        discriminator: OwnNetwork | None = None,
        prior: str | Prior | Callable[[int, int], torch.Tensor] = "normal",
        objective: str | Objective = "non_saturating",
        scaling: Scaling = "auto",
        features: str | list[str] = "latent",
        augmentation: str | Augmentation | list[str | Augmentation] | None = "swap",
        consistency_weight: float = 0.0,
        vat_weight: float = 0.0,
        cycle_weight: float = 10.0,
        gradient_penalty: float = 1.0,
        learning_rate: float | str = "auto",
        max_epochs: int | str = "auto",
        batch_size: int | str = "auto",
        validation_fraction: float | None = None,
        device: str | torch.device = "auto",
        precision: str = "auto",
        cuda_graph: bool = False,
        data_parallel: bool = False,
        callbacks: list[Any] | None = None,
        checkpoint_dir: str | PathLike[str] | None = None,
        checkpoint_every: float = 1,
        warm_start: bool = False,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
        **network_parameters: Any,
    ):
        super().__init__(
            latent_dim,
            architecture=architecture,
            hidden_units=hidden_units,
            sample_shape=sample_shape,
            encoder=encoder,
            generator=generator,
            discriminator=discriminator,
            prior=prior,
            objective=objective,
            scaling=scaling,
            features=features,
            augmentation=augmentation,
            consistency_weight=consistency_weight,
            vat_weight=vat_weight,
            cycle_weight=cycle_weight,
            gradient_penalty=gradient_penalty,
            learning_rate=learning_rate,
            max_epochs=max_epochs,
            batch_size=batch_size,
            validation_fraction=validation_fraction,
            device=device,
            precision=precision,
            cuda_graph=cuda_graph,
            data_parallel=data_parallel,
            callbacks=callbacks,
            checkpoint_dir=checkpoint_dir,
            checkpoint_every=checkpoint_every,
            warm_start=warm_start,
            random_state=random_state,
            verbose=verbose,
            **network_parameters,
        )
        self.anomaly_score = anomaly_score
        self.contamination = contamination

    def fit_predict(self, X: ArrayLike | Dataset, y: Any = None) -> np.ndarray:
        """Train on X, and predict which of its rows are anomalies.

        Parameters
        ----------
        X : array-like or Dataset
            As `fit` takes it, with a length.

        y : Ignored
            Not used, present for API consistency by convention.

        Returns
        -------
        ndarray of shape (n_samples,), int
            -1 for anomalies, 1 for the others.

        Raises
        ------
        ValueError, TypeError
            As `fit`; an ``IterableDataset`` is refused before the training.
        """
        refuse_streams(X)
        return super().fit_predict(X, y)

    def score_samples(self, X: ArrayLike | Dataset) -> np.ndarray:
        """Return how usual each sample is: minus the anomaly score.

        Parameters
        ----------
        X : array-like or Dataset
            Rows, images or items of the shape that they had in `fit`.

        Returns
        -------
        ndarray of shape (n_samples,), float64
            Low for anomalies. With "density" the log density, up to a constant
            that each fit has of its own.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If X is not as in `fit`.
        """
        check_is_fitted(self)
        check_parameters(self)
        if not same(fitted_for := self._built_from["anomaly_score"], self.anomaly_score):
            raise ValueError(
                f"anomaly_score changed from {fitted_for!r} to {self.anomaly_score!r} since fit"
            )
        return self._normality(rows_of(self, X))

    def decision_function(self, X: ArrayLike | Dataset) -> np.ndarray:
        """Return `score_samples` minus `offset_`: negative for anomalies.

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
        """Predict which samples are anomalies.

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

    def to_onnx(
        self,
        path: str | PathLike[str],
        part: str | Sequence[str] = "detector",
        dtype: str = "float32",
    ) -> None:
        """Write networks, with the scaling, to a file of ONNX, which runs without torch.

        Parameters
        ----------
        path : str or path-like

        part : {"detector", "encoder", "generator", "discriminator"} or list, default="detector"
            "detector" takes "X", rows or images as in `fit`, and gives "scores", as
            `score_samples` does, "decisions", as `decision_function` does, and "labels", as
            `predict` does. The others are as in `BiGANTransformer.to_onnx`. A list has the outputs
            of several in one call; the generator is alone.

        dtype : {"float32", "float64", "uint8"}, default="float32"
            Dtype of "X" in the file.

        Raises
        ------
        NotFittedError, ImportError, ValueError, OSError
            As `BiGANTransformer.to_onnx`. A score of your own must compute by torch alone.
        """
        super().to_onnx(path, part, dtype)

    def _exported_decide(self) -> Any:
        """Return scores, decisions and labels as a function of players and samples."""
        score = self._score()

        def in_double(value: Any) -> Tensor:  # a plain number would be one of float32 in a file
            return torch.as_tensor(value, dtype=torch.float64)

        def normality(players: Players, x: Tensor) -> Tensor:
            if score is not None:
                return -_one_a_row(score(*players, x), x.shape[0]).double()
            density = Density(*map(in_double, self._density()))
            E, G, _ = players
            both = codes_and_errors(E, G, x).double()
            return density.log(both[:, :-1], both[:, -1])

        def decide(players: Players, x: Tensor) -> tuple[Tensor, ...]:
            scores = normality(players, x)
            decisions = scores - in_double(self.offset_)
            return scores, decisions, torch.where(decisions >= 0, 1, -1)

        return decide

    def _try_out(self) -> None:
        super()._try_out()
        if (score := self._score()) is not None:
            model = self.model_
            one_sample = torch.zeros(1, *model.layout.sample_shape, device=model.device)
            with torch.inference_mode():
                _one_a_row(score(*model.prepared_players, one_sample), 1)

    def _calibration(
        self, rows: np.ndarray | DatasetRows, held_out: np.ndarray | None, running: bool
    ) -> dict[str, Any]:
        n_before = 0
        if running and hasattr(self, "offset_"):
            n_before = min(getattr(self, "n_samples_seen_", MEMORY), MEMORY)  # not in older files
        share = len(rows) / (n_before + len(rows))  # of these rows in the estimates
        seen: dict[str, Any] = {"n_samples_seen_": n_before + len(rows)}
        if self.anomaly_score == "density":
            codes, errors, n_gaps = _codes_and_errors(self.model_, rows)
            n_values = prod(self.model_.layout.sample_shape)
            density = Density.fit(codes, errors, n_values, self.contamination, n_gaps)
            if n_before > 0:
                density = self._density().mixed_with(density, share)
            seen |= {f"{name}_": value for name, value in density._asdict().items()}
            normality = density.log(codes, errors, n_gaps)
        else:
            normality = self._normality(rows)
        percent = 100 * self.contamination
        if held_out is None:
            offset = np.percentile(normality, percent)
        else:  # an unbiased estimate of the percentile of further rows
            offset = np.percentile(normality[held_out], percent, method="weibull")
        if n_before > 0:
            offset = (1 - share) * self.offset_ + share * offset
        return {**seen, "offset_": float(offset)}

    def _normality(self, rows: np.ndarray | DatasetRows) -> np.ndarray:
        score, model = self._score(), self.model_
        if score is None:
            return self._density().log(*_codes_and_errors(model, rows))

        def scores(x: Tensor) -> Tensor:
            return _one_a_row(score(*model.prepared_players, model.complete(x)), len(x))

        return -model.map(scores, rows)

    def _score(self) -> Score | None:
        """Return the function of networks and samples; None for the density, which is fitted."""
        return None if self.anomaly_score == "density" else resolve_score(self.anomaly_score)

    def _density(self) -> Density:
        return Density(self.location_, self.precision_, self.noise_variance_)

    def _learned_dimensions(self) -> dict[str, int]:
        of_density = {"location_": 1, "precision_": 2, "noise_variance_": 0}
        return {"offset_": 0, **(of_density if self.anomaly_score == "density" else {})}


def _codes_and_errors(
    model: Fitted, rows: np.ndarray | DatasetRows
) -> tuple[np.ndarray, np.ndarray, np.ndarray | int]:
    """Return codes, squared errors of known values, and the number of gaps of each row."""
    E, G, _ = model.prepared_players
    both = model.map(lambda x: codes_and_errors(E, G, model.complete(x), ~x.isnan()), rows)
    n_gaps = np.isnan(np.asarray(rows)).sum(1) if takes_gaps(E) else 0
    return both[:, :-1], both[:, -1], n_gaps


def _one_a_row(scores: Any, n_rows: int) -> Tensor:
    if not isinstance(scores, Tensor) or scores.shape != (n_rows,):
        raise ValueError(
            f"anomaly_score must give a tensor of shape (n,), n = {n_rows} in this batch, got "
            f"{tuple(scores.shape) if isinstance(scores, Tensor) else scores!r}"
        )
    return scores
