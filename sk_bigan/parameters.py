"""The parameters of every estimator: what they are called, what they may be, which go together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Integral, Real
from os import PathLike
from typing import Any, ClassVar

import numpy as np
import skorch.callbacks
import torch
from sklearn.frozen import FrozenEstimator
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils._param_validation import Interval, RealNotInt, StrOptions
from skorch.callbacks import Callback

from .augmentations import AUGMENTATIONS, Augmentation
from .building import OwnNetwork
from .callbacks import LRScheduler
from .devices import PRECISIONS
from .network_parameters import NetworkParameters, is_network_parameter
from .networks import ARCHITECTURES
from .objectives import OBJECTIVES, Objective
from .priors import PRIORS, Prior
from .scaling import SCALINGS, given_scaler, summary

MOST_IN_FLOAT32 = float(np.finfo(np.float32).max)

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

# What a training does not depend on, or not so that it could not go on.
NOT_OF_THE_TRAINING = (
    "callbacks",
    "checkpoint_dir",
    "checkpoint_every",
    "cuda_graph",
    "data_parallel",
    "device",
    "features",
    "verbose",
    "warm_start",
)


class Parameters(NetworkParameters):
    """An estimator that has them and knows whether they are right."""

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
        "scaling": [
            StrOptions({"auto", *SCALINGS}),
            *(MinMaxScaler, StandardScaler, FrozenEstimator),
            None,
        ],
        "augmentation": [StrOptions(set(AUGMENTATIONS)), callable, list, tuple, None],
        "features": [StrOptions({"latent", "penultimate", "hidden"}), list, tuple],
        "consistency_weight": [Interval(Real, 0, MOST_IN_FLOAT32, closed="both")],
        "vat_weight": [Interval(Real, 0, MOST_IN_FLOAT32, closed="both")],
        "cycle_weight": [Interval(Real, 0, MOST_IN_FLOAT32, closed="both")],
        "gradient_penalty": [Interval(Real, 0, MOST_IN_FLOAT32, closed="both")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "max_epochs": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "batch_size": [Interval(Integral, 2, None, closed="left")],
        "validation_fraction": [Interval(RealNotInt, 0, 1, closed="neither"), None],
        "device": [str, torch.device],
        "precision": [StrOptions({"auto", *PRECISIONS})],
        "cuda_graph": ["boolean"],
        "data_parallel": ["boolean"],
        "callbacks": [list, None],
        "checkpoint_dir": [str, PathLike, None],
        "checkpoint_every": [
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, None, closed="left"),
        ],
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
        scaling: str | MinMaxScaler | StandardScaler | FrozenEstimator | None = "auto",
        features: str | list[str] = "latent",
        augmentation: str | Augmentation | list[str | Augmentation] | None = "swap",
        consistency_weight: float = 3.0,
        vat_weight: float = 0.0,
        cycle_weight: float = 100.0,
        gradient_penalty: float = 1.0,
        learning_rate: float = 2e-4,
        max_epochs: int | str = "auto",
        batch_size: int = 128,
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
        self.vat_weight = vat_weight
        self.cycle_weight = cycle_weight
        self.gradient_penalty = gradient_penalty
        self.learning_rate = learning_rate
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.validation_fraction = validation_fraction
        self.device = device
        self.precision = precision
        self.cuda_graph = cuda_graph
        self.data_parallel = data_parallel
        self.callbacks = callbacks
        self.checkpoint_dir = checkpoint_dir
        self.checkpoint_every = checkpoint_every
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose
        for name, value in network_parameters.items():
            if not is_network_parameter(name):
                raise TypeError(
                    f"{type(self).__name__}.__init__() got an unexpected keyword argument {name!r}"
                )
            setattr(self, name, value)

    def _check_params(self) -> None:
        self._validate_params()
        if self.warm_start and self.checkpoint_dir is not None:
            raise ValueError(
                "checkpoint_dir needs warm_start=False, got warm_start=True: which of the two the "
                "training should go on from would not be clear"
            )
        if self.data_parallel and str(self.device) not in ("auto", "cpu", "cuda"):
            raise ValueError(
                "device must be 'auto', 'cpu' or 'cuda' with data_parallel=True, which gives each "
                f"process a GPU of its own, got {self.device!r}"
            )
        if self.checkpoint_dir == "":
            raise ValueError("checkpoint_dir must be a folder or None, got an empty name")
        for entry in self.callbacks or []:
            named = isinstance(entry, tuple) and len(entry) == 2 and isinstance(entry[0], str)
            callback = entry[1] if named else entry
            if not isinstance(callback, Callback):
                raise TypeError(
                    "callbacks must be instances of skorch.callbacks.Callback or pairs of a name "
                    f"and such an instance, got {entry!r}"
                )
            schedules = isinstance(callback, skorch.callbacks.LRScheduler)
            if schedules and not isinstance(callback, LRScheduler):
                raise TypeError(
                    "callbacks must not have skorch's LRScheduler, which sets one optimizer: "
                    f"take sk_bigan.callbacks.LRScheduler, got {callback!r}"
                )
            if self.checkpoint_dir is not None and getattr(callback, "load_best", False):
                raise ValueError(
                    "callbacks must not have load_best=True with checkpoint_dir, since checkpoints "
                    f"do not hold the best networks, got {callback!r}"
                )

    def _structure_now(self) -> dict[str, Any]:
        structure = {name: getattr(self, name) for name in STRUCTURE}
        if (scaler := given_scaler(self.scaling)) is not None:
            structure["scaling"] = summary(scaler)  # it may learn more, which ours has not
        return structure | self._network_parameters()
