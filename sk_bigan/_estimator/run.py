"""One training of an estimator, committed as a whole or not at all."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence, Sized
from contextlib import closing, contextmanager, nullcontext
from copy import deepcopy
from dataclasses import replace
from functools import cached_property
from math import prod
from os import PathLike
from typing import Any, NamedTuple

import numpy as np
import torch

from .._data.batches import for_training
from .._data.frames import is_frame
from .._data.inference import require_finite
from .._data.layout import Layout, recognise
from .._data.rows import DatasetRows, from_all_over
from .._data.scaling import (
    ColumnStatistics,
    block_scaler,
    center_and_factor,
    column_statistics,
    given_scaler,
    make_scaler,
    named_scaler,
    resolve_scaling,
)
from .._data.units import sizes_in_fit
from .._machine.cuda_graph import CudaGraphStep
from .._machine.devices import (
    as_tensor,
    resolve_device,
    resolve_precision,
    to_device,
)
from .._machine.interrupts import deferred_interrupts
from .._machine.processes import ALONE, AcceleratedProcesses
from .._machine.random_numbers import seeded
from .._machine.repeatable import repeatable
from .._model.fitted import Fitted
from .._model.summarising import summarised
from .._model.summary import N_ROWS, N_ROWS_AT_FIRST
from .._training.checkpoints import Checkpoints, describe_run, seed_in
from .._training.engine import BiGANNet
from .._training.loop import Training
from .._training.observers import ProgressBar
from .._training.optimizers import make_optimizers
from .._training.step import Game
from ..augmentations import Augmentation, resolve_augmentation
from ..displacement import column_places, rows_for_places
from ..exceptions import TrainingDivergedError
from ..networks.building import moved
from ..objectives import resolve_objective
from ..priors import resolve_prior, try_draw
from .advice import warn_of_parameters
from .automatic import automatic_epochs, resolve_batch_size, resolve_rate
from .parameters import (
    EXECUTION,
    build_players,
    check_structure,
    draw_seed,
    parameters_of,
    structure_of,
    wanted_sample_shape,
)
from .rows import read_rows


class Recorded(NamedTuple):
    """A training step that a call of `partial_fit` leaves to the next.

    Parameters
    ----------
    step : CudaGraphStep
    holds_for : tuple
        What the step depends on, as `Run` gives it. Of equal values, it is recorded alike.
    """

    step: CudaGraphStep
    holds_for: tuple[Any, ...]


class Run:
    """One training of an estimator.

    The run works on a draft, a copy that shares the estimator's attributes. The estimator shows the
    draft's attributes to callbacks during the training. It keeps them if the training ends well, or
    if it stops early and its networks are kept. Any other error leaves the estimator as it was,
    with its networks and optimizers.

    Parameters
    ----------
    estimator : estimator
        With valid parameters.
    X : array-like or Dataset
    anew : bool
        Whether to learn the scaling and build networks, rather than go on training the model.
    running : bool
        Whether X is a part of the data, and calibration keeps what earlier parts have taught.

    Attributes
    ----------
    draft : estimator
    rows : ndarray of shape (n, n_features) or DatasetRows
        X as flat rows.
    """

    def __init__(self, estimator: Any, X: Any, anew: bool, running: bool = False):
        self.estimator = estimator
        # Only partial_fit takes it: it holds the memory of a step.
        recorded = vars(estimator).pop("_recorded", None)
        self.recorded = recorded if running else None
        # Without the callbacks' context, which scikit-learn adds before the training.
        self.attributes_at_start = dict(vars(estimator))
        self.anew = anew
        self.running = running
        kept = self.attributes_at_start
        if anew:  # without what the fit before has learned
            parameters = parameters_of(estimator)
            kept = {n: v for n, v in kept.items() if n in parameters or not n.endswith("_")}
        self.draft = object.__new__(type(estimator))
        vars(self.draft).update(kept)
        self.is_frame = is_frame(X)
        self.rows, row_shape = read_rows(self.draft, X, reset=anew, is_training=True)
        if anew:
            self.layout = recognise(row_shape, wanted_sample_shape(estimator))
            if hasattr(self.draft, "columns_"):
                _require_flat(self.layout)
        self.held_out: np.ndarray | None = None
        self.processes = ALONE
        self.committed = False

    def n_epochs(self, rows: Sized) -> int:
        """Return the passes over these rows that `max_epochs` means."""
        draft = self.draft
        if not isinstance(draft.max_epochs, str):  # a stream would be read to be counted
            return draft.max_epochs
        return automatic_epochs(draft.batch_size, len(rows))

    def train(
        self,
        n_epochs: int,
        callbacks: Sequence[Any],
        checkpoint_dir: str | PathLike[str] | None = None,
        trained_on: np.ndarray | None = None,
        held_out: np.ndarray | None = None,
    ) -> None:
        """Train, and commit.

        Parameters
        ----------
        n_epochs : int
        callbacks : sequence of skorch.callbacks.Callback
        checkpoint_dir : str, path-like or None
        trained_on : ndarray of int or None
            Numbers of the rows to train on; None takes all.
        held_out : ndarray of int or None
            Numbers of the other rows, if there are any.

        Raises
        ------
        KeyboardInterrupt
            After committing the networks so far.
        TrainingDivergedError
            After committing the last good networks, unless the first epoch did not end well.
        """
        draft = self.draft
        self.held_out = held_out
        if draft.data_parallel:
            resolve_device(draft.device)  # "cuda" without a GPU is an error, as elsewhere
            self.processes = AcceleratedProcesses(cpu=str(draft.device) == "cpu")
        is_first = self.processes.is_first
        statistics = self.processes.broadcast(
            column_statistics(self.rows, self.anew, gaps=hasattr(draft, "columns_"))
            if is_first
            else None
        )
        self._prepare_model(statistics, checkpoint_dir)
        model = draft.model_
        # An extreme value of X stays extreme when it is scaled.
        extremes = to_device(as_tensor(np.stack([statistics.low, statistics.high])), model.device)
        require_finite(model.to_samples(extremes), extremes)
        if draft.features == "summary" and model.summary is None:
            draft.model_ = model = self._summarised(n_rows=N_ROWS_AT_FIRST)  # for callbacks
        if self.anew:
            draft._try_out()
        if is_first:
            warn_of_parameters(draft, self.rows.shape[0], statistics, self.anew, self.running)
        checkpoints = None
        if checkpoint_dir is not None and is_first:
            depends_on = describe_run(
                self.rows, statistics, self._parameters(n_epochs), draft._seed
            )
            checkpoints = Checkpoints(checkpoint_dir, draft.checkpoint_every, depends_on)
        bar = ProgressBar()
        shows = [bar] if draft.verbose and is_first else []
        n_rows = len(self.rows if trained_on is None else trained_on)
        batch_size = resolve_batch_size(draft.batch_size, n_rows)
        learning_rate = resolve_rate(draft.learning_rate, batch_size, n_rows)
        self.net = net = self._engine(n_epochs, batch_size, learning_rate, [*callbacks, *shows])
        # Each training has draws of its own, yet follows from the seed and the epochs before it.
        seed = np.random.SeedSequence([draft._seed, draft.n_epochs_]).generate_state(1).item()
        with (
            deferred_interrupts() as interrupts,
            self._undone_unless_committed(),
            closing(bar),
        ):
            self.training = Training(net, checkpoints, trained_on, interrupts)
            try:
                with (
                    nullcontext() if is_first else warnings.catch_warnings(action="ignore"),
                    checkpoints or nullcontext(),
                    seeded(seed, model.device),
                    repeatable(model.device, tf32=draft.precision == "tf32"),
                ):
                    self.training.run(for_training(self.rows, model.device))
            except TrainingDivergedError:
                if self.records()["n_epochs_"] > draft.n_epochs_:
                    self._commit()
                raise
            except KeyboardInterrupt:
                self._commit()
                raise
            except torch.OutOfMemoryError as error:
                raise torch.OutOfMemoryError(
                    f"{model.device} ran out of memory in training with "
                    f"batch_size={batch_size}; try batch_size={max(2, batch_size // 2)}. {error}"
                ) from error
            else:
                if self.running and net.recorded_step_ is not None:
                    draft._recorded = Recorded(net.recorded_step_, self._recorded_for())
            finally:
                net.recorded_step = net.recorded_step_ = None  # with the memory of a step
                net.callbacks, net.callbacks_ = [], []  # which hold on to X
            self._commit()

    def records(self) -> dict[str, Any]:
        """Return `history_` and `n_epochs_`: the epochs before this training and its own."""
        draft = self.draft
        whole_epochs = [epoch for epoch in self.net.history if "loss_d" in epoch]
        # A new list: the old one must be whole if this training is undone.
        history = draft.history_ + [
            {name: value for name, value in epoch.items() if name != "batches"} | {"epoch": number}
            for number, epoch in enumerate(whole_epochs, draft.n_epochs_ + 1)
        ]
        return {"history_": history, "n_epochs_": len(history)}

    def explained(self, rows: np.ndarray | DatasetRows) -> float:
        """Return the share of the variation of rows that reconstructions explain."""
        return float(self.draft.model_.explained(rows).mean())

    def fitted_so_far(self) -> dict[str, Any]:
        """Return what a copy of the draft needs to be as if the training had ended."""
        if self.draft.features != "summary":
            return self._learned()
        return {**self._learned(), "model_": deepcopy(self._summarised(N_ROWS))}

    def _learned(self) -> dict[str, Any]:
        learned = self.draft._calibration(self.rows, self.held_out, self.running)
        return {**self.records(), **learned}

    def _summarised(self, n_rows: int) -> Fitted:
        """Return the model with a summary of its hidden layers as they are, if it is wanted."""
        draft = self.draft
        if draft.features != "summary":
            return replace(draft.model_, summary=None) if draft.model_.summary else draft.model_
        if self._keeps_summary():
            return draft.model_
        rows = np.asarray(from_all_over(self.rows, max(n_rows, draft.model_.latent_dim)))
        # An augmentation may mix rows of a batch, and X may be in an order.
        rows = np.random.default_rng(draft._seed).permutation(rows)
        return summarised(draft.model_, rows, self._augmentation, draft._seed)

    def _keeps_summary(self) -> bool:
        """Return whether X is a part too short for a better summary than that of earlier parts."""
        model = self.attributes_at_start.get("model_")
        if not self.running or model is None or model.summary is None:
            return False
        return self.rows.shape[0] < model.summary.n_rows_to_relearn

    def _commit(self) -> None:
        """Give the estimator all that the draft has learned."""
        vars(self.draft).update(self._learned(), model_=self._summarised(N_ROWS))
        self._show()
        self.committed = True

    def _show(self) -> None:
        """Give the estimator the draft's attributes."""
        drafted, shown = vars(self.draft), vars(self.estimator)
        for name in self.attributes_at_start.keys() - drafted.keys():
            shown.pop(name, None)
        shown.update(drafted)

    @contextmanager
    def _undone_unless_committed(self) -> Iterator[None]:
        """Let the estimator show the draft inside, and restore it if nothing is committed."""
        before = dict(vars(self.estimator))
        self._show()
        try:
            yield
        finally:
            if not self.committed:
                if not self.anew:  # the estimator's own networks were trained in place
                    self.training.undo()
                vars(self.estimator).clear()
                vars(self.estimator).update(before)

    def _prepare_model(
        self, statistics: ColumnStatistics, checkpoint_dir: str | PathLike[str] | None
    ) -> None:
        """Build the networks or bring those that there are to the device."""
        draft = self.draft
        if self.anew:
            draft._built_from = structure_of(draft)
            scaler = self._make_scaler(statistics)
            device = self.processes.device or resolve_device(draft.device)
            draft._seed = self._seed(checkpoint_dir)
            self._build(scaler, statistics, device)
        else:
            check_structure(draft)
            device = self.processes.device or resolve_device(draft.device, draft.model_.device)
            if device != draft.model_.device:
                draft.model_ = draft.model_.to(device)
                draft._optimizers = None
        if draft._optimizers is None:
            draft._optimizers = make_optimizers(draft.model_.players)

    def _make_scaler(self, statistics: ColumnStatistics) -> Any:
        draft = self.draft
        if hasattr(draft, "columns_"):
            return block_scaler(statistics)
        given = given_scaler(draft.scaling)
        if given is None:
            scaling = resolve_scaling(
                draft.scaling, statistics, self.layout, self.rows.dtype, self.is_frame
            )
            return make_scaler(scaling, statistics, self.layout)
        if given.n_features_in_ != len(statistics.low):
            raise ValueError(
                f"scaling must be a scaler of the {len(statistics.low)} columns of X, got one of "
                f"{given.n_features_in_}"
            )
        names, own = (
            [*getattr(one, "feature_names_in_", ())] for one in (named_scaler(draft.scaling), draft)
        )
        if names and own and names != own:
            raise ValueError(
                f"scaling must be a scaler of X's columns in their order, {own}, got one of {names}"
            )
        return given

    def _seed(self, checkpoint_dir: str | PathLike[str] | None) -> int:
        """Return the seed of all processes: that of the training to go on, or a fresh one."""
        seed = draw_seed(self.draft.random_state)
        earlier = None if checkpoint_dir is None else seed_in(checkpoint_dir)
        return int(self.processes.broadcast(seed if earlier is None else earlier))

    def _build(self, scaler: Any, statistics: ColumnStatistics, device: torch.device) -> None:
        """Give the draft an untrained model for rows like those described."""
        draft = self.draft
        _, factor = center_and_factor(scaler)
        total_variance = float(np.sum(statistics.standard.var_ * np.square(factor)))
        latent_dim = int(draft.latent_dim)
        with seeded(draft._seed, device):
            prior = resolve_prior(draft._built_from["prior"], latent_dim)
            shape = self.layout.sample_shape
            columns = vars(draft).get("columns_")
            players = build_players(draft._built_from, shape, prior, scaler, columns)
            players = moved(players, device, shape, latent_dim)
        in_units, scaler_of_units = self.rows, scaler
        if columns:
            in_units, scaler_of_units, _ = columns._numbers(self.rows)
        draft.model_ = Fitted(
            players=players,
            scaler=scaler,
            layout=self.layout,
            prior=prior,
            latent_dim=latent_dim,
            total_variance=total_variance if total_variance > 0 else 1.0,
            device=device,
            sizes_in_fit=sizes_in_fit(in_units, scaler_of_units),
        )
        draft.history_, draft.n_epochs_ = [], 0
        draft._optimizers = None
        vars(draft).pop("_places", None)

    def _parameters(self, n_epochs: int) -> dict[str, Any]:
        """Return the parameters that the result of this training depends on."""
        draft = self.draft
        parameters = parameters_of(draft).items()
        return {name: value for name, value in parameters if name not in EXECUTION} | {
            "scaling": draft._built_from["scaling"],
            "max_epochs": n_epochs,
            "precision": resolve_precision(
                draft.precision, draft.model_.device, draft.model_.players
            ),
        }

    @cached_property
    def _augmentation(self) -> Augmentation | None:
        """Return the augmentation; the places of columns are learned once, from X."""
        draft, layout = self.draft, self.draft.model_.layout

        def learned() -> np.ndarray:
            rows = from_all_over(self.rows, rows_for_places(self.rows.shape[1]))
            if hasattr(draft, "columns_"):  # as E sees gaps
                rows = np.where(np.isnan(rows), draft.model_.scaler.mean_, rows)
            samples = layout.to_samples(torch.as_tensor(rows))
            return column_places(samples.flatten(1).numpy())

        def places() -> np.ndarray:
            if not hasattr(draft, "_places"):
                is_first = self.processes.is_first
                draft._places = self.processes.broadcast(learned() if is_first else None)
            return draft._places

        device = draft.model_.device
        with seeded(draft._seed, device):
            return resolve_augmentation(
                draft.augmentation, layout.sample_shape, device, places, self._groups()
            )

    def _groups(self) -> torch.Tensor | None:
        """Return the number of X's column that each encoded column comes from, if they differ."""
        if not hasattr(self.draft, "columns_"):
            return None
        widths = [block.stop - block.start for block in self.draft.columns_.blocks_]
        groups = torch.repeat_interleave(torch.tensor(widths))
        return groups.to(self.draft.model_.device)

    def _recorded_for(self) -> tuple[Any, ...]:
        """Return all that a recorded step of the model depends on, but for its batch and game."""
        draft = self.draft
        return draft._optimizers, draft.augmentation, draft.precision

    def _engine(
        self, n_epochs: int, batch_size: int, learning_rate: float, callbacks: Sequence[Any]
    ) -> BiGANNet:
        draft, model = self.draft, self.draft.model_
        if model.device.type != "cpu":
            with seeded(draft._seed, model.device):
                try_draw(model.prior, model.latent_dim, model.device)
        game = Game(
            objective=resolve_objective(draft.objective, model.device),
            gradient_penalty=draft.gradient_penalty,
            cycle_weight=draft.cycle_weight,
            consistency_weight=draft.consistency_weight,
            vat_weight=draft.vat_weight,
            precision=resolve_precision(draft.precision, model.device, model.players),
        )
        recorded, self.recorded = self.recorded, None
        if recorded and recorded.holds_for != self._recorded_for():
            recorded = None
        return BiGANNet(
            players=model.players,
            game=game,
            latent_dim=model.latent_dim,
            prior=model.prior,
            to_samples=model.to_samples,
            augmentation=self._augmentation,
            optimizers=draft._optimizers,
            cuda_graph=draft.cuda_graph,
            recorded_step=recorded and recorded.step,
            processes=self.processes,
            device=model.device,
            lr=learning_rate,
            max_epochs=n_epochs,
            batch_size=batch_size,
            callbacks=[*callbacks],
            verbose=draft.verbose,
        ).initialize()


def _require_flat(layout: Layout) -> None:
    """Refuse tables as images, since G's output has a block for each column."""
    if len(shape := layout.sample_shape) > 1:
        raise ValueError(
            f"sample_shape must be None or ({prod(shape)},), and architecture 'mlp', for X with "
            "gaps or with columns that are no numbers, and with scaling='columns', got "
            f"sample_shape={shape}"
        )
