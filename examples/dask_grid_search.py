"""A grid search on a Dask cluster, and the codes of a Dask array, the same as without Dask.

python examples/dask_grid_search.py [--address tcp://scheduler:8786]

Without an address, a cluster of two processes is started on this machine.
"""

import argparse
from itertools import chain

import joblib
import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import Pipeline

from sk_bigan import BiGANTransformer

try:
    import dask.array
    from dask.distributed import Client
except ImportError as error:
    raise ImportError("this example needs Dask: pip install dask distributed") from error


def encode(rows, bigan, nothing):
    return bigan.transform(rows) if len(rows) else nothing


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--address", help="of a scheduler; default: a cluster on this machine")
    parser.add_argument("--epochs", type=int, default=20)
    args = parser.parse_args()
    local = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0"}
    with Client(args.address) if args.address else Client(**local) as client:
        run(client, args.epochs)


def run(client, epochs):
    X, y = load_digits(return_X_y=True)
    folds = list(StratifiedKFold(3).split(X, y))
    bigan = BiGANTransformer(max_epochs=epochs, random_state=0)
    pipe = Pipeline([("bigan", bigan), ("clf", LogisticRegression(max_iter=2000))])
    search = GridSearchCV(pipe, {"bigan__latent_dim": [4, 8, 16, 32]}, cv=folds)

    # %%
    # 1. The search. Every worker gets the data once and keeps them: Dask's memory manager, which
    # would leave a single copy of each array, is stopped, so that a worker that dies loses none.

    client.amm.stop()
    data = [X, y, *chain.from_iterable(folds)]
    with joblib.parallel_config(backend="dask", scatter=data, verbose=10):
        search.fit(X, y)
    scores = search.cv_results_["mean_test_score"]
    for parameters, score in zip(search.cv_results_["params"], scores, strict=True):
        print(f"{parameters}: {score:.4f}")

    # %%
    # 2. The same in this process, in as many threads as a worker has.

    (threads,) = set(client.run(torch.get_num_threads).values())
    torch.set_num_threads(threads)
    alone = GridSearchCV(pipe, search.param_grid, cv=folds, n_jobs=1).fit(X, y)
    same = np.array_equal(alone.cv_results_["mean_test_score"], scores)
    print(f"Without Dask, the scores are the same: {same}.")

    # %%
    # 3. The codes of a Dask array, block by block, with the model sent to each worker once.

    best = alone.best_estimator_["bigan"]
    rows = dask.array.from_array(X, chunks=(200, -1))
    model = client.scatter(best, broadcast=True)
    nothing = best.transform(X[:1])[:0]  # no rows, but as wide as codes are
    codes = rows.map_blocks(
        encode,
        bigan=model,
        nothing=nothing,
        meta=nothing,
        chunks=(rows.chunks[0], nothing.shape[1:]),
    )
    same = np.array_equal(codes.compute(), best.transform(X))
    print(f"The codes of {rows.numblocks[0]} blocks are those of the whole array: {same}.")


if __name__ == "__main__":
    main()
