"""Every mistake is named, with what was expected and what came, and changes nothing."""

import pickle
import re
import tempfile
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import skorch.callbacks
import torch
from filelock import FileLock
from own_networks import SmallEncoder
from PIL import Image
from safetensors.numpy import save as to_bytes
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import RobustScaler
from skorch.callbacks import EarlyStopping
from torch import nn
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset

from sk_bigan import BiGANTransformer
from sk_bigan._model.file import read, write
from sk_bigan.augmentations import warp
from sk_bigan.priors import Prior

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


def read_only(X):
    X = X.copy()
    X.flags.writeable = False
    return X


def map_of_a_deleted_file():
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        np.save(f"{folder}/X.npy", X)
        return np.load(f"{folder}/X.npy", mmap_mode="r")


def as_polars(frame):
    return pl.DataFrame(frame.to_dict("list"))


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
    ("learning_rate", r"a float in the range \(0.0, inf", [-1.0, np.nan, np.inf, "fast", None]),
    ("max_epochs", r"an int in the range \[1, inf\) or .*'auto'", [2.0, -1, None, "Auto", np.inf]),
    ("batch_size", r"an int in the range \[2, inf\)", [0, -1, 128.0, None, "all", True]),
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

# parameters, exception, words of the message
PARAMETERS = [
    *(
        pytest.param(
            {name: value},
            ValueError,
            f"'{name}' parameter.* must be .*{expected}.* Got {re.escape(repr(value))} instead",
            id=f"{name}={value!r}",
        )
        for name, expected, values in VALUES
        for value in values
    ),
    ({"latent_dim": 0}, ValueError, "'latent_dim'.*int in the range.*Got 0"),
    ({"latent_dim": 2.5}, ValueError, "'latent_dim'.*Got 2.5"),
    ({"latent_dim": "8"}, ValueError, "'latent_dim'.*Got '8'"),
    ({"latent_dim": 10**15}, ValueError, "encoder could not be made.*latent_dim=1000000000000000"),
    ({"architecture": "transformer"}, ValueError, "'architecture'.*'mlp'.*Got 'transformer'"),
    ({"hidden_units": ()}, ValueError, "hidden_units.*positive integers.*got ()"),
    ({"hidden_units": (64, 0)}, ValueError, r"hidden_units.*positive integers.*\(64, 0\)"),
    ({"hidden_units": (64, 1.5)}, ValueError, "hidden_units.*positive integers"),
    ({"hidden_units": (-5,)}, ValueError, r"hidden_units.*positive integers, got \(-5,\)"),
    ({"hidden_units": ("64",)}, ValueError, r"hidden_units.*positive integers, got \('64',\)"),
    ({"hidden_units": [[32]]}, ValueError, r"hidden_units.*positive integers, got \[\[32\]\]"),
    ({"hidden_units": np.array([32.0])}, ValueError, "hidden_units.*positive integers, got array"),
    ({"hidden_units": 64}, ValueError, "'hidden_units'.*array-like.*Got 64"),
    ({"sample_shape": (8, 9)}, ValueError, "sample_shape.*72 columns.*64"),
    ({"sample_shape": (8, -8)}, ValueError, "sample_shape.*positive integers"),
    ({"sample_shape": ()}, ValueError, r"sample_shape.*positive integers, got \(\)"),
    ({"sample_shape": (64.0,)}, ValueError, r"sample_shape.*positive integers, got \(64.0,\)"),
    ({"sample_shape": (None, 64)}, ValueError, r"sample_shape.*integers, got \(None, 64\)"),
    ({"sample_shape": (10**12,)}, ValueError, "sample_shape=.*1000000000000 columns.*64 columns"),
    ({"encoder": 3}, ValueError, "'encoder'.*callable.*Got 3"),
    ({"encoder": nn.Linear(64, 5)}, ValueError, r"encoder must give.* \(2, 4\).*\(2, 5\)"),
    ({"encoder": nn.Identity()}, ValueError, r"encoder must give.*\(2, 4\).*got \(2, 64\)"),
    ({"encoder": nn.Module}, ValueError, "encoder failed on input of shape .2, 64.*forward"),
    ({"encoder": ArrayEncoder()}, ValueError, r"encoder must give a tensor.*got ndarray"),
    ({"encoder": NoModule}, TypeError, r"encoder must be a torch.nn.Module.*made NoModule"),
    ({"encoder": failing}, ValueError, r"encoder could not be made: failing.*out of ideas"),
    ({"encoder": lambda: None}, ValueError, "encoder could not be made.*2 were given"),
    ({"encoder": SmallEncoder}, ValueError, r"encoder failed on input of shape \(2, 64\)"),
    ({"generator": nn.Linear(4, 63)}, ValueError, r"generator.*\(2, 64\).*got \(2, 63\)"),
    ({"generator": nn.Linear(9, 64)}, ValueError, "generator failed.*shape"),
    ({"generator": lambda shape, k: None}, TypeError, "generator.*NoneType"),
    ({"generator": nn.Identity()}, ValueError, r"generator must give.*\(2, 64\).*got \(2, 4\)"),
    ({"generator": failing}, ValueError, r"generator could not be made: failing.*out of ideas"),
    ({"discriminator": nn.Linear(64, 1)}, ValueError, "discriminator failed.*'x'"),
    ({"discriminator": Discriminator(2)}, ValueError, r"discriminator.*\(2, 1\).*got \(2, 2\)"),
    ({"discriminator": PositionalDiscriminator()}, ValueError, "discriminator failed.*'x'"),
    ({"discriminator": NotRowWise}, ValueError, "row_wise=True.*NotRowWise.*on other rows"),
    ({"discriminator": NoModule}, TypeError, "discriminator must be a torch.nn.Module.*NoModule"),
    ({"prior": "gamma"}, ValueError, "'prior'.*'normal'.*Got 'gamma'"),
    ({"prior": two_columns}, ValueError, r"prior must map.*\(2, 4\)"),
    ({"prior": lambda n, k: np.zeros((n, k))}, ValueError, r"prior must map.*tensor.*got array"),
    ({"prior": lambda n, k: torch.full((n, k), torch.nan)}, ValueError, "prior.*finite.*got.*nan"),
    ({"prior": lambda n, k: torch.zeros(1, k)}, ValueError, r"prior must map.*got tensor"),
    ({"prior": lambda n, k: None}, ValueError, "prior must map.*got None"),
    ({"prior": Prior(torch.randn, lambda: 3)}, ValueError, "encoder could not be made.*output=3"),
    ({"objective": "wgan"}, ValueError, "'objective'.*'non_saturating'.*Got 'wgan'"),
    ({"objective": one_loss}, ValueError, "objective must map.*pair"),
    ({"objective": lambda real, fake: (real, fake)}, ValueError, "objective.*pair of scalar"),
    ({"objective": lambda real, fake: (0.5, 0.5)}, ValueError, r"objective.*got \(0.5, 0.5\)"),
    ({"objective": lambda real, fake: 3 * [real.mean()]}, ValueError, "objective must map.*pair"),
    ({"objective": lambda real, fake: None}, ValueError, "objective must map.*got None"),
    ({"scaling": "robust"}, ValueError, "'scaling'.*'standard'.*Got 'robust'"),
    ({"features": 3}, ValueError, "'features'.*'penultimate'.*Got 3"),
    ({"features": ["body.9"]}, ValueError, r"layers of the encoder.*'body.0'.*got 'body.9'"),
    ({"features": ["latent"]}, ValueError, r"layers of the encoder.*'body.0'.*got 'latent'"),
    ({"features": ["body", 3]}, ValueError, r"layers of the encoder.*'body.0'.*got 3"),
    ({"features": [""]}, ValueError, r"layers of the encoder.*'body.0'.*got ''"),
    ({"features": []}, ValueError, "features must name at least one layer"),
    ({"features": "penultimate", "encoder": nn.Linear(64, 4)}, ValueError, "'penultimate' needs"),
    ({"features": "hidden", "encoder": nn.Linear(64, 4)}, ValueError, "'hidden' needs.*`body`"),
    ({"architecture": "conv"}, ValueError, r"conv' needs images, got samples of shape \(64,\)"),
    (
        {"architecture": "conv", "sample_shape": (8, 8, 1), "hidden_units": "auto"},
        ValueError,
        r"sample_shape=\(channels, height, width\), got \(8, 8, 1\)",
    ),
    (
        {"architecture": "conv", "sample_shape": (1, 8, 8), "hidden_units": (8, 8, 8, 8, 8)},
        ValueError,
        "can halve 8 x 8 pixels 3 times; hidden_units=.* asks for 4",
    ),
    ({"hidden_units": "wide"}, ValueError, "'hidden_units'.*'auto'.*Got 'wide'"),
    ({"encoder__width": 8}, ValueError, "encoder could not be made: mlp_encoder.*'width'"),
    ({"encoder": nn.Linear(64, 4), "encoder__width": 8}, ValueError, "encoder__width needs"),
    ({"encoder__hidden_units": (-1,)}, ValueError, r"encoder__hidden_units must.*\(-1,\)"),
    ({"encoder__hidden_units": 3}, ValueError, "encoder__hidden_units must.*got 3"),
    ({"encoder__latent_dim": 5}, ValueError, r"encoder must give.*\(2, 4\).*got \(2, 5\)"),
    ({"generator__hidden_units": "wide"}, ValueError, "generator__hidden_units must.*'wide'"),
    (
        {"discriminator__hidden_units": ()},
        ValueError,
        r"discriminator__hidden_units must.*got \(\)",
    ),
    ({"hidden_units": np.array(32)}, ValueError, "hidden_units must be a non-empty.*got array"),
    ({"callbacks": [()]}, TypeError, r"callbacks must be instances.*got \(\)"),
    ({"callbacks": [(3, EarlyStopping())]}, TypeError, r"callbacks must be instances.*got \(3,"),
    ({"checkpoint_dir": ""}, ValueError, "checkpoint_dir must be a folder or None, got an empty"),
    ({"generator__output": 3}, ValueError, "generator could not be made.*output=3"),
    ({"discriminator__depth": 3}, ValueError, "discriminator could not be made.*'depth'"),
    (
        {"discriminator": Discriminator, "discriminator__n_logits": "two"},
        ValueError,
        r"discriminator could not be made: Discriminator\(n_logits='two'\)",
    ),
    ({"features": "hidden2"}, ValueError, "'features'.*'penultimate'.*Got 'hidden2'"),
    ({"augmentation": "noise"}, ValueError, "'augmentation'.*'swap'.*Got 'noise'"),
    ({"augmentation": ["swap", "noise"]}, ValueError, "augmentation must be.*got 'noise'"),
    ({"augmentation": [3]}, ValueError, "augmentation must be.*got 3"),
    ({"augmentation": [None]}, ValueError, "augmentation must be.*got None"),
    ({"augmentation": [["swap"]]}, ValueError, r"augmentation must be.*got \['swap'\]"),
    ({"augmentation": []}, ValueError, r"augmentation must name at least one"),
    ({"augmentation": "warp"}, ValueError, r"'warp' needs images, got.*\(64,\).*sample_shape"),
    ({"augmentation": partial(warp, strength=1)}, ValueError, r"'warp' needs images, got.*\(64,\)"),
    ({"augmentation": torch.Tensor.double}, ValueError, "augmentation must map.*and dtype"),
    (
        {"augmentation": torch.Tensor.zero_},
        ValueError,
        "augmentation must leave its input as it is",
    ),
    (
        {"augmentation": nn.Flatten(0)},
        ValueError,
        r"augmentation must map samples.*shape \(2, 64\)",
    ),
    ({"augmentation": torch.Tensor.numpy}, ValueError, "augmentation must map.*got array"),
    ({"augmentation": lambda x: None}, ValueError, "augmentation must map.*got None"),
    ({"augmentation": lambda x: x / 0}, ValueError, "augmentation must map.*finite.*got tensor"),
    ({"consistency_weight": -1}, ValueError, "'consistency_weight'.*Got -1"),
    ({"vat_weight": -1}, ValueError, "'vat_weight'.*Got -1"),
    ({"cycle_weight": -1}, ValueError, "'cycle_weight'.*Got -1"),
    ({"gradient_penalty": -0.1}, ValueError, "'gradient_penalty'.*Got -0.1"),
    ({"learning_rate": 0}, ValueError, "'learning_rate'.*Got 0"),
    ({"max_epochs": 0}, ValueError, "'max_epochs'.*Got 0"),
    ({"max_epochs": "many"}, ValueError, "'max_epochs'.*'auto'.*Got 'many'"),
    ({"batch_size": 1}, ValueError, "'batch_size'.*Got 1"),
    ({"device": 0}, ValueError, "'device'.*Got 0"),
    ({"device": "abacus"}, ValueError, "device must be 'auto'.*got 'abacus'"),
    ({"device": "cuda:99"}, ValueError, "device must be 'auto'.*got 'cuda:99'"),
    ({"device": torch.device("cuda", 99)}, ValueError, "device must be 'auto'.*'cuda', index=99"),
    ({"device": "cuda:-1"}, ValueError, "device must be 'auto'.*got 'cuda:-1'"),
    ({"device": "meta"}, ValueError, "device must be 'auto'.*got 'meta'"),
    ({"device": ""}, ValueError, "device must be 'auto'.*got ''"),
    ({"precision": "float8"}, ValueError, "'precision'.*'bfloat16'.*Got 'float8'"),
    ({"callbacks": "progress"}, ValueError, "'callbacks'.*list.*Got 'progress'"),
    ({"callbacks": [3]}, TypeError, r"callbacks must be instances of skorch.*got 3"),
    ({"callbacks": [EarlyStopping]}, TypeError, "callbacks must be instances.*got <class"),
    ({"callbacks": [("stop", 3)]}, TypeError, r"callbacks.*pairs of a name.*got \('stop', 3\)"),
    ({"callbacks": [None]}, TypeError, "callbacks must be instances.*got None"),
    ({"callbacks": 2 * [("stop", EarlyStopping())]}, ValueError, "duplicate.*callback name 'stop'"),
    (
        {"callbacks": [("rate", skorch.callbacks.LRScheduler())]},
        TypeError,
        "callbacks must not have skorch's LRScheduler.*take sk_bigan.callbacks.*got <skorch",
    ),
    (
        {"callbacks": [EarlyStopping(load_best=True)], "checkpoint_dir": "x"},
        ValueError,
        "callbacks must not have load_best=True with checkpoint_dir.*got <skorch.*EarlyStopping",
    ),
    ({"checkpoint_dir": 7}, ValueError, "'checkpoint_dir'.*Got 7"),
    ({"warm_start": True, "checkpoint_dir": "x"}, ValueError, "checkpoint_dir needs warm_start=F"),
    ({"warm_start": "yes"}, ValueError, "'warm_start'.*Got 'yes'"),
    ({"random_state": -1}, ValueError, "'random_state'"),
    ({"verbose": -1}, ValueError, "'verbose'.*Got -1"),
]


def with_column(values):
    frame = pd.DataFrame(X[:2])
    frame[3] = values
    return frame


# X, exception, words of the message
INPUTS = {
    "lists of text": ([["a", "b"], ["c", "d"]], ValueError, "could not convert string to float"),
    "objects": (np.array([[object()] * 64] * 2), TypeError, "float"),
    "complex": (X + 1j, ValueError, "[Cc]omplex data not supported"),
    "NaN": (with_value(np.nan), ValueError, "X contains NaN"),
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
    "name of a file": ("digits.csv", ValueError, "could not convert string to float.*digits.csv"),
    "path": (Path("digits.csv"), TypeError, "real number, not '.*Path'"),
    "dict": ({"a": [1, 2]}, TypeError, "real number, not 'dict'"),
    "set": ({1, 2}, TypeError, "real number, not 'set'"),
    "iterator": (map(float, X[0]), TypeError, "real number, not 'map'"),
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
        r"X must have rows of one shape, got \(5, 4, 3\) and \(4, 5, 3\) among them",
    ),
    "frame with text": (
        with_column(["north", "south"]),
        ValueError,
        "X must hold numbers, got 'north' in column 3: encode text first",
    ),
    "frame with categories": (
        with_column(pd.Categorical(["north", "south"])),
        ValueError,
        "got 'north' in column 3",
    ),
    "frame with dates": (
        with_column(pd.date_range("2020", periods=2)),
        ValueError,
        "got '2020-01-01.* in column 3.*make numbers of dates",
    ),
    "frame with a gap": (
        with_column(pd.array([1, None], dtype="Int64")),
        ValueError,
        "X contains NaN",
    ),
    "ragged tensors": ([TENSOR[0], TENSOR[1, :9]], ValueError, "one shape.*in item 1"),
    "list of dicts": ([{"a": 1}, {"a": 2}], TypeError, "real number, not 'dict'"),
    "lists with None": ([[None, 1], [2, 3]], ValueError, "X contains NaN"),
    "tensor and None": ([TENSOR[0], None], TypeError, "items of X.*NoneType in item 1"),
    "objects, one text": (with_value("dark", OBJECTS), ValueError, "to float: 'dark'"),
    "objects, one None": (with_value(None, OBJECTS), ValueError, "X contains NaN"),
    "objects, one complex": (with_value(1j, OBJECTS), TypeError, "real number, not 'complex'"),
    "objects, one date": (with_value(date(2020, 1, 1), OBJECTS), TypeError, "not 'datetime.date'"),
    "records": (np.zeros(9, "f8,f8"), TypeError, "Cannot cast array data"),
    "masked": (np.ma.masked_less(X, 1), ValueError, "no masked values"),
    "all masked": (np.ma.masked_all((9, 64)), ValueError, "no masked values"),
    "frame of text": (
        pd.DataFrame([["x"] * 64] * 2),
        ValueError,
        "X must hold numbers, got 'x' in column",
    ),
    "frame, complex": (pd.DataFrame(X + 1j), ValueError, "omplex data not supported"),
    "frame, NaN": (pd.DataFrame(with_value(np.nan)), ValueError, "X contains NaN"),
    "frame, NA": (pd.DataFrame([[1, None]] * 2, dtype="Int64"), ValueError, "X contains NaN"),
    "frame, no rows": (pd.DataFrame(X)[:0], ValueError, r"0 sample\(s\)"),
    "frame, sparse": (SPARSE_FRAME, TypeError, "[Ss]parse"),
    "column of a frame": (pd.Series(X[0]), ValueError, "2-dimensional container|got 1D array"),
    "column of polars": (pl.Series(X[0]), ValueError, "Expected 2D array, got 1D array"),
    "tensor, 0-d": (torch.tensor(3.0), ValueError, "Expected 2D array, got scalar"),
    "tensor, 1-d": (TENSOR[0], ValueError, "Expected 2D array, got 1D array"),
    "tensor, no rows": (TENSOR[:0], ValueError, r"0 sample\(s\)"),
    "tensor, NaN": (TENSOR * torch.nan, ValueError, "X contains NaN"),
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

# What fit alone refuses
TRAINING_INPUTS = {
    "one row": (X[:1], ValueError, r"1 sample\(s\).*minimum of 2"),
    "one row of a frame": (pd.DataFrame(X)[:1], ValueError, r"1 sample\(s\).*minimum of 2"),
    "one row of a tensor": (TENSOR[:1], ValueError, r"1 sample\(s\).*minimum of 2"),
    "data set of one": (Items(X[:1]), ValueError, r"X has 1 sample\(s\).*minimum of 2"),
    "cubes": (
        X.reshape(100, 4, 4, 4),
        ValueError,
        r"is that \(channels, height, width\) or.*\(4, 4, 4\)|was fitted on rows of shape \(64,\)",
    ),
    "one huge value": (with_value(1e300), ValueError, r"X must stay finite.*got .* 1e\+300"),
    "data set, huge value": (Items(with_value(1e300)), ValueError, r"X must stay .* 1e\+300"),
}

# What is refused before any columns are known
FIRST_INPUTS = {
    "no images": (IMAGES[:0], ValueError, r"0 sample\(s\)"),
    "no pixels": (IMAGES[:, :, :0], ValueError, r"0 feature\(s\)"),
    "one image": (IMAGES[:1], ValueError, r"1 sample\(s\).*minimum of 2"),
    "images, NaN": (np.full((9, 8, 8), np.nan), ValueError, "X contains NaN"),
    "images of text": (np.full((9, 8, 8), "a"), ValueError, "could not convert string to float"),
    "images, masked": (np.ma.masked_less(IMAGES, 1), ValueError, "no masked values"),
    "numbers and text": (pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}), ValueError, "'x'"),
    "categories": (pd.DataFrame({"a": pd.Categorical(["x", "y"])}), ValueError, "'x'"),
    "months": (
        pd.DataFrame({"a": pd.period_range("2020", periods=3)}),
        ValueError,
        "2020-01-01' in",
    ),
    "dates and numbers": (
        pd.DataFrame({"a": DATES, "b": [1.0, 2.0, 3.0]}),
        ValueError,
        "'2020-.*'a'",
    ),
    "frame, object NA": (pd.DataFrame({"a": [1, pd.NA]}), ValueError, "'<NA>' in .*fill gaps"),
    "names and numbers": (pd.DataFrame(X[:, :2], columns=["a", 3]), TypeError, "'int', 'str'"),
    "polars, text": (
        pl.DataFrame({"a": ["x", "y"]}),
        ValueError,
        "X must hold numbers, got 'x' in column",
    ),
    "polars, null": (pl.DataFrame({"a": [1.0, None]}), ValueError, "X contains NaN"),
    "polars, lists": (pl.DataFrame({"a": [[1], [2, 3]]}), ValueError, "'.1.' in column 'a'"),
    "polars, no rows": (pl.DataFrame({"a": []}), ValueError, r"0 sample\(s\)"),
}

# Other columns than the 64 without names of fit
OTHER_COLUMNS = {
    "one less": (X[:, 1:], ValueError, "X has 63 features, but .* is expecting 64"),
    "twice as many": (np.c_[X, X], ValueError, "X has 128 features, but .* is expecting 64"),
    "one": (X[:, :1], ValueError, "X has 1 features, but .* is expecting 64"),
    "transposed": (X.T, ValueError, "X has 100 features, but .* is expecting 64"),
    "lists": (X[:, 1:].tolist(), ValueError, "X has 63 features, but .* is expecting 64"),
    "tensor": (TENSOR[:, 1:], ValueError, "X has 63 features, but .* is expecting 64"),
    "data set": (Items(X[:, 1:]), ValueError, "X has 63 features, but .* is expecting 64"),
    "names": (FRAME, UserWarning, "X has feature names, but .* was fitted without"),
    "images": (IMAGES, ValueError, r"rows of shape \(8, 8\), but .* on rows of shape \(64,\)"),
    "data set of images": (Items(IMAGES), ValueError, r"\(8, 8\), but .* on rows of shape \(64,\)"),
}

# Rows of another shape than the (8, 8) of fit, and their shape
OTHER_SHAPES = {
    "flat": (X, r"\(64,\)"),
    "flat data set": (Items(X), r"\(64,\)"),
    "with channels": (IMAGES[:, None], r"\(1, 8, 8\)"),
    "tensor with channels": (TENSOR.view(100, 8, 8, 1), r"\(8, 8, 1\)"),
    "less high": (IMAGES[:, 1:], r"\(7, 8\)"),
    "data set, less wide": (Items(IMAGES[:, :, 1:]), r"\(8, 7\)"),
}

# What is done to a frame with the names of fit
OTHER_NAMES = {
    "one less": (lambda f: f.drop(columns="pixel3"), ValueError, "now missing:\n- pixel3"),
    "one more": (lambda f: f.assign(extra=1.0), ValueError, "unseen at fit time:\n- extra"),
    "renamed": (lambda f: f.rename(columns={"pixel3": "p"}), ValueError, "- p\n.*\n- pixel3"),
    "other order": (lambda f: f[f.columns[::-1]], ValueError, "must be in the same order"),
    "array": (lambda f: f.to_numpy(), UserWarning, "does not have valid feature names"),
    "data set": (lambda f: Items(f.to_numpy()), UserWarning, "does not have valid feature names"),
}

# Codes of a fitted estimator with latent_dim=4
CODES = {
    "three columns": (np.zeros((2, 3)), ValueError, "X has 3 columns.*latent_dim=4"),
    "64 columns": (np.zeros((2, 64)), ValueError, "X has 64 columns.*latent_dim=4"),
    "no columns": (np.zeros((2, 0)), ValueError, r"0 feature\(s\)"),
    "no rows": (np.zeros((0, 4)), ValueError, r"0 sample\(s\)"),
    "1-d": (np.zeros(4), ValueError, "Expected 2D array, got 1D array"),
    "3-d": (np.zeros((3, 2, 2)), ValueError, r"be codes .*got ndarray with rows of shape \(2, 2\)"),
    "NaN": (np.full((2, 4), np.nan), ValueError, "X contains NaN"),
    "infinity": (np.full((2, 4), np.inf), ValueError, "X contains infinity"),
    "huge": (np.full((2, 4), 1e300), ValueError, "X must stay finite.*1e.300"),
    "complex": (np.zeros((2, 4)) + 1j, ValueError, "omplex data not supported"),
    "None": (None, ValueError, "Expected 2D array, got scalar"),
    "text": ([["a"] * 4], ValueError, "could not convert string to float"),
    "ragged": ([[1.0], [1.0, 2.0]], ValueError, r"one shape, got \(1,\) and \(2,\)"),
    "masked": (np.ma.masked_all((2, 4)), ValueError, "no masked values"),
    "sparse": (sparse.csr_matrix((2, 4)), TypeError, "[Ss]parse"),
    "sparse tensor": (torch.zeros(2, 4).to_sparse(), TypeError, "X must be dense"),
    "data set": (Items(np.zeros((2, 4))), ValueError, "X must be codes .*got Items"),
    "tensors": ([torch.zeros(4)] * 2, ValueError, "X must be codes .*got list"),
    "loader": (DataLoader(Items(np.zeros((2, 4)))), TypeError, "got a DataLoader"),
    "stream": (Stream(), ValueError, "X must be codes .*got Stream"),
}

# method of a fitted estimator, arguments, exception, words of the message
CALLS = [
    *(
        ("sample", {"n_samples": n}, ValueError, f"n_samples .* integer, got {re.escape(repr(n))}")
        for n in (0, -1, 2.5, 3.0, "3", None, False, [3], np.nan, np.inf, np.array(3))
    ),
    ("transform", {"X": with_value(1e300)}, ValueError, r"X must stay finite.*got .* 1e\+300"),
    ("transform", {"X": 1e40 * X}, ValueError, r"X must stay finite.*got .* 1.6e\+41"),
    *(
        (method, {"X": Stream()}, TypeError, "Dataset with a length, got Stream: take one part")
        for method in ("transform", "score_samples", "score")
    ),
    ("transform", {"X": X, "batch_size": 3}, TypeError, "'batch_size'"),
    ("score_samples", {"X": with_value(-1e300)}, ValueError, r"X must stay finite.*got .* 1e\+300"),
    ("score", {"X": 1e40 * X}, ValueError, r"X must stay finite.*got .* 1.6e\+41"),
    ("score", {"X": np.full((2, 64), 1e30)}, ValueError, "no finite numbers.*rows 0 to 1 of X"),
    ("fit", {}, TypeError, "'X'"),
    ("fit", {"X": X, "sample_weight": 1}, TypeError, "'sample_weight'"),
    ("fit_transform", {"X": X, "sample_weight": 1}, TypeError, "'sample_weight'"),
    ("partial_fit", {"X": X, "epochs": 3}, TypeError, "'epochs'"),
    ("sample", {"n": 3}, TypeError, "'n'"),
    ("get_feature_names_out", {"features": "hidden"}, TypeError, "'features'"),
    ("get_params", {"depth": 3}, TypeError, "'depth'"),
    ("set_params", {"n_epochs": 3}, ValueError, "Invalid parameter 'n_epochs'.*'max_epochs'"),
    ("set_params", {"encoder_width": 3}, ValueError, "Invalid parameter 'encoder_width'"),
    ("set_params", {"encoder_": None}, ValueError, "Invalid parameter 'encoder_'"),
    ("set_params", {"critic__width": 3}, ValueError, "Invalid parameter 'critic'"),
    ("set_params", {"": 3}, ValueError, "Invalid parameter ''"),
    ("save", {}, TypeError, "'path'"),
    ("save", {"path": None}, TypeError, "PathLike.*NoneType"),
    ("save", {"path": 3}, TypeError, "PathLike.*int"),
    ("save", {"path": "x", "with_optimizers": True}, TypeError, "'with_optimizers'"),
    ("load", {}, TypeError, "'path'"),
    ("load", {"path": None}, TypeError, "PathLike.*NoneType"),
    ("load", {"path": ["x"]}, TypeError, "PathLike.*list"),
]

# Parameters set on a fitted estimator, method, exception, words of the message
CHANGES = [
    ({"features": "nope"}, "transform", ValueError, "'features'.*Got 'nope'"),
    ({"features": 3}, "transform", ValueError, "'features'.*Got 3"),
    ({"features": []}, "transform", ValueError, "features must name at least one layer"),
    ({"features": ["body.9"]}, "transform", ValueError, "layers of the encoder.*got 'body.9'"),
    ({"batch_size": 0}, "transform", ValueError, "'batch_size'.*Got 0"),
    ({"features": "nope"}, "get_feature_names_out", ValueError, "'features'.*Got 'nope'"),
    ({"features": []}, "get_feature_names_out", ValueError, "name at least one layer"),
    ({"features": ["x"]}, "get_feature_names_out", ValueError, "layers of the encoder.*got 'x'"),
    *(
        (parameters, method, error, message)
        for method in ("partial_fit", "fit")
        for parameters, error, message in [
            ({"device": "cuda:99"}, ValueError, "device must be .*got 'cuda:99'"),
            ({"learning_rate": np.nan}, ValueError, "'learning_rate'.*Got nan"),
            ({"verbose": "loud"}, ValueError, "'verbose'.*Got 'loud'"),
            ({"augmentation": "warp"}, ValueError, "'warp' needs images"),
            ({"objective": one_loss}, ValueError, "objective must map.*pair"),
            ({"callbacks": [3]}, TypeError, "callbacks must be instances.*got 3"),
            ({"warm_start": True, "checkpoint_dir": "x"}, ValueError, "needs warm_start=False"),
        ]
    ),
    ({"encoder__width": 3}, "fit", ValueError, "encoder could not be made.*'width'"),
    ({"sample_shape": (3,)}, "fit", ValueError, "sample_shape.*3 columns.*64 columns"),
]

# Method, arguments
BEFORE_FIT = [
    ("transform", [X]),
    ("transform", ["digits.csv"]),
    ("inverse_transform", [np.zeros((2, 4))]),
    ("inverse_transform", [None]),
    ("sample", []),
    ("sample", [0]),
    ("score_samples", [X]),
    ("score_samples", [X[:0]]),
    ("score", [X]),
    ("score", [None]),
    ("get_feature_names_out", []),
    ("get_feature_names_out", [["a"]]),
    ("save", ["model"]),
    ("save", [None]),
]

# What a file holds instead of the bytes that were saved, words of the message
FILES = {
    "empty": (lambda saved: b"", "not a file of safetensors"),
    "text": (lambda saved: b"hello", "not a file of safetensors"),
    "JSON": (lambda saved: b"{}", "not a file of safetensors"),
    "zeros": (lambda saved: bytes(100), "not a file of safetensors"),
    "pickle": (lambda saved: pickle.dumps(X), "not a file of safetensors"),
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

# What the networks were built from, and what it is now
STRUCTURE = [
    ("latent_dim", 5),
    ("architecture", "conv"),
    ("hidden_units", (16,)),
    ("sample_shape", (64,)),
    ("encoder", nn.Linear(64, 4)),
    ("generator", nn.Linear(4, 64)),
    ("discriminator", Discriminator),
    ("prior", "uniform"),
    ("scaling", "standard"),
    ("encoder__hidden_units", (16,)),
]

# X, parameters
FINE = {
    "constant": (np.full((40, 6), 3.0), {}),
    "constant, standardised": (np.full((40, 6), 3.0), {"scaling": "standard"}),
    "constant, not scaled": (np.full((40, 6), 3.0), {"scaling": None}),
    "large constant": (np.full((9, 2), 1e16), {}),
    "larger constant": (np.full((9, 2), 1e39), {}),
    "zeros": (np.zeros((40, 6)), {}),
    "negated lazily": (torch.complex(TENSOR, TENSOR).conj().imag, {}),
    "negative zeros": (-np.zeros((40, 6)), {}),
    "black images": (np.zeros((9, 8, 8)), {}),
    "one constant column": (np.c_[NORMAL, np.full(40, 7.0)], {}),
    "one row repeated": (np.tile(NORMAL[:1], (40, 1)), {}),
    "one row broadcast": (np.broadcast_to(NORMAL[0], (40, 6)), {}),
    "every row twice": (np.repeat(NORMAL, 2, axis=0), {}),
    "every column twice": (np.c_[NORMAL, NORMAL], {}),
    "one column": (NORMAL[:, :1], {}),
    "one column, constant": (np.ones((9, 1)), {}),
    "two rows": (NORMAL[:2], {}),
    "two equal rows": (NORMAL[[0, 0]], {}),
    "one row left for the last batch": (NORMAL[:3], {"batch_size": 2}),
    "batch larger than any X": (NORMAL, {"batch_size": 10**18}),
    "more columns than rows": (X[:3], {}),
    "one code": (NORMAL, {"latent_dim": 1}),
    "more codes than columns": (NORMAL, {"latent_dim": 50}),
    "tiny": (1e-300 * NORMAL, {}),
    "smallest numbers there are": (np.array([[0.0, 5e-324], [5e-324, 0.0]] * 3), {}),
    "huge": (1e100 * NORMAL, {}),
    "squares nearly too large": (1e153 * NORMAL, {}),
    "largest of float16": (np.array([[65504, -65504], [0, 65504]] * 4, np.float16), {}),
    "ends of int64": (np.array([[2**63 - 1, -(2**63)], [0, 1]] * 5), {}),
    "ends of uint64": (np.array([[2**64 - 1, 0], [0, 1]] * 5, np.uint64), {}),
    "one outlier": (np.r_[NORMAL, np.full((1, 6), 1e30)], {}),
    "far from zero": (1e16 + np.arange(0.0, 24.0, 2.0).reshape(6, 2), {}),
    "all magnitudes": (NORMAL * 10.0 ** np.arange(-150, 150, 50), {}),
    "bools": (NORMAL > 0, {}),
    "objects": (NORMAL.astype(object), {}),
    "masked nowhere": (np.ma.MaskedArray(NORMAL), {}),
    "read-only": (read_only(NORMAL), {}),
    "read-only images": (read_only(IMAGES), {}),
    "read-only items": (Items(read_only(X)), {}),
    "map of a deleted file": (map_of_a_deleted_file(), {}),
    "column-major": (np.asfortranarray(NORMAL), {}),
    "backwards": (NORMAL[::-1, ::-1], {}),
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
    """What is done inside raises this, and leaves the estimator and its weights as they were."""
    fitted = hasattr(estimator, "encoder_")
    before = state(estimator) if fitted else dict(vars(estimator))
    with pytest.raises(error, match=f"(?s){message}"):
        yield
    assert (state(estimator) if fitted else vars(estimator)) == before


def changed(estimator, **parameters):
    """A copy with other parameters."""
    return pickle.loads(pickle.dumps(estimator)).set_params(**parameters)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """For networks this small, which more threads slow down when other programs run."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def trained(small):
    """For all tests, since none may change it."""
    return small().fit(X)


@pytest.fixture(scope="module")
def trained_on_images(small):
    return small().fit(IMAGES)


@pytest.fixture(scope="module", params=["pandas", "polars"])
def frames(request, small):
    """An estimator fitted on a frame, and what makes such a frame of pandas's."""
    if request.param == "pandas":
        return small().fit(FRAME), lambda frame: frame
    return small().fit(as_polars(FRAME)), as_polars


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


@pytest.mark.parametrize(("parameters", "error", "message"), PARAMETERS, ids=ids)
def test_bad_parameters_of_fit(small, parameters, error, message):
    unfitted = small(**parameters)
    for method in (unfitted.fit, unfitted.partial_fit):
        with refused(unfitted, error, message):
            method(X)


@pytest.mark.parametrize("name", ["n_epochs", "encoder_width", "critic__width", "encoder__"])
def test_unknown_parameters_are_refused(small, name):
    with pytest.raises(TypeError, match=f"unexpected keyword argument '{name}'"):
        small(**{name: 3})


@pytest.mark.parametrize(("bad", "error", "message"), rows(INPUTS | TRAINING_INPUTS | FIRST_INPUTS))
def test_bad_input_of_fit(small, bad, error, message):
    unfitted = small()
    for method in (unfitted.fit, unfitted.partial_fit, unfitted.fit_transform):
        with refused(unfitted, error, message):
            method(bad)


@pytest.mark.parametrize(("bad", "error", "message"), rows(INPUTS | TRAINING_INPUTS))
def test_bad_input_leaves_a_fitted_estimator_as_it_was(trained, bad, error, message):
    for method in (trained.fit, trained.partial_fit, trained.fit_transform):
        with refused(trained, error, message):
            method(bad)


@pytest.mark.parametrize("method", ["transform", "score_samples", "score"])
@pytest.mark.parametrize(("bad", "error", "message"), rows(INPUTS))
def test_bad_input_of_a_fitted_estimator(trained, method, bad, error, message):
    with refused(trained, error, message):
        getattr(trained, method)(bad)


@pytest.mark.parametrize("method", ["transform", "score_samples", "score", "partial_fit"])
@pytest.mark.parametrize(("bad", "error", "message"), rows(OTHER_COLUMNS))
def test_other_columns_than_in_fit(trained, method, bad, error, message):
    with refused(trained, error, message):
        getattr(trained, method)(bad)


@pytest.mark.parametrize("method", ["transform", "score_samples", "score", "partial_fit"])
@pytest.mark.parametrize(("bad", "shape"), rows(OTHER_SHAPES))
def test_rows_of_another_shape_than_in_fit(trained_on_images, method, bad, shape):
    message = rf"X has rows of shape {shape}, but .* on rows of shape \(8, 8\)"
    with refused(trained_on_images, ValueError, message):
        getattr(trained_on_images, method)(bad)


@pytest.mark.parametrize("method", ["transform", "score_samples", "score", "partial_fit"])
@pytest.mark.parametrize(("change", "error", "message"), rows(OTHER_NAMES))
def test_other_names_than_in_fit(frames, method, change, error, message):
    estimator, as_fitted = frames
    bad = change(FRAME)
    with refused(estimator, error, message):
        getattr(estimator, method)(as_fitted(bad) if isinstance(bad, pd.DataFrame) else bad)


@pytest.mark.parametrize(("bad", "error", "message"), rows(CODES))
def test_bad_codes(trained, bad, error, message):
    with refused(trained, error, message):
        trained.inverse_transform(bad)


@pytest.mark.parametrize(("method", "arguments", "error", "message"), CALLS, ids=ids)
def test_bad_arguments_of_a_fitted_estimator(trained, method, arguments, error, message):
    with refused(trained, error, message):
        getattr(trained, method)(**arguments)


@pytest.mark.parametrize(("parameters", "method", "error", "message"), CHANGES, ids=ids)
def test_bad_parameters_after_fit(trained, parameters, method, error, message):
    estimator = changed(trained, **parameters)
    with refused(estimator, error, message):
        getattr(estimator, method)(*([] if method == "get_feature_names_out" else [X]))


@pytest.mark.parametrize(("name", "value"), STRUCTURE)
def test_training_on_with_other_networks_is_refused(trained, tmp_path, name, value):
    estimator = changed(trained, warm_start=True, **{name: value})
    for method, argument in (("fit", X), ("partial_fit", X), ("save", tmp_path / "model")):
        with refused(estimator, ValueError, f"{name} changed from .* to .*warm_start=False"):
            getattr(estimator, method)(argument)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("parameters", [{}, {"features": "hidden"}, {"latent_dim": 0}], ids=ids)
@pytest.mark.parametrize(("method", "arguments"), BEFORE_FIT)
def test_calls_before_fit(small, method, arguments, parameters):
    unfitted = small(**parameters)
    with refused(unfitted, NotFittedError, "BiGANTransformer instance is not fitted yet.*'fit'"):
        getattr(unfitted, method)(*arguments)


@pytest.mark.parametrize(
    ("scaling", "largest"),
    [
        (None, "1e+39"),
        (None, "1e+100"),
        (None, "1e+300"),  # cannot be squared in float64
        ("auto", "1e+200"),
        ("range", "1e+300"),
        ("standard", "1e+300"),
    ],
)
def test_values_beyond_float32(small, scaling, largest):
    huge = small(scaling=scaling)
    with refused(huge, ValueError, f"X must stay finite.*got values up to {re.escape(largest)}"):
        huge.fit(float(largest) * X.clip(0, 1))


@pytest.mark.parametrize("path", ["missing/model", "file/model", "folder", "x" * 300])
def test_paths_where_no_model_can_be(trained, tmp_path, path):
    (tmp_path / "file").write_text("text")
    (tmp_path / "folder").mkdir()
    for method in (trained.save, BiGANTransformer.load):
        with refused(trained, OSError, re.escape(Path(path).parts[0])):
            method(tmp_path / path)
    assert {file.name for file in tmp_path.rglob("*")} == {"file", "folder"}


def test_a_network_whose_state_is_text_is_not_saved(small, tmp_path):
    estimator = small(encoder=StateOfText(64, 4)).fit(X)
    with refused(estimator, ValueError, "encoder_ has a state that is not of tensors"):
        estimator.save(tmp_path / "model")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(("content", "message"), rows(FILES))
def test_files_that_are_no_models(trained, tmp_path, content, message):
    file = tmp_path / "model"
    trained.save(file)
    file.write_bytes(content(file.read_bytes()))
    with pytest.raises(ValueError, match=f"(?s)model' cannot be opened: .*{message}"):
        BiGANTransformer.load(file)


def test_a_model_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="model"):
        BiGANTransformer.load(tmp_path / "model")


@pytest.mark.parametrize(("says", "error", "message"), DESCRIPTIONS, ids=ids)
def test_models_that_say_what_cannot_be(trained, tmp_path, says, error, message):
    trained.save(tmp_path / "model")
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


@pytest.mark.parametrize(("X", "parameters"), rows(FINE))
def test_inputs_that_look_bad_and_are_fine(small, X, parameters):
    bigan = small(max_epochs=1, **parameters).fit(X)
    codes = bigan.transform(X)
    assert np.isfinite(codes).all()
    assert np.isfinite(bigan.inverse_transform(codes)).all()
    assert np.isfinite(bigan.score_samples(X)).all()
    assert bigan.transform(X[:1]).shape == (1, bigan.latent_dim)
