"""The parameters of every estimator: their constraints, by what depends on them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from numbers import Integral, Real
from os import PathLike
from typing import Any

import numpy as np
import skorch.callbacks
import torch
from sklearn.frozen import FrozenEstimator
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import (
    Interval,
    RealNotInt,
    StrOptions,
    validate_parameter_constraints,
)
from skorch.callbacks import Callback
from skorch.callbacks.scoring import ScoringBase
from torch import nn

from .._data.scaling import SCALINGS, center_and_factor, described_scaler, given_scaler, is_bounded
from .._machine.devices import PRECISIONS
from .._machine.plain import as_json
from ..anomaly import NEED_CYCLES
from ..augmentations import AUGMENTATIONS
from ..callbacks import LRScheduler
from ..columns import ColumnEncoder, given_encoder
from ..networks.building import build_networks, positive_integers
from ..networks.families import ARCHITECTURES
from ..networks.players import Players
from ..networks.tables import BlockOutput
from ..objectives import OBJECTIVES
from ..priors import PRIORS, Prior
from .network_parameters import is_network_parameter, wanted_networks

Constraints = dict[str, list[Any]]

MOST_IN_FLOAT32 = float(np.finfo(np.float32).max)
WEIGHT = [Interval(Real, 0, MOST_IN_FLOAT32, closed="both")]

FEATURES = {"latent", "penultimate", "hidden", "summary"}

# The networks are built from these: a change of one needs a new fit.
STRUCTURE: Constraints = {
    "latent_dim": [Interval(Integral, 1, None, closed="left")],
    "architecture": [StrOptions(set(ARCHITECTURES))],
    "hidden_units": ["array-like", StrOptions({"auto"})],
    "sample_shape": ["array-like", None],
    "encoder": [callable, None],
    "generator": [callable, None],
    "discriminator": [callable, None],
    "prior": [StrOptions(set(PRIORS)), Prior, callable],
    "scaling": [
        StrOptions({"auto", "columns", *SCALINGS}),
        *(ColumnEncoder, MinMaxScaler, StandardScaler, FrozenEstimator),
        None,
    ],
}

# The result of a training depends on these too.
TRAINING: Constraints = {
    "objective": [StrOptions(set(OBJECTIVES)), callable],
    "augmentation": [StrOptions(set(AUGMENTATIONS)), callable, list, tuple, None],
    "consistency_weight": WEIGHT,
    "vat_weight": WEIGHT,
    "cycle_weight": WEIGHT,
    "gradient_penalty": WEIGHT,
    "learning_rate": [Interval(Real, 0, None, closed="neither"), StrOptions({"auto"})],
    "max_epochs": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
    "batch_size": [Interval(Integral, 2, None, closed="left"), StrOptions({"auto"})],
    "validation_fraction": [Interval(RealNotInt, 0, 1, closed="neither"), None],
    "precision": [StrOptions({"auto", *PRECISIONS})],
    "random_state": ["random_state"],
}

# A training can be resumed with others of these.
EXECUTION: Constraints = {
    "features": [StrOptions(FEATURES), list, tuple],
    "device": [str, torch.device],
    "cuda_graph": ["boolean"],
    "data_parallel": ["boolean"],
    "callbacks": [list, None],
    "checkpoint_dir": [str, PathLike, None],
    "checkpoint_every": [
        Interval(Integral, 1, None, closed="left"),
        Interval(RealNotInt, 0, None, closed="left"),
    ],
    "warm_start": ["boolean"],
    "verbose": ["verbose"],
}

CONSTRAINTS: Constraints = STRUCTURE | TRAINING | EXECUTION

# A subclass may fix all of these in its constructor, as is usual with scikit-learn's estimators.
FIXABLE = (*CONSTRAINTS, "anomaly_score", "contamination")

# Callbacks that do not suit three networks, and what does.
OF_ONE_NETWORK: dict[type, str] = {
    skorch.callbacks.LRScheduler: "sets one optimizer: take sk_bigan.callbacks.LRScheduler",
    ScoringBase: "scores predictions: take validation_fraction, or on_epoch_end of your own",
}


def parameters_of(estimator: Any) -> dict[str, Any]:
    """Return the parameters of an estimator, and those that its class has fixed."""
    given = estimator.get_params(deep=False)
    attributes = vars(estimator)
    return given | {n: attributes[n] for n in FIXABLE if n in attributes and n not in given}


def check_constraints(estimator: Any) -> None:
    """Refuse parameters that are not as described."""
    validate_parameter_constraints(
        estimator._parameter_constraints, parameters_of(estimator), type(estimator).__name__
    )


def check_parameters(estimator: Any) -> None:
    """Refuse parameters that are not as described, or that contradict each other."""
    check_constraints(estimator)
    if estimator.warm_start and estimator.checkpoint_dir is not None:
        raise ValueError(
            "checkpoint_dir needs warm_start=False, got warm_start=True: which of the two the "
            "training should go on from would not be clear"
        )
    if estimator.data_parallel and str(estimator.device) not in ("auto", "cpu", "cuda"):
        raise ValueError(
            "device must be 'auto', 'cpu' or 'cuda' with data_parallel=True, which gives each "
            f"process a GPU of its own, got {estimator.device!r}"
        )
    if estimator.checkpoint_dir == "":
        raise ValueError("checkpoint_dir must be a folder or None, got an empty name")
    for entry in estimator.callbacks or []:
        _check_callback(entry, estimator.checkpoint_dir)


def refuse_tables(estimator: Any, method: str, advice: str = "") -> None:
    """Refuse a model of encoded columns, which the method does not take."""
    if hasattr(estimator, "columns_"):
        raise ValueError(
            f"{method} takes models of plain numbers, and this one has learned from columns of "
            f"other kinds or with gaps{advice}"
        )


def check_features(estimator: Any) -> None:
    """Refuse a `features` of another kind than described, which may change after `fit`."""
    features = estimator.features
    if not (isinstance(features, str) and features in FEATURES):  # scikit-learn's check takes long
        constraints = {"features": CONSTRAINTS["features"]}
        validate_parameter_constraints(
            constraints, {"features": features}, type(estimator).__name__
        )


def _check_callback(entry: Any, checkpoint_dir: Any) -> None:
    named = isinstance(entry, tuple) and len(entry) == 2 and isinstance(entry[0], str)
    callback = entry[1] if named else entry
    if not isinstance(callback, Callback):
        raise TypeError(
            "callbacks must be instances of skorch.callbacks.Callback or pairs of a name "
            f"and such an instance, got {entry!r}"
        )
    for kind, why in OF_ONE_NETWORK.items():
        if isinstance(callback, kind) and not isinstance(callback, LRScheduler):
            raise TypeError(
                f"callbacks must not have skorch's {type(callback).__name__}, which {why}, "
                f"got {callback!r}"
            )
    if checkpoint_dir is not None and getattr(callback, "load_best", False):
        raise ValueError(
            "callbacks must not have load_best=True with checkpoint_dir, since checkpoints "
            f"do not hold the best networks, got {callback!r}"
        )


def structure_of(estimator: Any) -> dict[str, Any]:
    """Return the parameters that networks are built from, as they are now."""
    structure = {
        name: value
        for name, value in parameters_of(estimator).items()
        if name in (*STRUCTURE, "anomaly_score") or is_network_parameter(name)
    }
    if (encoder := given_encoder(estimator.scaling)) is not None:
        structure["scaling"] = _described(encoder)
    elif (scaler := given_scaler(estimator.scaling)) is not None:
        structure["scaling"] = described_scaler(scaler)  # it may learn more, which ours has not
    return structure


def _described(encoder: ColumnEncoder) -> str:
    """Return a text that is equal for equal parameters; scikit-learn's cuts long lists."""
    arguments = {
        name: as_json(
            value if isinstance(value, str) or not isinstance(value, Iterable) else [*value]
        )
        for name, value in encoder.get_params().items()
    }
    shown = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
    return f"{type(encoder).__name__}({shown})"


def check_structure(estimator: Any) -> None:
    """Refuse parameters other than those that the networks were built from."""
    for name, now in structure_of(estimator).items():
        if not same(built_from := estimator._built_from.get(name), now):
            raise ValueError(
                f"{name} changed from {built_from!r} to {now!r} since the networks were built; "
                "only fit with warm_start=False takes that up"
            )


def build_players(
    built_from: Mapping[str, Any],
    sample_shape: tuple[int, ...],
    prior: Prior,
    scaler: Any,
    columns: ColumnEncoder | None,
    weights: Mapping[str, Any] | None = None,
) -> Players:
    """Build E, G and D from parameters as they were when the estimator was fitted.

    Parameters
    ----------
    built_from : mapping
        As `structure_of` returned it.
    sample_shape : tuple of int
    prior : Prior
    scaler : fitted scaler
    columns : ColumnEncoder or None
        The encoder of X's columns, where G's output has its blocks.
    weights : mapping or None
        Weights by the name of the network; None draws them.
    """
    output: nn.Module = nn.Tanh() if is_bounded(scaler) else nn.Identity()
    if columns is not None:
        blocks = [(block.kind, block.stop - block.start) for block in columns.blocks_]
        units = (torch.tensor(u, dtype=torch.float32) for u in center_and_factor(scaler))
        output = BlockOutput(blocks, *units)
    widths = built_from["hidden_units"]
    return build_networks(
        built_from["architecture"],
        sample_shape,
        int(built_from["latent_dim"]),
        None if isinstance(widths, str) else widths,  # "auto"
        code_activation=prior.code_activation(),
        output=output,
        gaps=columns is not None,
        wanted=wanted_networks(built_from),
        cycle_discriminators=built_from.get("anomaly_score") in NEED_CYCLES,
        weights=weights,
    )


def wanted_sample_shape(estimator: Any) -> tuple[int, ...] | None:
    """Return the parameter `sample_shape` as a tuple, if the user gave one."""
    if estimator.sample_shape is None:
        return None
    return positive_integers("sample_shape", estimator.sample_shape)


def same(a: Any, b: Any) -> bool:
    """Return whether two values are one object, or equal to the last entry."""
    try:
        return a is b or bool(np.array_equal(a, b))
    except (TypeError, ValueError, RuntimeError):  # things that cannot be compared so
        return False


def draw_seed(random_state: int | np.random.RandomState | None) -> int:
    """Return a seed for torch: always the same from an int, fresh from None."""
    if random_state is None:  # not NumPy's global generator, which a fit leaves alone
        return np.random.SeedSequence().generate_state(1).item()
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
