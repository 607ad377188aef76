"""Torch's random generators: seeded inside a block, saved and restored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from .threads import leave_other_threads, one_at_a_time

CPU = torch.device("cpu")


@contextmanager
def seeded(seed: int, device: torch.device = CPU) -> Iterator[None]:
    """Start torch's generators from `seed` inside, and restore them afterwards.

    They belong to the whole process, so that one thread at a time may be inside.
    """
    leave_other_threads()
    with one_at_a_time(), torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        if device.type == "cpu":
            yield
            return
        generators = torch.get_device_module(device)
        with torch.accelerator.device_index(device.index):
            before = generators.get_rng_state()
            generators.manual_seed(seed)
            try:
                yield
            finally:
                generators.set_rng_state(before)


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
