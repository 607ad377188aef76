"""The adversarial training step and the loop around it.

Nothing in this file knows what the networks look like inside, nor anything of scikit-learn. The
loop, the callbacks and the history are skorch's. `BiGANNet` overrides these hooks of
`skorch.NeuralNet` and no others: the `initialize_*` of modules, criterion and optimizers,
`get_default_callbacks`, `get_dataset`, `run_single_epoch`, `train_step` and `notify`.
"""

from __future__ import annotations

import logging
import warnings
from collections import Counter
from collections.abc import Callable
from traceback import walk_tb
from typing import Any

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from skorch import NeuralNet
from skorch.callbacks import Callback, EpochTimer
from skorch.utils import TeeGenerator
from torch import Tensor, nn

from .augmentations import Augmentation
from .batches import Batches
from .callbacks import LinearDecay
from .checkpoints import Checkpoints
from .cuda_graph import CudaGraphStep
from .devices import keep_freed_memory, to_device
from .exceptions import Diverged, TrainingDivergedError
from .inputs import DatasetRows
from .interrupts import held_interrupts
from .monitoring import Health, Monitor, rows_to_watch
from .objectives import Objective
from .priors import Prior
from .ranks import ALONE, Ranks
from .state import (
    EpochSoFar,
    generators,
    is_finite,
    load_training_state,
    on_cpu,
    set_generators,
    training_state,
)
from .step import accumulate_gradients

logger = logging.getLogger(__name__)

ADAM_BETAS = (0.5, 0.999)  # Donahue et al. 2017, Appendix A

# So often the networks are looked at, at the end of an epoch. A training that has left the finite
# numbers goes back to the last look, and on with learning rates lowered by this factor, so often.
STEPS_BETWEEN_LOOKS = 100
ROLLBACK_FACTOR = 0.1
MOST_ROLLBACKS = 2


class BiGANNet(NeuralNet):
    """The skorch engine: three modules, two optimizers, one train step.

    Parameters
    ----------
    encoder, generator, discriminator : nn.Module
        E: x -> z, G: z -> x and D: (x=, z=) -> logits of shape (n,) or (n, 1). Trained in place.
    latent_dim : int
    prior : Prior
    objective : callable, (real_logits, fake_logits) -> (loss_d, loss_eg)
    augmentation : callable, Tensor of shape (n, *sample_shape) -> Tensor of that shape, or None
        What E sees of samples; None: the samples.
    cycle_weight : float
        Weight of mean (x - G(E(x)))^2 in the loss of E and G, E seeing the augmentation.
    consistency_weight : float
        Weight of mean (E(a(x)) - E(a'(x)))^2 in the loss of E, for two augmentations of x.
    vat_weight : float
        Weight of mean (E(a(x)) - E(a(x) + r))^2 in the loss of E, r the worst of small changes.
    gradient_penalty : float
        Weight of R1 in the loss of D.
    precision : torch.dtype
        What matrix products are computed in; the weights stay in float32.
    to_samples : callable, Tensor of shape (n, ...) -> Tensor of shape (n, *sample_shape)
        Turns rows of the data, on the device, into what the networks see.
    cuda_graph : bool
        Whether to record the step on a GPU once and replay it.
    ranks : Ranks
        The processes that share the training. Each is to have the same data and parameters.
    **kwargs
        Of `skorch.NeuralNet`.
    """

    lr: float
    recorded_step_: CudaGraphStep | None
    rollbacks_: int
    epoch_so_far_: EpochSoFar | None
    iterator_train__rows: np.ndarray | None

    def __init__(
        self,
        *,
        encoder: nn.Module,
        generator: nn.Module,
        discriminator: nn.Module,
        latent_dim: int,
        prior: Prior,
        objective: Objective,
        augmentation: Augmentation | None,
        cycle_weight: float,
        consistency_weight: float,
        vat_weight: float,
        gradient_penalty: float,
        precision: torch.dtype,
        to_samples: Callable[[Tensor], Tensor],
        cuda_graph: bool = False,
        ranks: Ranks = ALONE,
        **kwargs: Any,
    ):
        self.encoder = encoder
        self.generator = generator
        self.discriminator = discriminator
        self.latent_dim = latent_dim
        self.prior = prior
        self.objective = objective
        self.augmentation = augmentation
        self.cycle_weight = cycle_weight
        self.consistency_weight = consistency_weight
        self.vat_weight = vat_weight
        self.gradient_penalty = gradient_penalty
        self.precision = precision
        self.to_samples = to_samples
        self.cuda_graph = cuda_graph
        self.ranks = ranks
        super().__init__(
            module=None,
            criterion=None,
            optimizer=torch.optim.Adam,
            iterator_train=Batches,
            train_split=None,
            **kwargs,
        )

    def train_step(self, batch: Tensor, **fit_params: Any) -> dict[str, Tensor]:
        """Update D, and E and G, together: both gradients are taken at the same parameters."""
        x = self.to_samples(batch)  # (n, *sample_shape), this process's share of the batch
        ranks, views = self.ranks, [x]
        with x.device, torch.no_grad():
            if self.augmentation is not None:
                n_views = 2 if self.consistency_weight > 0 else 1
                with ranks.own_draws(x.device):
                    views = [self.augmentation(x) for _ in range(n_views)]
            z = self.prior.sample(ranks.n * len(x), self.latent_dim)
            z = ranks.own(z).to(x)  # (n, latent_dim)
        self._zero_grad_optimizer(set_to_none=True)
        losses: Any = Counter()
        n_parts = max(1, min(ranks.n_parts, len(x) // 2))
        with ranks.own_draws(x.device):
            parts = zip(*(rows.chunk(n_parts) for rows in (x, z, *views)), strict=True)
            for part, part_of_z, *part_of_views in parts:
                losses.update(
                    accumulate_gradients(
                        self.encoder_,
                        self.generator_,
                        self.discriminator_,
                        part,
                        part_of_views,
                        part_of_z,
                        objective=self.objective,
                        cycle_weight=self.cycle_weight,
                        consistency_weight=self.consistency_weight,
                        vat_weight=self.vat_weight,
                        gradient_penalty=self.gradient_penalty,
                        precision=self.precision,
                        ranks=ranks,
                        share=len(part) / len(x),
                    )
                )
        if ranks.n > 1:
            learned = [parameter.grad for _, parameter in self.get_all_learnable_params()]
            ranks.add_up([g for g in learned if g is not None] + [*losses.values()])
        self.notify(
            "on_grad_computed",
            named_parameters=TeeGenerator(self.get_all_learnable_params()),
            batch=batch,
            training=True,
        )
        self.optimizer_d_.step()
        self.optimizer_eg_.step()
        return losses

    def train(
        self,
        X: Tensor | DatasetRows,
        checkpoints: Checkpoints | None = None,
        rows: np.ndarray | None = None,
    ) -> None:
        """Train until `max_epochs` passes over `X` are made, or a callback stops the training.

        Parameters
        ----------
        X : Tensor of shape (n, ...) or DatasetRows
            At least two rows, on the device of the networks or, to be streamed there, elsewhere.
        checkpoints : Checkpoints or None
            Where the training goes on from, if it has been there before, and what it leaves its
            state with.
        rows : ndarray of int, or None
            Those to train on; None: all.

        Raises
        ------
        TrainingDivergedError
            If lower learning rates do not help. The networks are then the last good ones.
        KeyboardInterrupt
            Between two steps.
        Exception
            Of callbacks, data or networks. Networks and optimizers are then as they were.
        """
        keep_freed_memory()
        networks = self.encoder_, self.generator_, self.discriminator_
        with (
            held_interrupts() as self._let_interrupts_through,
            self.ranks.together(*networks),
        ):
            try:
                self._train(X, checkpoints, rows)
            finally:
                self._set_training(False)
                self.recorded_step_ = None  # it holds on to the memory of a whole step
                self.iterator_train__rows = None
                for name in ("_good", "_monitor", "_checkpoints"):
                    self.__dict__.pop(name, None)

    def _train(
        self,
        X: Tensor | DatasetRows,
        checkpoints: Checkpoints | None,
        rows: np.ndarray | None,
    ) -> None:
        device = torch.device(self.device)
        self.iterator_train__device = device
        self.iterator_train__rows = rows
        self.iterator_train__ranks = self.ranks
        self.initialize_history()
        self.rollbacks_, self.epoch_so_far_ = 0, None
        self._monitor = self._make_monitor(X, device)
        self._checkpoints = checkpoints
        self.notify("on_train_begin", X=X, y=None)
        self._good = self.ranks.told(on_cpu(training_state(self)))
        if self.ranks.n > 1:
            load_training_state(self, self._good)
        at_start = self._good
        try:
            earlier = self.ranks.told(checkpoints.latest() if checkpoints else None)
            if earlier is None:
                self._write_checkpoint()
            else:
                load_training_state(self, earlier)
                self._mark_good()
            if earlier is None or not earlier["finished"]:
                self.recorded_step_ = self._recorded_step() if self.cuda_graph else None
                self._train_epochs(X)
                self._write_checkpoint(finished=True)
        except TrainingDivergedError:
            raise
        except Exception:
            load_training_state(self, at_start)
            raise
        self.notify("on_train_end", X=X, y=None)

    def _make_monitor(self, X: Tensor | DatasetRows, device: torch.device) -> Monitor:
        before = generators(device)  # the monitor draws, and the training must not feel it
        with device, torch.no_grad():
            x = self.to_samples(to_device(rows_to_watch(X), device))
            z = self.prior.sample(len(x), self.latent_dim).to(x)
        set_generators(device, before)
        return Monitor(self.encoder_, self.generator_, self.discriminator_, x, z)

    def _train_epochs(self, X: Tensor | DatasetRows) -> None:
        while len(self.history) < self.max_epochs:
            try:
                # Not skorch's fit or partial_fit: those swallow Ctrl-C.
                self.fit_loop(X, epochs=1)
            except Diverged as divergence:
                self._roll_back(divergence)
                continue
            except TrainingStopped:
                if self._look() is None:
                    load_training_state(self, self._good)
                return
            if self._looked and len(self.history) < self.max_epochs:
                self._mark_good()
            self._after_step_or_epoch()

    def _mark_good(self) -> None:
        self._good = on_cpu(training_state(self))

    def _look(self) -> Health | None:
        """What the networks do, or None if not all in this training is finite."""
        was_training = self.encoder_.training
        health = self._monitor.look()
        self._set_training(was_training)
        fine = np.isfinite(health).all() and is_finite(training_state(self))
        return health if fine else None

    def _roll_back(self, divergence: Diverged) -> None:
        """To the last good state, to go on from there with lower learning rates."""
        lr, rollbacks = self.lr * ROLLBACK_FACTOR, self.rollbacks_ + 1
        self._good = self.ranks.told(self._good)  # the first may have looked more often
        load_training_state(self, self._good)
        if rollbacks > MOST_ROLLBACKS:
            raise TrainingDivergedError(
                divergence.epoch,
                divergence.losses,
                f"try a lower learning_rate than {lr / ROLLBACK_FACTOR**rollbacks:g}, from which "
                f"it was lowered {MOST_ROLLBACKS} times by a factor of {ROLLBACK_FACTOR:g}",
            ) from divergence
        self.lr, self.rollbacks_ = lr, rollbacks
        if self.recorded_step_:
            self.recorded_step_ = self._recorded_step()  # the optimizers have other tensors now
        warnings.warn(
            f"the training diverged in epoch {divergence.epoch} ({divergence.losses}); it goes on "
            f"from epoch {len(self.history)} with learning_rate={lr:g}",
            ConvergenceWarning,
            stacklevel=2,
        )

    def _after_step_or_epoch(self) -> None:
        """Between two steps nothing is half done: the time for Ctrl-C and for checkpoints."""
        try:
            self._let_interrupts_through()
        except KeyboardInterrupt:
            self._write_checkpoint()
            raise
        if self._checkpoints and self._checkpoints.due(self):
            self._write_checkpoint()

    def _write_checkpoint(self, finished: bool = False) -> None:
        if self._checkpoints is None or self._look() is None:
            return
        # What a resumed training would fall back to is what this one falls back to.
        self._mark_good()
        self._checkpoints.write({**self._good, "finished": finished})

    def _recorded_step(self) -> CudaGraphStep | None:
        listeners = [
            name
            for name, callback in self.callbacks_
            if type(callback).on_grad_computed is not Callback.on_grad_computed
        ]
        if torch.device(self.device).type != "cuda" or listeners or self.ranks is not ALONE:
            logger.warning(
                "the training step is not recorded as a CUDA graph: it needs device='cuda', no "
                "data_parallel and no callback with on_grad_computed, got device='%s' and %s",
                self.device,
                listeners,
            )
            return None
        for optimizer in (self.optimizer_d_, self.optimizer_eg_):
            for group in optimizer.param_groups:  # a plain number would stay as it was recorded
                group["lr"] = torch.as_tensor(group["lr"], dtype=torch.float32, device=self.device)
                group["capturable"] = True
        return CudaGraphStep(self.train_step)

    def run_single_epoch(
        self,
        iterator: Batches | None,
        training: bool,
        prefix: str,
        step_fn: Callable[..., dict[str, Tensor]],
        **fit_params: Any,
    ) -> None:
        """One pass over the batches; the history gets each loss's mean over them.

        Raises
        ------
        Diverged
            If losses, weights or what the networks give are not finite.
        """
        if iterator is None:  # skorch's validation pass
            return
        self._set_training(training)
        step_fn = self.recorded_step_ or step_fn
        now = generators(iterator.device)
        # The totals are tensors: reading one would wait for the device.
        order, n_before, totals = self.epoch_so_far_ or EpochSoFar(now, 0, Counter())
        set_generators(iterator.device, order)
        batches = iterator.after(n_before)
        if n_before:
            set_generators(iterator.device, now)
        for n_batches, batch in enumerate(batches, n_before + 1):
            self.notify("on_batch_begin", batch=batch, training=training)
            step = step_fn(batch, **fit_params)
            totals.update(step)
            self.notify("on_batch_end", batch=batch, training=training, **step)
            if n_batches < len(iterator):
                self.epoch_so_far_ = EpochSoFar(order, n_batches, totals)
                self._after_step_or_epoch()
        self.epoch_so_far_ = None
        losses = {name: float(total) / len(iterator) for name, total in totals.items()}
        for name, value in {**losses, **self._checked(losses, len(iterator))}.items():
            self.history.record(name, value)

    def _checked(self, losses: dict[str, float], n_steps: int) -> dict[str, float]:
        """What is seen of the networks after an epoch, or was at the last look at them."""
        n_epochs = len(self.history)
        looks, looks_before = (n * n_steps // STEPS_BETWEEN_LOOKS for n in (n_epochs, n_epochs - 1))
        self._looked = looks > looks_before or n_epochs in (1, self.max_epochs)
        earlier = [Health(*(e[name] for name in Health._fields)) for e in self.history[:-1]]
        health = self._look() if self._looked else earlier[-1]
        if health is None or not np.isfinite([*losses.values()]).all():
            raise Diverged(n_epochs, losses)
        if self._looked:
            self._monitor.warn_of_collapse([*earlier, health], n_steps)
        return health._asdict()

    def notify(self, method_name: str, **cb_kwargs: Any) -> None:
        try:
            super().notify(method_name, **cb_kwargs)
        except KeyboardInterrupt as stop:
            # Raised by a callback's own on_epoch_end, not somewhere below it, this is how skorch's
            # callbacks (EarlyStopping) end a training. Anything else is Ctrl-C.
            *_, (innermost, _) = walk_tb(stop.__traceback__)
            if innermost.f_code.co_name == "on_epoch_end":
                raise TrainingStopped from stop
            raise

    def initialize_module(self) -> BiGANNet:
        self.encoder_ = self.encoder
        self.generator_ = self.generator
        self.discriminator_ = self.discriminator
        self.recorded_step_ = None
        return self

    def initialize_criterion(self) -> BiGANNet:
        return self

    def initialize_optimizer(self) -> BiGANNet:
        learning = learning_parameters(self.encoder_, self.generator_, self.discriminator_)
        for name, parameters in learning.items():
            adam = self.optimizer(parameters, lr=self.lr, betas=ADAM_BETAS, fused=True)
            setattr(self, name, adam)
        return self

    @property
    def lr_at_start(self) -> float:
        """The learning rate before it was lowered after divergences."""
        return self.lr / ROLLBACK_FACTOR**self.rollbacks_

    @property
    def module_(self) -> nn.ModuleDict:
        """The three as the one module that callbacks of skorch's keep the best state of."""
        networks = {"E": self.encoder_, "G": self.generator_, "D": self.discriminator_}
        return nn.ModuleDict(networks)

    def get_default_callbacks(self) -> list[tuple[str, Callback]]:
        return [("epoch_timer", EpochTimer()), ("linear_decay", LinearDecay())]

    def get_dataset(self, X: Tensor | DatasetRows, y: None = None) -> Tensor | DatasetRows:
        """The rows themselves: `Batches` needs no more."""
        return X


def learning_parameters(E: nn.Module, G: nn.Module, D: nn.Module) -> dict[str, list[nn.Parameter]]:
    """What each optimizer moves."""
    modules = {"optimizer_d_": (D,), "optimizer_eg_": (E, G)}
    return {
        name: [p for module in learners for p in module.parameters() if p.requires_grad]
        for name, learners in modules.items()
    }


class TrainingStopped(Exception):  # noqa: N818, it is no error
    """A callback asked for the end of the training."""
