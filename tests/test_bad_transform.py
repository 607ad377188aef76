"""Bad input of a fitted estimator is named, and changes nothing."""

import re

import numpy as np
import pandas as pd
import pytest
import torch
from bad_input import (
    FRAME,
    GAPS,
    IMAGES,
    INPUTS,
    TENSOR,
    Items,
    Stream,
    X,
    as_polars,
    as_pyarrow,
    ids,
    refused,
    rows,
    with_value,
)
from scipy import sparse
from sklearn.exceptions import NotFittedError
from torch.utils.data import DataLoader

pytestmark = pytest.mark.usefixtures("one_thread")


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
    ("fit_transform", {"X": Stream()}, TypeError, "Dataset with a length, got Stream: take one"),
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


@pytest.fixture(scope="module")
def trained_on_images(small):
    return small().fit(IMAGES)


@pytest.fixture(scope="module", params=["pandas", "polars", "pyarrow"])
def frames(request, small):
    """An estimator fitted on a frame, and what makes such a frame of pandas's."""
    makers = {"pandas": lambda frame: frame, "polars": as_polars, "pyarrow": as_pyarrow}
    make = makers[request.param]
    return small().fit(make(FRAME)), make


@pytest.mark.parametrize("method", ["transform", "score_samples", "score"])
@pytest.mark.parametrize(("bad", "error", "message"), rows(INPUTS | GAPS))
def test_bad_input_of_a_fitted_estimator(fitted, method, bad, error, message):
    with refused(fitted, error, message):
        getattr(fitted, method)(bad)


@pytest.mark.parametrize("method", ["transform", "score_samples", "score", "partial_fit"])
@pytest.mark.parametrize(("bad", "error", "message"), rows(OTHER_COLUMNS))
def test_other_columns_than_in_fit(fitted, method, bad, error, message):
    with refused(fitted, error, message):
        getattr(fitted, method)(bad)


@pytest.mark.parametrize("method", ["transform", "score_samples", "score", "partial_fit"])
def test_a_single_image(trained_on_images, method):
    with refused(trained_on_images, ValueError, r"a single image is images\[:1\]"):
        getattr(trained_on_images, method)(IMAGES[0])


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
def test_bad_codes(fitted, bad, error, message):
    with refused(fitted, error, message):
        fitted.inverse_transform(bad)


@pytest.mark.parametrize(("method", "arguments", "error", "message"), CALLS, ids=ids)
def test_bad_arguments_of_a_fitted_estimator(fitted, method, arguments, error, message):
    with refused(fitted, error, message):
        getattr(fitted, method)(**arguments)


@pytest.mark.parametrize("parameters", [{}, {"features": "hidden"}, {"latent_dim": 0}], ids=ids)
@pytest.mark.parametrize(("method", "arguments"), BEFORE_FIT)
def test_calls_before_fit(small, method, arguments, parameters):
    unfitted = small(**parameters)
    with refused(unfitted, NotFittedError, "BiGANTransformer instance is not fitted yet.*'fit'"):
        getattr(unfitted, method)(*arguments)


@pytest.mark.filterwarnings("ignore:X ranges from")  # the rows are far away, as they must be
def test_results_that_a_dtype_cannot_hold(digits, small):
    bigan = small().fit((digits * 1e-3).astype(np.float16))
    far = np.full((2, 64), 6e4, np.float16)
    codes = np.empty((2, 4), np.float16)
    assert np.isfinite(bigan.transform(far.astype(np.float32))).all()
    for arguments in ({}, {"out": codes}):
        with pytest.raises(ValueError, match="no finite numbers for some of the rows 0 to 1 of X"):
            bigan.transform(far, **arguments)
    large = small(scaling="range").fit(digits * 1e41)
    codes = large.transform(digits[:2] * 1e41)
    assert np.isfinite(large.inverse_transform(codes)).all()
    with refused(large, ValueError, "X must be codes in float64, .* for float32"):
        large.inverse_transform(codes.astype(np.float32))
