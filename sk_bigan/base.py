"""From parameters and X to trained networks.

What every estimator of this package shares; what it does with the networks is its own affair.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence, Sized
from contextlib import closing, contextmanager, nullcontext
from math import ceil
from os import PathLike
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils import check_random_state
from sklearn.utils.validation import validate_data
from skorch.callbacks import Callback
from torch import Tensor
from torch.utils.data import Dataset, Subset

from .augmentations import Augmentation, resolve_augmentation
from .building import NETWORKS, build_networks, positive_integers
from .callbacks import (
    CallbackSupportMixin,
    EpochTasks,
    HeldOutScore,
    ProgressBar,
    own_copies,
    with_callbacks,
)
from .checkpoints import Checkpoints, describe_run
from .devices import (
    as_tensor,
    for_training,
    forward,
    leave_other_threads,
    repeatable,
    resolve_device,
    resolve_precision,
    seeded,
    to_device,
)
from .displacement import column_places, rows_for_places
from .exceptions import TrainingDivergedError
from .inputs import (
    FLOATS,
    INTEGERS,
    DatasetRows,
    Layout,
    StreamRows,
    check_row_shape,
    column_without_numbers,
    from_all_over,
    open_rows,
    recognise,
)
from .network_parameters import wanted_networks
from .notebook import visual_block
from .objectives import resolve_objective
from .parameters import NOT_OF_THE_TRAINING, Parameters
from .priors import resolve_prior
from .ranks import ALONE, AcceleratedRanks, Ranks
from .scaling import (
    Columns,
    center_and_factor,
    describe,
    given_scaler,
    make_scaler,
    make_to_samples,
    resolve_scaling,
)
from .state import load_moments
from .training import BiGANNet

FITTED_NETWORKS = tuple(f"{name}_" for name in NETWORKS)

# max_epochs="auto". Small data needs many epochs until the networks have had enough updates; with
# too many, the codes lose neighbourhoods on large data and overfit small ones.
AUTO_UPDATES = 600
AUTO_EPOCHS = (20, 100)  # at least, at most


class BaseBiGAN(CallbackSupportMixin, Parameters):
    """An estimator that trains E, G and D; see `BiGANTransformer` for its parameters."""

    _layout: Layout
    history_: list[dict[str, Any]]
    n_epochs_: int
    _seed: int

    @with_callbacks
    def fit(self, X: ArrayLike | Dataset, y: Any = None) -> Self:
        """Train E, G and D on X.

        Parameters
        ----------
        X : array-like or Dataset
            At least two rows of shape (n_samples, n_features) or images of shape
            (n_samples, height, width), perhaps with channels before or after those two; real and
            finite. Of a :class:`torch.utils.data.Dataset` one batch at a time is read; its items,
            or their first parts where they are tuples, are the samples. One without a length must
            be an ``IterableDataset`` that comes to an end and starts anew, with as many items,
            whenever it is iterated: once for the scaling, before that once more if
            ``max_epochs="auto"`` has to count, and once an epoch, in its own order. With
            "displace", up to 20,000 items are read once more.

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
        OSError
            If `checkpoint_dir` cannot be written or another training is using it; likewise.
        TrainingDivergedError
            If losses, weights or what the networks give do not stay finite, though the training
            went back and on with lower learning rates. The estimator is left with the last good
            networks, or as it was if the first epoch did not end well.
        KeyboardInterrupt
            On Ctrl-C, at the end of a step. The estimator is left fitted, with the networks so far.
        """
        with self._unchanged_on_error() as before:
            self._check_params()
            start = not (self.warm_start and hasattr(self, "encoder_"))
            rows = self._checked(X, ensure_min_samples=2, reset=start)
            trained_on, held_out = self._split(rows)
            n_epochs = self._n_epochs(rows if trained_on is None else trained_on)
            names = set(vars(self))
            context = self._init_callback_context(max_subtasks=n_epochs)
            # What this has noted for the teardown must outlive an error.
            before.update((name, vars(self)[name]) for name in vars(self).keys() - names)
            task = {"estimator": self, "X": X, "y": y}
            context.call_on_fit_task_begin(**task)
            tasks = EpochTasks(context, lambda: self._fitted_so_far(rows), **task)
            # Ours first: the user's find what it has noted.
            callbacks = [*self._scores(held_out), *own_copies(self.callbacks), tasks]
            stop = self._train(rows, start, n_epochs, callbacks, self.checkpoint_dir, trained_on)
            self.__dict__.update(self._calibration(rows))
        if stop:
            raise stop
        context.call_on_fit_task_end(**task, reconstruction_attributes=dict)
        return self

    def partial_fit(self, X: ArrayLike | Dataset, y: Any = None) -> Self:
        """Train for one pass over X, at a constant learning rate.

        The first call learns the scaling, unless `scaling` is a fitted scaler, and builds the
        networks; later calls, also after `fit` or on a loaded estimator, go on from there. Running
        statistics of BatchNorm and moments of Adam go on too; `history_` gets a record a call.

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
            If a parameter or X is not as described; the estimator is then as it was.
        TrainingDivergedError
            As `fit`; the estimator is then as it was.
        KeyboardInterrupt
            As `fit`.
        """
        with self._unchanged_on_error():
            self._check_params()
            start = not hasattr(self, "encoder_")
            rows = self._checked(X, ensure_min_samples=2, reset=start)
            stop = self._train(rows, start, 1, own_copies(self.callbacks))
            self.__dict__.update(self._calibration(rows))
        if stop:
            raise stop
        return self

    def _split(self, rows: np.ndarray | DatasetRows) -> tuple[np.ndarray | None, Any]:
        """Which rows to train on, if not all, and the others."""
        if self.validation_fraction is None:
            return None, None
        if isinstance(rows, StreamRows):
            raise ValueError(
                f"validation_fraction={self.validation_fraction!r} holds rows out, which must have "
                "numbers: X must not be an IterableDataset, got "
                f"{type(rows.dataset).__name__}"
            )
        n_held_out = ceil(self.validation_fraction * len(rows))
        if len(rows) - n_held_out < 2:
            raise ValueError(
                f"validation_fraction={self.validation_fraction!r} holds {n_held_out} of "
                f"{len(rows)} rows out, and a training needs two"
            )
        # Not by random_state: a training resumed in another process must find the same rows.
        order = np.random.RandomState(0).permutation(len(rows))
        held_out, trained_on = np.sort(order[:n_held_out]), np.sort(order[n_held_out:])
        if isinstance(rows, DatasetRows):
            return trained_on, DatasetRows(Subset(rows.dataset, held_out.tolist()))  # type: ignore[arg-type]
        return trained_on, rows[held_out]

    def _scores(self, held_out: Any) -> list[Callback]:
        if held_out is None:
            return []
        return [HeldOutScore(lambda: float(self._explained(held_out).mean()))]

    def _checked(self, X: Any, reset: bool = False, ensure_min_samples: int = 1) -> Any:
        """X as flat rows of numbers, all of them finite unless they are still to be read."""
        leave_other_threads()
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
            if isinstance(rows, StreamRows):
                self._check_stream(rows, is_training=ensure_min_samples > 1)
            elif len(rows) < ensure_min_samples:
                raise ValueError(
                    f"X has {len(rows)} sample(s), while a minimum of {ensure_min_samples} is "
                    "required"
                )
        try:
            rows = validate_data(self, rows, reset=reset, **checks)
        except (TypeError, ValueError) as error:
            if (culprit := column_without_numbers(rows)) is None:
                raise
            raise ValueError(
                f"X must hold numbers, got {culprit}: encode text first, as by "
                "OneHotEncoder(sparse_output=False), make numbers of dates, fill gaps"
            ) from error
        if reset:
            self._layout = recognise(row_shape, self._told_sample_shape())
        return rows

    def _check_stream(self, rows: StreamRows, is_training: bool) -> None:
        name = type(rows.dataset).__name__
        if not is_training:
            raise TypeError(
                f"X must be an array or a Dataset with a length, got {name}: take one part after "
                "another, as `for X in DataLoader(dataset, batch_size=10_000)` gives them"
            )
        if self.data_parallel:
            raise ValueError(
                "data_parallel=True shares rows by their numbers: X must not be an "
                f"IterableDataset, got {name}"
            )

    def _train(
        self,
        X: np.ndarray | DatasetRows,
        start: bool,
        n_epochs: int,
        callbacks: Sequence[Any],
        checkpoint_dir: str | PathLike[str] | None = None,
        trained_on: np.ndarray | None = None,
    ) -> BaseException | None:
        """Train; what ended the training early, if what it has come to is to be kept."""
        ranks = AcceleratedRanks(cpu=str(self.device) == "cpu") if self.data_parallel else ALONE
        columns = ranks.told(describe(X, moments=start) if ranks.is_first else None)
        if start:
            self._learn_scaling(columns, is_bytes=X.dtype == np.uint8)
        self._check_structure()
        device = ranks.device or resolve_device(self.device)
        if start:
            self._build(columns, device)
            self._seed = int(ranks.told(self._seed))
        elif device != self.device_:
            self._move_to(device)
        # What is extreme in X stays so when it is scaled.
        extremes = as_tensor(np.stack([columns.low, columns.high]))
        self._to_samples()(to_device(extremes, self.device_))
        checkpoints = None
        if checkpoint_dir is not None and ranks.is_first:
            run = describe_run(X, columns, self._parameters_of_the_training(n_epochs))
            checkpoints = Checkpoints(checkpoint_dir, self.checkpoint_every, run)
        bar = ProgressBar()
        shows = [bar] if self.verbose and ranks.is_first else []
        net = self._engine(n_epochs, self._augmentation(X, ranks), [*callbacks, *shows], ranks)
        # Each training has draws of its own, yet follows from the seed and the epochs before it.
        seed = np.random.SeedSequence([self._seed, self.n_epochs_]).generate_state(1).item()
        stop: BaseException | None = None
        try:
            with (
                closing(bar),
                nullcontext() if ranks.is_first else warnings.catch_warnings(action="ignore"),
                checkpoints or nullcontext(),
                seeded(seed, self.device_),
                repeatable(self.device_, tf32=self.precision == "tf32"),
            ):
                net.train(for_training(X, self.device_), checkpoints, trained_on)
        except (KeyboardInterrupt, TrainingDivergedError) as error:
            stop = error
        except torch.OutOfMemoryError as error:
            raise torch.OutOfMemoryError(
                f"{self.device_} ran out of memory in training with batch_size={self.batch_size}; "
                f"try batch_size={max(2, self.batch_size // 2)}. {error}"
            ) from error
        finally:
            net.callbacks, net.callbacks_ = [], []  # which hold on to X
        records = self._records(net.history)
        if isinstance(stop, TrainingDivergedError) and records["n_epochs_"] == self.n_epochs_:
            raise stop
        self.__dict__.update(records)
        return stop

    def _records(self, history: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """The attributes that tell of the epochs before this training and of its own."""
        whole_epochs = [epoch for epoch in history if "loss_d" in epoch]
        # A new list: the old one must be whole if this training is undone.
        records = self.history_ + [
            {name: value for name, value in epoch.items() if name != "batches"} | {"epoch": number}
            for number, epoch in enumerate(whole_epochs, self.n_epochs_ + 1)
        ]
        return {"history_": records, "n_epochs_": len(records)}

    def _fitted_so_far(self, rows: np.ndarray | DatasetRows) -> dict[str, Any]:
        """What an estimator needs to be, in the middle of a training, as if it had ended."""
        return {**self._records(self._net.history), **self._calibration(rows)}

    def _calibration(self, rows: np.ndarray | DatasetRows) -> dict[str, Any]:
        """Attributes that follow from the networks and X: here none."""
        return {}

    def _explained(self, rows: np.ndarray | DatasetRows) -> np.ndarray:
        """Share of each row's variation that its reconstruction explains."""
        to_samples = self._to_samples()

        def squared_error(batch: Tensor) -> Tensor:
            x = to_samples(batch)
            return (x - self.generator_(self.encoder_(x))).flatten(1).square().sum(1)

        return 1 - forward(squared_error, rows, self.device_, np.float64) / self._total_variance

    def _parameters_of_the_training(self, n_epochs: int) -> dict[str, Any]:
        parameters = self.get_params(deep=False)
        given = {n: v for n, v in parameters.items() if n not in NOT_OF_THE_TRAINING}
        return given | {
            "scaling": self._structure["scaling"],
            "max_epochs": n_epochs,
            "precision": resolve_precision(self.precision, self.device_),
        }

    def _check_structure(self) -> None:
        for name, now in self._structure_now().items():
            if not same(built_from := self._structure.get(name), now):
                raise ValueError(
                    f"{name} changed from {built_from!r} to {now!r} since the networks were built; "
                    "only fit with warm_start=False takes that up"
                )

    def _learn_scaling(self, columns: Columns, is_bytes: bool) -> None:
        self._structure = self._structure_now()
        is_image = is_bytes or self.sample_shape is not None or len(self._layout.row_shape) > 1
        given = given_scaler(self.scaling)
        if given is None:
            given = make_scaler(resolve_scaling(self.scaling, columns, is_image), columns)
        elif given.n_features_in_ != len(columns.low):
            raise ValueError(
                f"scaling must be a scaler of the {len(columns.low)} columns of X, got one of "
                f"{given.n_features_in_}"
            )
        self.scaler_ = given
        self._bounded = isinstance(given, MinMaxScaler)

    def _build(self, columns: Columns, device: torch.device) -> None:
        """Untrained networks for rows like those described."""
        _, factor = center_and_factor(self.scaler_)
        total_variance = np.sum(columns.standard.var_ * np.square(factor))
        self._total_variance = float(total_variance) if total_variance > 0 else 1.0
        self._latent_dim = int(self.latent_dim)
        self._seed = draw_seed(self.random_state)
        with seeded(self._seed, device):
            networks = build_networks(**self._blueprint())
        self.encoder_, self.generator_, self.discriminator_ = networks
        self._move_to(device)
        self.history_ = []
        self.n_epochs_ = 0
        self.__dict__.pop("_places", None)

    def _blueprint(self) -> dict[str, Any]:
        """What the networks are built from: parameters as they were then, and what X said."""
        built_from = self._structure
        units = built_from["hidden_units"]
        self._prior = resolve_prior(built_from["prior"], self._latent_dim)
        return {
            "architecture": built_from["architecture"],
            "sample_shape": self._layout.sample_shape,
            "latent_dim": self._latent_dim,
            "hidden_units": None if isinstance(units, str) else units,  # "auto"
            "code_activation": self._prior.code_activation(),
            "bounded": self._bounded,
            "wanted": wanted_networks(built_from),
        }

    def _move_to(self, device: torch.device) -> None:
        """Bring the networks to the device; an engine elsewhere, with its optimizers, goes."""
        self.device_ = device
        for name in FITTED_NETWORKS:
            getattr(self, name).to(device)
        self.__dict__.pop("_net", None)

    def _augmentation(self, X: np.ndarray | DatasetRows, ranks: Ranks) -> Augmentation | None:
        """What E is to see of samples; where their columns lie is learned once, from X."""

        def learned() -> np.ndarray:
            rows = torch.as_tensor(from_all_over(X, rows_for_places(X.shape[1])))
            return column_places(self._layout.to_samples(rows).flatten(1).numpy())

        def places() -> np.ndarray:
            if not hasattr(self, "_places"):
                self._places = ranks.told(learned() if ranks.is_first else None)
            return self._places

        shape = self._layout.sample_shape
        with seeded(self._seed, self.device_):
            return resolve_augmentation(self.augmentation, shape, self.device_, places)

    def _engine(
        self,
        n_epochs: int,
        augmentation: Augmentation | None = None,
        callbacks: Sequence[Any] = (),
        ranks: Ranks = ALONE,
    ) -> BiGANNet:
        """The engine around the networks; its optimizers live on while the estimator does."""
        settings: dict[str, Any] = {
            "objective": resolve_objective(self.objective),
            "augmentation": augmentation,
            "consistency_weight": self.consistency_weight,
            "vat_weight": self.vat_weight,
            "cycle_weight": self.cycle_weight,
            "gradient_penalty": self.gradient_penalty,
            "lr": self.learning_rate,
            "max_epochs": n_epochs,
            "batch_size": self.batch_size,
            "cuda_graph": self.cuda_graph,
            "ranks": ranks,
            "precision": resolve_precision(self.precision, self.device_),
            "callbacks": [*callbacks],
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
            for name, moments in self.__dict__.pop("_moments", {}).items():
                load_moments(getattr(self._net, name), moments)
        else:
            for name, value in settings.items():
                setattr(self._net, name, value)
            self._net.initialize_callbacks()
        return self._net

    def _n_epochs(self, rows: Sized) -> int:
        if isinstance(self.max_epochs, str):  # "auto"
            updates_an_epoch = ceil(len(rows) / self.batch_size)
            return min(max(AUTO_UPDATES // updates_an_epoch, AUTO_EPOCHS[0]), AUTO_EPOCHS[1])
        return self.max_epochs

    def _told_sample_shape(self) -> tuple[int, ...] | None:
        if self.sample_shape is None:
            return None
        return positive_integers("sample_shape", self.sample_shape)

    def _to_samples(self) -> Callable[[Tensor], Tensor]:
        """What turns rows of X, on the device, into samples, and refuses what float32 cannot hold.

        It waits for the device, so that training does without it.
        """
        to_samples = make_to_samples(self.scaler_, self._layout, self.device_)
        return lambda rows: finite(to_samples(rows), rows)

    def _sk_visual_block_(self) -> Any:
        return visual_block(self)

    @contextmanager
    def _unchanged_on_error(self) -> Iterator[dict[str, Any]]:
        before = self.__dict__.copy()
        try:
            yield before
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(before)
            if hasattr(self, "encoder_"):  # to where they were, if they have been moved
                for name in FITTED_NETWORKS:
                    getattr(self, name).to(self.device_)
            raise


def same(a: Any, b: Any) -> bool:
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
