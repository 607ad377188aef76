"""Errors of trainings and networks, rather than of the input."""

from __future__ import annotations

from collections.abc import Mapping


class TrainingDivergedError(ArithmeticError):
    """A training left the finite numbers, and lower learning rates did not bring it back.

    Parameters
    ----------
    epoch : int
        The epoch that could not be finished, counted from 1 within the training.
    losses : mapping from str to float
        Their means over that epoch.
    advice : str
        Parameter to change.

    Attributes
    ----------
    epoch, losses
        As given.
    """

    def __init__(self, epoch: int, losses: Mapping[str, float], advice: str):
        super().__init__(epoch, losses, advice)
        self.epoch = epoch
        self.losses = dict(losses)
        self.advice = advice

    def __str__(self) -> str:
        values = ", ".join(f"{name}={value:g}" for name, value in self.losses.items())
        return f"training diverged in epoch {self.epoch} ({values}): {self.advice}"


class Diverged(Exception):  # noqa: N818, the training may yet be saved
    """An epoch ended in numbers that are not finite."""

    def __init__(self, epoch: int, losses: dict[str, float]):
        super().__init__(epoch, losses)
        self.epoch = epoch
        self.losses = losses


class NotFiniteError(ValueError):
    """The networks give numbers that are not finite."""
