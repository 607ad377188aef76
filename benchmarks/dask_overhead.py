"""What a grid search takes under joblib's Dask backend, against loky.

    python benchmarks/dask_overhead.py [--epochs 20] [--rounds 3]

Twelve fits on scikit-learn's digits, four lengths of the code in three folds, by two processes of
loky and by two workers of a Dask cluster on this machine, in turns. Each has a search before the
measured ones, in which its processes start and load torch. The processes of both compute in one
thread. The ratio is that of the sums; the scores of all searches must be the same.
"""

import argparse
from itertools import chain
from time import perf_counter

import joblib
import numpy as np
from dask.distributed import Client
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, KFold

from sk_bigan import BiGANTransformer


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()

    X, _ = load_digits(return_X_y=True)
    folds = list(KFold(3).split(X))
    bigan = BiGANTransformer(max_epochs=arguments.epochs, random_state=0)
    search = GridSearchCV(bigan, {"latent_dim": [4, 8, 16, 32]}, cv=folds, refit=False)
    data = [X, *chain.from_iterable(folds)]
    engines = {
        "loky": {"backend": "loky", "n_jobs": 2, "inner_max_num_threads": 1},
        "Dask": {"backend": "dask", "scatter": data},
    }
    seconds = {name: [] for name in engines}
    scores = set()
    with Client(n_workers=2, threads_per_worker=1, dashboard_address=":0") as client:
        client.amm.stop()
        for _ in range(1 + arguments.rounds):
            for name, engine in engines.items():
                start = perf_counter()
                with joblib.parallel_config(**engine):
                    search.fit(X)
                seconds[name].append(perf_counter() - start)
                scores.add(search.cv_results_["mean_test_score"].tobytes())

    sums = {}
    for name, (first, *measured) in seconds.items():
        sums[name] = sum(measured)
        each = ", ".join(f"{value:.2f}" for value in measured)
        print(f"{name}: {np.mean(measured):.2f} s a search ({each}); the first {first:.2f} s")
    print(f"Dask / loky: {sums['Dask'] / sums['loky']:.3f}")
    print(f"The scores are the same: {len(scores) == 1}.")


if __name__ == "__main__":
    main()
