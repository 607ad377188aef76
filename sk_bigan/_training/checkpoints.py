"""Checkpoints: the state of a training in files that survive a crash."""

from __future__ import annotations

import io
import logging
import re
import time
import warnings
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from numbers import Integral
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .._data.rows import DatasetRows
from .._data.scaling import ColumnStatistics
from .._machine.digests import described, digest_of
from .._machine.files import write_whole
from .._machine.plain import split_plain

logger = logging.getLogger(__name__)

FORMAT = 1
KEPT = 2  # files
NAME = re.compile(r"checkpoint-\d+\.pt")
ROWS_COMPARED = 1000


class Checkpoints:
    """A folder with the last two states of one training.

    One of them is always whole; its last 32 bytes are the SHA-256 of the others. Reading runs no
    code. A process locks the folder while it trains; the lock ends with the process.

    Parameters
    ----------
    folder : str or path-like
        Made if it does not exist.
    every : int or float
        An int counts epochs; a float counts seconds, also within an epoch.
    depends_on : mapping
        Texts by name on which the training depends; see `describe_run`.

    Raises
    ------
    OSError
        If the folder cannot be written or another training is using it.
    """

    def __init__(self, folder: str | PathLike[str], every: float, depends_on: Mapping[str, str]):
        self.folder = Path(folder)
        self.every = every
        self.depends_on = dict(depends_on)
        self._lock: Any = None
        self._n_written = 0
        self._last_epoch = 0
        self._last_time = time.monotonic()

    def __enter__(self) -> Checkpoints:
        from filelock import FileLock, Timeout  # a requirement of torch's, which is slow to import

        self._lock = FileLock(self.folder / "lock")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise OSError(
                "checkpoint_dir must be a folder that no other training uses, got "
                f"'{self.folder}', which one is using now"
            ) from error
        except OSError as error:
            raise self._cannot_write(error) from error
        for left in self.folder.glob("checkpoint-*.pt.*.part"):  # by a process killed at writing
            with suppress(OSError):
                left.unlink()
        return self

    def __exit__(self, *error: object) -> None:
        self._lock.release()

    def latest(self) -> dict[str, Any] | None:
        """Return the newest whole state, or None if there is no file.

        Raises
        ------
        ValueError
            If it is of a training on other data or with other parameters, or none can be read.
        """
        files = _files(self.folder)
        for file in reversed(files):
            try:
                saved = read(file)
            except (OSError, ValueError) as error:
                warnings.warn(f"a checkpoint is left out: {error}", stacklevel=2)
                continue
            self._check_same_training(saved["run"])
            self._n_written = _number(file)
            self._last_epoch = len(saved["state"]["history"])
            logger.info("the training goes on from %s", file)
            return saved["state"]
        if files:
            raise ValueError(
                f"checkpoint_dir '{self.folder}' has no checkpoint that can be read; delete its "
                "files to train from the start"
            )
        return None

    def due(self, n_epochs: int, between_epochs: bool) -> bool:
        """Return whether it is time for another one."""
        if isinstance(self.every, Integral):
            return between_epochs and n_epochs - self._last_epoch >= self.every
        return time.monotonic() - self._last_time >= self.every

    def write(self, state: dict[str, Any]) -> None:
        """Write one more, and delete all but the last two.

        A failure is an error before the training starts and a warning later: the disk may have room
        again, and the training is worth more than its checkpoint.
        """
        first = self._n_written == 0
        file = self.folder / f"checkpoint-{self._n_written + 1:06d}.pt"
        try:
            buffer = io.BytesIO()
            torch.save({"format": FORMAT, "run": self.depends_on, "state": state}, buffer)
            content = buffer.getbuffer()
            write_whole(file, content, sha256(content).digest())
            self._n_written += 1
            for old in _files(self.folder)[:-KEPT]:
                old.unlink(missing_ok=True)
        except OSError as error:
            if first:
                raise self._cannot_write(error) from error
            warnings.warn(f"a checkpoint could not be written: {error}", stacklevel=2)
        finally:
            self._last_epoch, self._last_time = len(state["history"]), time.monotonic()

    def _check_same_training(self, saved: Mapping[str, str]) -> None:
        differences = [
            f"{name} was {saved.get(name)} and is {self.depends_on.get(name)}"
            for name in {**saved, **self.depends_on}
            if saved.get(name) != self.depends_on.get(name)
        ]
        if differences:
            raise ValueError(
                f"checkpoint_dir '{self.folder}' holds another training: {'; '.join(differences)}. "
                "Give that one's data and parameters, or another folder"
            )

    def _cannot_write(self, error: OSError) -> OSError:
        return OSError(
            f"checkpoint_dir must be a folder that can be written, got '{self.folder}': {error}"
        )


def read(file: Path) -> dict[str, Any]:
    """Return the content of a checkpoint.

    Raises
    ------
    ValueError
        If the file is not whole.
    """
    content = file.read_bytes()
    content, digest = content[:-32], content[-32:]
    if sha256(content).digest() != digest:
        raise ValueError(f"{file} is damaged: its checksum is not that of its content")
    saved = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    if saved["format"] != FORMAT:
        raise ValueError(f"{file} has format {saved['format']}, expected {FORMAT}")
    return saved


def seed_in(folder: str | PathLike[str]) -> int | None:
    """Return the seed of the training in a folder, or None where none can be read."""
    with suppress(OSError):
        for file in reversed(_files(Path(folder))):
            with suppress(OSError, ValueError, KeyError):
                return int(read(file)["run"]["seed"])
    return None


def _files(folder: Path) -> list[Path]:
    files = [path for path in folder.iterdir() if NAME.fullmatch(path.name)]
    return sorted(files, key=_number)


def _number(file: Path) -> int:
    return int(file.stem.removeprefix("checkpoint-"))


def describe_run(
    X: np.ndarray | DatasetRows,
    statistics: ColumnStatistics,
    parameters: Mapping[str, Any],
    seed: int,
) -> dict[str, str]:
    """Return texts on which the training depends, to be compared and shown.

    A data set counts by its shape, since items may change at random. An array counts also by the
    extremes, mean and variance of each column, and by a thousand rows. A function, an object or a
    network counts by what it is made of.
    """
    data = f"{X.shape[0]} x {X.shape[1]}"
    if not isinstance(X, DatasetRows):
        rows = X[:: max(1, len(X) // ROWS_COMPARED)].astype(np.float64)
        low, high, standard = statistics
        data += f" with digest {digest_of(low, high, standard.mean_, standard.var_, rows)}"
    plain, others = split_plain(parameters)
    texts = {name: described(parameters[name]) for name in others}
    shown = {name: repr(value) for name, value in plain.items()}
    return {"X": data, **shown, **texts, "seed": str(seed)}
