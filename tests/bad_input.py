"""Bad input that several files try, and the law of every refusal."""

import pickle
import tempfile
from contextlib import contextmanager
from datetime import date, datetime
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from PIL import Image
from pyarrow.dataset import dataset
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.preprocessing import RobustScaler
from skorch.callbacks import EarlyStopping
from torch import nn
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset

X = load_digits().data[:100]
IMAGES = X.reshape(100, 8, 8)
TENSOR = torch.from_numpy(X)
OBJECTS = X.astype(object)
FRAME = pd.DataFrame(X, columns=[f"pixel{i}" for i in range(64)])
SPARSE_FRAME = pd.DataFrame.sparse.from_spmatrix(sparse.csr_matrix(X))
DATES = pd.date_range("2020", periods=3)
NORMAL = np.random.default_rng(0).normal(size=(40, 6))


def with_value(value, X=X):
    bad = X.copy()
    bad[3, 5] = value
    return bad


def map_of_a_deleted_file():
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        np.save(f"{folder}/X.npy", X)
        return np.load(f"{folder}/X.npy", mmap_mode="r")


def as_polars(frame):
    return pl.DataFrame(frame.to_dict("list"))


def as_pyarrow(frame):
    return as_polars(frame).to_arrow()


class Items(Dataset):
    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        return self.items[index]


class NoLength(Dataset):
    def __getitem__(self, index):
        return X[index]


class Stream(IterableDataset):
    def __iter__(self):
        return iter(X)


class Unreadable(Items):
    def __getitem__(self, index):
        if index == 7:
            raise OSError("the disk is gone")
        return super().__getitem__(index)


class ArrayEncoder(nn.Module):
    def forward(self, x):
        return np.zeros((len(x), 4))


class PositionalDiscriminator(nn.Module):
    def forward(self, first, second):
        return first.sum(1) + second.sum(1)


class Discriminator(nn.Module):
    def __init__(self, n_logits=1):
        super().__init__()
        self.logits = nn.Linear(68, n_logits)

    def forward(self, *, x, z):
        return self.logits(torch.cat([x, z], dim=1))


class NotRowWise(Discriminator):
    row_wise = True

    def forward(self, *, x, z):
        logits = super().forward(x=x, z=z)
        return logits - logits.mean()


class NoModule:
    pass


class StateOfText(nn.Linear):
    def get_extra_state(self):
        return "text"

    def set_extra_state(self, state):
        pass


def failing(*args):
    raise RuntimeError("out of ideas")


def two_columns(n_samples, latent_dim):
    return torch.zeros(n_samples, 2)


def one_loss(real_logits, fake_logits):
    return real_logits.mean()


# parameter, what it must be, values that are not
VALUES = [
    ("latent_dim", r"an int in the range \[1, inf\)", [None, -3, np.nan, np.inf, [4], 4.0]),
    ("architecture", "a str among .*'mlp'", [None, 3, "MLP", "", nn.Linear]),
    ("hidden_units", "an array-like or a str among {'auto'}", [None, "Auto", 32.0, True, b"32"]),
    ("sample_shape", "an array-like or None", ["64", 64, True]),
    ("encoder", "a callable or None", ["mlp", [nn.Identity()], {}]),
    ("generator", "a callable or None", ["mlp", 3, (nn.Identity(),)]),
    ("discriminator", "a callable or None", ["mlp", 3.5, False]),
    ("prior", "a str among .*'normal'.* or a callable", [None, 3, "Normal", ["normal"]]),
    ("objective", "a str among .*'hinge'.* or a callable", [None, 3, "Hinge", ["hinge"]]),
    ("scaling", "a str among .*'range'.* or None", [3, "Range", True, RobustScaler()]),
    ("features", "a str among .*'latent'", [None, "body.0", {"latent"}, True]),
    ("augmentation", "a str among .*'swap'.* or None", [{}, 3, "Swap", True]),
    (
        "consistency_weight",
        "a float in the range .0.0, 3.4",
        [1e300, np.nan, np.inf, "1", 1j],
    ),
    ("vat_weight", "a float in the range .0.0, 3.4", [1e300, np.nan, np.inf, "1", None]),
    ("cycle_weight", "a float in the range .0.0, 3.4", [1e300, np.nan, np.inf, "1", None, [1.0]]),
    ("gradient_penalty", "a float in the range .0.0, 3.4", [1e300, np.nan, np.inf, "1", None]),
    ("learning_rate", r"range \(0.0, inf\) or .*'auto'", [-1.0, np.nan, np.inf, "fast", None]),
    ("max_epochs", r"an int in the range \[1, inf\) or .*'auto'", [2.0, -1, None, "Auto", np.inf]),
    (
        "batch_size",
        r"an int in the range \[2, inf\) or .*'auto'",
        [0, -1, 128.0, None, "all", True],
    ),
    (
        "validation_fraction",
        r"a float in the range \(0.0, 1.0\) or None",
        [0.0, 1.0, 1, -0.1, np.nan, "0.1", True],
    ),
    ("device", "'str' or an instance of 'torch.device'", [None, ["cpu"], torch.float32]),
    ("precision", "a str among .*'tf32'", [None, 16, "float16", torch.float32]),
    ("cuda_graph", "an instance of 'bool'", [None, 2, "yes"]),
    ("callbacks", "an instance of 'list' or None", [(), {}, EarlyStopping]),
    ("checkpoint_dir", "'str', an instance of 'os.PathLike' or None", [b"x", 3.5, True, ["x"]]),
    (
        "checkpoint_every",
        r"an int in the range \[1, inf\) or a float in the range \[0.0, inf\)",
        [0, -1, -0.5, "1", None, np.nan, np.inf],
    ),
    ("warm_start", "an instance of 'bool'", [None, 2, "on"]),
    ("random_state", r"an int in the range \[0, 4294967295\]", ["seed", 1.5, 2**32, [0], np.nan]),
    ("verbose", r"an int in the range \[0, inf\)", [None, 1.5, "loud"]),
]


def with_column(values):
    frame = pd.DataFrame(X[:2])
    frame[3] = values
    return frame


# X, exception, words of the message
PALETTES = [Image.new("RGB", (8, 8), colour).convert("P") for colour in ("red", "blue")]
INPUTS = {
    "lists of text": (
        [[f"a{i}", "b"] for i in range(400)],
        ValueError,
        "got 'a0' in column 0: encode|at most 300 categories.*as by X.astype",
    ),
    "objects": (np.array([[object()] * 64] * 2), TypeError, "float"),
    "pictures with a palette": (PALETTES, ValueError, r"got one of mode 'P'.*convert\(.RGB"),
    "data set of these": (Items(PALETTES), ValueError, r"got one of mode 'P'.*convert\(.RGB"),
    "complex": (X + 1j, ValueError, "[Cc]omplex data not supported"),
    "infinity": (with_value(np.inf), ValueError, "X contains infinity"),
    "minus infinity": (with_value(-np.inf), ValueError, "X contains infinity"),
    "infinity, float16": (with_value(np.inf, X.astype("f2")), ValueError, "X contains infinity"),
    "sparse matrix": (sparse.csr_matrix(X), TypeError, "[Ss]parse"),
    "sparse array": (sparse.coo_array(X), TypeError, "[Ss]parse"),
    "no rows": (X[:0], ValueError, r"0 sample\(s\)"),
    "no columns": (X[:, :0], ValueError, r"0 feature\(s\)"),
    "1-d": (X[0], ValueError, "Expected 2D array, got 1D array"),
    "None": (None, ValueError, "Expected 2D array, got scalar"),
    "number": (3, ValueError, "Expected 2D array, got scalar"),
    "name of a file": ("digits.csv", TypeError, "got the path 'digits.csv': .*read_csv"),
    "path": (Path("digits.csv"), TypeError, "got the path 'digits.csv': .*read_csv"),
    "names of pictures": (["a.png", "b.png"], TypeError, "a list of 2 texts or paths: .*Dataset"),
    "paths of pictures": ([Path("a.png")], TypeError, "a list of 1 texts or paths: .*Dataset"),
    "array of names": (np.array(["a.png", "b.png"]), TypeError, "2 texts or paths: .*Dataset"),
    "array of paths": (np.array([Path("a.png")]), TypeError, "1 texts or paths: .*Dataset"),
    "lazy frame": (pl.LazyFrame(X), TypeError, r"in memory, got a LazyFrame: give X.collect\(\)"),
    "dict": ({"a": [1, 2]}, TypeError, r"got a dict: give pandas.DataFrame\(X\)"),
    "set": ({1, 2}, TypeError, "real number, not 'set'"),
    "iterator": (map(float, X[0]), TypeError, "got the iterator map: give .* to partial_fit"),
    "chunks of a file": (
        pd.read_csv(StringIO("a\n1\n2"), chunksize=1),
        TypeError,
        r"got the iterator TextFileReader: give .* to partial_fit, or pandas.concat\(X\)",
    ),
    "data set of pyarrow": (
        dataset(pa.table({"a": [1.0, 2.0]})),
        TypeError,
        r"in memory, got a InMemoryDataset: give X.to_table\(\)",
    ),
    "batches of pyarrow": (
        pa.table({"a": [1.0, 2.0]}).to_reader(),
        TypeError,
        r"in memory, got a RecordBatchReader: give X.read_all\(\)",
    ),
    "groups": (
        pd.DataFrame({"a": [1, 1], "b": [2, 3]}).groupby("a"),
        TypeError,
        "got a DataFrameGroupBy: give the frame, or one group",
    ),
    "range": (range(9), ValueError, "Expected 2D array, got 1D array"),
    "function": (len, TypeError, "real number, not 'builtin"),
    "estimator": (PCA(), TypeError, "real number, not 'PCA'"),
    "empty list": ([], ValueError, "Expected 2D array, got 1D array"),
    "empty lists": ([[], []], ValueError, r"0 feature\(s\)"),
    "ragged lists": ([[1.0, 2.0], [3.0]], ValueError, r"one shape, got \(2,\) and \(1,\)"),
    "ragged arrays": ([X[0], X[1, :9]], ValueError, r"one shape, got \(64,\) and \(9,\)"),
    "pictures of two sizes": (
        [Image.new("RGB", (4, 5)), Image.new("RGB", (5, 4))],
        ValueError,
        r"X must have rows of one shape, got \(5, 4, 3\) and \(4, 5, 3\) among .*ImageOps.fit",
    ),
    "frame with vectors": (
        with_column([np.zeros(3), np.ones(3)]),
        ValueError,
        r"in column 3|np.stack\(X\[3\]\)",
    ),
    "ragged tensors": ([TENSOR[0], TENSOR[1, :9]], ValueError, "one shape.*in item 1"),
    "list of dicts": (
        [{"a": 1}, {"a": 2}],
        TypeError,
        r"a list of dicts: give pandas.DataFrame\(X\)",
    ),
    "tensor and None": ([TENSOR[0], None], TypeError, "items of X.*NoneType in item 1"),
    "objects, one text": (
        with_value("dark", OBJECTS),
        ValueError,
        "got 'dark' in column 5|columns of one kind, got 0.0 and 'dark'",
    ),
    "objects, one complex": (with_value(1j, OBJECTS), TypeError, "real number, not 'complex'"),
    "objects, one date": (
        with_value(date(2020, 1, 1), OBJECTS),
        ValueError,
        "X must hold numbers, got '2020-01-01' in column",
    ),
    "rows with dates": (
        [[1.0, datetime(2020, 1, 1)], [2.0, datetime(2020, 1, 2)]],
        ValueError,
        "X must hold numbers, got '2020-01-01 00:00:00' in column 1: .*make numbers of dates",
    ),
    "records": (np.zeros(9, "f8,f8"), TypeError, r"got records: give pandas.DataFrame\(X\)"),
    "masked": (np.ma.masked_less(X, 1), ValueError, "no masked values"),
    "all masked": (np.ma.masked_all((9, 64)), ValueError, "no masked values"),
    "frame, complex": (
        pd.DataFrame(X + 1j),
        ValueError,
        "got complex128 in column|omplex data not supported",
    ),
    "frame, no rows": (pd.DataFrame(X)[:0], ValueError, r"0 sample\(s\)"),
    "frame, sparse": (SPARSE_FRAME, TypeError, "[Ss]parse"),
    "column of a frame": (pd.Series(X[0]), ValueError, "2-dimensional container|got 1D array"),
    "column of polars": (pl.Series(X[0]), ValueError, "Expected 2D array, got 1D array"),
    "tensor, 0-d": (torch.tensor(3.0), ValueError, "Expected 2D array, got scalar"),
    "tensor, 1-d": (TENSOR[0], ValueError, "Expected 2D array, got 1D array"),
    "tensor, no rows": (TENSOR[:0], ValueError, r"0 sample\(s\)"),
    "tensor, infinity": (TENSOR + torch.inf, ValueError, "X contains infinity"),
    "tensor, complex": (TENSOR + 1j, ValueError, "omplex data not supported"),
    "tensor, meta": (TENSOR.to("meta"), ValueError, "X must hold numbers, got .*'meta'"),
    "tensor, sparse": (TENSOR.to_sparse(), TypeError, "X must be dense, got a sparse tensor"),
    "sparse tensors": ([TENSOR[0].to_sparse()] * 3, TypeError, "X must be dense.*sparse tensor"),
    "loader": (DataLoader(Items(X)), TypeError, "got a DataLoader: give its `dataset`"),
    "loader of a stream": (DataLoader(Stream()), TypeError, "got a DataLoader"),
    "data set without length": (NoLength(), TypeError, "Dataset with a length, got NoLength"),
    "empty data set": (Items([]), ValueError, "X is a Items of 0 items"),
    "data set of None": (Items([None] * 3), TypeError, "items of X.*got NoneType in item 0"),
    "data set of text": (Items(["a", "b"]), TypeError, "items of X.*got str in item 0"),
    "data set of dicts": (Items([{"x": 1}] * 3), TypeError, "items of X.*got dict in item 0"),
    "data set of lists": (Items(X.tolist()), TypeError, "items of X.*got float in item 0"),
    "data set of numbers": (Items([1.0, 2.0]), TypeError, "items of X.*got float in item 0"),
    "data set of 0-d": (Items(X[0]), ValueError, r"one dimension.*got shape \(\) in item 0"),
    "data set of nothing": (Items(X[:, :0]), ValueError, r"one value, got shape \(0,\) in item 0"),
    "data set, complex": (Items(X + 1j), ValueError, "must be real.*complex numbers.*item 0"),
    "data set, NaN": (Items(with_value(np.nan)), ValueError, "real and finite.*in item 3"),
    "data set, infinity": (Items(with_value(np.inf)), ValueError, "real and finite.*in item 3"),
    "data set, one text": (Items(with_value("dark", OBJECTS)), ValueError, "'dark' in item 3"),
    "data set, uneven": (Items([*X[:4], X[4, :9]]), ValueError, r"one shape.*\(9,\) in item 4"),
    "data set, mixed": (Items([X[0], IMAGES[1]]), ValueError, r"one shape.*\(8, 8\) in item 1"),
    "data set, unreadable": (Unreadable(X), OSError, "the disk is gone"),
    "part of a data set, beyond its end": (Subset(Items(X), [0, 100]), IndexError, "index 100"),
}

# What `fit` takes for a table, and no model of plain numbers
GAPS = {
    "lists with None": ([[None, 1], [2, 3]], ValueError, "X contains NaN"),
    "objects, one None": (with_value(None, OBJECTS), ValueError, "X contains NaN"),
    "tensor, NaN": (TENSOR * torch.nan, ValueError, "X contains NaN"),
}


def ids(case):
    return None if not isinstance(case, dict) else "-".join(map(str, case))


def rows(table):
    return [pytest.param(*case, id=name) for name, case in table.items()]


def state(estimator):
    """All that an estimator holds, as bytes."""
    return pickle.dumps(vars(estimator) | {"_net": None})


@contextmanager
def refused(estimator, error, message):
    """Check that the block raises this, and leaves the estimator and its weights as they were."""
    fitted = hasattr(estimator, "encoder_")
    before = state(estimator) if fitted else dict(vars(estimator))
    with pytest.raises(error, match=f"(?s){message}"):
        yield
    assert (state(estimator) if fitted else vars(estimator)) == before


def changed(estimator, **parameters):
    """A copy with other parameters."""
    return pickle.loads(pickle.dumps(estimator)).set_params(**parameters)
