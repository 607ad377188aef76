"""How the time of an epoch and the memory of a fit grow with the data and the networks.

    python benchmarks/scaling.py [--device cpu] [--plot scaling.png] [--json scaling.json]

One quantity at a time departs from 10,000 rows of 64 features (noise, float32), a code of 16, one
hidden layer of 256 and batches of 128. Every point is a process of its own.
"""

import argparse
import json
from pathlib import Path

from apart import apart

BASE = {"rows": 10_000, "features": 64, "latent_dim": 16, "width": 256, "batch_size": 128}
VALUES = {
    "rows": [1_000, 10_000, 100_000, 1_000_000],
    "features": [16, 64, 256, 1024, 4096],
    "latent_dim": [2, 16, 128, 512],
    "width": [64, 256, 1024, 4096],
    "batch_size": [16, 128, 1024],
}
UNITS = {"seconds": "seconds an epoch", "megabytes": "MB beyond X"}

POINT = """
import json, sys
import numpy as np, torch
from apart import megabytes
from sk_bigan import BiGANTransformer

rows, features, latent_dim, width, batch_size, device = json.loads(sys.argv[1]).values()
torch.set_num_threads(2)

def fit(X, **parameters):
    return BiGANTransformer(scaling=None, device=device, random_state=0, **parameters).fit(X)

fit(np.eye(8, dtype=np.float32), hidden_units=(8,), max_epochs=1)  # torch loads itself
X = np.random.default_rng(0).random((rows, features), dtype=np.float32)
before = megabytes("VmRSS")
with open("/proc/self/clear_refs", "w") as peak:
    peak.write("5")
bigan = fit(
    X,
    latent_dim=latent_dim,
    hidden_units=(width,),
    batch_size=batch_size,
    max_epochs=max(2, min(30, 100_000 // rows)),
)
seconds = float(np.median([epoch["dur"] for epoch in bigan.history_]))
print(json.dumps({"seconds": seconds, "megabytes": megabytes("VmHWM") - before}))
"""


def plot(figures, path):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    _, axes = plt.subplots(2, len(VALUES), figsize=(12, 5), sharey="row", layout="constrained")
    for column, (quantity, points) in zip(axes.T, figures.items(), strict=True):
        for axis, (unit, label) in zip(column, UNITS.items(), strict=True):
            axis.loglog(list(points), [point[unit] for point in points.values()], "o-")
            axis.set(xlabel=quantity, ylabel=label if quantity == "rows" else None)
    plt.savefig(path, dpi=80)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--plot", type=Path, help="where to draw the curves (needs matplotlib)")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    arguments = parser.parse_args()

    figures = {}
    print(f"{'':<24}{UNITS['seconds']:>18}{UNITS['megabytes']:>14}")
    for quantity, values in VALUES.items():
        figures[quantity] = {}
        for value in values:
            point = {**BASE, quantity: value, "device": arguments.device}
            figures[quantity][value] = point = apart(POINT, json.dumps(point))
            name = f"{quantity} {value:,}"
            print(f"{name:<24}{point['seconds']:>18.3f}{point['megabytes']:>14.0f}", flush=True)
    seconds = {rows: point["seconds"] for rows, point in figures["rows"].items()}
    growth = seconds[1_000_000] / seconds[10_000] / 100
    print(f"time of 1,000,000 rows over 100 times that of 10,000: {growth:.3f}")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1))
    if arguments.plot:
        plot(figures, arguments.plot)


if __name__ == "__main__":
    main()
