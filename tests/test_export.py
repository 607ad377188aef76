"""Files of ONNX: the numbers of the estimator, without torch, or an error that says why not."""

import json
import logging
import os
import shutil
import subprocess
import sys
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
import torch
from helpers import weights
from onnx.compose import merge_models
from own_networks import SmallEncoder
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from torch import nn

from sk_bigan import BiGANDetector
from sk_bigan.anomaly import SCORES

COUNTS = (1, 33, 500)

IMAGES = {"sample_shape": (1, 8, 8)}
# By name: parameters, and what X is made of.
KINDS = {
    "mlp": ({}, "rows"),
    "standard": ({"scaling": "standard", "features": ["head", "body.0.1"]}, "rows"),
    "not scaled": ({"scaling": None, "prior": "uniform", "features": "penultimate"}, "rows"),
    "conv": ({"architecture": "conv", "hidden_units": (4, 8)}, "images"),
    "pooled": ({"architecture": "pooled", "hidden_units": (4, 8)}, "images"),
    "conv, hidden": (
        {"architecture": "conv", "hidden_units": (4, 8, 8), "features": "hidden"},
        "rgb",
    ),
    "own": ({"encoder": SmallEncoder, "features": "hidden", **IMAGES}, "rows"),
}

# Run by a process in which an import of torch or of sk_bigan fails.
SERVER = """
import sys
sys.modules["torch"] = sys.modules["sk_bigan"] = None
import numpy as np, onnxruntime
for path in sys.argv[1:]:
    session = onnxruntime.InferenceSession(path)
    (name,) = [value.name for value in session.get_inputs()]
    X = np.load(path + ".npy")
    np.savez(path + ".npz", *[session.run(None, {name: X[:n]})[-1] for n in (1, 33, 500)])
assert sys.modules["torch"] is None
"""


def data(shape, n=500):
    """Of the digits, 500 in the shape named; those in colour have 11 x 18 pixels."""
    from sklearn.datasets import load_digits

    X, _ = load_digits(return_X_y=True)
    X = X[:n].reshape(-1, 8, 8)
    if shape == "rgb":
        grown = np.pad(X, [(0, 0), (1, 2), (4, 6)])
        return np.stack([grown, 16 - grown, np.roll(grown, 1, axis=2)], axis=-1)
    return X if shape == "images" else X.reshape(-1, 64)


def own_score(E, G, D, x):
    return E(x).abs().sum(1)


def run(path, **inputs):
    (output,) = onnxruntime.InferenceSession(path).run(None, inputs)
    return output


@pytest.fixture(scope="module")
def kinds(small):
    return {
        name: small(**parameters).fit(data(shape)) for name, (parameters, shape) in KINDS.items()
    }


@pytest.fixture(scope="module")
def pipe(small):
    y = np.arange(500) % 3
    return make_pipeline(small(), LogisticRegression()).fit(data("rows"), y)


@pytest.fixture(scope="module")
def exported(kinds, tmp_path_factory):
    """A function that writes one file of each kind and part, and says where it is."""
    folder = tmp_path_factory.mktemp("onnx")

    def get(name, part="encoder"):
        path = folder / f"{part} of {name}"
        if not path.exists():
            kinds[name].to_onnx(path, part=part)
        return path

    return get


@pytest.fixture(scope="module")
def served(exported, pipe, tmp_path_factory):
    """What files give in a process without torch, for 1, 33 and 500 rows, by their names."""
    folder = tmp_path_factory.mktemp("server")
    for name, (_, shape) in KINDS.items():
        shutil.copy(exported(name), folder / name)
        np.save(folder / f"{name}.npy", data(shape).astype(np.float32))
    join(pipe, folder / "pipe")
    np.save(folder / "pipe.npy", data("rows").astype(np.float32))
    names = [*KINDS, "pipe"]
    subprocess.run([sys.executable, "-c", SERVER, *names], cwd=folder, check=True)
    return {name: [*np.load(folder / f"{name}.npz").values()] for name in names}


def join(pipe, path):
    """As docs/save_and_ship.md tells it."""
    bigan, classifier = pipe[0], pipe[-1]
    bigan.to_onnx(path)
    first = onnx.load(path)
    features = FloatTensorType([None, classifier.n_features_in_])
    second = to_onnx(
        classifier,
        initial_types=[("features", features)],
        options={"zipmap": False},
        target_opset={"": first.opset_import[0].version},
    )
    second.ir_version = first.ir_version
    onnx.save(merge_models(first, second, io_map=[("features", "features")]), path)


# What a file computes


@pytest.mark.parametrize("name", KINDS)
def test_the_encoder_gives_what_transform_gives(kinds, served, name):
    X = data(KINDS[name][1])
    for n, features in zip(COUNTS, served[name], strict=True):
        np.testing.assert_allclose(features, kinds[name].transform(X[:n]), rtol=0, atol=1e-5)


def test_a_pipeline_is_joined_of_two_files(pipe, served):
    for n, probabilities in zip(COUNTS, served["pipe"], strict=True):
        expected = pipe.predict_proba(data("rows")[:n])
        np.testing.assert_allclose(probabilities, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["mlp", "standard", "conv, hidden"])
def test_the_generator_gives_what_inverse_transform_gives(kinds, exported, name):
    bigan, path = kinds[name], exported(name, "generator")
    z = np.random.default_rng(0).normal(size=(500, 4)).astype(np.float32)
    for n in COUNTS:
        X = run(path, z=z[:n])
        assert X.dtype == np.float32
        expected = bigan.inverse_transform(z[:n].astype(np.float64))
        np.testing.assert_allclose(X, expected, rtol=0, atol=16e-5)  # pixels go up to 16


@pytest.mark.parametrize("name", ["standard", "conv, hidden"])
def test_the_discriminator_gives_its_logits(kinds, exported, name):
    bigan, X, path = kinds[name], data(KINDS[name][1]), exported(name, "discriminator")
    z = np.random.default_rng(0).normal(size=(500, 4)).astype(np.float32)
    scaled = bigan.scaler_.transform(X.reshape(500, -1)).reshape(X.shape)
    if X.ndim == 4:
        scaled = scaled.transpose(0, 3, 1, 2)
    x = torch.tensor(scaled, dtype=torch.float32, device=bigan.device_)
    codes = torch.from_numpy(z).to(bigan.device_)
    for n in COUNTS:
        with torch.no_grad():
            expected = bigan.discriminator_(x=x[:n], z=codes[:n]).numpy(force=True)
        logits = run(path, X=X[:n].astype(np.float32), z=z[:n])
        assert logits.shape == (n,)
        np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("score", ["density", *SCORES, own_score])
def test_a_detector_gives_scores_decisions_and_labels(score, tmp_path):
    X = np.vstack([data("rows"), 16 - data("rows")[:20]])  # ends on rows that are unusual
    parameters = {"hidden_units": (32,), "max_epochs": 2, "random_state": 0}
    detector = BiGANDetector(4, anomaly_score=score, contamination=0.2, **parameters).fit(X)
    detector.to_onnx(tmp_path / "detector", dtype="float64")
    session = onnxruntime.InferenceSession(tmp_path / "detector")
    assert [value.name for value in session.get_outputs()] == ["scores", "decisions", "labels"]
    for n in (1, 33, len(X)):
        scores, decisions, labels = session.run(None, {"X": X[-n:]})
        expected = detector.score_samples(X[-n:])
        np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(decisions, scores - detector.offset_, rtol=0, atol=1e-9)
        sure = np.abs(decisions) > 1e-4
        np.testing.assert_array_equal(labels[sure], detector.predict(X[-n:])[sure])
    assert {*labels} == {-1, 1}
    gaps = np.where(np.arange(64) == 5, np.nan, X[:2])
    assert [*session.run(["labels"], {"X": gaps})[0]] == [-1, -1]


def test_rows_too_large_for_the_dtype_of_the_file(small, tmp_path):
    X = 1e60 * np.random.default_rng(0).normal(size=(70, 5))
    bigan = small().fit(X)
    for part in ("encoder", "generator", "discriminator"):
        wanted = "dtype must be 'float64' for rows as large as those of fit, got 'float32'"
        with pytest.raises(ValueError, match=wanted):
            bigan.to_onnx(tmp_path / "model", part=part)
    assert not [*tmp_path.iterdir()]
    bigan.to_onnx(tmp_path / "model", dtype="float64")
    np.testing.assert_allclose(run(tmp_path / "model", X=X), bigan.transform(X), rtol=0, atol=1e-5)


@pytest.mark.parametrize("layers", ["latent", "hidden", ["body.0.1", "head"]])
def test_several_parts_come_out_of_one_call(layers, tmp_path):
    X = data("rows")
    parameters = {"hidden_units": (32,), "max_epochs": 2, "random_state": 0, "features": layers}
    detector = BiGANDetector(4, **parameters).fit(X)
    detector.to_onnx(tmp_path / "both", part=["encoder", "detector", "discriminator"])
    session = onnxruntime.InferenceSession(tmp_path / "both")
    assert [value.name for value in session.get_inputs()] == ["X", "z"]
    z = np.zeros((500, 4), dtype=np.float32)
    outputs = session.run(None, {"X": X.astype(np.float32), "z": z})
    features, scores, _, labels, logits = outputs
    np.testing.assert_allclose(features, detector.transform(X), rtol=0, atol=1e-5)
    np.testing.assert_allclose(scores, detector.score_samples(X), rtol=1e-5, atol=1e-4)
    assert labels.shape == logits.shape == (500,)


@pytest.mark.parametrize("layers", ["hidden", ["body.3"]])
def test_a_layer_that_is_called_twice(small, layers, tmp_path):
    X, activation = data("rows"), nn.ReLU()
    body = nn.Sequential(nn.Linear(64, 16), activation, nn.Linear(16, 16), activation)
    encoder = nn.Sequential(OrderedDict(body=body, head=nn.Linear(16, 3)))
    bigan = small(latent_dim=3, encoder=encoder, features=layers).fit(X)
    bigan.to_onnx(tmp_path / "encoder")
    features = run(tmp_path / "encoder", X=X.astype(np.float32))
    np.testing.assert_allclose(features, bigan.transform(X), rtol=0, atol=1e-5)


def test_features_may_be_changed_after_the_fit(kinds, tmp_path):
    bigan, X = kinds["mlp"], data("rows")
    try:
        bigan.set_params(features="penultimate").to_onnx(tmp_path / "encoder")
        expected = bigan.transform(X)
    finally:
        bigan.set_params(features="latent")
    features = run(tmp_path / "encoder", X=X.astype(np.float32))
    np.testing.assert_allclose(features, expected, rtol=0, atol=1e-5)


def test_columns_with_many_digits_need_float64(small, tmp_path):
    """Seconds since 1970 over two hours, and a column of small numbers."""
    random = np.random.default_rng(0)
    X = np.column_stack([1.7e9 + 7e3 * random.random(300), 1e-3 * random.normal(size=300)])
    bigan = small(scaling="standard").fit(X)
    for dtype in ("float32", "float64"):
        bigan.to_onnx(tmp_path / dtype, dtype=dtype)
        difference = np.abs(run(tmp_path / dtype, X=X.astype(dtype)) - bigan.transform(X)).max()
        assert (difference < 1e-5) == (dtype == "float64")
    z = bigan.transform(X).astype(np.float32)
    bigan.to_onnx(tmp_path / "generator", part="generator", dtype=X.dtype)
    rows = run(tmp_path / "generator", z=z)
    assert rows.dtype == np.float64
    np.testing.assert_allclose(
        bigan.scaler_.transform(rows),
        bigan.scaler_.transform(bigan.inverse_transform(z.astype(np.float64))),
        rtol=0,
        atol=1e-5,
    )


def test_images_go_in_as_bytes(kinds, tmp_path):
    X = data("images").astype(np.uint8)
    kinds["conv"].to_onnx(tmp_path / "encoder", dtype="uint8")
    np.testing.assert_allclose(
        run(tmp_path / "encoder", X=X), kinds["conv"].transform(X), rtol=0, atol=1e-5
    )


class Judge(nn.Module):
    """With weights that a hook computes, and that training leaves as a part of its graph."""

    def __init__(self, sample_shape, latent_dim):
        super().__init__()
        self.hidden = nn.utils.spectral_norm(nn.Linear(sample_shape[0] + latent_dim, 8))
        self.logit = nn.Linear(8, 1)

    def forward(self, *, x, z):
        return self.logit(self.hidden(torch.cat([x, z], 1)).relu())  # (n, 1)


def test_weights_that_a_hook_computes(digits, small, tmp_path):
    bigan = small(discriminator=Judge).fit(digits)
    zeros = torch.zeros(1, 68, device=bigan.device_)
    judged = bigan.discriminator_.hidden(zeros)
    assert not bigan.discriminator_.hidden.weight.is_leaf
    bigan.to_onnx(tmp_path / "discriminator", part="discriminator")
    assert bigan.discriminator_.hidden(zeros).equal(judged)
    X, z = digits.astype(np.float32), np.zeros((400, 4), np.float32)
    with torch.no_grad():
        x, codes = (torch.from_numpy(a).to(bigan.device_) for a in (bigan.scaler_.transform(X), z))
        expected = bigan.discriminator_(x=x, z=codes).flatten().numpy(force=True)
    logits = run(tmp_path / "discriminator", X=X, z=z)
    np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-5)


# What a file says of itself


def test_a_file_says_what_it_is(digits, small, tmp_path):
    frame = pd.DataFrame(digits, columns=[f"pixel{i}" for i in range(64)])
    small().fit(frame).to_onnx(tmp_path / "encoder")
    session = onnxruntime.InferenceSession(tmp_path / "encoder")
    about = json.loads(session.get_modelmeta().custom_metadata_map["sk_bigan"])
    assert about == {
        "version": "0.1.0",
        "part": "encoder",
        "estimator": "BiGANTransformer",
        "row_shape": [64],
        "latent_dim": 4,
        "feature_names_in": [*frame.columns],
        "feature_names_out": [f"bigantransformer{i}" for i in range(4)],
    }
    assert onnx.load(tmp_path / "encoder").opset_import[0].version == 20


@pytest.mark.parametrize(
    ("part", "inputs", "outputs"),
    [
        ("encoder", {"X": ["n", 11, 18, 3]}, {"features": ["n", 4 * 16 + 8 * 8 + 8]}),
        ("generator", {"z": ["n", 4]}, {"X": ["n", 11, 18, 3]}),
        ("discriminator", {"X": ["n", 11, 18, 3], "z": ["n", 4]}, {"logits": ["n"]}),
    ],
)
def test_names_and_shapes(exported, part, inputs, outputs):
    session = onnxruntime.InferenceSession(exported("conv, hidden", part))
    assert {value.name: value.shape for value in session.get_inputs()} == inputs
    assert {value.name: value.shape for value in session.get_outputs()} == outputs


class Branches(nn.Linear):
    """Which becomes a graph with two others within."""

    def forward(self, x):
        if torch.compiler.is_exporting():
            return super().forward(torch.cond(x.sum() > 0, torch.sin, torch.cos, (x,)))
        return super().forward(x.sin() if x.sum() > 0 else x.cos())


def test_the_authors_folders_stay_where_they_are(digits, small, tmp_path):
    bigan = small(encoder=Branches(64, 4)).fit(digits)
    bigan.to_onnx(tmp_path / "encoder")
    model = onnx.load(tmp_path / "encoder")
    assert "If" in {node.op_type for node in model.graph.node}
    content = (tmp_path / "encoder").read_bytes()
    assert b"test_export" not in content
    assert b"pkg.torch" not in content
    features = run(tmp_path / "encoder", X=digits[:32].astype(np.float32))
    np.testing.assert_allclose(features, bigan.transform(digits[:32]), rtol=0, atol=1e-5)


# What is not exported


class Decides(nn.Linear):
    def forward(self, x):
        return super().forward(x if x.sum() > 0 else -x)


class Counts(nn.Linear):
    def forward(self, x):
        return torch.stack([super(Counts, self).forward(row) for row in x])


class AsksNumPy(nn.Linear):
    def forward(self, x):
        return super().forward(torch.from_numpy(np.tanh(x.detach().cpu().numpy())).to(x))


class Bessel(nn.Linear):
    def forward(self, x):
        return torch.special.bessel_j0(super().forward(x).detach().float())


class Draws(nn.Linear):
    def forward(self, x):
        return super().forward(x + torch.randn_like(x))


class Remembers(nn.Linear):
    calls = 0

    def forward(self, x):
        self.calls += 1
        return super().forward(x) * self.calls


UNSUPPORTED = {
    Decides: "Could not guard on data-dependent expression.*must compute by torch alone",
    Counts: r"Constraints violated \(n\)\. .*alike for any number n of rows",
    AsksNumPy: r"\.numpy\(\) is not supported.*must compute by torch alone",
    Bessel: "No ONNX function found.*bessel_j0.*in operations that ONNX has",
    Draws: "gives other numbers than torch, by .* Does it draw random numbers",
    Remembers: "gives other numbers than torch, by .* or remember calls?",
}


@pytest.mark.parametrize("kind", UNSUPPORTED)
def test_what_cannot_be_exported_is_named_and_leaves_nothing(digits, small, tmp_path, kind):
    bigan = small(encoder=kind(64, 4), max_epochs=1, augmentation=None).fit(digits)
    (tmp_path / "encoder").write_text("from before")
    before, attributes = weights(bigan), dict(vars(bigan))
    level = logging.getLogger("torch").level
    with pytest.raises(
        ValueError, match=f"encoder, of class {kind.__name__}, cannot be.*{UNSUPPORTED[kind]}"
    ):
        bigan.to_onnx(tmp_path / "encoder")
    assert os.listdir(tmp_path) == ["encoder"]
    assert (tmp_path / "encoder").read_text() == "from before"
    assert all(a.equal(b) for a, b in zip(before, weights(bigan), strict=True))
    assert vars(bigan) == attributes
    assert not any(network.training for network in bigan.encoder_.modules())
    assert logging.getLogger("torch").level == level


def test_an_export_changes_nothing(kinds, tmp_path):
    bigan = kinds["conv, hidden"]
    before, attributes = weights(bigan), dict(vars(bigan))
    bigan.to_onnx(tmp_path / "encoder")
    assert all(a.equal(b) for a, b in zip(before, weights(bigan), strict=True))
    assert vars(bigan) == attributes
    assert all(parameter.requires_grad for parameter in bigan.encoder_.parameters())
    assert not any(layer._forward_hooks for layer in bigan.encoder_.modules())


def test_threads_compute_and_export_meanwhile(kinds, tmp_path):
    bigan, X = kinds["mlp"], data("rows")[:32]
    expected = bigan.transform(X)
    with ThreadPoolExecutor(2) as pool:
        exports = [pool.submit(bigan.to_onnx, tmp_path / name) for name in "ab"]
        while not all(export.done() for export in exports):
            np.testing.assert_array_equal(bigan.transform(X), expected)
        for export in exports:
            export.result()
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"part": "decoder"}, r"part must be one of \['encoder', .*\] or a list .*got 'decoder'"),
        ({"part": []}, r"part must be one of .* or a list of some, got \[\]"),
        ({"part": ["encoder"] * 2}, r"part must be one of .*, got \['encoder', 'encoder'\]"),
        ({"part": None}, r"part must be one of .* or a list of some, got None"),
        ({"part": {"encoder"}}, r"part must be one of .* or a list of some, got {'encoder'}"),
        ({"part": np.array(["encoder"])}, r"part must be one of .*, got array\(\['encoder'\]"),
        ({"part": "detector"}, r"part must be one of \[.*'discriminator'\] .*got 'detector'"),
        ({"part": ["encoder", "generator"]}, r"part must have the generator alone, .*got \['enc"),
        ({"dtype": "int64"}, r"dtype must be one of \[.*'uint8'\] for the encoder, got 'int64'"),
        (
            {"part": "generator", "dtype": "uint8"},
            r"dtype must be one of \['float32', 'float64'\] for the generator, got 'uint8'",
        ),
    ],
)
def test_bad_arguments(fitted, tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        fitted.to_onnx(tmp_path / "model", **arguments)
    assert not os.listdir(tmp_path)


def test_weights_that_one_file_cannot_hold(fitted, tmp_path, monkeypatch):
    monkeypatch.setattr("sk_bigan._model.onnx.MOST_BYTES", 1000)
    with pytest.raises(ValueError, match="encoder, of class Encoder, has weights of .* GB"):
        fitted.to_onnx(tmp_path / "encoder")
    assert not os.listdir(tmp_path)


def test_onnx_is_imported_when_it_is_needed_and_nothing_is_printed(tmp_path):
    """Not even by torch's exporter, whose loggers and prints go past pytest."""
    script = """
import sys
from torch import nn
from sk_bigan import BiGANTransformer

class Decides(nn.Linear):
    def forward(self, x):
        return super().forward(x if x.sum() > 0 else -x)

X = [[0.0, 1.0, 0.0], [1.0, 0.0, 1.0]]
for encoder in (None, Decides(3, 2)):
    bigan = BiGANTransformer(2, hidden_units=(4,), encoder=encoder, max_epochs=1).fit(X)
    if encoder is None:
        assert not {"onnx", "onnxruntime", "onnxscript"} & {*sys.modules}
    try:
        bigan.to_onnx("encoder")
    except ValueError as error:
        assert encoder is not None, error
"""
    command = [sys.executable, "-c", script]
    process = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (process.returncode, process.stdout, process.stderr) == (0, "", "")
    assert os.listdir(tmp_path) == ["encoder"]
