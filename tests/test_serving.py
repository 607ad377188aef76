"""The example that serves a file of ONNX over HTTP, as a process without torch."""

import json
import re
import subprocess
import sys
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import numpy as np
import pytest

from sk_bigan import BiGANDetector, BiGANTransformer

EXAMPLE = Path(__file__).parents[1] / "examples" / "serve_http.py"
WITHOUT_TORCH = """
import runpy, sys
sys.modules.update(dict.fromkeys(("torch", "sk_bigan", "sklearn")))
runpy.run_path(sys.argv[1], run_name="__main__")
"""


@contextmanager
def serving(path):
    """Serve the file, and yield a function that asks the server: body -> status and answer."""
    code = WITHOUT_TORCH.replace("sys.argv[1]", repr(str(EXAMPLE)))
    command = [sys.executable, "-c", code, path, "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        log = ""
        while not (port := re.search(r"running on http://127.0.0.1:(\d+)", log)):
            line = server.stderr.readline()
            assert line, log
            log += line
        connection = HTTPConnection("127.0.0.1", int(port[1]), timeout=30)

        def ask(body=None):
            content = body if isinstance(body, bytes | None) else json.dumps(body)
            headers = {"Content-Type": "application/json"}
            connection.request("GET" if body is None else "POST", "/", content, headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read())

        try:
            yield ask
        finally:
            connection.close()
            server.terminate()


@pytest.fixture(scope="module")
def detector(digits):
    return BiGANDetector(4, hidden_units=(16,), max_epochs=1, device="cpu", random_state=0).fit(
        digits
    )


@pytest.fixture(scope="module")
def ask(detector, tmp_path_factory):
    path = tmp_path_factory.mktemp("served") / "digits.onnx"
    detector.to_onnx(path, ["encoder", "detector"])
    with serving(path) as ask:
        yield ask


@pytest.mark.parametrize("n_rows", [1, 8, 64])
def test_answers_are_those_of_the_estimator(ask, detector, digits, n_rows):
    X = digits[:n_rows]
    status, answer = ask({"X": X.tolist()})
    assert status == 200
    assert answer.keys() == {"features", "scores", "decisions", "labels"}
    np.testing.assert_allclose(answer["features"], detector.transform(X), atol=1e-5)
    np.testing.assert_allclose(answer["scores"], detector.score_samples(X), atol=1e-5, rtol=1e-5)
    np.testing.assert_array_equal(answer["labels"], detector.predict(X))


def test_the_server_describes_the_model(ask):
    status, about = ask()
    assert status == 200
    assert about["row_shape"] == [64]
    assert about["latent_dim"] == 4


ROW = [0.0] * 64
BAD = {
    "too few columns": ({"X": [ROW, ROW[1:]]}, "body.X.1: .*at least 64 items.*not 63"),
    "too many columns": ({"X": [[*ROW, 0.0]]}, "body.X.0: .*at most 64 items.*not 65"),
    "NaN": ({"X": [[*ROW[1:], np.nan]]}, "body.X.0.63: .*finite number"),
    "infinity": ({"X": [[*ROW[1:], -np.inf]]}, "body.X.0.63: .*finite number"),
    "a gap": ({"X": [[*ROW[1:], None]]}, "body.X.0.63: .*valid number"),
    "a text": ({"X": [["a", *ROW[1:]]]}, "body.X.0.0: .*valid number"),
    "far values": ({"X": [[1e300] * 64]}, "body.X: .*nearer to the training data"),
    "no rows": ({"X": []}, "body.X: .*at least 1 item"),
    "no X": ({"x": [ROW]}, "body.X: Field required"),
    "a flat row": ({"X": ROW}, "body.X.0: .*valid list"),
    "no JSON": (b'{"X": [[1,', "body.10: JSON decode error"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_request_is_refused_with_its_cause_and_harms_no_other(ask, name):
    body, message = BAD[name]
    status, answer = ask(body)
    assert status == 422
    assert re.match(message, answer["detail"])
    assert ask({"X": [ROW]})[0] == 200


def test_images_are_served_in_bytes_and_in_their_shape(digits, tmp_path):
    images = digits.reshape(-1, 8, 8).astype(np.uint8)
    bigan = BiGANTransformer(4, hidden_units=(16,), max_epochs=1, device="cpu", random_state=0)
    bigan.fit(images).to_onnx(tmp_path / "images.onnx", dtype="uint8")
    with serving(tmp_path / "images.onnx") as ask:
        status, answer = ask({"X": images[:3].tolist()})
        assert status == 200
        np.testing.assert_allclose(answer["features"], bigan.transform(images[:3]), atol=1e-5)
        wrong = np.full((1, 8, 8), 256)
        assert ask({"X": wrong.tolist()}) == (
            422,
            {"detail": "body.X.0.0.0: Input should be less than or equal to 255"},
        )
        assert ask({"X": [[1] * 64]})[0] == 422


@pytest.mark.parametrize("part", ["generator", ["encoder", "discriminator"]])
def test_a_file_that_needs_codes_is_refused_at_the_start(detector, tmp_path, part):
    detector.to_onnx(path := tmp_path / "model.onnx", part)
    command = [sys.executable, str(EXAMPLE), str(path), "--port", "0"]
    server = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert server.returncode == 1
    assert re.search(r"model.onnx must have X as its only input, got \['", server.stderr)
