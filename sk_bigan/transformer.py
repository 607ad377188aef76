"""The scikit-learn face: parameters, validation, fitted attributes, units and names."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from math import prod
from numbers import Integral, Real
from os import PathLike, fspath
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_array, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data
from skorch.callbacks import Checkpoint

from .devices import PRECISIONS, forward, resolve_device, resolve_precision, seeded
from .networks import ARCHITECTURES, Architecture, OwnNetwork, build_networks
from .objectives import OBJECTIVES, Objective, resolve_objective
from .priors import PRIORS, Prior, resolve_prior
from .scaling import SCALINGS, make_scaler, resolve_scaling
from .training import BiGANNet

logger = logging.getLogger(__name__)

FITTED_NETWORKS = ("encoder_", "generator_", "discriminator_")

# What the networks were built from: changing one of these needs a new fit.
STRUCTURE = (
    "latent_dim",
    "architecture",
    "hidden_units",
    "sample_shape",
    "encoder",
    "generator",
    "discriminator",
    "prior",
    "scaling",
)


class BiGANTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    r"""Features learned by a bidirectional GAN.

    An encoder E and a generator G play against a discriminator D, which sees pairs of a sample and
    its code and tells the encoder's pairs (x, E(x)) from the generator's pairs (G(z), z) [1]_ [2]_:

    .. math:: \min_{G, E} \max_D \;
        \mathbb{E}_x \log \sigma(D(x, E(x))) + \mathbb{E}_z \log (1 - \sigma(D(G(z), z)))

    Where D can no longer tell, E and G are each other's inverse, and E(x) is a code of x that says
    what G needs to draw it.

    Parameters
    ----------
    latent_dim : int, default=16
        Length of a code z.

    architecture : {"mlp"}, default="mlp"
        Family of the networks that are not given by `encoder`, `generator` or `discriminator`.

    hidden_units : sequence of int, default=(1024,)
        Widths of the hidden layers, from x to z; G has them in reverse.

    sample_shape : tuple of int, default=None
        Shape of one sample, of which each row of X is the flat form; own networks see it in this
        shape. ``None`` means ``(n_features,)``.

    encoder, generator, discriminator : nn.Module or callable, default=None
        Networks of your own: a module, which is copied and never trained in place, or a callable
        ``(sample_shape, latent_dim) -> nn.Module``. E maps (n, \*sample_shape) to
        (n, latent_dim), G maps back, and D has the signature ``forward(*, x, z)`` and gives one
        logit a row. An encoder with a submodule `body` offers it as the penultimate layer.

    prior : {"normal", "uniform"}, Prior or callable, default="normal"
        Distribution of z. A callable ``(n_samples, latent_dim) -> Tensor`` draws from an unbounded
        prior of your own, a :class:`~sk_bigan.priors.Prior` from a bounded one.

    objective : {"non_saturating", "minimax", "hinge"} or callable, default="non_saturating"
        What the two players descend. A callable maps D's logits ``(real_logits, fake_logits)``,
        tensors of shape (n,), to the scalars ``(loss_d, loss_eg)``.

    scaling : {"auto", "range", "standard"} or None, default="auto"
        How X is brought into the range of the generator: "range" maps the whole array onto
        [-1, 1], which suits images, "standard" standardises column by column, which suits
        tables, ``None`` leaves X as it is. "auto" takes "range" for rows with a `sample_shape`,
        for uint8, and where most columns share the ends of their range.

    features : {"latent", "penultimate"}, default="latent"
        What `transform` gives: the code E(x), or the layer before it, which is wider and what [1]_
        evaluates. May be changed on a fitted estimator.

    cycle_weight : float, default=1.0
        Weight of the mean of :math:`(x - G(E(x)))^2` in the loss of E and G (ALICE [3]_). 0 gives
        the pure BiGAN, whose reconstructions are looser.

    gradient_penalty : float, default=1.0
        Weight of the R1 penalty [4]_ in the loss of D, which keeps long trainings from spoiling
        the codes. 0 is faster.

    learning_rate : float, default=2e-4
        Of Adam, for both players. In `fit` it falls linearly to zero over the second half of the
        epochs; in `partial_fit` it stays.

    max_epochs : int, default=50
        Passes over X in `fit`.

    batch_size : int, default=128
        The most rows in a mini-batch.

    device : str or torch.device, default="auto"
        Where to compute. "auto" takes CUDA, then MPS, then the CPU.

    precision : {"auto", "float32", "bfloat16"}, default="auto"
        Of the matrix products in training. "auto" takes bfloat16 where the hardware has it
        natively. Inference is in float32 always.

    callbacks : list of skorch.callbacks.Callback, default=None
        Told of every event in the training. They are copied at each fit.

    checkpoint_dir : str or path-like, default=None
        Folder that receives the state of networks and optimizers and the history at the end of
        every epoch, as written by :class:`skorch.callbacks.Checkpoint`.

    warm_start : bool, default=False
        Whether `fit` goes on training the networks of the fit before.

    random_state : int, RandomState instance or None, default=None
        Determines initial weights, batches and draws from the prior. An int makes a fit
        reproducible on one machine. The global random generators are neither used nor changed.

    verbose : int, default=0
        1 prints the losses of every epoch.

    Attributes
    ----------
    encoder_, generator_, discriminator_ : nn.Module
        The trained networks, in evaluation mode. They see X as scaled by `scaler_`.

    scaler_ : scikit-learn transformer
        Brings X into the units of the networks.

    history_ : list of dict
        One record per epoch: "epoch", the mean losses "loss_d" and "loss_eg" of the objective, the
        unweighted "r1" and "cycle" where in use, and the seconds it took as "dur".

    n_epochs_ : int
        Passes over training data so far.

    device_ : torch.device
        Where the networks are.

    n_features_in_ : int
        Number of features seen during fit.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features seen during fit. Defined only when X has feature names that are all
        strings.

    See Also
    --------
    sklearn.decomposition.PCA : The linear counterpart.

    References
    ----------
    .. [1] Donahue, Krähenbühl, Darrell. "Adversarial Feature Learning". ICLR 2017.
           arXiv:1605.09782.
    .. [2] Dumoulin et al. "Adversarially Learned Inference". ICLR 2017. arXiv:1606.00704.
    .. [3] Li et al. "ALICE: Towards Understanding Adversarial Learning for Joint Distribution
           Matching". NeurIPS 2017. arXiv:1709.01215.
    .. [4] Mescheder, Geiger, Nowozin. "Which Training Methods for GANs do actually Converge?".
           ICML 2018. arXiv:1801.04406.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sk_bigan import BiGANTransformer
    >>> X, _ = load_digits(return_X_y=True)
    >>> bigan = BiGANTransformer(latent_dim=8, max_epochs=2, random_state=0).fit(X)
    >>> bigan.transform(X).shape
    (1797, 8)
    >>> bigan.inverse_transform(bigan.transform(X)).shape
    (1797, 64)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "latent_dim": [Interval(Integral, 1, None, closed="left")],
        "architecture": [StrOptions(set(ARCHITECTURES))],
        "hidden_units": ["array-like"],
        "sample_shape": ["array-like", None],
        "encoder": [callable, None],
        "generator": [callable, None],
        "discriminator": [callable, None],
        "prior": [StrOptions(set(PRIORS)), Prior, callable],
        "objective": [StrOptions(set(OBJECTIVES)), callable],
        "scaling": [StrOptions({"auto", *SCALINGS}), None],
        "features": [StrOptions({"latent", "penultimate"})],
        "cycle_weight": [Interval(Real, 0, None, closed="left")],
        "gradient_penalty": [Interval(Real, 0, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 2, None, closed="left")],
        "device": [str, torch.device],
        "precision": [StrOptions({"auto", *PRECISIONS})],
        "callbacks": [list, None],
        "checkpoint_dir": [str, PathLike, None],
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        latent_dim: int = 16,
        *,
        architecture: str = "mlp",
        hidden_units: Sequence[int] = (1024,),
        sample_shape: Sequence[int] | None = None,
        encoder: OwnNetwork | None = None,
        generator: OwnNetwork | None = None,
        discriminator: OwnNetwork | None = None,
        prior: str | Prior | Callable[[int, int], torch.Tensor] = "normal",
        objective: str | Objective = "non_saturating",
        scaling: str | None = "auto",
        features: str = "latent",
        cycle_weight: float = 1.0,
        gradient_penalty: float = 1.0,
        learning_rate: float = 2e-4,
        max_epochs: int = 50,
        batch_size: int = 128,
        device: str | torch.device = "auto",
        precision: str = "auto",
        callbacks: list[Any] | None = None,
        checkpoint_dir: str | PathLike[str] | None = None,
        warm_start: bool = False,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ):
        self.latent_dim = latent_dim
        self.architecture = architecture
        self.hidden_units = hidden_units
        self.sample_shape = sample_shape
        self.encoder = encoder
        self.generator = generator
        self.discriminator = discriminator
        self.prior = prior
        self.objective = objective
        self.scaling = scaling
        self.features = features
        self.cycle_weight = cycle_weight
        self.gradient_penalty = gradient_penalty
        self.learning_rate = learning_rate
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.device = device
        self.precision = precision
        self.callbacks = callbacks
        self.checkpoint_dir = checkpoint_dir
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: ArrayLike, y: Any = None) -> BiGANTransformer:
        """Train E, G and D on X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            At least two rows, real and finite.

        y : Ignored
            Not used, present for API consistency by convention.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError, TypeError
            If a parameter or X is not as described; the estimator is then as it was.
        """
        with self._unchanged_on_error():
            self._validate_params()
            start = not (self.warm_start and hasattr(self, "encoder_"))
            rows = self._checked(X, ensure_min_samples=2, reset=start)
            self._train(rows, start, self.max_epochs)
        return self

    def partial_fit(self, X: ArrayLike, y: Any = None) -> BiGANTransformer:
        """Train for one pass over X, at a constant learning rate.

        The first call learns the scaling and builds the networks; later calls, also after `fit`
        or on a loaded estimator, go on from there.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            At least two rows, real and finite.

        y : Ignored
            Not used, present for API consistency by convention.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError, TypeError
            If a parameter or X is not as described; the estimator is then as it was.
        """
        with self._unchanged_on_error():
            self._validate_params()
            start = not hasattr(self, "encoder_")
            rows = self._checked(X, ensure_min_samples=2, reset=start)
            self._train(rows, start, n_epochs=1)
        return self

    def transform(self, X: ArrayLike) -> np.ndarray:
        """Encode X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_features_out)
            The codes E(x), or the layer before them with ``features="penultimate"``, in X's float
            dtype. A row's features do not depend on the other rows.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If X is not as in `fit`.
        """
        check_is_fitted(self)
        self._validate_params()
        rows = self._checked(X, reset=False)
        features = forward(self._features_module(), self._to_samples(rows), self.device_)
        return features.reshape(len(rows), -1).astype(rows.dtype)

    def inverse_transform(self, X: ArrayLike) -> np.ndarray:
        """Decode latent codes with G.

        Parameters
        ----------
        X : array-like of shape (n_samples, latent_dim)
            Codes z, as `transform` gives them with ``features="latent"``.

        Returns
        -------
        ndarray of shape (n_samples, n_features_in_)
            G(z) in the units of the training data.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If X does not have `latent_dim` columns.
        """
        check_is_fitted(self)
        z = check_array(X, dtype=(np.float64, np.float32))
        if z.shape[1] != self._latent_dim:
            raise ValueError(
                f"X has {z.shape[1]} columns, but inverse_transform takes latent codes of "
                f"latent_dim={self._latent_dim} columns"
            )
        return self._to_units(forward(self.generator_, z, self.device_), z.dtype)

    def sample(self, n_samples: int = 1) -> np.ndarray:
        """Draw samples G(z) with z from the prior.

        Parameters
        ----------
        n_samples : int, default=1

        Returns
        -------
        ndarray of shape (n_samples, n_features_in_), float64
            In the units of the training data. With an int as `random_state` the same in every
            call.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If `n_samples` is not a positive integer.
        """
        check_is_fitted(self)
        if not (isinstance(n_samples, Integral) and n_samples >= 1):
            raise ValueError(f"n_samples must be a positive integer, got {n_samples!r}")
        prior = resolve_prior(self.prior, self._latent_dim)
        with seeded(_seed(self.random_state), torch.device("cpu")):
            z = prior.sample(n_samples, self._latent_dim).numpy()
        return self._to_units(forward(self.generator_, z, self.device_), np.dtype(np.float64))

    def score_samples(self, X: ArrayLike) -> np.ndarray:
        r"""Share of a row's variation that its reconstruction explains.

        :math:`1 - \|x - G(E(x))\|^2 / v`, where v is the mean over the training rows of
        :math:`\|x - \bar{x}\|^2`, all in the units of `scaler_`, in which no column of a table
        drowns the others. 1 is a perfect reconstruction, and predicting the training mean would
        give 0 on the average. The mean of PCA's, on equally scaled data, is its explained variance
        ratio. BiGAN does not optimise this, but for the part of `cycle_weight`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

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
        check_is_fitted(self)
        x = self._to_samples(self._checked(X, reset=False))
        codes = forward(self.encoder_, x, self.device_)
        reconstructed = forward(self.generator_, codes, self.device_)
        error = np.square(x - reconstructed, dtype=np.float64).reshape(len(x), -1).sum(axis=1)
        return 1 - error / self._total_variance

    def score(self, X: ArrayLike, y: Any = None) -> float:
        """Mean of `score_samples` over X; BiGAN does not optimise it.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        y : Ignored
            Not used, present for API consistency by convention.

        Returns
        -------
        float
            1 is perfect, 0 is what predicting the training mean would get.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If X is not as in `fit`.
        """
        return float(np.mean(self.score_samples(X)))

    def _checked(self, X: ArrayLike, **checks: Any) -> np.ndarray:
        """X as real, finite, two-dimensional float32 or float64."""
        return validate_data(self, X, dtype=(np.float64, np.float32), **checks)

    def _train(self, X: np.ndarray, start: bool, n_epochs: int) -> None:
        if start:
            self._start(X)
        for name, built_from in self._structure.items():
            if (now := _hashable(getattr(self, name))) != built_from:
                raise ValueError(
                    f"{name} changed from {built_from!r} to {now!r} since the networks were built; "
                    "only fit with warm_start=False takes that up"
                )
        x = torch.from_numpy(self._to_samples(X)).to(self.device_)
        net = self._engine(n_epochs)
        epochs_before = len(net.history)
        # Each training has draws of its own, yet follows from the seed and the epochs before it.
        seed = np.random.SeedSequence([self._seed, self.n_epochs_]).generate_state(1).item()
        with seeded(seed, self.device_):
            net.train(x)
        for epoch in net.history[epochs_before:]:
            self.n_epochs_ += 1
            record = {name: value for name, value in epoch.items() if name != "batches"}
            self.history_.append(record | {"epoch": self.n_epochs_})

    def _start(self, X: np.ndarray) -> None:
        """Learn the scaling of X and build untrained networks for it."""
        self._structure = {name: _hashable(getattr(self, name)) for name in STRUCTURE}
        self._latent_dim = int(self.latent_dim)
        self._sample_shape = self._checked_sample_shape()
        scaling = resolve_scaling(self.scaling, X, is_image=self.sample_shape is not None)
        self.scaler_ = make_scaler(scaling, X)
        total_variance = self._to_samples(X).var(axis=0, dtype=np.float64).sum()
        self._total_variance = total_variance if total_variance > 0 else 1.0
        self.device_ = resolve_device(self.device)
        self._seed = _seed(self.random_state)
        with seeded(self._seed, self.device_):
            networks = build_networks(
                self.architecture,
                self._sample_shape,
                self._latent_dim,
                _positive_integers("hidden_units", self.hidden_units),
                code_activation=resolve_prior(self.prior, self._latent_dim).code_activation(),
                bounded=scaling == "range",
                own={name: getattr(self, name) for name in Architecture._fields},
            )
        self.encoder_, self.generator_, self.discriminator_ = (
            network.to(self.device_) for network in networks
        )
        self._features_module()  # so that a fit refuses what transform could not give
        self.history_: list[dict[str, Any]] = []
        self.n_epochs_ = 0
        self.__dict__.pop("_net", None)

    def _engine(self, n_epochs: int) -> BiGANNet:
        """The engine around the networks; its optimizers live on while the estimator does."""
        settings: dict[str, Any] = {
            "prior": resolve_prior(self.prior, self._latent_dim),
            "objective": resolve_objective(self.objective),
            "cycle_weight": self.cycle_weight,
            "gradient_penalty": self.gradient_penalty,
            "lr": self.learning_rate,
            "max_epochs": n_epochs,
            "batch_size": self.batch_size,
            "precision": resolve_precision(self.precision, self.device_),
            "callbacks": deepcopy(self.callbacks or []) + self._checkpoints(),
            "verbose": self.verbose,
        }
        if not hasattr(self, "_net"):
            self._net = BiGANNet(
                encoder=self.encoder_,
                generator=self.generator_,
                discriminator=self.discriminator_,
                latent_dim=self._latent_dim,
                device=self.device_,
                **settings,
            ).initialize()
        else:
            for name, value in settings.items():
                setattr(self._net, name, value)
            self._net.initialize_callbacks()
        return self._net

    def _checkpoints(self) -> list[Checkpoint]:
        if self.checkpoint_dir is None:
            return []
        states = ("encoder", "generator", "discriminator", "optimizer_d", "optimizer_eg")
        return [
            Checkpoint(
                monitor=None,
                dirname=fspath(self.checkpoint_dir),
                f_params=None,
                f_optimizer=None,
                f_criterion=None,
                sink=logger.info,
                **{f"f_{name}": f"{name}.pt" for name in states},
            )
        ]

    def _checked_sample_shape(self) -> tuple[int, ...]:
        if self.sample_shape is None:
            return (self.n_features_in_,)
        shape = _positive_integers("sample_shape", self.sample_shape)
        if prod(shape) != self.n_features_in_:
            raise ValueError(
                f"sample_shape={shape} needs X with {prod(shape)} columns, "
                f"got X with {self.n_features_in_}"
            )
        return shape

    def _to_samples(self, X: np.ndarray) -> np.ndarray:
        """Rows of X -> what the networks see, of shape (n_samples, *sample_shape), float32."""
        with np.errstate(over="ignore"):  # an error of its own tells of it
            scaled = np.require(self.scaler_.transform(X), np.float32, ["C", "W"])
        if not np.isfinite(scaled).all():
            raise ValueError(
                f"X must stay finite when scaled to float32, got values up to {np.abs(X).max():g}"
            )
        return scaled.reshape(-1, *self._sample_shape)

    def _to_units(self, x: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
        """What G gives -> rows in the units of X."""
        return self.scaler_.inverse_transform(x.reshape(len(x), -1).astype(dtype))

    def _features_module(self) -> torch.nn.Module:
        if self.features == "latent":
            return self.encoder_
        if not hasattr(self.encoder_, "body"):
            raise ValueError(
                "features='penultimate' needs an encoder with a submodule `body`, "
                f"got {type(self.encoder_).__name__} without"
            )
        return self.encoder_.get_submodule("body")

    @property
    def _n_features_out(self) -> int:
        if self.features == "latent":
            return self._latent_dim
        one_sample = np.zeros((1, *self._sample_shape), np.float32)
        return forward(self._features_module(), one_sample, self.device_).size

    @contextmanager
    def _unchanged_on_error(self) -> Iterator[None]:
        before = self.__dict__.copy()
        try:
            yield
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(before)
            raise

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        # The optimizers weigh twice as much as the networks, and only training needs them.
        state.pop("_net", None)
        if "encoder_" in state and self.device_.type != "cpu":
            for name in FITTED_NETWORKS:
                state[name] = deepcopy(state[name]).cpu()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "encoder_" not in state:
            return
        try:
            self.device_ = resolve_device(self.device)
        except ValueError:  # trained on a device that this machine does not have
            self.device_ = torch.device("cpu")
        for name in FITTED_NETWORKS:
            getattr(self, name).to(self.device_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _positive_integers(name: str, value: Sequence[int]) -> tuple[int, ...]:
    numbers = tuple(value)
    if not numbers or not all(isinstance(n, Integral) and n >= 1 for n in numbers):
        raise ValueError(f"{name} must be a non-empty sequence of positive integers, got {value!r}")
    return tuple(int(n) for n in numbers)


def _hashable(value: Any) -> Any:
    """Lists and arrays of sizes as tuples, so that any two values compare with ==."""
    return tuple(value) if isinstance(value, list | np.ndarray) else value


def _seed(random_state: int | np.random.RandomState | None) -> int:
    if random_state is None:  # not NumPy's global generator, which a fit leaves alone
        return np.random.SeedSequence().generate_state(1).item()
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
