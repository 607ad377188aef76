"""Seconds of a default fit of 10,000 rows of fifty mixed columns with gaps.

    python benchmarks/table_seconds.py [--threads 2]

Twenty-five columns of numbers, fifteen of texts, five of dates and five of booleans follow five
hidden factors. A twentieth of all cells is missing. Beside it: scikit-learn's PCA behind a
ColumnTransformer of imputation, scaling and one-hot encoding, as a user would write it.
"""

import argparse
from time import perf_counter

import numpy as np
import pandas as pd
import torch
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sk_bigan import BiGANTransformer

N_ROWS, N_FACTORS = 10_000, 5
KINDS = {"number": 25, "text": 15, "date": 5, "boolean": 5}


def make_frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    factors = rng.normal(size=(N_ROWS, N_FACTORS))

    def column(kind: str) -> np.ndarray | pd.Series:
        values = factors @ rng.normal(size=N_FACTORS) + rng.normal(size=N_ROWS)
        if kind == "text":
            return pd.qcut(values, 6, labels=list("abcdef")).astype(str)
        if kind == "date":
            return pd.Timestamp("2024-01-01") + pd.to_timedelta(np.round(values * 100), unit="D")
        return values > 0 if kind == "boolean" else np.exp(values / 2)

    columns = {f"{kind}{i}": column(kind) for kind, n in KINDS.items() for i in range(n)}
    frame = pd.DataFrame(columns)
    return frame.mask(rng.random(frame.shape) < 0.05)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    torch.set_num_threads(parser.parse_args().threads)
    frame = make_frame()
    start = perf_counter()
    bigan = BiGANTransformer(16, random_state=0).fit(frame)
    print(f"fit: {perf_counter() - start:.1f} s, {bigan.n_epochs_} epochs")
    start = perf_counter()
    bigan.transform(frame)
    print(f"transform: {perf_counter() - start:.2f} s")
    numbers = frame.select_dtypes("number").columns.tolist()
    others = frame.columns.difference(numbers).tolist()
    pca = make_pipeline(
        make_column_transformer(
            (make_pipeline(SimpleImputer(), StandardScaler()), numbers),
            (OneHotEncoder(max_categories=32, sparse_output=False), others),
        ),
        PCA(16),
    )
    start = perf_counter()
    pca.fit(frame.astype(dict.fromkeys(others, str)))
    print(f"PCA, columns prepared by hand: {perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main()
