"""Torch's random generators: seeded inside a block, saved and restored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor

from .threads import leave_other_threads, one_at_a_time

CPU = torch.device("cpu")


def set_seeds(seed: int, device: torch.device) -> None:
    """Start the generators that a training on the device draws from."""
    torch.default_generator.manual_seed(seed)
    if device.type != "cpu":
        with torch.accelerator.device_index(device.index):
            torch.get_device_module(device).manual_seed(seed)


@contextmanager
def seeded(seed: int, device: torch.device = CPU) -> Iterator[None]:
    """Start torch's generators from `seed` inside, and restore them afterwards.

    They belong to the whole process, so that one thread at a time may be inside. A GPU is the
    current one there, as CUDA graphs need it.
    """
    leave_other_threads()
    here = nullcontext() if device.type == "cpu" else torch.accelerator.device_index(device.index)
    with one_at_a_time(), here, undisturbed(device):
        set_seeds(seed, device)
        yield


def generators(device: torch.device) -> dict[str, Tensor]:
    """Return the states of torch's generators that a training on the device draws from."""
    states = {"cpu": torch.get_rng_state()}
    if device.type != "cpu":
        with torch.accelerator.device_index(device.index):
            states[device.type] = torch.get_device_module(device).get_rng_state()
    return states


def set_generators(device: torch.device, states: dict[str, Tensor]) -> None:
    """Restore these states; a generator without one among them stays."""
    torch.set_rng_state(states["cpu"])
    if device.type in states and device.type != "cpu":
        with torch.accelerator.device_index(device.index):
            torch.get_device_module(device).set_rng_state(states[device.type])


@contextmanager
def undisturbed(device: torch.device) -> Iterator[None]:
    """Restore the generators afterwards, so that nobody feels what was drawn inside."""
    before = generators(device)
    try:
        yield
    finally:
        set_generators(device, before)
