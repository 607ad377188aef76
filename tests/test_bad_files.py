"""Bad files and folders are named, and change nothing."""

import io
import pickle
import re
from pathlib import Path

import joblib
import pytest
from bad_input import NoModule, StateOfText, X, failing, ids, refused, rows
from filelock import FileLock
from safetensors.numpy import save as to_bytes
from torch import nn

from sk_bigan import BiGANTransformer
from sk_bigan._model.file import read, write

pytestmark = pytest.mark.usefixtures("one_thread")


def dumped(X, **options):
    with io.BytesIO() as file:
        joblib.dump(X, file, **options)
        return file.getvalue()


# What a file holds instead of the bytes that were saved, words of the message
FILES = {
    "empty": (lambda saved: b"", "not a file of safetensors"),
    "text": (lambda saved: b"hello", "not a file of safetensors"),
    "JSON": (lambda saved: b"{}", "not a file of safetensors"),
    "zeros": (lambda saved: bytes(100), "not a file of safetensors"),
    "pickle": (lambda saved: pickle.dumps(X), "not a file of safetensors.*joblib.load opens"),
    "joblib": (lambda saved: dumped(X), "not a file of safetensors.*joblib.load opens"),
    "joblib, packed": (lambda saved: dumped(X, compress=3), "safetensors.*joblib.load opens"),
    "half": (lambda saved: saved[: len(saved) // 2], "not a file of safetensors"),
    "last byte missing": (lambda saved: saved[:-1], "not a file of safetensors"),
    "one byte more": (lambda saved: saved + b"x", "not a file of safetensors"),
    "other numbers": (lambda saved: saved[:-9] + b"123456789", "damaged: its checksum"),
    "other names": (lambda saved: saved.replace(b"r_.body", b"r_.soul"), "damaged: its checksum"),
    "weights": (lambda saved: to_bytes({"w": X}), "not one that sk_bigan has written"),
    "of torch": (lambda saved: to_bytes({"w": X}, {"format": "pt"}), "not one that sk_bigan"),
    "no checksum": (lambda saved: to_bytes({"w": X}, {"sk_bigan": "{}"}), "damaged: its checksum"),
}


# What a file says instead, exception, words of the message
DESCRIPTIONS = [
    ({"format": 99}, ValueError, "not of format 1, which this version reads"),
    ({"estimator": "PCA"}, ValueError, "it holds a PCA"),
    ({"version": "0.0.0"}, UserWarning, "saved by sk_bigan 0.0.0"),
    ({"parameters": {"depth": 3}}, ValueError, "unexpected keyword argument 'depth'"),
    ({"parameters": {"batch_size": 0}}, ValueError, "'batch_size'.*Got 0"),
    ({"parameters": {"latent_dim": 5}}, ValueError, "weights of another encoder"),
    ({"own": {"encoder": "Deep"}}, TypeError, r"no file can hold, here \(encoder=Deep\), got \(\)"),
    ({"scaler": "PCA"}, ValueError, "scaler must be one of.*got 'PCA'"),
    ({"layout": [[3], [3], False]}, ValueError, "of 3 columns needs"),
    ({"layout": [[0], [0], False]}, ValueError, r"shapes must be positive integers, got \(0,\)"),
    ({"history_": "long"}, ValueError, "history_ must be of type list"),
    ({"n_epochs_": 1.5}, ValueError, "n_epochs_ must be of type int"),
    ({"n_epochs_": -5}, ValueError, "n_epochs_ is -5, with 2 in history_"),
    ({"n_samples_seen_": -5}, ValueError, "n_samples_seen_ must be a number of rows, got -5"),
    ({"set_output": {"transform": "excel"}}, ValueError, "excel"),
    ({"set_output": "pandas"}, ValueError, "set_output must name a kind of frame, got 'pandas'"),
]


# Encoder of the saved estimator, parameters given to load, exception, words of the message
LOADS = [
    (None, {"encoder": nn.Linear(64, 4)}, TypeError, r"here \(\), got \(encoder\)"),
    (None, {"latent_dim": 4}, TypeError, r"here \(\), got \(latent_dim\)"),
    (None, {"random_state": 0}, TypeError, r"here \(\), got \(random_state\)"),
    (None, {"depth": 3, "width": 3}, TypeError, r"here \(\), got \(depth, width\)"),
    (nn.Linear(64, 4), {}, TypeError, r"no file can hold, here \(encoder=Linear\), got \(\)"),
    (nn.Linear(64, 4), {"generator": nn.Identity()}, TypeError, r"Linear\), got \(generator\)"),
    (nn.Linear(64, 4), {"encoder": None, "depth": 3}, TypeError, r"got \(encoder, depth\)"),
    (nn.Linear(64, 4), {"encoder": None}, ValueError, "weights of another encoder"),
    (nn.Linear(64, 4), {"encoder": "Linear"}, ValueError, "'encoder'.*callable.*Got 'Linear'"),
    (nn.Linear(64, 4), {"encoder": nn.Linear(64, 5)}, ValueError, r"encoder must.*got \(2, 5\)"),
    (nn.Linear(64, 4), {"encoder": NoModule}, ValueError, "must be a torch.nn.Module.*NoModule"),
    (nn.Linear(64, 4), {"encoder": failing}, ValueError, "encoder could not be made.*out of ideas"),
]


# Folder, parameters, X, exception, words of the message
CHECKPOINT_FOLDERS = [
    ("file", {}, X, OSError, "must be a folder that can be written, got '.*file'"),
    ("file/folder", {}, X, OSError, "must be a folder that can be written, got '.*file.folder'"),
    ("file/deep/down", {}, X, OSError, "must be a folder that can be written, got '.*deep.down'"),
    ("x" * 300, {}, X, OSError, "must be a folder that can be written, got '.*xxx'"),
    ("used", {}, X, OSError, "must be a folder that no other training uses, got '.*used'"),
    ("trained", {"latent_dim": 3}, X, ValueError, "another training: latent_dim was 4 and is 3"),
    ("trained", {"random_state": 1}, X, ValueError, "training: random_state was 0 and is 1"),
    ("trained", {"max_epochs": 3}, X, ValueError, "another training: max_epochs was 2 and is 3"),
    ("trained", {}, X[:50], ValueError, "another training: X was 100 x 64 .* and is 50 x 64"),
    ("trained", {}, X + 1, ValueError, "another training: X was 100 x 64 .* and is 100 x 64"),
    ("damaged", {}, X, UserWarning, "is left out.*checkpoint-000001.pt is damaged"),
]


@pytest.fixture(scope="module")
def folders(small, tmp_path_factory):
    """A folder with a file, and folders that are in use, of another training, and damaged."""
    root = tmp_path_factory.mktemp("folders")
    (root / "file").write_text("text")
    small(checkpoint_dir=root / "trained").fit(X)
    (root / "damaged").mkdir()
    (root / "damaged" / "checkpoint-000001.pt").write_bytes(b"text")
    (root / "used").mkdir()
    with FileLock(root / "used" / "lock"):
        yield root


@pytest.mark.parametrize("path", ["missing/model", "file/model", "folder", "x" * 300])
def test_paths_where_no_model_can_be(fitted, tmp_path, path):
    (tmp_path / "file").write_text("text")
    (tmp_path / "folder").mkdir()
    for method in (fitted.save, BiGANTransformer.load):
        with refused(fitted, OSError, re.escape(Path(path).parts[0])):
            method(tmp_path / path)
    assert {file.name for file in tmp_path.rglob("*")} == {"file", "folder"}


@pytest.mark.parametrize("path", [".", ""])
def test_a_path_without_a_name(fitted, tmp_path, path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for method in (fitted.save, fitted.to_onnx):
        with refused(fitted, OSError, "'.' is a folder, and a name in it is wanted"):
            method(path)
    assert not [*tmp_path.iterdir()]


def test_a_network_whose_state_is_text_is_not_saved(small, tmp_path):
    estimator = small(encoder=StateOfText(64, 4)).fit(X)
    with refused(estimator, ValueError, "encoder_ has a state that is not of tensors"):
        estimator.save(tmp_path / "model")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(("content", "message"), rows(FILES))
def test_files_that_are_no_models(fitted, tmp_path, content, message):
    file = tmp_path / "model"
    fitted.save(file)
    file.write_bytes(content(file.read_bytes()))
    with pytest.raises(ValueError, match=f"(?s)model' cannot be opened: .*{message}"):
        BiGANTransformer.load(file)


def test_a_model_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="model"):
        BiGANTransformer.load(tmp_path / "model")


@pytest.mark.parametrize(("says", "error", "message"), DESCRIPTIONS, ids=ids)
def test_models_that_say_what_cannot_be(fitted, tmp_path, says, error, message):
    fitted.save(tmp_path / "model")
    description, arrays = read(tmp_path / "model")
    if "parameters" in says:
        says = {"parameters": description["parameters"] | says["parameters"]}
    write(tmp_path / "model", description | says, arrays)
    with pytest.raises(error, match=f"(?s){message}"):
        BiGANTransformer.load(tmp_path / "model")


@pytest.mark.parametrize(("encoder", "given", "error", "message"), LOADS, ids=ids)
def test_wrong_parameters_for_a_model(small, tmp_path, encoder, given, error, message):
    small(encoder=encoder, max_epochs=1).fit(X).save(tmp_path / "model")
    with pytest.raises(error, match=f"(?s)model.*{message}"):
        BiGANTransformer.load(tmp_path / "model", **given)


@pytest.mark.parametrize(
    ("folder", "parameters", "X", "error", "message"), CHECKPOINT_FOLDERS, ids=ids
)
def test_folders_that_cannot_hold_the_training(
    folders, small, folder, parameters, X, error, message
):
    unfitted = small(checkpoint_dir=folders / folder, **parameters)
    before = {file: file.stat().st_size for file in folders.rglob("*.pt")}
    with refused(unfitted, error, f"checkpoint.*{message}"):
        unfitted.fit(X)
    assert {file: file.stat().st_size for file in folders.rglob("*.pt")} == before
