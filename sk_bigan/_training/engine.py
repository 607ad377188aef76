"""The training engine: skorch's loop, callbacks and history around three modules.

`BiGANNet` overrides these hooks of `skorch.NeuralNet` and no others: the `initialize_*` of modules,
criterion and optimizers, `get_default_callbacks`, `get_dataset`, `run_single_epoch`, `train_step`
and `notify`. A supervisor decides what happens between its steps; see `loop.Training`.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from math import ceil
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from skorch import NeuralNet
from skorch.callbacks import Callback, EpochTimer
from skorch.history import History
from skorch.utils import TeeGenerator
from torch import Tensor, nn

from .._data.batches import Batches
from .._data.rows import DatasetRows
from .._machine.cuda_graph import CudaGraphStep
from .._machine.plain import on_cpu
from .._machine.processes import ALONE, Processes
from .._machine.random_numbers import generators, set_generators
from ..augmentations import Augmentation
from ..networks.players import Players
from ..priors import Prior
from .observers import LinearDecay
from .optimizers import Optimizers, load_moments, moments_of
from .step import Game, accumulate_gradients

logger = logging.getLogger(__name__)

ROLLBACK_FACTOR = 0.1  # of the learning rate, after a divergence
R1_EVERY = 8  # steps


def games_of_epoch(game: Game, n_steps: int) -> list[Game]:
    """Return the game of each step of an epoch.

    R1 is in every eighth, with so much more weight that an epoch has as much of it as if it were in
    all: lazy regularisation, Karras et al. 2020 (arXiv 1912.04958), appendix B.
    """
    n_penalised = ceil(n_steps / R1_EVERY)
    penalised = game._replace(gradient_penalty=game.gradient_penalty * n_steps / n_penalised)
    plain = game._replace(gradient_penalty=0.0)
    return [plain if step % R1_EVERY else penalised for step in range(n_steps)]


class EpochSoFar(NamedTuple):
    """The position within an epoch.

    Parameters
    ----------
    order : dict
        State of the random generators that the order of the rows was drawn from.
    n_batches : int
    totals : Counter
        Sums of the losses over these batches.
    """

    order: dict[str, Tensor]
    n_batches: int
    totals: Counter[str]


class Supervisor(Protocol):
    """The owner of a training, which acts between the engine's steps."""

    def after_step(self) -> None: ...

    def is_interrupted(self) -> bool:
        """Return whether a KeyboardInterrupt is the user's."""

    def after_epoch(self, losses: dict[str, float], n_steps: int) -> dict[str, float]:
        """Return values for the history, or raise `Diverged`."""


class TrainingStopped(Exception):  # noqa: N818, it is no error
    """A callback asked for the end of the training."""


class BiGANNet(NeuralNet):
    """Three modules, two optimizers, one train step.

    Parameters
    ----------
    players : Players
        Trained in place.
    game : Game
        The losses.
    latent_dim : int
    prior : Prior
    to_samples : callable, Tensor of shape (n, ...) -> Tensor of shape (n, *sample_shape)
        Maps rows of the data, on the device, to samples.
    optimizers : dict of Optimizer
        Of the players, fresh or of an earlier training. Every epoch sets their rate.
    augmentation : callable, Tensor of shape (n, *sample_shape) -> Tensor of that shape, or None
        Maps samples to E's input; None gives E the samples.
    cuda_graph : bool
        Whether to record the step on a GPU once and replay it.
    recorded_step : CudaGraphStep or None
        Of an earlier training of the same players by the same optimizers; None records anew.
    processes : Processes
        The processes that share the training. Each needs the same data and parameters.
    **kwargs
        Of `skorch.NeuralNet`.
    """

    lr: float
    supervisor: Supervisor
    recorded_step_: CudaGraphStep | None
    rollbacks_: int
    epoch_so_far_: EpochSoFar | None
    iterator_train__rows: np.ndarray | None

    def __init__(
        self,
        *,
        players: Players,
        game: Game,
        latent_dim: int,
        prior: Prior,
        to_samples: Callable[[Tensor], Tensor],
        optimizers: Optimizers,
        augmentation: Augmentation | None = None,
        cuda_graph: bool = False,
        recorded_step: CudaGraphStep | None = None,
        processes: Processes = ALONE,
        **kwargs: Any,
    ):
        self.players = players
        self.game = game
        self.latent_dim = latent_dim
        self.prior = prior
        self.to_samples = to_samples
        self.augmentation = augmentation
        self.optimizers = optimizers
        self.cuda_graph = cuda_graph
        self.recorded_step = recorded_step
        self.processes = processes
        super().__init__(
            module=None,
            criterion=None,
            optimizer=torch.optim.Adam,
            iterator_train=Batches,
            train_split=None,
            **kwargs,
        )

    # The step

    def train_step(self, batch: Tensor, game: Game) -> dict[str, Tensor]:
        """Update D, and E and G, together: both gradients are taken at the same parameters."""
        x = self.to_samples(batch)  # (n, *sample_shape), this process's share of the batch
        processes, views = self.processes, [x]
        with x.device, torch.no_grad():
            if self.augmentation is not None:
                n_views = 2 if game.consistency_weight > 0 else 1
                with processes.independent_draws(x.device):
                    views = [self.augmentation(x) for _ in range(n_views)]
            z = self.prior.sample(processes.n * len(x), self.latent_dim)
            z = processes.shard(z).to(x)  # (n, latent_dim)
        self._zero_grad_optimizer(set_to_none=True)
        losses: Any = Counter()
        n_parts = max(1, min(processes.n_parts, len(x) // 2))
        with processes.independent_draws(x.device):
            parts = zip(*(rows.chunk(n_parts) for rows in (x, z, *views)), strict=True)
            for part, part_of_z, *part_of_views in parts:
                share = len(part) / len(x)
                losses.update(
                    accumulate_gradients(
                        self.players, part, part_of_views, part_of_z, game, processes, share
                    )
                )
        if processes.n > 1:
            learned = [parameter.grad for _, parameter in self.get_all_learnable_params()]
            processes.all_reduce([g for g in learned if g is not None] + [*losses.values()])
        self.notify(
            "on_grad_computed",
            named_parameters=TeeGenerator(self.get_all_learnable_params()),
            batch=batch,
            training=True,
        )
        self.optimizer_d_.step()
        self.optimizer_eg_.step()
        return losses

    def record_step(self) -> None:
        """Record the step as a CUDA graph if the user wants it and it is possible."""
        self.recorded_step_ = None
        if not self.cuda_graph:
            return
        listeners = [
            name
            for name, callback in self.callbacks_
            if type(callback).on_grad_computed is not Callback.on_grad_computed
        ]
        if torch.device(self.device).type != "cuda" or listeners or self.processes is not ALONE:
            logger.warning(
                "the training step is not recorded as a CUDA graph: it needs device='cuda', no "
                "data_parallel and no callback with on_grad_computed, got device='%s' and %s",
                self.device,
                listeners,
            )
            return
        for optimizer in self.optimizers_.values():
            for group in optimizer.param_groups:  # a plain number would stay as it was recorded
                group["lr"] = torch.as_tensor(group["lr"], dtype=torch.float32, device=self.device)
                group["capturable"] = True
        self.recorded_step_ = self.recorded_step or CudaGraphStep(self.train_step)

    def run_single_epoch(
        self,
        iterator: Batches | None,
        training: bool,
        prefix: str,
        step_fn: Callable[..., dict[str, Tensor]],
        **fit_params: Any,
    ) -> None:
        """Run one pass over the batches and record each loss's mean over them.

        Raises
        ------
        Diverged
            If losses, weights or outputs of the networks are not finite.
        """
        if iterator is None:  # skorch's validation pass
            return
        self.set_training(training)
        step_fn = self.recorded_step_ or step_fn
        now = generators(iterator.device)
        # The totals are tensors: reading one would wait for the device.
        order, n_before, totals = self.epoch_so_far_ or EpochSoFar(now, 0, Counter())
        set_generators(iterator.device, order)
        batches = iterator.after(n_before)
        if n_before:
            set_generators(iterator.device, now)
        games = games_of_epoch(self.game, len(iterator))
        for n_batches, batch in enumerate(batches, n_before + 1):
            self.notify("on_batch_begin", batch=batch, training=training)
            step = step_fn(batch, games[n_batches - 1])
            totals.update(step)
            self.notify("on_batch_end", batch=batch, training=training, **step)
            if n_batches < len(iterator):
                self.epoch_so_far_ = EpochSoFar(order, n_batches, totals)
                self.supervisor.after_step()
        self.epoch_so_far_ = None
        n_penalised = sum(game.gradient_penalty > 0 for game in games)
        losses = {
            name: float(total) / (n_penalised if name.startswith("r1") else len(iterator))
            for name, total in totals.items()
        }
        health = self.supervisor.after_epoch(losses, len(iterator))
        for name, value in {**losses, **health}.items():
            self.history.record(name, value)

    def set_training(self, training: bool) -> None:
        """Put all networks into training or evaluation mode."""
        self._set_training(training)

    # The state

    def training_state(self) -> dict[str, Any]:
        """Return all that the rest of the training depends on, but for X and the parameters.

        Tensors are the engine's own, not copies.
        """
        epoch = self.epoch_so_far_
        records = self.history if epoch is None else self.history[:-1]
        return {
            **{f"{name}_": network.state_dict() for name, network in self._networks()},
            **moments_of(self.optimizers_),
            "lr": self.lr,
            "rollbacks": self.rollbacks_,
            "history": [_plain(record) for record in records],
            "epoch": None if epoch is None else [epoch.order, epoch.n_batches, dict(epoch.totals)],
            "generators": generators(torch.device(self.device)),
            "callbacks": {name: _learned(callback) for name, callback in self.callbacks_},
        }

    def load_training_state(self, state: dict[str, Any]) -> None:
        """Resume from this state, which stays as it is."""
        state = on_cpu(state)  # an optimizer goes on with the very tensors that it is given
        for name, network in self._networks():
            network.load_state_dict(state[f"{name}_"])
        load_moments(self.optimizers_, state)
        self.recorded_step = None  # the optimizers have other tensors now
        if self.recorded_step_:
            self.record_step()
        self.lr = state["lr"]
        self.rollbacks_ = state["rollbacks"]
        self.history_ = History({**record, "batches": []} for record in state["history"])
        self.epoch_so_far_ = None
        if state["epoch"] is not None:
            order, n_batches, totals = state["epoch"]
            here = {name: total.to(self.device) for name, total in totals.items()}
            self.epoch_so_far_ = EpochSoFar(order, n_batches, Counter(here))
        set_generators(torch.device(self.device), state["generators"])
        for name, callback in self.callbacks_:
            vars(callback).update(state["callbacks"].get(name, {}))

    def _networks(self) -> list[tuple[str, nn.Module]]:
        return [*zip(Players._fields, self.players, strict=True)]

    # skorch's hooks

    def notify(self, method_name: str, **cb_kwargs: Any) -> None:
        try:
            super().notify(method_name, **cb_kwargs)
        except KeyboardInterrupt as stop:
            # skorch's callbacks (EarlyStopping) raise it to end a training.
            if self.supervisor.is_interrupted():
                raise
            raise TrainingStopped from stop

    def initialize_module(self) -> BiGANNet:
        self.encoder_, self.generator_, self.discriminator_ = self.players
        self.recorded_step_ = None
        return self

    def initialize_criterion(self) -> BiGANNet:
        return self

    def initialize_optimizer(self) -> BiGANNet:
        self.optimizer_d_ = self.optimizers["optimizer_d_"]
        self.optimizer_eg_ = self.optimizers["optimizer_eg_"]
        return self

    @property
    def optimizers_(self) -> Optimizers:
        return {"optimizer_d_": self.optimizer_d_, "optimizer_eg_": self.optimizer_eg_}

    @property
    def lr_at_start(self) -> float:
        """The learning rate before divergences lowered it."""
        return self.lr / ROLLBACK_FACTOR**self.rollbacks_

    @property
    def module_(self) -> nn.ModuleDict:
        """The networks as the one module whose best state skorch's callbacks keep."""
        return nn.ModuleDict(dict(zip("EGD", self.players, strict=True)))

    def get_default_callbacks(self) -> list[tuple[str, Callback]]:
        return [("epoch_timer", EpochTimer()), ("linear_decay", LinearDecay())]

    def get_dataset(self, X: Tensor | DatasetRows, y: None = None) -> Tensor | DatasetRows:
        """Return the rows themselves: `Batches` needs no more."""
        return X


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Return the numbers and texts among the values, which are read back without running code."""
    plain = (bool, int, float, str, type(None))
    items = {key: v.item() if isinstance(v, np.generic) else v for key, v in values.items()}
    return {key: value for key, value in items.items() if type(value) in plain}


def _learned(callback: Any) -> dict[str, Any]:
    """Return the counts of a callback, as EarlyStopping's patience; skorch ends them in "_"."""
    return _plain({name: value for name, value in vars(callback).items() if name.endswith("_")})
