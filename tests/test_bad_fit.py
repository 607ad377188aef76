"""Bad X of fit is named, with the expected and the given value, and changes nothing."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from bad_input import (
    IMAGES,
    INPUTS,
    NORMAL,
    TENSOR,
    Items,
    X,
    map_of_a_deleted_file,
    refused,
    rows,
    with_value,
)
from helpers import read_only

pytestmark = pytest.mark.usefixtures("one_thread")


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
    "images of text": (
        np.full((9, 8, 8), "a"),
        ValueError,
        r"X must hold numbers, got 'a' in rows of shape \(8, 8\)",
    ),
    "images, masked": (np.ma.masked_less(IMAGES, 1), ValueError, "no masked values"),
    "months": (
        pd.DataFrame({"a": pd.period_range("2020", periods=3)}),
        ValueError,
        "got objects of Period in column 'a': give",
    ),
    "names and numbers": (pd.DataFrame(X[:, :2], columns=["a", 3]), TypeError, "'int', 'str'"),
    "polars, lists": (
        pl.DataFrame({"a": [[1], [2, 3]]}),
        ValueError,
        "np.stack.*makes columns, in column 'a'",
    ),
    "polars, no rows": (pl.DataFrame({"a": []}), ValueError, r"0 sample\(s\)"),
}


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


@pytest.mark.parametrize(("bad", "error", "message"), rows(INPUTS | TRAINING_INPUTS | FIRST_INPUTS))
def test_bad_input_of_fit(small, bad, error, message):
    unfitted = small()
    for method in (unfitted.fit, unfitted.partial_fit, unfitted.fit_transform):
        with refused(unfitted, error, message):
            method(bad)


@pytest.mark.parametrize(("bad", "error", "message"), rows(INPUTS | TRAINING_INPUTS))
def test_bad_input_leaves_a_fitted_estimator_as_it_was(fitted, bad, error, message):
    for method in (fitted.fit, fitted.partial_fit, fitted.fit_transform):
        with refused(fitted, error, message):
            method(bad)


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


@pytest.mark.parametrize(("X", "parameters"), rows(FINE))
def test_inputs_that_look_bad_and_are_fine(small, X, parameters):
    bigan = small(max_epochs=1, **parameters).fit(X)
    codes = bigan.transform(X)
    assert np.isfinite(codes).all()
    assert np.isfinite(bigan.inverse_transform(codes)).all()
    assert np.isfinite(bigan.score_samples(X)).all()
    assert bigan.transform(X[:1]).shape == (1, bigan.latent_dim)
