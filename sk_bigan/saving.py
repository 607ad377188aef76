"""Estimators that travel: pickles, and files that run no code when they are opened."""

from __future__ import annotations

import warnings
from copy import deepcopy
from math import prod
from os import PathLike
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from ._version import __version__
from .base import FITTED_NETWORKS, BaseBiGAN
from .building import NETWORKS, build_networks
from .devices import resolve_device, seeded
from .displacement import known_places
from .inputs import Layout
from .persistence import (
    FORMAT,
    NOT_IN_FILES,
    as_json,
    layout_from_json,
    moments_from_arrays,
    moments_to_arrays,
    read,
    scaler_from_arrays,
    scaler_to_arrays,
    split_parameters,
    to_numbers,
    to_tensors,
    write,
)
from .ranks import is_first_process
from .scaling import given_scaler
from .state import OPTIMIZERS
from .training import learning_parameters

# Of the fitted attributes, what a file's text holds as it is.
AS_TEXT = {
    "_bounded": bool,
    "_seed": int,
    "_total_variance": float,
    "history_": list,
    "n_epochs_": int,
}

# What a description that makes no sense leads to, wherever it is noticed.
MALFORMED = (
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    RuntimeError,
    TypeError,
    ValueError,
)


class SavedBiGAN(BaseBiGAN):
    """What `BaseBiGAN` trains, in files and back."""

    def save(self, path: str | PathLike[str], optimizers: bool = False) -> None:
        """Write the fitted estimator to a file that runs no code when it is opened.

        The file is one of safetensors, with a JSON text beside the arrays, and as large as the
        weights. It is whole or not there; a file that was there before stays until then. Of the
        processes of `torchrun`, the first writes it.

        Parameters
        ----------
        path : str or path-like

        optimizers : bool, default=False
            Whether the state of the optimizers goes along, twice as large as the weights, with
            which `partial_fit` goes on as if nothing had happened.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ImportError
            Without the package safetensors: ``pip install 'sk_bigan[save]'``.
        ValueError
            If a parameter is not as described, or has changed since the networks were built, or
            a network of your own has a state that is not of tensors.
        OSError
            If the file cannot be written.
        """
        check_is_fitted(self)
        self._check_params()
        self._check_structure()
        state = self.__getstate__()
        scaler, learned = scaler_to_arrays(self.scaler_)
        arrays = {f"scaler.{name}": array for name, array in learned.items()}
        for network in FITTED_NETWORKS:
            for name, array in state[network].items():
                if not isinstance(array, np.ndarray):
                    raise ValueError(f"{network} has a state that is not of tensors, in {name!r}")
                arrays[f"{network}.{name}"] = array
        for name in self._array_ranks():
            arrays[f"fitted.{name}"] = np.asarray(getattr(self, name), dtype=np.float64)
        if hasattr(self, "_places"):
            arrays["places"] = self._places
        if optimizers:
            arrays |= moments_to_arrays(self._engine(n_epochs=1))
        left_out = {*NOT_IN_FILES}
        if given_scaler(self.scaling) is not None:
            left_out.add("scaling")  # the file has it as `scaler_`
        given = {n: v for n, v in self.get_params(deep=False).items() if n not in left_out}
        parameters, own = split_parameters(given)
        names = getattr(self, "feature_names_in_", None)
        description = {
            "format": FORMAT,
            "version": __version__,
            "estimator": type(self).__name__,
            "parameters": parameters,
            "own": own,
            "scaler": scaler,
            "feature_names_in_": None if names is None else names.tolist(),
            "layout": as_json(state["_layout"]),
            **{name: state[name] for name in AS_TEXT},
            # Callbacks may have recorded what no file can hold.
            "history_": [split_parameters(epoch)[0] for epoch in self.history_],
        }
        if is_first_process():
            write(Path(path), description, arrays)

    @classmethod
    def load(cls, path: str | PathLike[str], **own: Any) -> Self:
        """Open a file that `save` has written.

        No code of the file's is run, whoever wrote it.

        Parameters
        ----------
        path : str or path-like

        **own : dict
            Those parameters that no file can hold: networks, augmentation, objective or prior of
            your own, ``load(path, encoder=MyEncoder)``. The error says which are missing.

        Returns
        -------
        estimator : object
            Fitted, and on the device of its parameter `device` if there is one here, else on the
            CPU.

        Raises
        ------
        ImportError
            Without the package safetensors: ``pip install 'sk_bigan[save]'``.
        OSError
            If the file cannot be read.
        TypeError
            If a parameter is missing in `own`, or the file holds one that is there.
        ValueError
            If it is no such file, damaged, or says what cannot be.
        """
        path = Path(path)
        try:
            description, arrays = read(path)
            saved_class, needed = description["estimator"], dict(description["own"])
            if saved_class != cls.__name__:
                raise ValueError(f"it holds a {saved_class}, to be opened by that class")
        except MALFORMED as error:
            raise ValueError(f"'{path}' cannot be opened: {error}") from error
        missing = [name for name in needed if name not in own and name != "random_state"]
        if missing or not set(own) <= set(needed):
            expected = ", ".join(f"{name}={needed[name]}" for name in needed)
            raise TypeError(
                f"load of '{path}' takes the parameters that no file can hold, here "
                f"({expected}), got ({', '.join(own)})"
            )
        try:
            return cls._from_description(description, arrays, own)
        except MALFORMED as error:
            raise ValueError(f"'{path}' cannot be opened: {error}") from error

    def _array_ranks(self) -> dict[str, int]:
        """Dimensions of what a file holds besides, each of `latent_dim` numbers: here nothing."""
        return {}

    @classmethod
    def _from_description(
        cls, description: dict[str, Any], arrays: dict[str, np.ndarray], own: dict[str, Any]
    ) -> Self:
        def part(name: str) -> dict[str, np.ndarray]:
            start = f"{name}."
            return {k.removeprefix(start): v for k, v in arrays.items() if k.startswith(start)}

        layout = layout_from_json(*description["layout"])
        n_features = prod(layout.row_shape)
        scaler = scaler_from_arrays(description["scaler"], part("scaler"), n_features)
        given = {"scaling": FrozenEstimator(deepcopy(scaler)), **description["parameters"]}.items()
        estimator = cls(**{name: v for name, v in given if name not in NOT_IN_FILES}, **own)
        estimator._validate_params()
        structure = estimator._structure_now()
        for name, value in structure.items():
            if name.endswith("hidden_units") and len(value) > max(len(arrays), len("auto")):
                raise ValueError(f"{name} names more layers than there are arrays")
        for name, kind in AS_TEXT.items():
            if type(description[name]) is not kind:
                raise ValueError(f"{name} must be of type {kind.__name__}")
        if not 0 < description["_total_variance"] < np.inf:
            raise ValueError("_total_variance must be positive")
        state = {
            **vars(estimator),
            **{name: description[name] for name in AS_TEXT},
            **{name: part(name) for name in FITTED_NETWORKS},
            "_structure": structure,
            "_layout": layout,
            "_latent_dim": int(structure["latent_dim"]),
            "_version": description["version"],
            "scaler_": scaler,
            "n_features_in_": n_features,
        }
        if (names := description["feature_names_in_"]) is not None:
            if len(names) != n_features or not all(isinstance(name, str) for name in names):
                raise ValueError(f"feature_names_in_ must be {n_features} texts")
            state["feature_names_in_"] = np.array(names, dtype=object)
        fitted, ranks = part("fitted"), estimator._array_ranks()
        shapes = {name: (state["_latent_dim"],) * rank for name, rank in ranks.items()}
        if shapes != {name: array.shape for name, array in fitted.items()}:
            raise ValueError(f"{cls.__name__} needs arrays of shapes {shapes}")
        if not all(array.dtype == float and np.isfinite(array).all() for array in fitted.values()):
            raise ValueError(f"{sorted(fitted)} must be finite numbers")
        state |= {name: array if array.ndim else array.item() for name, array in fitted.items()}
        if (places := arrays.get("places")) is not None:
            known_places(places, layout.sample_shape, torch.device("cpu"))
            state["_places"] = places
        estimator.__setstate__(state)
        networks = (getattr(estimator, name) for name in FITTED_NETWORKS)
        moments = {k: v for k, v in arrays.items() if k.startswith(OPTIMIZERS)}
        if moments:
            estimator._moments = moments_from_arrays(moments, learning_parameters(*networks))
        return estimator

    def __getstate__(self) -> dict[str, Any]:
        """Without the optimizers, which weigh twice as much and which only training needs."""
        state = dict(super().__getstate__())
        state.pop("_net", None)
        state.pop("_moments", None)
        if "encoder_" in state:
            for name in FITTED_NETWORKS:
                state[name] = to_numbers(state[name].state_dict())
            state["_layout"] = tuple(self._layout)
            state["_version"] = __version__
            del state["_prior"], state["device_"]  # follow from the rest
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        version = state.pop("_version", __version__)
        if version != __version__:
            warnings.warn(
                f"this {type(self).__name__} was saved by sk_bigan {version} and is opened by "
                f"{__version__}, which may compute other features",
                stacklevel=2,
            )
        super().__setstate__(state)
        if "encoder_" not in state:
            return
        self._layout = Layout(*self._layout)
        weights = {name: to_tensors(state[f"{name}_"]) for name in NETWORKS}
        with seeded(self._seed, torch.device("cpu")):
            networks = build_networks(**self._blueprint(), weights=weights)
        self.encoder_, self.generator_, self.discriminator_ = networks
        try:
            self._move_to(resolve_device(self.device))
        except ValueError:  # trained on a device that this machine does not have
            self._move_to(torch.device("cpu"))
