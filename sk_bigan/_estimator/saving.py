"""Estimators as plain values: for pickles, and for files that run no code when they are opened."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from copy import deepcopy
from math import prod
from typing import Any

import numpy as np
import torch
from sklearn.frozen import FrozenEstimator

from .._data.layout import Layout
from .._data.scaling import given_scaler, is_bounded
from .._data.units import UNKNOWN
from .._machine.devices import resolve_device
from .._machine.hermetic import hermetic
from .._machine.plain import as_json, split_plain
from .._machine.random_numbers import seeded
from .._model.file import FORMAT
from .._model.fitted import Fitted
from .._model.format import (
    layout_from_json,
    moments_from_arrays,
    moments_to_arrays,
    scaler_from_arrays,
    scaler_to_arrays,
    to_tensors,
)
from .._model.state import model_of, state_of
from .._training.optimizers import (
    Optimizers,
    learning_parameters,
    load_moments,
    make_optimizers,
    moments_of,
)
from .._version import __version__
from ..displacement import known_places
from ..networks.players import Players
from ..priors import resolve_prior
from .parameters import (
    FIXABLE,
    build_players,
    check_constraints,
    parameters_of,
    refuse_tables,
    structure_of,
)

# The callbacks of a training and a place on a machine are not the model's.
NOT_IN_FILES = ("callbacks", "checkpoint_dir")

NETWORKS = tuple(f"{name}_" for name in Players._fields)

# Errors that a malformed description leads to, wherever it is noticed.
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


@hermetic()
def restore_model(estimator: Any, state: Mapping[str, Any]) -> Fitted:
    """Return the model of a state, on the estimator's device if it works there.

    Parameters
    ----------
    estimator : estimator
        With the parameters that the networks were built from, and the seed of the first build, on
        which networks of the user's own may depend.
    state : mapping
        As `state_of` returned it.
    """
    built_from = estimator._built_from
    weights = {name: to_tensors(state[f"{name}_"]) for name in Players._fields}
    with seeded(estimator._seed):
        prior = resolve_prior(built_from["prior"], state["latent_dim"])
        shape, columns = Layout(*state["layout"]).sample_shape, vars(estimator).get("columns_")
        players = build_players(
            built_from, shape, prior, state["scaler_"], columns, weights=weights
        )
    model = model_of(state, players, prior)
    try:
        device = resolve_device(estimator.device)
    except ValueError:  # trained on a device that this machine does not have
        return model
    try:
        return model.to(device)
    except ValueError as error:
        warnings.warn(f"the model is opened on the CPU: {error}", stacklevel=2)
        return model


def plain_state(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state of an estimator as plain values, for pickles.

    It has no optimizers, which weigh twice as much as the networks, and no recorded step.
    """
    if "model_" not in state:
        return dict(state)
    model = state_of(state["model_"])
    kept = {name: value for name, value in state.items() if name != "_recorded"}
    return {**kept, "model_": model, "_optimizers": None, "_version": __version__}


def complete_state(estimator: Any) -> None:
    """Build the model of an estimator that has just got a plain state."""
    attributes = vars(estimator)
    warn_of_version(estimator, attributes.pop("_version"))
    attributes["model_"] = restore_model(estimator, attributes["model_"])


def warn_of_version(estimator: Any, version: str) -> None:
    """Warn of a model that another version has saved."""
    if version != __version__:
        warnings.warn(
            f"this {type(estimator).__name__} was saved by sk_bigan {version} and is opened by "
            f"{__version__}, which may compute other features",
            stacklevel=4,
        )


def description_of(
    estimator: Any, optimizers: bool
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return a fitted estimator as a description in JSON's values, and arrays.

    Raises
    ------
    ValueError
        If a network has a state that is not of tensors.
    """
    refuse_tables(estimator, "save", ": joblib.dump takes it")
    model: Fitted = estimator.model_
    state = state_of(model)
    scaler, learned = scaler_to_arrays(model.scaler)
    arrays = {f"scaler.{name}": array for name, array in learned.items()}
    for network in NETWORKS:
        for name, array in state[network].items():
            if not isinstance(array, np.ndarray):
                raise ValueError(f"{network} has a state that is not of tensors, in {name!r}")
            arrays[f"{network}.{name}"] = array
    for name in estimator._learned_dimensions():
        arrays[f"fitted.{name}"] = np.asarray(getattr(estimator, name), dtype=np.float64)
    arrays |= {f"summary.{name}": array for name, array in (state["summary"] or {}).items()}
    if hasattr(estimator, "_places"):
        arrays["places"] = estimator._places
    if optimizers:
        arrays |= moments_to_arrays(moments_of(_optimizers_of(estimator)))
    left_out = {*NOT_IN_FILES}
    if given_scaler(estimator.scaling) is not None:
        left_out.add("scaling")  # the file has it as `scaler_`
    parameters = {n: v for n, v in parameters_of(estimator).items() if n not in left_out}
    plain, others = split_plain(parameters)
    # What the class has fixed, it gives itself.
    own = {name: kind for name, kind in others.items() if name in estimator.get_params(deep=False)}
    names = getattr(estimator, "feature_names_in_", None)
    description = {
        "format": FORMAT,
        "version": __version__,
        "estimator": type(estimator).__name__,
        "parameters": plain,
        "own": own,
        "scaler": scaler,
        "feature_names_in_": None if names is None else names.tolist(),
        "layout": as_json(state["layout"]),
        "_bounded": is_bounded(model.scaler),
        "_seed": estimator._seed,
        "_total_variance": model.total_variance,
        "_sizes_in_fit": as_json(model.sizes_in_fit),
        # Callbacks may have recorded what no file can hold.
        "history_": [split_plain(epoch)[0] for epoch in estimator.history_],
        "n_epochs_": estimator.n_epochs_,
    }
    if hasattr(estimator, "n_samples_seen_"):
        description["n_samples_seen_"] = estimator.n_samples_seen_
    if output := vars(estimator).get("_sklearn_output_config"):
        description["set_output"] = output
    return description, arrays


def _optimizers_of(estimator: Any) -> Optimizers:
    if estimator._optimizers is None:
        return make_optimizers(estimator.model_.players)
    return estimator._optimizers


@hermetic()
def from_description(
    cls: Any, description: Mapping[str, Any], arrays: Mapping[str, np.ndarray], own: dict[str, Any]
) -> Any:
    """Return the estimator of this description.

    Raises
    ------
    ValueError
        Or another of `MALFORMED`, if the description contradicts itself.
    """

    def part(name: str) -> dict[str, np.ndarray]:
        start = f"{name}."
        return {k.removeprefix(start): v for k, v in arrays.items() if k.startswith(start)}

    version = description["version"]
    layout = layout_from_json(*description["layout"])
    n_features = prod(layout.row_shape)
    scaler = scaler_from_arrays(description["scaler"], part("scaler"), n_features)
    given = {"scaling": FrozenEstimator(deepcopy(scaler)), **description["parameters"]}
    given = {name: value for name, value in given.items() if name not in NOT_IN_FILES}
    fixed = {name for name in given if name in FIXABLE and name not in cls._get_param_names()}
    estimator = cls(**{n: v for n, v in given.items() if n not in fixed}, **own)
    vars(estimator).update({name: given[name] for name in fixed})
    check_constraints(estimator)
    built_from = structure_of(estimator)
    _check_widths(built_from, len(arrays))
    _check_types(description)
    state = {
        **{name: part(name) for name in NETWORKS},
        "scaler_": scaler,
        "layout": tuple(layout),
        "latent_dim": int(built_from["latent_dim"]),
        "total_variance": description["_total_variance"],
        "summary": part("summary"),
        "sizes_in_fit": description.get("_sizes_in_fit", UNKNOWN),
    }
    vars(estimator).update(
        _learned_attributes(estimator, part("fitted"), state["latent_dim"]),
        n_features_in_=n_features,
        history_=description["history_"],
        n_epochs_=description["n_epochs_"],
        **{name: description[name] for name in ("n_samples_seen_",) if name in description},
        _built_from=built_from,
        _seed=description["_seed"],
        _optimizers=None,
    )
    estimator.set_output(**description.get("set_output", {}))
    if (names := description["feature_names_in_"]) is not None:
        if len(names) != n_features or not all(isinstance(name, str) for name in names):
            raise ValueError(f"feature_names_in_ must be {n_features} texts")
        estimator.feature_names_in_ = np.array(names, dtype=object)
    if (places := arrays.get("places")) is not None:
        known_places(places, layout.sample_shape, torch.device("cpu"))
        estimator._places = places
    estimator.model_ = restore_model(estimator, state)
    players = estimator.model_.players
    moments = {k: v for k, v in arrays.items() if k.startswith(tuple(learning_parameters(players)))}
    if moments:
        estimator._optimizers = make_optimizers(players)
        load_moments(
            estimator._optimizers, moments_from_arrays(moments, learning_parameters(players))
        )
    warn_of_version(estimator, version)
    return estimator


def _check_widths(built_from: Mapping[str, Any], n_arrays: int) -> None:
    """Refuse more layers than there are arrays, before memory is taken for them."""
    for name, value in built_from.items():
        if name.endswith("hidden_units") and len(value) > max(n_arrays, len("auto")):
            raise ValueError(f"{name} names more layers than there are arrays")


def _check_types(description: Mapping[str, Any]) -> None:
    kinds = {"_seed": int, "_total_variance": float, "history_": list, "n_epochs_": int}
    for name, kind in kinds.items():
        if type(description[name]) is not kind:
            raise ValueError(f"{name} must be of type {kind.__name__}")
    if description["n_epochs_"] != (n_records := len(description["history_"])):
        raise ValueError(f"n_epochs_ is {description['n_epochs_']}, with {n_records} in history_")
    if type(n := description.get("n_samples_seen_", 0)) is not int or n < 0:
        raise ValueError(f"n_samples_seen_ must be a number of rows, got {n!r}")
    output = description.get("set_output", {"transform": "default"})
    if output not in [{"transform": name} for name in ("default", "pandas", "polars")]:
        raise ValueError(f"set_output must name a kind of frame, got {output!r}")
    sizes = description.get("_sizes_in_fit", UNKNOWN)
    if len(sizes) != 2 or not all(type(size) is float and size >= 0 for size in sizes):
        raise ValueError(f"_sizes_in_fit must be two positive numbers, got {sizes!r}")
    if not 0 < description["_total_variance"] < np.inf:
        raise ValueError("_total_variance must be positive")


def _learned_attributes(
    estimator: Any, learned: Mapping[str, np.ndarray], latent_dim: int
) -> dict[str, Any]:
    dimensions = estimator._learned_dimensions().items()
    shapes = {name: (latent_dim,) * n for name, n in dimensions}
    if shapes != {name: array.shape for name, array in learned.items()}:
        raise ValueError(f"{type(estimator).__name__} needs arrays of shapes {shapes}")
    if not all(array.dtype == float and np.isfinite(array).all() for array in learned.values()):
        raise ValueError(f"{sorted(learned)} must be finite numbers")
    return {name: array if array.ndim else array.item() for name, array in learned.items()}
