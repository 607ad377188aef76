"""A stream of rows through `partial_fit` and `transform`: peak memory, and speed against one fit.

    python benchmarks/stream.py [--rows 10000000] [--chunk 50000] [--in-memory 1000000]

Memory: 100,000 rows of 64 float32, and then `--rows`, each size in a process of its own, are made a
chunk at a time, once for `partial_fit` and once more for `transform`. The peak is VmHWM; "before"
is what the process held when torch was loaded and the first chunk made.

Speed: on `--in-memory` rows, in turns, one fit of one epoch, `partial_fit` over chunks of the same
rows, `transform` of all of them and `transform` of the chunks. The epoch is what `history_` says;
the fit also learns the scaling and builds the networks, and so does the first `partial_fit`.

Networks are small (a code of 8, one hidden layer of 64 units) and batches large (1,000 rows), which
makes steps cheap: what a call costs beside them shows the most. `--defaults` takes the estimator's
own sizes, which need about eight times as long.
"""

import argparse
import json
from time import perf_counter

import numpy as np
from apart import apart

N_FEATURES, FEW = 64, 100_000
SMALL = {"latent_dim": 8, "hidden_units": (64,), "batch_size": 1000}

STREAM = """
import json, sys
from time import perf_counter
import numpy as np, torch
from apart import megabytes
from sk_bigan import BiGANTransformer

rows, chunk, settings = (json.loads(argument) for argument in sys.argv[1:])
torch.set_num_threads(1)

def stream():
    random = np.random.default_rng(0)
    mixing = random.normal(size=(8, 64)).astype("f4")
    for _ in range(0, rows, chunk):
        yield random.standard_normal((chunk, 8), "f4") @ mixing

next(stream())
before, start = megabytes("VmRSS"), perf_counter()
bigan = BiGANTransformer(**settings)
for X in stream():
    bigan.partial_fit(X)
after_training = megabytes("VmHWM")
for X in stream():
    bigan.transform(X)
print(json.dumps({
    "MB before": before,
    "MB at the peak of training": after_training,
    "MB at the peak": megabytes("VmHWM"),
    "calls of partial_fit": bigan.n_epochs_,
    "seconds": perf_counter() - start,
}))
"""


def memory(rows, chunk, settings):
    found = apart(STREAM, *(json.dumps(value) for value in (rows, chunk, settings)))
    print(f"{rows:,} rows")
    for name, value in found.items():
        print(f"    {name:<28}{value:>10,.1f}")
    return found["MB at the peak"]


def speed(rows, chunk, rounds, settings):
    import torch

    from sk_bigan import BiGANTransformer

    torch.set_num_threads(1)
    random = np.random.default_rng(0)
    mixing = random.normal(size=(8, N_FEATURES)).astype("f4")
    X = random.standard_normal((rows, 8), "f4") @ mixing
    chunks = [X[start : start + chunk] for start in range(0, rows, chunk)]
    BiGANTransformer(**settings).partial_fit(chunks[0]).transform(chunks[0])
    seconds = {}

    def timed(name, act):
        start = perf_counter()
        act()
        seconds.setdefault(name, []).append(perf_counter() - start)

    for _ in range(rounds):
        whole = BiGANTransformer(max_epochs=1, **settings)
        parts = BiGANTransformer(**settings)
        timed("fit", lambda: whole.fit(X))  # noqa: B023, called at once
        seconds.setdefault("its epoch", []).append(whole.history_[-1]["dur"])
        timed("partial_fit", lambda: [parts.partial_fit(part) for part in chunks])  # noqa: B023
        timed("transform", lambda: whole.transform(X))  # noqa: B023
        timed("transform of chunks", lambda: [whole.transform(part) for part in chunks])  # noqa: B023
    rates = {name: rows * rounds / sum(took) for name, took in seconds.items()}
    for name, rate in rates.items():
        each = ", ".join(f"{took:.2f}" for took in seconds[name])
        print(f"{name:<22}{rate:>12,.0f} rows a second ({each} s)")
    for part, whole in [
        ("partial_fit", "its epoch"),
        ("partial_fit", "fit"),
        ("transform of chunks", "transform"),
    ]:
        print(f"{part} / {whole}: {rates[part] / rates[whole]:.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--chunk", type=int, default=50_000)
    parser.add_argument("--in-memory", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--defaults", action="store_true", help="the networks are not small")
    arguments = parser.parse_args()

    settings = {"random_state": 0, **({} if arguments.defaults else SMALL)}
    few, many = (memory(rows, arguments.chunk, settings) for rows in (FEW, arguments.rows))
    print(f"peak of {arguments.rows:,} rows / peak of {FEW:,} rows: {many / few:.3f}")
    speed(arguments.in_memory, arguments.chunk, arguments.rounds, settings)


if __name__ == "__main__":
    main()
