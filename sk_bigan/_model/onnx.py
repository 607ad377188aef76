"""Export of a fitted network with its scaling to ONNX, to run without torch."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from copy import deepcopy
from io import StringIO
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from .._data.scaling import center_and_factor, make_to_samples
from .._machine.extras import missing
from .._machine.files import write_whole
from .._machine.hermetic import hermetic
from .._machine.random_numbers import CPU, seeded
from .._version import __version__
from ..networks.layers import all_tensors, joined, reader
from ..networks.players import Players
from .fitted import Fitted

OPSET = 20  # what torch 2.13 writes by default

DTYPES = {"float32": torch.float32, "float64": torch.float64, "uint8": torch.uint8}

# A file of protobuf holds at most 2 GiB; the graph, the scaling and names need some of it.
MOST_BYTES = 2_000_000_000

# Tolerated difference of onnxruntime and torch, as a share of each output's size. A size counts at
# least as this share of the largest, and as LEAST_SIZE: sums that cancel keep the terms' errors.
TOLERANCE = 1e-4
SHARE_OF_THE_LARGEST, LEAST_SIZE = 0.01, 0.1
CHECKED_ROWS = (33, 1)


Decide = Callable[[Players, Tensor], tuple[Tensor, ...]]
"""(players, x), x of shape (n, *sample_shape) -> scores, decisions and labels, of shape (n,)."""


class Export(NamedTuple):
    """Networks and settings of an export.

    Parameters
    ----------
    players : Players
        On the CPU.
    fitted : Fitted
    dtype : torch.dtype
        Dtype of X.
    features : str or sequence of str
        Layers that are read out of the encoder.
    summary : nn.Module or None
        The map to their summary, on the CPU.
    decide : callable or None
        That of a detector.
    """

    players: Players
    fitted: Fitted
    dtype: torch.dtype
    features: str | Sequence[str]
    summary: nn.Module | None
    decide: Decide | None


class EncoderOfRows(nn.Module):
    """The map from rows of X to features."""

    def __init__(self, export: Export):
        super().__init__()
        network = self.network = export.players.encoder
        features, summary = export.features, export.summary
        # Anew at each call: the exporter puts tensors of its own in the place of the weights. From
        # a closure: it may wrap the attributes of this module, and copies of a wrapped one fail.
        self.read = lambda x: joined(reader(network, features, summary)(x))
        self.summary = summary
        self.to_samples = make_to_samples(export.fitted.scaler, export.fitted.layout, CPU)

    def forward(self, X: Tensor) -> Tensor:
        return self.read(self.to_samples(X.flatten(1)))


class GeneratorOfRows(nn.Module):
    """The map from codes to rows of X."""

    def __init__(self, export: Export):
        super().__init__()
        self.network = export.players.generator
        self.layout = export.fitted.layout
        self.dtype = export.dtype
        center, factor = center_and_factor(export.fitted.scaler)
        self.center, self.factor = torch.tensor(center), torch.tensor(factor)

    def forward(self, z: Tensor) -> Tensor:
        rows = self.layout.to_rows(self.network(z)).double() / self.factor + self.center
        return rows.to(self.dtype).unflatten(1, self.layout.row_shape)


class DiscriminatorOfRows(nn.Module):
    """The map from rows of X and codes to logits."""

    def __init__(self, export: Export):
        super().__init__()
        self.network = export.players.D
        self.to_samples = make_to_samples(export.fitted.scaler, export.fitted.layout, CPU)

    def forward(self, X: Tensor, z: Tensor) -> Tensor:
        return self.network(x=self.to_samples(X.flatten(1)), z=z).flatten()


class DetectorOfRows(nn.Module):
    """The map from rows of X to scores, decisions and labels."""

    def __init__(self, export: Export):
        super().__init__()
        assert export.decide is not None
        self.networks = nn.ModuleList(export.players)
        self.decide = export.decide
        self.to_samples = make_to_samples(export.fitted.scaler, export.fitted.layout, CPU)

    def forward(self, X: Tensor) -> tuple[Tensor, ...]:
        return self.decide(Players(*self.networks), self.to_samples(X.flatten(1)))


class Part(NamedTuple):
    """A part of a file: its networks, and the names of its inputs and outputs."""

    networks: Callable[[Players], Sequence[nn.Module]]
    of_rows: type[nn.Module]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


PARTS = {
    "encoder": Part(lambda players: [players.encoder], EncoderOfRows, ("X",), ("features",)),
    "generator": Part(lambda players: [players.generator], GeneratorOfRows, ("z",), ("X",)),
    "discriminator": Part(
        lambda players: [players.D], DiscriminatorOfRows, ("X", "z"), ("logits",)
    ),
    "detector": Part(
        lambda players: players, DetectorOfRows, ("X",), ("scores", "decisions", "labels")
    ),
}


class PartsOfRows(nn.Module):
    """Several parts as one map, from their inputs to the outputs of one after another.

    Attributes
    ----------
    inputs, outputs : tuple of str
        Names in the file.
    """

    def __init__(self, parts: Sequence[str], export: Export):
        super().__init__()
        self.parts = [PARTS[part] for part in parts]
        self.maps = nn.ModuleList(part.of_rows(export) for part in self.parts)
        self.inputs = tuple(dict.fromkeys(name for part in self.parts for name in part.inputs))
        self.outputs = tuple(name for part in self.parts for name in part.outputs)

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        given = dict(zip(self.inputs, inputs, strict=True))
        outputs: tuple[Tensor, ...] = ()
        for part, of_rows in zip(self.parts, self.maps, strict=True):
            output = of_rows(*(given[name] for name in part.inputs))
            outputs += output if isinstance(output, tuple) else (output,)
        return outputs


@hermetic()
def write_onnx(
    path: Path,
    part: str | Sequence[str],
    dtype: str,
    fitted: Fitted,
    features: str | Sequence[str],
    description: Mapping[str, Any],
    decide: Decide | None,
) -> None:
    """Write networks, with the scaling, to a file of ONNX, or leave the file that was there.

    Parameters
    ----------
    path : Path
    part : {"encoder", "generator", "discriminator", "detector"} or sequence of these
    dtype : {"float32", "float64", "uint8"}
        Dtype of X.
    fitted : Fitted
    features : str or sequence of str
        Layers that are read out of the encoder.
    description : mapping
        Goes into the metadata, as JSON.
    decide : callable or None
        Of a detector, which has the part of this name.

    Raises
    ------
    ImportError
        Without the packages onnx, onnxscript and onnxruntime.
    OSError
        If the file cannot be written.
    ValueError
        If part or dtype is unknown, or the network cannot be exported.
    """
    parts: list[Any] = [*part] if isinstance(part, list | tuple) else [part]
    _check(part, parts, dtype, is_detector=decide is not None)
    onnx, onnxruntime = _packages()
    networks = {id(n): n for name in parts for n in PARTS[name].networks(fitted.players)}.values()
    classes = ", ".join(type(network).__name__ for network in networks)
    named = f"{' and '.join(parts)}, of class {classes},"
    tensors = {id(tensor): tensor for network in networks for tensor in all_tensors(network)}
    n_bytes = sum(tensor.nbytes for tensor in tensors.values())
    if n_bytes > MOST_BYTES:
        raise ValueError(
            f"{named} has weights of {n_bytes / 1e9:.1f} GB, and a file of ONNX holds "
            f"{MOST_BYTES / 1e9:g} GB"
        )
    summary = deepcopy(fitted.summary).to(CPU) if fitted.summary else None
    export = Export(_on_cpu(fitted.players), fitted, DTYPES[str(dtype)], features, summary, decide)
    of_rows = PartsOfRows(parts, export).eval()
    inputs = _some_inputs(of_rows.inputs, export)
    try:
        # Seeded: networks of the user's own may draw, and the global generators stay as they were.
        with seeded(0), _silent(), torch.no_grad():
            model = _convert(of_rows, inputs)
            about = {"version": __version__, "part": part, **description}
            onnx.helper.set_model_props(model, {"sk_bigan": json.dumps(about)})
            onnx.checker.check_model(model, full_check=True)
            content = model.SerializeToString()
            session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
            differing = _largest_difference(session, of_rows, inputs)
    except Exception as error:
        raise ValueError(
            f"{named} cannot be exported to ONNX: {_cause(error)}. It must compute by torch alone, "
            "in operations that ONNX has, and alike for any number n of rows and any values"
        ) from error
    if not differing <= TOLERANCE:
        raise ValueError(
            f"{named} cannot be exported to ONNX: onnxruntime gives other numbers than torch, by "
            f"{differing:.2g} of their size. Does it draw random numbers or remember calls?"
        )
    write_whole(path, content)


def _check(part: Any, parts: Sequence[str], dtype: Any, is_detector: bool) -> None:
    """Refuse parts and a dtype that do not go together."""
    known = [name for name in PARTS if is_detector or name != "detector"]
    are_known = all(isinstance(name, str) and name in known for name in parts)
    if not parts or not are_known or len({*parts}) < len(parts):
        raise ValueError(f"part must be one of {known} or a list of some, got {part!r}")
    if "generator" in parts and len(parts) > 1:
        raise ValueError(
            "part must have the generator alone, whose output has the name of the others' input "
            f"X, got {part!r}"
        )
    integers = "generator" not in parts
    dtypes = [name for name in DTYPES if integers or DTYPES[name].is_floating_point]
    if str(dtype) not in dtypes:  # a NumPy dtype reads as its name
        named = " and ".join(parts)
        raise ValueError(f"dtype must be one of {dtypes} for the {named}, got {dtype!r}")


def _packages() -> tuple[Any, Any]:
    try:
        import onnx
        import onnxruntime
        import onnxscript  # noqa: F401, by which torch exports
    except ImportError as error:
        raise missing("onnx", "a file of ONNX") from error
    return onnx, onnxruntime


def _on_cpu(players: Players) -> Players:
    """Return copies on the CPU without gradients.

    The exporter replaces weights while it works, which another thread would notice.
    """

    def copied(tensor: Tensor) -> Tensor:
        copy = tensor.detach().to(CPU, copy=True)
        return nn.Parameter(copy, requires_grad=False) if isinstance(tensor, nn.Parameter) else copy

    tensors = [tensor for network in players for tensor in all_tensors(network)]
    return deepcopy(players, {id(tensor): copied(tensor) for tensor in tensors})


def _some_inputs(names: Sequence[str], export: Export) -> tuple[Tensor, ...]:
    """Return rows near the middle of the training data, and codes near that of the prior."""
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> Tensor:
        return 2 * torch.rand(max(CHECKED_ROWS), *shape, generator=generator) - 1

    fitted, dtype = export.fitted, export.dtype
    center, factor = map(torch.tensor, center_and_factor(fitted.scaler))
    X = draw(prod(fitted.layout.row_shape)) / factor + center
    if not dtype.is_floating_point:
        X = X.clamp(0, 255)
    inputs = {
        "X": X.to(dtype).unflatten(1, fitted.layout.row_shape),
        "z": draw(fitted.latent_dim),
    }
    return tuple(inputs[name] for name in names)


def _convert(of_rows: PartsOfRows, inputs: tuple[Tensor, ...]) -> Any:
    """Return the networks as a model of ONNX."""
    n = torch.export.Dim("n")
    captured = torch.export.export(
        of_rows, inputs, dynamic_shapes=(tuple({0: n} for _ in inputs),), strict=False
    )
    program: Any = torch.onnx.export(
        captured.run_decompositions(DECOMPOSITIONS),
        input_names=of_rows.inputs,
        output_names=of_rows.outputs,
        opset_version=OPSET,
        verbose=False,
    )
    return _without_traces(program.model_proto)


def _without_traces(model: Any) -> Any:
    """Remove the lines of code and folders that the exporter notes, and name the rows n."""

    def clear(graph: Any) -> None:
        del graph.value_info[:]
        for item in (graph, *graph.input, *graph.output, *graph.initializer, *graph.node):
            del item.metadata_props[:]
        for node in graph.node:
            for attribute in node.attribute:
                for inner in (attribute.g, *attribute.graphs):
                    if inner.node:
                        clear(inner)

    clear(model.graph)
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "n"
    return model


def _largest_difference(session: Any, of_rows: nn.Module, inputs: tuple[Tensor, ...]) -> float:
    """Return the difference of torch and onnxruntime, as a share of each output's size.

    Labels are left out: they follow from decisions, and may differ at the threshold itself.
    """
    names = [value.name for value in session.get_inputs()]
    differing = []
    for n_rows in CHECKED_ROWS:
        some = [tensor[:n_rows] for tensor in inputs]
        arrays = {name: tensor.numpy() for name, tensor in zip(names, some, strict=True)}
        outputs = zip(of_rows(*inputs), of_rows(*some), session.run(None, arrays), strict=True)
        for all_rows, expected, got in outputs:
            if expected.is_floating_point():
                sizes = np.abs(all_rows.double().numpy())
                least = max(SHARE_OF_THE_LARGEST * sizes.max(), LEAST_SIZE)
                size = np.maximum(sizes.max(axis=0), least)
                difference = np.abs(got.astype(np.float64) - expected.double().numpy())
                differing.append(np.max(difference / size))
    return float(np.max(differing))


def _adaptive_max_pool2d(x: Tensor, output_size: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Pool by slices, because the exporter lacks this operation; indices of maxima are left out."""
    for dim, n_cells in zip((-2, -1), output_size, strict=True):
        n = x.shape[dim]
        ends = [(i * n // n_cells, -((i + 1) * n // -n_cells)) for i in range(n_cells)]
        x = torch.stack([x.narrow(dim, a, b - a).amax(dim) for a, b in ends], dim)
    return x, torch.full_like(x, -1, dtype=torch.int64)


DECOMPOSITIONS = {torch.ops.aten.adaptive_max_pool2d.default: _adaptive_max_pool2d}


@contextmanager
def _silent() -> Iterator[None]:
    """Silence torch and onnxscript while they export; errors tell the rest.

    It silences other threads too.
    """
    logger = logging.getLogger("torch")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings(), redirect_stdout(said := StringIO()), redirect_stderr(said):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _cause(error: BaseException) -> str:
    """Return the first cause, in a line."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].split(" For more information")[0].rstrip(".! ")
