"""The adversarial training step and the loop around it.

Nothing in this file knows what the networks look like inside, nor anything of scikit-learn. The
loop, the callbacks and the history are skorch's. `BiGANNet` overrides these hooks of
`skorch.NeuralNet` and no others: the `initialize_*` of modules, criterion and optimizers,
`get_default_callbacks`, `get_dataset`, `run_single_epoch`, `train_step` and `notify`.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from traceback import walk_tb
from typing import Any

import torch
from skorch import NeuralNet
from skorch.callbacks import Callback, EpochTimer, PrintLog
from skorch.utils import TeeGenerator
from torch import Tensor, nn

from .augmentations import Augmentation
from .batches import Batches
from .cuda_graph import CudaGraphStep
from .devices import keep_freed_memory
from .inputs import DatasetRows
from .objectives import Objective
from .priors import Prior
from .step import accumulate_gradients

logger = logging.getLogger(__name__)

ADAM_BETAS = (0.5, 0.999)  # Donahue et al. 2017, Appendix A


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
    gradient_penalty : float
        Weight of R1 in the loss of D.
    precision : torch.dtype
        What matrix products are computed in; the weights stay in float32.
    to_samples : callable, Tensor of shape (n, ...) -> Tensor of shape (n, *sample_shape)
        Turns rows of the data, on the device, into what the networks see.
    cuda_graph : bool
        Whether to record the step on a GPU once and replay it.
    **kwargs
        Of `skorch.NeuralNet`.
    """

    recorded_step_: CudaGraphStep | None

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
        gradient_penalty: float,
        precision: torch.dtype,
        to_samples: Callable[[Tensor], Tensor],
        cuda_graph: bool = False,
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
        self.gradient_penalty = gradient_penalty
        self.precision = precision
        self.to_samples = to_samples
        self.cuda_graph = cuda_graph
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
        x = self.to_samples(batch)  # (n, *sample_shape)
        views = [x]
        with x.device, torch.no_grad():
            if self.augmentation is not None:
                n_views = 2 if self.consistency_weight > 0 else 1
                views = [self.augmentation(x) for _ in range(n_views)]
            z = self.prior.sample(len(x), self.latent_dim).to(x)  # (n, latent_dim)
        self._zero_grad_optimizer(set_to_none=True)
        losses = accumulate_gradients(
            self.encoder_,
            self.generator_,
            self.discriminator_,
            x,
            views,
            z,
            objective=self.objective,
            cycle_weight=self.cycle_weight,
            consistency_weight=self.consistency_weight,
            gradient_penalty=self.gradient_penalty,
            precision=self.precision,
        )
        self.notify(
            "on_grad_computed",
            named_parameters=TeeGenerator(self.get_all_learnable_params()),
            batch=batch,
            training=True,
        )
        self.optimizer_d_.step()
        self.optimizer_eg_.step()
        return losses

    def train(self, X: Tensor | DatasetRows) -> None:
        """Train for `max_epochs` passes over `X`, or until a callback stops the training.

        Parameters
        ----------
        X : Tensor of shape (n, ...) or DatasetRows
            At least two rows, on the device of the networks or, to be streamed there, elsewhere.
        """
        keep_freed_memory()
        self.iterator_train__device = torch.device(self.device)
        self.recorded_step_ = self._recorded_step() if self.cuda_graph else None
        self.notify("on_train_begin", X=X, y=None)
        try:
            # Not skorch's fit or partial_fit: those swallow Ctrl-C.
            self.fit_loop(X)
        except TrainingStopped:
            pass
        finally:
            self._set_training(False)
            self.recorded_step_ = None  # a recording holds on to the memory of a whole step
        self.notify("on_train_end", X=X, y=None)

    def _recorded_step(self) -> CudaGraphStep | None:
        listeners = [
            name
            for name, callback in self.callbacks_
            if type(callback).on_grad_computed is not Callback.on_grad_computed
        ]
        if torch.device(self.device).type != "cuda" or listeners:
            logger.warning(
                "the training step is not recorded as a CUDA graph: it needs device='cuda' and no "
                "callback with on_grad_computed, got device='%s' and %s",
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
        """One pass over the batches; the history gets each loss's mean over them."""
        if iterator is None:  # skorch's validation pass
            return
        self._set_training(training)
        step_fn = self.recorded_step_ or step_fn
        totals: Counter[str] = Counter()  # of tensors: reading one would wait for the device
        for batch in iterator:
            self.notify("on_batch_begin", batch=batch, training=training)
            step = step_fn(batch, **fit_params)
            totals.update(step)
            self.notify("on_batch_end", batch=batch, training=training, **step)
        for name, total in totals.items():
            self.history.record(name, float(total) / len(iterator))

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
        def adam(*modules: nn.Module) -> torch.optim.Optimizer:
            parameters = [p for m in modules for p in m.parameters() if p.requires_grad]
            return self.optimizer(parameters, lr=self.lr, betas=ADAM_BETAS, fused=True)

        self.optimizer_d_ = adam(self.discriminator_)
        self.optimizer_eg_ = adam(self.encoder_, self.generator_)
        return self

    def get_default_callbacks(self) -> list[tuple[str, Callback]]:
        callbacks = [("epoch_timer", EpochTimer()), ("learning_rate_decay", LearningRateDecay())]
        return callbacks + [("print_log", PrintLog())] * bool(self.verbose)

    def get_dataset(self, X: Tensor | DatasetRows, y: None = None) -> Tensor | DatasetRows:
        """The rows themselves: `Batches` needs no more."""
        return X


class LearningRateDecay(Callback):
    """Lets every optimizer's rate fall linearly to zero over the second half of the epochs."""

    def on_train_begin(self, net: BiGANNet, **kwargs: Any) -> None:
        self.epochs_before_ = len(net.history)

    def on_epoch_begin(self, net: BiGANNet, **kwargs: Any) -> None:
        epochs_done = len(net.history) - 1 - self.epochs_before_  # the new one is counted already
        factor = min(1.0, 2 * (1 - epochs_done / net.max_epochs))
        for optimizer in (net.optimizer_d_, net.optimizer_eg_):
            for group in optimizer.param_groups:
                if isinstance(group["lr"], Tensor):
                    group["lr"].fill_(net.lr * factor)
                else:
                    group["lr"] = net.lr * factor


class TrainingStopped(Exception):  # noqa: N818, it is no error
    """A callback asked for the end of the training."""
