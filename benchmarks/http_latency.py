"""Latency of answers over HTTP, from a client on the same machine.

    python benchmarks/http_latency.py [--requests 3000]

`examples/serve_http.py` serves codes, scores and labels of scikit-learn's digits in a process of
its own, of default networks. One client sends one request after another on one connection.
Numbers of rows take turns. "answer" is the time of a request, "ONNX" that of the file itself in
this process, and 0 rows are a request that computes nothing.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from http.client import HTTPConnection
from pathlib import Path
from time import perf_counter

import numpy as np
import onnxruntime
from sklearn.datasets import load_digits

from sk_bigan import BiGANDetector

SERVER = Path(__file__).parents[1] / "examples" / "serve_http.py"
N_ROWS = (0, 1, 8, 64)
HEADERS = {"Content-Type": "application/json"}


def milliseconds(call):
    start = perf_counter()
    call()
    return 1e3 * (perf_counter() - start)


def measure(port, path, X, n_requests):
    """Return milliseconds of answers and of the file itself, by the number of rows."""
    connection = HTTPConnection("127.0.0.1", port)
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(path, options)
    bodies = {n: json.dumps({"X": X[:n].tolist()}) for n in N_ROWS}
    arrays = {n: X[:n].astype(np.float32) for n in N_ROWS}

    def ask(n):
        connection.request("POST" if n else "GET", "/", bodies[n], HEADERS)
        response = connection.getresponse()
        response.read()
        assert response.status == 200

    answers, bare = {n: [] for n in N_ROWS}, {n: [] for n in N_ROWS}
    for turn in range(n_requests + 100):
        for n in N_ROWS:
            times = milliseconds(lambda n=n: ask(n)), 0.0
            if n:
                times = times[0], milliseconds(lambda n=n: session.run(None, {"X": arrays[n]}))
            if turn >= 100:  # the first ones warm up
                answers[n].append(times[0])
                bare[n].append(times[1])
    return answers, bare


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=3000)
    arguments = parser.parse_args()

    X = load_digits().data
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "digits.onnx")
        BiGANDetector(max_epochs=1, device="cpu", random_state=0).fit(X).to_onnx(
            path, ["encoder", "detector"]
        )
        command = [sys.executable, SERVER, path, "--port", "0"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
            log = iter(server.stderr.readline, "")
            port = next(filter(None, (re.search(r"http://[\d.]+:(\d+)", line) for line in log)))
            answers, bare = measure(int(port[1]), path, X, arguments.requests)
            server.terminate()

    print(f"{'rows':>5}{'answer p50':>14}{'answer p99':>14}{'ONNX p50':>14}{'ONNX p99':>14}")
    for n in N_ROWS:
        columns = [*np.percentile(answers[n], [50, 99]), *np.percentile(bare[n], [50, 99])]
        print(f"{n:>5}" + "".join(f"{column:>11.2f} ms" for column in columns))


if __name__ == "__main__":
    main()
