"""Seconds of a first fit in a process, beyond importing torch and scikit-learn's digits.

    python benchmarks/first_fit.py [--processes 7]

Each process imports sk_bigan and fits the digits twice, with the default for one epoch. Columns are
medians of processor seconds: the import, the first fit and the second. Their ratio is what a
process pays once. The last column counts the modules that the first fit imports.
"""

import argparse
import json
import subprocess
import sys

import numpy as np

MEASURE = """
import json, sys, torch
from time import process_time
from sklearn.datasets import load_digits
X, times, counts = load_digits().data, [process_time()], []
def fit():
    BiGANTransformer(max_epochs=1, device="cpu", random_state=0).fit(X)
    times.append(process_time())
    counts.append(len(sys.modules))
from sk_bigan import BiGANTransformer
times.append(process_time())
counts.append(len(sys.modules))
fit()
fit()
print(json.dumps([b - a for a, b in zip(times, times[1:])] + [counts[1] - counts[0]]))
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--processes", type=int, default=7)
    arguments = parser.parse_args()
    runs = [
        json.loads(subprocess.check_output([sys.executable, "-c", MEASURE]))
        for _ in range(arguments.processes)
    ]
    imported, first, second, n_modules = np.median(runs, axis=0)
    print(f"{'import':>10}{'first fit':>12}{'second':>10}{'ratio':>8}{'modules':>10}")
    print(f"{imported:>10.2f}{first:>12.2f}{second:>10.2f}{first / second:>8.2f}{n_modules:>10.0f}")


if __name__ == "__main__":
    main()
