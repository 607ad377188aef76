"""Versions for bug reports: the machine, and the packages that a training runs on."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version

import torch

from ._machine.devices import cpu_capabilities
from ._machine.extras import EXTRAS
from ._version import __version__

REQUIRED = ("torch", "scikit-learn", "numpy", "scipy", "joblib", "skorch")


def show_versions() -> None:
    """Print the versions and the devices that a bug report needs.

    The counterpart of scikit-learn's function of this name, with torch and the packages of the
    extras. It reads versions without importing the packages.

    Examples
    --------
    >>> from sk_bigan import show_versions
    >>> show_versions()  # doctest: +SKIP
    """
    parts = {"System": _system(), "Packages": _packages(), "Torch": _torch()}
    for title, entries in parts.items():
        print(f"\n{title}:")  # noqa: T201, as scikit-learn's
        for name, value in entries.items():
            print(f"{name:>14}: {value}")  # noqa: T201


def _system() -> dict[str, str]:
    return {
        "python": sys.version.replace("\n", " "),
        "executable": sys.executable,
        "machine": platform.platform(),
        "cores": str(os.cpu_count()),
    }


def _packages() -> dict[str, str]:
    extras = [package for packages in EXTRAS.values() for package in packages]
    return {"sk_bigan": __version__} | {name: _version(name) for name in [*REQUIRED, *extras]}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _torch() -> dict[str, str]:
    return {
        "build": torch.__version__,  # with the local part, such as +cpu, that metadata may lack
        "CUDA": torch.version.cuda or "none in this build",
        "devices": ", ".join(_devices()),
        "capabilities": ", ".join(_cpu_capabilities()),
        "threads": f"{torch.get_num_threads()} (OMP_NUM_THREADS={_threads_asked_for()})",
    }


def _devices() -> list[str]:
    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return ["cpu", *gpus, *(["mps"] if torch.backends.mps.is_available() else [])]


def _cpu_capabilities() -> list[str]:
    """Return the vector and matrix units, on which ``precision="auto"`` depends."""
    found = cpu_capabilities()
    return sorted(name for name in found if name.startswith(("avx", "amx", "sve")) and found[name])


def _threads_asked_for() -> str:
    return os.environ.get("OMP_NUM_THREADS", "unset")
