"""Networks in evaluation mode for a while, in the middle of their training too."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import torch
from torch import nn

from .hermetic import hermetic
from .random_numbers import undisturbed
from .threads import one_at_a_time

P = ParamSpec("P")
T = TypeVar("T")


@contextmanager
def at_rest(networks: Sequence[nn.Module], device: torch.device) -> Iterator[None]:
    """Put networks into evaluation mode inside; a training does not feel what is drawn there.

    Another thread than that of the training waits for its end.
    """
    with one_at_a_time(), undisturbed(device):
        modes = [(layer, layer.training) for network in networks for layer in network.modules()]
        for network in networks:
            network.eval()
        try:
            yield
        finally:
            for layer, is_training in modes:
                layer.training = is_training


def computed_at_rest(method: Callable[Concatenate[Any, P], T]) -> Callable[Concatenate[Any, P], T]:
    """Let a method of a model compute in a plain torch, with the model's `players` at rest.

    A callback may ask in the middle of a training, and users train networks on.
    """

    @hermetic()
    @wraps(method)
    def inner(self: Any, *args: P.args, **kwargs: P.kwargs) -> T:
        if not any(network.training for network in self.players):
            return method(self, *args, **kwargs)
        with at_rest(self.players, self.device):
            return method(self, *args, **kwargs)

    return inner
