"""From parameters and X to trained networks, and back from a pickle.

What every estimator of this package shares; what it does with the networks is its own affair.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from math import ceil
from numbers import Integral, Real
from os import PathLike, fspath
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import validate_data
from skorch.callbacks import Callback, Checkpoint
from torch import Tensor
from torch.utils.data import Dataset

from .augmentations import AUGMENTATIONS, Augmentation, resolve_augmentation
from .building import NETWORKS, OwnNetwork, build_networks
from .devices import (
    PRECISIONS,
    as_tensor,
    for_training,
    repeatable,
    resolve_device,
    resolve_precision,
    seeded,
    to_device,
)
from .inputs import FLOATS, INTEGERS, DatasetRows, Layout, check_row_shape, open_rows, recognise
from .network_parameters import NetworkParameters, is_network_parameter
from .networks import ARCHITECTURES
from .objectives import OBJECTIVES, Objective, resolve_objective
from .priors import PRIORS, Prior, resolve_prior
from .scaling import (
    SCALINGS,
    Columns,
    center_and_factor,
    describe,
    make_scaler,
    make_to_samples,
    resolve_scaling,
)
from .training import BiGANNet

logger = logging.getLogger(__name__)

FITTED_NETWORKS = tuple(f"{name}_" for name in NETWORKS)

# max_epochs="auto". Small data needs many epochs until the networks have had enough updates; with
# too many, the codes lose neighbourhoods on large data and overfit small ones.
AUTO_UPDATES = 600
AUTO_EPOCHS = (20, 100)  # at least, at most

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


class BaseBiGAN(NetworkParameters):
    """An estimator that trains E, G and D; see `BiGANTransformer` for its parameters."""

    _layout: Layout
    history_: list[dict[str, Any]]
    n_epochs_: int

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "latent_dim": [Interval(Integral, 1, None, closed="left")],
        "architecture": [StrOptions(set(ARCHITECTURES))],
        "hidden_units": ["array-like", StrOptions({"auto"})],
        "sample_shape": ["array-like", None],
        "encoder": [callable, None],
        "generator": [callable, None],
        "discriminator": [callable, None],
        "prior": [StrOptions(set(PRIORS)), Prior, callable],
        "objective": [StrOptions(set(OBJECTIVES)), callable],
        "scaling": [StrOptions({"auto", *SCALINGS}), None],
        "augmentation": [StrOptions(set(AUGMENTATIONS)), callable, list, tuple, None],
        "features": [StrOptions({"latent", "penultimate", "hidden"}), list, tuple],
        "consistency_weight": [Interval(Real, 0, None, closed="left")],
        "cycle_weight": [Interval(Real, 0, None, closed="left")],
        "gradient_penalty": [Interval(Real, 0, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "max_epochs": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "batch_size": [Interval(Integral, 2, None, closed="left")],
        "device": [str, torch.device],
        "precision": [StrOptions({"auto", *PRECISIONS})],
        "cuda_graph": ["boolean"],
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
        hidden_units: str | Sequence[int] = "auto",
        sample_shape: Sequence[int] | None = None,
        encoder: OwnNetwork | None = None,
        generator: OwnNetwork | None = None,
        discriminator: OwnNetwork | None = None,
        prior: str | Prior | Callable[[int, int], torch.Tensor] = "normal",
        objective: str | Objective = "non_saturating",
        scaling: str | None = "auto",
        features: str | list[str] = "latent",
        augmentation: str | Augmentation | list[str | Augmentation] | None = "swap",
        consistency_weight: float = 0.0,
        cycle_weight: float = 1.0,
        gradient_penalty: float = 1.0,
        learning_rate: float = 2e-4,
        max_epochs: int | str = "auto",
        batch_size: int = 128,
        device: str | torch.device = "auto",
        precision: str = "auto",
        cuda_graph: bool = False,
        callbacks: list[Any] | None = None,
        checkpoint_dir: str | PathLike[str] | None = None,
        warm_start: bool = False,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
        **network_parameters: Any,
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
        self.augmentation = augmentation
        self.consistency_weight = consistency_weight
        self.cycle_weight = cycle_weight
        self.gradient_penalty = gradient_penalty
        self.learning_rate = learning_rate
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.device = device
        self.precision = precision
        self.cuda_graph = cuda_graph
        self.callbacks = callbacks
        self.checkpoint_dir = checkpoint_dir
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose
        for name, value in network_parameters.items():
            if not is_network_parameter(name):
                raise TypeError(
                    f"{type(self).__name__}.__init__() got an unexpected keyword argument {name!r}"
                )
            setattr(self, name, value)

    def fit(self, X: ArrayLike | Dataset, y: Any = None) -> Self:
        """Train E, G and D on X.

        Parameters
        ----------
        X : array-like or Dataset
            At least two rows of shape (n_samples, n_features) or images of shape
            (n_samples, height, width), perhaps with channels before or after those two; real and
            finite. Of a :class:`torch.utils.data.Dataset`, which must have a length, one batch at
            a time is read; its items, or their first parts where they are tuples, are the samples.

        y : Ignored
            Not used, present for API consistency by convention.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError, TypeError
            If a parameter or X is not as described, or the losses do not stay finite; the
            estimator is then as it was, but for networks that a warm start has trained on.
        """
        with self._unchanged_on_error():
            self._check_params()
            start = not (self.warm_start and hasattr(self, "encoder_"))
            rows = self._checked(X, ensure_min_samples=2, reset=start)
            self._train(rows, start, self._n_epochs(len(rows)))
        return self

    def partial_fit(self, X: ArrayLike | Dataset, y: Any = None) -> Self:
        """Train for one pass over X, at a constant learning rate.

        The first call learns the scaling and builds the networks; later calls, also after `fit`
        or on a loaded estimator, go on from there.

        Parameters
        ----------
        X : array-like or Dataset
            At least two rows, images or items as `fit` takes them.

        y : Ignored
            Not used, present for API consistency by convention.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError, TypeError
            If a parameter or X is not as described; the estimator is then as it was. Also if the
            losses do not stay finite, but then the networks have changed.
        """
        with self._unchanged_on_error():
            self._check_params()
            start = not hasattr(self, "encoder_")
            rows = self._checked(X, ensure_min_samples=2, reset=start)
            self._train(rows, start, n_epochs=1)
        return self

    def _check_params(self) -> None:
        self._validate_params()
        if self.consistency_weight > 0 and self.augmentation is None:
            raise ValueError(
                "consistency_weight compares augmentations, got consistency_weight="
                f"{self.consistency_weight!r} with augmentation=None"
            )
        for entry in self.callbacks or []:
            callback = entry[1] if isinstance(entry, tuple) else entry
            if not isinstance(callback, Callback):
                raise TypeError(
                    "callbacks must be instances of skorch.callbacks.Callback or pairs of a name "
                    f"and such an instance, got {entry!r}"
                )

    def _checked(self, X: Any, reset: bool = False, ensure_min_samples: int = 1) -> Any:
        """X as flat rows of numbers, all of them finite unless they are still to be read."""
        rows, row_shape = open_rows(X)
        row_shape = row_shape or np.shape(rows)[1:]
        if row_shape and not reset:
            check_row_shape(row_shape, self._layout, type(self).__name__)
        checks: dict[str, Any] = {
            "dtype": FLOATS + INTEGERS,
            "ensure_min_samples": ensure_min_samples,
        }
        if isinstance(rows, DatasetRows):
            checks = {"skip_check_array": True}
            if len(rows) < ensure_min_samples:
                raise ValueError(
                    f"X has {len(rows)} sample(s), while a minimum of {ensure_min_samples} is "
                    "required"
                )
        rows = validate_data(self, rows, reset=reset, **checks)
        if reset:
            self._layout = recognise(row_shape, self._told_sample_shape())
        return rows

    def _train(self, X: np.ndarray | DatasetRows, start: bool, n_epochs: int) -> None:
        columns = describe(X)
        if start:
            self._learn_scaling(columns, is_bytes=X.dtype == np.uint8)
        for name, now in self._structure_now().items():
            if not _same(built_from := self._structure.get(name), now):
                raise ValueError(
                    f"{name} changed from {built_from!r} to {now!r} since the networks were built; "
                    "only fit with warm_start=False takes that up"
                )
        device = resolve_device(self.device)
        if start:
            self._build(columns, device)
        elif device != self.device_:
            self._move_to(device)
        # What is extreme in X stays so when it is scaled.
        extremes = as_tensor(np.stack([columns.low, columns.high]))
        self._to_samples()(to_device(extremes, self.device_))
        net = self._engine(n_epochs)
        epochs_before = len(net.history)
        # Each training has draws of its own, yet follows from the seed and the epochs before it.
        seed = np.random.SeedSequence([self._seed, self.n_epochs_]).generate_state(1).item()
        with seeded(seed, self.device_), repeatable(self.device_, tf32=self.precision == "tf32"):
            net.train(for_training(X, self.device_))
        records = [
            {name: value for name, value in epoch.items() if name != "batches"} | {"epoch": number}
            for number, epoch in enumerate(net.history[epochs_before:], self.n_epochs_ + 1)
        ]
        # A new list: the old one must be whole if this training is undone.
        self.history_ = self.history_ + records
        self.n_epochs_ = len(self.history_)
        losses = {name: self.history_[-1][name] for name in ("loss_d", "loss_eg")}
        if not np.isfinite(list(losses.values())).all():
            raise ValueError(
                f"training diverged, with {losses} in epoch {self.n_epochs_}; try a lower "
                f"learning_rate than {self.learning_rate:g}"
            )

    def _structure_now(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in STRUCTURE} | self._network_parameters()

    def _learn_scaling(self, columns: Columns, is_bytes: bool) -> None:
        self._structure = self._structure_now()
        is_image = is_bytes or self.sample_shape is not None or len(self._layout.row_shape) > 1
        scaling = resolve_scaling(self.scaling, columns, is_image)
        self.scaler_ = make_scaler(scaling, columns)
        self._bounded = scaling == "range"

    def _build(self, columns: Columns, device: torch.device) -> None:
        """Untrained networks for rows like those described."""
        _, factor = center_and_factor(self.scaler_)
        total_variance = np.sum(columns.standard.var_ * np.square(factor))
        self._total_variance = total_variance if total_variance > 0 else 1.0
        self._latent_dim = int(self.latent_dim)
        self._seed = draw_seed(self.random_state)
        units = None
        if not isinstance(self.hidden_units, str):  # "auto"
            units = _positive_integers("hidden_units", self.hidden_units)
        with seeded(self._seed, device):
            self._prior = resolve_prior(self.prior, self._latent_dim)
            networks = build_networks(
                self.architecture,
                self._layout.sample_shape,
                self._latent_dim,
                units,
                code_activation=self._prior.code_activation(),
                bounded=self._bounded,
                wanted={name: self._wanted(name) for name in NETWORKS},
            )
        self.encoder_, self.generator_, self.discriminator_ = networks
        self._move_to(device)
        self.history_ = []
        self.n_epochs_ = 0

    def _move_to(self, device: torch.device) -> None:
        """Bring the networks to the device; an engine elsewhere, with its optimizers, goes."""
        self.device_ = device
        for name in FITTED_NETWORKS:
            getattr(self, name).to(device)
        self.__dict__.pop("_net", None)

    def _engine(self, n_epochs: int) -> BiGANNet:
        """The engine around the networks; its optimizers live on while the estimator does."""
        with seeded(self._seed, self.device_):
            augmentation = resolve_augmentation(
                self.augmentation, self._layout.sample_shape, self.device_
            )
        settings: dict[str, Any] = {
            "objective": resolve_objective(self.objective),
            "augmentation": augmentation,
            "consistency_weight": self.consistency_weight,
            "cycle_weight": self.cycle_weight,
            "gradient_penalty": self.gradient_penalty,
            "lr": self.learning_rate,
            "max_epochs": n_epochs,
            "batch_size": self.batch_size,
            "cuda_graph": self.cuda_graph,
            "precision": resolve_precision(self.precision, self.device_),
            "callbacks": self._checkpoints() + deepcopy(self.callbacks or []),
            "verbose": self.verbose,
        }
        if not hasattr(self, "_net"):
            self._net = BiGANNet(
                encoder=self.encoder_,
                generator=self.generator_,
                discriminator=self.discriminator_,
                latent_dim=self._latent_dim,
                prior=self._prior,
                to_samples=make_to_samples(self.scaler_, self._layout, self.device_),
                device=self.device_,
                **settings,
            ).initialize()
        else:
            for name, value in settings.items():
                setattr(self._net, name, value)
            self._net.initialize_callbacks()
        return self._net

    def _n_epochs(self, n_samples: int) -> int:
        if isinstance(self.max_epochs, str):  # "auto"
            updates_an_epoch = ceil(n_samples / self.batch_size)
            return min(max(AUTO_UPDATES // updates_an_epoch, AUTO_EPOCHS[0]), AUTO_EPOCHS[1])
        return self.max_epochs

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
                event_name=None,
                sink=logger.info,
                **{f"f_{name}": f"{name}.pt" for name in states},
            )
        ]

    def _told_sample_shape(self) -> tuple[int, ...] | None:
        if self.sample_shape is None:
            return None
        return _positive_integers("sample_shape", self.sample_shape)

    def _to_samples(self) -> Callable[[Tensor], Tensor]:
        """What turns rows of X, on the device, into samples, and refuses what float32 cannot hold.

        It waits for the device, so that training does without it.
        """
        to_samples = make_to_samples(self.scaler_, self._layout, self.device_)
        return lambda rows: finite(to_samples(rows), rows)

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
        state = dict(super().__getstate__())
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
            self._move_to(resolve_device(self.device))
        except ValueError:  # trained on a device that this machine does not have
            self._move_to(torch.device("cpu"))


def _positive_integers(name: str, value: Sequence[int]) -> tuple[int, ...]:
    numbers = tuple(value)
    if not numbers or not all(isinstance(n, Integral) and n >= 1 for n in numbers):
        raise ValueError(f"{name} must be a non-empty sequence of positive integers, got {value!r}")
    return tuple(int(n) for n in numbers)


def _same(a: Any, b: Any) -> bool:
    """Whether two values are one, or equal to the last entry."""
    try:
        return a is b or bool(np.array_equal(a, b))
    except (TypeError, ValueError, RuntimeError):  # things that cannot be compared so
        return False


def finite(narrowed: Tensor, values: Tensor) -> Tensor:
    """The values as narrowed to float32, if they fit."""
    # The sum tells of most at a fraction of the cost.
    if not narrowed.sum().isfinite() and not narrowed.isfinite().all():
        raise ValueError(
            f"X must stay finite in float32, got values up to {values.abs().max().item():g}"
        )
    return narrowed


def draw_seed(random_state: int | np.random.RandomState | None) -> int:
    """A seed for torch: always the same from an int, fresh from None."""
    if random_state is None:  # not NumPy's global generator, which a fit leaves alone
        return np.random.SeedSequence().generate_state(1).item()
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
