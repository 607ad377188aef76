"""The processes that share a training, each with a part of every batch.

Gradients are those of the whole batch: losses are means over all its rows, BatchNorm normalizes by
all its rows, and each process adds its rows' share of the gradient. Hugging Face accelerate
knows the processes and moves the numbers.
"""

from __future__ import annotations

import atexit
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from typing import Any
from zlib import crc32

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from .state import generators, set_generators


class Ranks:
    """The one process of a training that is not shared.

    Attributes
    ----------
    n : int
        How many processes there are.
    index : int
        Which of them this is. The first alone logs and writes files.
    n_parts : int
        In how many parts, one after another, a process takes its rows of a batch.
    device : torch.device or None
        Where this process is to compute; None: wherever it likes.
    """

    n = 1
    index = 0
    n_parts = 1
    device: torch.device | None = None

    @property
    def is_first(self) -> bool:
        return self.index == 0

    def own(self, rows: Tensor) -> Tensor:
        """The rows of this process among those of all."""
        return rows[self.index :: self.n]

    def gathered(self, own: Tensor) -> Tensor:
        """(..., n_own) of each process as (..., n_all), the same for all."""
        return own

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Put their sum over the processes in the place of each."""

    def told(self, value: Any) -> Any:
        """What the first process has."""
        return value

    @contextmanager
    def own_draws(self, device: torch.device) -> Iterator[None]:
        """Inside, torch draws other numbers in each process; afterwards the same ones again."""
        yield

    def together(self, *networks: nn.Module) -> Any:
        """Inside, BatchNorm in training normalizes by the rows of all processes."""
        return nullcontext()


ALONE = Ranks()


def is_first_process() -> bool:
    """Whether this is the first of those that torch knows of."""
    initialized = torch.distributed.is_available() and torch.distributed.is_initialized()
    return not initialized or torch.distributed.get_rank() == 0


def leave_the_others() -> None:
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


class AcceleratedRanks(Ranks):
    """The processes that `torchrun` or `accelerate launch` has started.

    Parameters
    ----------
    cpu : bool
        Whether to compute on CPUs though there are GPUs.

    Raises
    ------
    ImportError
        Without the package accelerate.
    """

    def __init__(self, cpu: bool = False):
        try:
            from accelerate import Accelerator
        except ImportError as error:
            raise ImportError(
                "data_parallel needs the package accelerate: pip install 'sk_bigan[accelerate]'"
            ) from error
        self.accelerator = Accelerator(cpu=cpu or not torch.cuda.is_available())
        # gloo's threads abort a process that ends without this.
        atexit.unregister(leave_the_others)
        atexit.register(leave_the_others)
        self.n = self.accelerator.num_processes
        self.index = self.accelerator.process_index
        self.n_parts = self.accelerator.gradient_accumulation_steps
        self.device = self.accelerator.device

    def gathered(self, own: Tensor) -> Tensor:
        whole = own.new_zeros(*own.shape[:-1], self.n * own.shape[-1])
        whole[..., self.index :: self.n] = own
        return self.total(whole)

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        if self.n == 1 or not tensors:
            return
        flat = self.total(torch.cat([tensor.flatten() for tensor in tensors]))
        for tensor, total in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
            tensor.copy_(total.view_as(tensor))

    def told(self, value: Any) -> Any:
        from accelerate.utils import broadcast_object_list

        with self._heard():
            return broadcast_object_list([value])[0]

    def total(self, values: Tensor) -> Tensor:
        """The sum over the processes."""
        with self._heard():
            return self.accelerator.reduce(values, reduction="sum")

    @contextmanager
    def own_draws(self, device: torch.device) -> Iterator[None]:
        if self.n == 1:
            yield
            return
        before = generators(device)
        # Follows from what all have drawn so far, and takes no draw itself.
        seed = crc32(before[device.type].numpy().tobytes())
        torch.default_generator.manual_seed(seed + self.index)
        if device.type != "cpu":
            torch.get_device_module(device).manual_seed(seed + self.index)
        yield
        set_generators(device, before)

    @contextmanager
    def together(self, *networks: nn.Module) -> Iterator[None]:
        # torch's SyncBatchNorm is for GPUs alone, and its gradient has no gradient, which R1 wants.
        layers = [
            layer
            for network in networks
            for layer in network.modules()
            if isinstance(layer, _BatchNorm) and not isinstance(layer, nn.SyncBatchNorm)
        ]
        with ExitStack() as stack:
            for layer in layers if self.n > 1 else []:
                vars(layer)["forward"] = partial(normalized, layer, self)
                stack.callback(vars(layer).pop, "forward")
            yield

    @contextmanager
    def _heard(self) -> Iterator[None]:
        try:
            yield
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            raise RuntimeError(
                f"process {self.index} of {self.n} cannot reach the others, of which one has ended "
                "or hangs. The same call goes on from the last checkpoint if there is a "
                f"checkpoint_dir, also with another number of processes. {error}"
            ) from error


class Total(torch.autograd.Function):
    """`AcceleratedRanks.total`, which can be differentiated any number of times."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, ranks: AcceleratedRanks) -> Tensor:
        ctx.ranks = ranks
        return ranks.total(values)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return Total.apply(gradient.contiguous(), ctx.ranks), None


def normalized(layer: Any, ranks: AcceleratedRanks, x: Tensor) -> Tensor:
    """BatchNorm of x, of shape (n, channels, ...), by the rows of all processes."""
    if not layer.training:
        return type(layer).forward(layer, x)
    values = x.float()
    dims = [dim for dim in range(x.ndim) if dim != 1]
    shape = [1, -1, *[1] * (x.ndim - 2)]
    n = ranks.n * values.numel() / values.shape[1]
    mean = Total.apply(values.sum(dims), ranks) / n
    deviations = values - mean.view(shape)
    variance = Total.apply(deviations.square().sum(dims), ranks) / n
    if layer.track_running_stats:
        with torch.no_grad():
            layer.num_batches_tracked.add_(1)
            share = layer.momentum
            if share is None:
                share = 1 / layer.num_batches_tracked.item()
            layer.running_mean.lerp_(mean, share)
            layer.running_var.lerp_(variance * n / (n - 1), share)
    result = deviations * (variance + layer.eps).rsqrt().view(shape)
    if layer.affine:
        result = result * layer.weight.view(shape) + layer.bias.view(shape)
    return result.to(x.dtype)
