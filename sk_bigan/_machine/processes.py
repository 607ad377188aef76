"""The processes of a data-parallel training, each with a part of every batch.

Gradients are those of the whole batch: losses are means over all its rows, BatchNorm normalizes by
all its rows, and each process adds its rows' share of the gradient. Hugging Face accelerate finds
the processes and moves the numbers.
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

from .extras import missing
from .random_numbers import generators, set_seeds, undisturbed


class Processes:
    """The single process of a training that is not data-parallel.

    Attributes
    ----------
    n : int
        Number of processes.
    index : int
        Rank of this process. Process 0 alone logs and writes files.
    n_parts : int
        Micro-batches that a process makes of its rows of a batch (gradient accumulation).
    device : torch.device or None
        Device of this process; None leaves the choice to the caller.
    """

    n = 1
    index = 0
    n_parts = 1
    device: torch.device | None = None

    @property
    def is_first(self) -> bool:
        return self.index == 0

    def shard(self, rows: Tensor) -> Tensor:
        """Return this process's rows among those of all."""
        return rows[self.index :: self.n]

    def all_gather(self, shard: Tensor) -> Tensor:
        """Return (..., n_shard) of each process as (..., n_all), the same for all."""
        return shard

    def all_reduce(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its sum over the processes."""

    def broadcast(self, value: Any) -> Any:
        """Return the value of process 0."""
        return value

    @contextmanager
    def independent_draws(self, device: torch.device) -> Iterator[None]:
        """Let each process draw numbers of its own inside, and the same ones again afterwards."""
        yield

    def synchronized_batch_norm(self, *networks: nn.Module) -> Any:
        """Let BatchNorm in training normalize by the rows of all processes inside."""
        return nullcontext()


ALONE = Processes()


def is_first_process() -> bool:
    """Return whether this is process 0 of those that torch has started."""
    initialized = torch.distributed.is_available() and torch.distributed.is_initialized()
    return not initialized or torch.distributed.get_rank() == 0


def leave_the_others() -> None:
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


class AcceleratedProcesses(Processes):
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
            raise missing("accelerate", "data_parallel") from error
        self.accelerator = Accelerator(cpu=cpu or not torch.cuda.is_available())
        # gloo's threads abort a process that ends without this.
        atexit.unregister(leave_the_others)
        atexit.register(leave_the_others)
        self.n = self.accelerator.num_processes
        self.index = self.accelerator.process_index
        self.n_parts = self.accelerator.gradient_accumulation_steps
        self.device = self.accelerator.device

    def all_gather(self, shard: Tensor) -> Tensor:
        whole = shard.new_zeros(*shard.shape[:-1], self.n * shard.shape[-1])
        whole[..., self.index :: self.n] = shard
        return self.total(whole)

    def all_reduce(self, tensors: Sequence[Tensor]) -> None:
        if self.n == 1 or not tensors:
            return
        flat = self.total(torch.cat([tensor.flatten() for tensor in tensors]))
        for tensor, total in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
            tensor.copy_(total.view_as(tensor))

    def broadcast(self, value: Any) -> Any:
        from accelerate.utils import broadcast_object_list

        with self._reachable():
            return broadcast_object_list([value])[0]

    def total(self, values: Tensor) -> Tensor:
        """Return the sum over the processes."""
        with self._reachable():
            return self.accelerator.reduce(values, reduction="sum")

    @contextmanager
    def independent_draws(self, device: torch.device) -> Iterator[None]:
        if self.n == 1:
            yield
            return
        # Follows from what all have drawn so far, and takes no draw itself.
        seed = crc32(generators(device)[device.type].numpy().tobytes())
        with undisturbed(device):
            set_seeds(seed + self.index, device)
            yield

    @contextmanager
    def synchronized_batch_norm(self, *networks: nn.Module) -> Iterator[None]:
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
    def _reachable(self) -> Iterator[None]:
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
    """`AcceleratedProcesses.total`, differentiable any number of times."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, processes: AcceleratedProcesses) -> Tensor:
        ctx.processes = processes
        return processes.total(values)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return Total.apply(gradient.contiguous(), ctx.processes), None


def normalized(layer: Any, processes: AcceleratedProcesses, x: Tensor) -> Tensor:
    """Return BatchNorm of x, of shape (n, channels, ...), by the rows of all processes."""
    if not layer.training:
        return type(layer).forward(layer, x)
    values = x.float()
    dims = [dim for dim in range(x.ndim) if dim != 1]
    shape = [1, -1, *[1] * (x.ndim - 2)]
    n = processes.n * values.numel() / values.shape[1]
    mean = Total.apply(values.sum(dims), processes) / n
    deviations = values - mean.view(shape)
    variance = Total.apply(deviations.square().sum(dims), processes) / n
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
