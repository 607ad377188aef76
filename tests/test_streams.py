"""Data larger than memory: scalers that were fitted elsewhere, streams, results in memory maps."""

import pickle
import subprocess
import sys
import tracemalloc
from itertools import islice

import numpy as np
import pandas as pd
import pytest
import torch
from helpers import AtStep, same_weights, without_seconds
from numpy.lib.format import open_memmap
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler
from skorch.callbacks import Callback
from torch.utils.data import DataLoader, IterableDataset

from sk_bigan import BiGANDetector, BiGANTransformer

# A scaler that was fitted elsewhere


def min_max(X):
    """The one that "range" would take."""
    ends = np.repeat([[X.min()], [X.max()]], X.shape[1], axis=1)
    return MinMaxScaler(feature_range=(-1, 1)).fit(ends)


def with_names(X):
    return StandardScaler().fit(pd.DataFrame(X, columns=[f"pixel{i}" for i in range(64)]))


def of_parts(X):
    return StandardScaler().partial_fit(X[:100]).partial_fit(X[100:])


GIVEN = {
    "standard": (lambda X: StandardScaler().fit(X), "standard"),
    "frozen": (lambda X: FrozenEstimator(StandardScaler().fit(X)), "standard"),
    "in parts": (of_parts, "standard"),
    "of a frame": (with_names, "standard"),
    "giving frames": (lambda X: StandardScaler().fit(X).set_output(transform="pandas"), "standard"),
    "in place": (lambda X: StandardScaler(copy=False).fit(X.copy()), "standard"),
    "weighted": (lambda X: StandardScaler().fit(X, sample_weight=np.ones(len(X))), "standard"),
    "range": (min_max, "range"),
    "range, float32": (lambda X: min_max(X.astype("f4")), "range"),
}


@pytest.mark.parametrize("kind", GIVEN)
def test_a_given_scaler_does_what_a_learned_one_does(digits, small, tmp_path, kind):
    make, name = GIVEN[kind]
    given, learned = small(scaling=make(digits)).fit(digits), small(scaling=name).fit(digits)
    np.testing.assert_allclose(given.transform(digits), learned.transform(digits), atol=1e-4)
    np.testing.assert_allclose(given.sample(9), learned.sample(9), atol=1e-3)
    assert type(given.scaler_) is type(learned.scaler_)
    assert given.scaler_.n_samples_seen_ > 0
    given.save(tmp_path / "model")
    opened = BiGANTransformer.load(tmp_path / "model")
    np.testing.assert_array_equal(opened.transform(digits), given.transform(digits))
    for again in (opened, clone(opened), pickle.loads(pickle.dumps(given))):
        again.partial_fit(digits)
        np.testing.assert_array_equal(again.scaler_.scale_, given.scaler_.scale_)


def test_a_scaler_of_columns_with_gaps(digits, small):
    X = digits.copy()
    X[::3, 5] = np.nan
    bigan = small(scaling=StandardScaler().fit(X)).fit(digits)
    assert bigan.scaler_.mean_[5] == pytest.approx(np.nanmean(X[:, 5]))
    assert bigan.scaler_.n_samples_seen_ == len(X)


def test_the_first_batch_does_not_decide_where_a_scaler_is_given(digits, small):
    scaler = StandardScaler().fit(digits)
    bigan = small(scaling=scaler).partial_fit(digits[:50]).partial_fit(digits[50:])
    np.testing.assert_array_equal(bigan.scaler_.mean_, digits.mean(axis=0))
    assert not np.array_equal(small().partial_fit(digits[:50]).scaler_.scale_, scaler.scale_)


def test_a_given_scaler_is_copied_and_never_changed(digits, small):
    scaler = StandardScaler().fit(digits)
    before = pickle.dumps(scaler)
    bigan = small(scaling=scaler).fit(digits)
    bigan.partial_fit(2 * digits)
    assert pickle.dumps(scaler) == before
    codes = bigan.transform(digits)
    scaler.partial_fit(100 * digits)
    np.testing.assert_array_equal(bigan.transform(digits), codes)
    message = "scaling changed from 'StandardScaler with digest .*' to 'StandardScaler with digest"
    with pytest.raises(ValueError, match=message):
        bigan.partial_fit(digits)
    bigan.set_params(scaling=StandardScaler().fit(digits)).partial_fit(digits)  # an equal one
    with pytest.raises(ValueError, match="scaling changed from 'StandardScaler with .* to 'auto'"):
        bigan.set_params(scaling="auto").partial_fit(digits)


def test_the_class_of_the_scaler_bounds_the_generator(digits, small):
    for scaler, bounded in [(min_max(digits), True), (StandardScaler().fit(digits), False)]:
        far = small(scaling=scaler).fit(digits).inverse_transform(np.full((1, 4), 1e5))
        assert (np.abs(far - 8).max() <= 8) == bounded


def test_a_scaler_in_a_grid_search_is_frozen(digits, small):
    scaler = StandardScaler().fit(digits)
    grid = {"latent_dim": [2, 3]}
    search = GridSearchCV(small(scaling=FrozenEstimator(scaler)), grid, cv=2).fit(digits)
    np.testing.assert_array_equal(search.best_estimator_.scaler_.mean_, scaler.mean_)
    with pytest.raises(ValueError, match=r"is not; clones, as in grid searches.*FrozenEstimator"):
        GridSearchCV(small(scaling=scaler), grid, cv=2, error_score="raise").fit(digits)


def test_a_training_with_another_scaler_is_another(digits, small, tmp_path):
    first, other = StandardScaler().fit(digits), StandardScaler().fit(digits[:50])
    small(scaling=first, checkpoint_dir=tmp_path).fit(digits)
    small(scaling=FrozenEstimator(first), checkpoint_dir=tmp_path).fit(digits)
    with pytest.raises(ValueError, match="holds another training: scaling was 'Standard.*digest"):
        small(scaling=other, checkpoint_dir=tmp_path).fit(digits)


def scaler_with(**learned):
    scaler = StandardScaler().fit(np.eye(64))
    vars(scaler).update(learned)
    return scaler


NOT_OURS = r"a name, None or a fitted MinMaxScaler.* or StandardScaler\(\).* got "
BAD_SCALERS = {
    "not fitted": (StandardScaler(), r"is fitted, got StandardScaler\(\), which is not"),
    "frozen, not fitted": (FrozenEstimator(MinMaxScaler(feature_range=(-1, 1))), "is fitted, got"),
    "another range": (MinMaxScaler().fit(np.eye(64)), NOT_OURS + "MinMaxScaler"),
    "not centred": (StandardScaler(with_mean=False).fit(np.eye(64)), NOT_OURS + "Stand.*with_mean"),
    "clipped": (
        MinMaxScaler(feature_range=(-1, 1), clip=True).fit(np.eye(64)),
        NOT_OURS + "MinMaxScaler.clip=True",
    ),
    "another class": (FrozenEstimator(RobustScaler().fit(np.eye(64))), NOT_OURS + "RobustScaler"),
    "no scaler": (FrozenEstimator(PCA().fit(np.eye(64))), NOT_OURS + "PCA"),
    "other columns": (
        StandardScaler().fit(np.eye(3)),
        "scaler of the 64 columns of X, got one",
    ),
    "a scale of zero": (scaler_with(scale_=np.zeros(64)), r"without zeros in scale_, got array"),
    "a mean of NaN": (
        scaler_with(mean_=np.full(64, np.nan)),
        "64 finite numbers as mean_, got",
    ),
    "a short mean": (scaler_with(mean_=np.zeros(3)), "64 finite numbers as mean_, got array"),
    "no mean": (scaler_with(mean_=None), "64 finite numbers as mean_, got array"),
}


@pytest.mark.parametrize("kind", BAD_SCALERS)
def test_scalers_that_cannot_be_taken(digits, small, kind):
    scaler, message = BAD_SCALERS[kind]
    estimator = small(scaling=scaler)
    before = dict(vars(estimator))
    for method in (estimator.fit, estimator.partial_fit):
        with pytest.raises(ValueError, match=f"(?s)scaling must be .*{message}"):
            method(digits)
    assert vars(estimator) == before


# Parts, one after another


def test_parts_after_the_first_must_fit_into_float32_too(digits, small):
    bigan = small(scaling=None).partial_fit(digits)
    with pytest.raises(ValueError, match=r"X must stay finite in float32, got values up to 1.6e"):
        bigan.partial_fit(1e40 * digits)


def test_memory_does_not_grow_with_the_parts():
    script = (
        "import numpy as np\n"
        "from sk_bigan import BiGANTransformer\n"
        "def peak():\n"
        "    with open('/proc/self/status') as status:\n"
        "        return next(int(l.split()[1]) for l in status if l.startswith('VmHWM'))\n"
        "bigan = BiGANTransformer(latent_dim=4, hidden_units=(32,), batch_size=500)\n"
        "random, peaks = np.random.default_rng(0), []\n"
        "for _ in range(2):\n"
        "    for _ in range(30):\n"
        "        X = random.normal(size=(1000, 64))\n"
        "        bigan.partial_fit(X).transform(X)\n"
        "    peaks.append(peak())\n"
        "print(peaks[1] - peaks[0], X.nbytes // 1000)\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    growth, part = map(int, run.stdout.split())
    assert growth < 5 * part  # kB, of 30 parts more


# Results in an array that is there


def test_codes_are_written_to_a_memory_map(digits, fitted, tmp_path):
    X = open_memmap(tmp_path / "X.npy", mode="w+", dtype="f4", shape=(9000, 64))
    X[:] = np.resize(digits, X.shape)
    codes = open_memmap(tmp_path / "codes.npy", mode="w+", dtype="f8", shape=(9000, 4))
    assert fitted.transform(X, out=codes) is codes
    codes.flush()
    np.testing.assert_array_equal(np.load(tmp_path / "codes.npy"), fitted.transform(X))


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f4"])
@pytest.mark.parametrize("X_dtype", ["u1", "f2", "f8"])
def test_the_dtype_is_that_of_the_array(digits, fitted, dtype, X_dtype):
    X, out = digits.astype(X_dtype), np.empty((2, 400, 4), dtype)[1]
    assert fitted.transform(X, out=out) is out
    np.testing.assert_array_equal(out, fitted.transform(digits).astype(dtype))


def test_with_an_array_to_write_to_memory_is_constant(digits, small):
    bigan = small(features="hidden").fit(digits)
    X = np.full((100_000, 64), 3, np.uint8)
    out = np.empty((100_000, bigan.transform(X[:1]).shape[1]), np.float32)

    def peak(**arguments):
        tracemalloc.start()
        bigan.transform(X, **arguments)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    assert peak(out=out) < out.nbytes / 10 < peak()


def test_frames_are_of_what_was_written(digits, small):
    bigan = small().fit(digits).set_output(transform="pandas")
    out = np.empty((400, 4))
    frame = bigan.transform(digits, out=out)
    assert [*frame.columns] == [*bigan.get_feature_names_out()]
    np.testing.assert_array_equal(frame, out)
    np.testing.assert_array_equal(out, bigan.set_output(transform="default").transform(digits))


READ_ONLY = np.broadcast_to(0.0, (400, 4))
BAD_ARRAYS = {
    "a list": ([[0.0] * 4] * 400, r"of shape \(400, 4\) that can be written to, got list"),
    "a tensor": (torch.zeros(400, 4), "got Tensor"),
    "rows missing": (np.zeros((399, 4)), r"got float64 of shape \(399, 4\)$"),
    "one dimension": (np.zeros(1600), r"got float64 of shape \(1600,\)$"),
    "integers": (np.zeros((400, 4), int), r"got int64 of shape \(400, 4\)$"),
    "complex": (np.zeros((400, 4), complex), "got complex128"),
    "read-only": (READ_ONLY, r"got float64 of shape \(400, 4\), read-only$"),
}


@pytest.mark.parametrize("kind", BAD_ARRAYS)
def test_arrays_that_cannot_be_written_to(digits, fitted, kind):
    out, message = BAD_ARRAYS[kind]
    with pytest.raises(ValueError, match=f"out must be an array of floats.*{message}"):
        fitted.transform(digits, out=out)


def test_x_is_not_written_to(digits, fitted):
    both = np.c_[digits, np.zeros((400, 4))]
    with pytest.raises(ValueError, match="out must not lie in the memory of X"):
        fitted.transform(both[:, :64], out=both[:, 62:66])
    codes = fitted.transform(both[:, :64], out=both[:, 64:])  # beside it
    np.testing.assert_array_equal(codes, fitted.transform(digits))


def test_an_array_to_write_to_is_no_metadata(fitted):
    assert not hasattr(fitted, "set_transform_request")


# Streams


class Stream(IterableDataset):
    """Rows in their order, and how often and how far it was read."""

    def __init__(self, rows):
        self.rows = rows
        self.n_read = []

    def __iter__(self):
        self.n_read.append(0)
        for row in self.rows:
            self.n_read[-1] += 1
            yield row


class Changing(Stream):
    """Of 300 rows when it is read for its shape and for the scaling, and then of so many."""

    def __init__(self, rows, n_later):
        super().__init__(rows)
        self.n_later = n_later

    def __iter__(self):
        return islice(super().__iter__(), 300 if len(self.n_read) < 2 else self.n_later)


class EachBatch(Callback):
    def __init__(self, action):
        self.action = action

    def on_batch_begin(self, net, batch, **kwargs):
        self.action(batch)


@pytest.mark.parametrize("kind", ["arrays", "tensors", "labelled", "images"])
def test_a_stream_is_read_in_its_order(digits, small, kind):
    items = {
        "arrays": digits,
        "tensors": torch.from_numpy(digits.copy()),
        "labelled": [(row, 3) for row in digits],
        "images": digits.reshape(-1, 8, 8),
    }
    seen = []
    bigan = small(callbacks=[EachBatch(seen.append)], batch_size=133).fit(Stream(items[kind]))
    assert [len(batch) for batch in seen] == [100] * 8
    np.testing.assert_array_equal(torch.cat(seen).cpu(), np.r_[digits, digits])
    assert bigan.transform(digits.reshape(-1, 8, 8) if kind == "images" else digits).shape[1] == 4
    array = small().fit(digits.reshape(-1, 8, 8) if kind == "images" else digits)
    np.testing.assert_array_equal(bigan.scaler_.scale_, array.scaler_.scale_)
    assert bigan.model_.total_variance == pytest.approx(array.model_.total_variance)


@pytest.mark.parametrize("n_rows", [2, 3, 257])
def test_no_batch_of_a_stream_is_a_scrap(digits, small, n_rows):
    seen = []
    small(callbacks=[EachBatch(seen.append)], max_epochs=1).fit(Stream(digits[:n_rows]))
    sizes = [len(batch) for batch in seen]
    assert sum(sizes) == n_rows
    assert min(sizes) >= 2
    assert max(sizes) - min(sizes) <= 1


def test_how_often_a_stream_is_read(digits, small):
    """For its shape, for the scaling, for the rows to watch, and once an epoch."""
    stream = Stream(digits)
    small(max_epochs=3).fit(stream)
    assert stream.n_read == [1, 400, 64, 400, 400, 400]


def test_auto_epochs_count_the_rows_first(digits):
    stream = Stream(digits[:40])
    bigan = BiGANTransformer(latent_dim=2, hidden_units=(16,), random_state=0, batch_size=4)
    bigan.fit(stream)
    assert bigan.n_epochs_ == 40  # of 10 steps
    assert stream.n_read[:4] == [1, 40, 40, 40]


def test_partial_fit_takes_a_stream(digits, small):
    whole = small().partial_fit(Stream(digits)).partial_fit(Stream(digits))
    assert whole.n_epochs_ == 2
    loader = DataLoader(Stream(digits), batch_size=100)
    parts = small()
    for X in loader:
        parts.partial_fit(X)
    assert parts.n_epochs_ == 4


def test_a_detector_is_calibrated_on_a_stream(digits):
    settings = {"latent_dim": 4, "hidden_units": (32,), "max_epochs": 2, "random_state": 0}
    detector = BiGANDetector(**settings).fit(Stream(digits))
    normality = detector.score_samples(digits)
    assert detector.offset_ == pytest.approx(np.percentile(normality, 10))


@pytest.mark.parametrize("step", [3, 7, 12])
def test_a_training_on_a_stream_goes_on_where_it_was_broken_off(digits, small, tmp_path, step):
    def break_off(net):
        raise OSError("the network is gone")

    settings = {"max_epochs": 4, "batch_size": 100, "checkpoint_dir": tmp_path}
    settings["checkpoint_every"] = 0.0
    bigan = small(**settings, callbacks=[AtStep(step, break_off)])
    with pytest.raises(OSError, match="the network is gone"):
        bigan.fit(Stream(digits))
    bigan.set_params(callbacks=None).fit(Stream(digits))
    usual = small(**(settings | {"checkpoint_dir": None})).fit(Stream(digits))
    assert same_weights(bigan, usual)
    assert without_seconds(bigan.history_) == without_seconds(usual.history_)


@pytest.mark.parametrize("method", ["transform", "score_samples", "score"])
def test_a_stream_is_encoded_part_by_part(digits, fitted, method):
    with pytest.raises(TypeError, match="Dataset with a length, got Stream: take one .*DataLoader"):
        getattr(fitted, method)(Stream(digits))
    parts = DataLoader(Stream(digits), batch_size=150)
    codes = np.concatenate([fitted.transform(X) for X in parts])
    np.testing.assert_array_equal(codes, fitted.transform(digits))


def spoilt(digits, index, value):
    rows = [*digits]
    rows[index] = value
    return rows


BAD_STREAMS = {
    "no item": (lambda X: Stream(X[:0]), {}, ValueError, "X is a Stream of 0 items"),
    "one item": (lambda X: Stream(X[:1]), {}, ValueError, r"X has 1 sample\(s\).*minimum of 2"),
    "one item, auto": (
        lambda X: Stream(X[:1]),
        {"max_epochs": "auto"},
        ValueError,
        r"X has 1 sample\(s\)",
    ),
    "NaN": (
        lambda X: Stream(spoilt(X, 99, X[0] * np.nan)),
        {},
        ValueError,
        "X must be real and finite.*NaN or infinity in item 99",
    ),
    "another shape": (
        lambda X: Stream(spoilt(X, 101, X[0, :9])),
        {},
        ValueError,
        r"one shape, got \(64,\) and \(9,\) in item 101",
    ),
    "text": (lambda X: Stream(["a", "b"]), {}, TypeError, "items of X.*got str in item 0"),
    "fewer items": (lambda X: Changing(X, 299), {}, ValueError, "got 300 and then 299"),
    "a whole batch fewer": (lambda X: Changing(X, 200), {}, ValueError, "300 and then 200"),
    "only once": (lambda X: Changing(X, 0), {}, ValueError, "got 300 and then 0"),
    "more items": (lambda X: Changing(X, 301), {}, ValueError, "got 300 and then more"),
    "rows held out": (
        Stream,
        {"validation_fraction": 0.5},
        ValueError,
        "validation_fraction=0.5 .*must not be an IterableDataset, got Stream",
    ),
    "shared rows": (
        Stream,
        {"data_parallel": True},
        ValueError,
        "data_parallel=True .*must not be an IterableDataset, got Stream",
    ),
}


@pytest.mark.parametrize("kind", BAD_STREAMS)
def test_streams_that_cannot_be_taken(digits, small, kind):
    make, parameters, error, message = BAD_STREAMS[kind]
    estimator = small(batch_size=100, **parameters)
    before = dict(vars(estimator))
    with pytest.raises(error, match=f"(?s){message}"):
        estimator.fit(make(digits))
    assert vars(estimator) == before
