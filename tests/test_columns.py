"""Columns become blocks of numbers, and come back as they were."""

import pickle
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from sklearn.base import clone
from sklearn.datasets import load_wine
from sklearn.utils.estimator_checks import check_estimator

from sk_bigan.columns import ColumnEncoder, is_plain

N = 60
RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(size=N) ** 3

# Columns of pandas
COLUMNS = {
    "floats": NUMBERS,
    "floats32": NUMBERS.astype(np.float32),
    "integers": RNG.integers(-5, 100, N),
    "bytes": RNG.integers(0, 255, N).astype(np.uint8),
    "nullable": pd.array([None, *range(N - 1)], dtype="Int64"),
    "booleans": NUMBERS > 0,
    "nullable booleans": pd.array([None, *(NUMBERS[1:] > 0)], dtype="boolean"),
    "texts": RNG.choice(["north", "south"], N),
    "categories": pd.Categorical(RNG.choice([*"abc"], N), categories=[*"abcd"], ordered=True),
    "categories of numbers": pd.Categorical(RNG.choice([3, 5, 7], N)),
    "days": pd.date_range("2020", periods=N),
    "moments": pd.date_range("2020", periods=N, freq="17min", tz="Asia/Tokyo"),
    "durations": pd.to_timedelta(RNG.integers(0, 1000, N), unit="s"),
}
LIBRARIES = {
    "pandas": lambda frame: frame,
    "polars": lambda frame: pl.from_pandas(frame),
    "pyarrow": lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
}


def same(a, b):
    if isinstance(a, pd.DataFrame):
        pd.testing.assert_frame_equal(a, b, rtol=1e-6)
    elif isinstance(a, pl.DataFrame):
        assert_frame_equal(a, b)
    else:
        assert a.schema.types == b.schema.types
        # Its type of categories does not say which there are.
        a, b = (table.to_pandas(ignore_metadata=True) for table in (a, b))
        a, b = (frame.astype({"x": object}) for frame in (a, b))
        pd.testing.assert_frame_equal(a, b, rtol=1e-6)


@pytest.mark.parametrize("numbers", ["standard", "bins"])
@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("kind", COLUMNS)
def test_a_column_comes_back(library, kind, numbers):
    frame = pd.DataFrame({"x": COLUMNS[kind], "rank": np.arange(N)})
    X = LIBRARIES[library](frame)
    encoder = ColumnEncoder(numbers=numbers).fit(X)
    Z = encoder.transform(X)
    assert Z.shape == (N, len(encoder.get_feature_names_out()))
    same(encoder.inverse_transform(Z), X)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("kind", ["floats", "nullable", "texts", "categories", "days", "moments"])
def test_gaps_are_nan_in_the_whole_block_and_come_back(library, kind):
    column = pd.Series(COLUMNS[kind])
    column[::5] = None
    X = LIBRARIES[library](pd.DataFrame({"x": column, "rank": np.arange(N)}))
    encoder = ColumnEncoder().fit(X)
    Z = encoder.transform(X)
    block = encoder.blocks_[0]
    gaps = np.isnan(Z[:, block.start : block.stop])
    assert (gaps.all(axis=1) == gaps.any(axis=1)).all()
    assert gaps.any(axis=1)[::5].all()
    same(encoder.inverse_transform(Z), X)


def test_standard_numbers_have_mean_0_and_variance_1():
    Z = ColumnEncoder().fit_transform(load_wine().data)
    np.testing.assert_allclose(Z.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(Z.std(axis=0), 1)


def test_bins_are_shares_of_quantiles():
    """The k-th is 0 below its bin, 1 above it, and linear inside (arXiv 2203.05556, eq. 1)."""
    X = np.sort(NUMBERS)[:, np.newaxis]
    encoder = ColumnEncoder(numbers="bins", n_bins=4).fit(X)
    Z = encoder.transform(X)
    assert Z.shape == (N, 4)
    edges = np.quantile(X, np.linspace(0, 1, 5))
    for k, (low, high) in enumerate(pairwise(edges)):
        np.testing.assert_allclose(Z[:, k], np.clip((X[:, 0] - low) / (high - low), 0, 1))
    assert (np.diff(Z.sum(axis=1)) >= 0).all()


def test_equal_quantiles_are_one_bin():
    X = np.r_[np.zeros(50), np.arange(10)][:, np.newaxis].astype(float)
    encoder = ColumnEncoder(numbers="bins").fit(X)
    assert len(encoder.get_feature_names_out()) < 8
    np.testing.assert_allclose(encoder.inverse_transform(encoder.transform(X)), X, atol=1e-12)


def test_what_a_network_makes_of_bins_has_an_inverse_too():
    encoder = ColumnEncoder(numbers="bins", n_bins=4).fit(NUMBERS[:, np.newaxis])
    Z = RNG.normal(size=(50, 4)) * 3
    decoded = encoder.inverse_transform(Z)
    assert NUMBERS.min() <= decoded.min() <= decoded.max() <= NUMBERS.max()
    assert (encoder.inverse_transform(Z + 0.1) >= decoded).all()


def test_rare_categories_share_a_column():
    texts = [*"aaaabbbb" * 20, *(f"rare {i}" for i in range(40))]
    encoder = ColumnEncoder(max_categories=5).fit(pd.DataFrame({"x": texts}))
    assert encoder.blocks_ == (("x", "category", 0, 5),)
    back = encoder.inverse_transform(encoder.transform(pd.DataFrame({"x": texts})))
    assert set(back.x) < set(texts)
    assert (back.x[:160] == texts[:160]).all()


def test_as_many_categories_as_are_allowed_share_none():
    texts = [*"abc"] * 5
    encoder = ColumnEncoder(max_categories=3).fit(pd.DataFrame({"x": texts}))
    Z = encoder.transform(pd.DataFrame({"x": texts}))
    assert [*encoder.inverse_transform(Z).x] == texts


def test_numbers_may_be_categories():
    X = pd.DataFrame({"code": [1, 2, 3] * 5, "size": np.arange(15)})
    for chosen in (["code"], [0]):
        encoder = ColumnEncoder(categorical_features=chosen).fit(X)
        assert [block.kind for block in encoder.blocks_] == ["category", "number"]
        same(encoder.inverse_transform(encoder.transform(X)), X)


def test_arrays_come_back_as_arrays():
    X = np.where(RNG.random((N, 3)) < 0.2, np.nan, RNG.normal(size=(N, 3)))
    encoder = ColumnEncoder().fit(X)
    np.testing.assert_allclose(encoder.inverse_transform(encoder.transform(X)), X, rtol=1e-9)


VALUES = {
    "floats": st.floats(-1e6, 1e6, allow_subnormal=False),
    "integers": st.integers(-(10**6), 10**6),
    "booleans": st.booleans(),
    "texts": st.sampled_from(["a", "b", "c", "ä"]),
    "days": st.dates(date(1950, 1, 1), date(2050, 1, 1)),
    "durations": st.timedeltas(timedelta(0), timedelta(100)),
}


@st.composite
def polars_frames(draw):
    kinds = draw(st.lists(st.sampled_from([*VALUES]), min_size=1, max_size=4))
    n = draw(st.integers(2, 8))
    columns = {}
    for i, kind in enumerate(kinds):
        known = draw(VALUES[kind])
        others = draw(st.lists(st.none() | VALUES[kind], min_size=n - 1, max_size=n - 1))
        columns[f"{kind} {i}"] = [known, *others]
    return pl.DataFrame(columns)


@settings(max_examples=60, deadline=None)
@given(X=polars_frames(), numbers=st.sampled_from(["standard", "bins"]))
def test_any_frame_comes_back(X, numbers):
    encoder = ColumnEncoder(numbers=numbers).fit(X)
    back = encoder.inverse_transform(encoder.transform(X))
    assert_frame_equal(back, X, rel_tol=1e-6, abs_tol=1e-5)


def test_pickles_clones_and_frames_of_codes():
    X = pd.DataFrame({name: COLUMNS[name] for name in ("floats", "texts", "days")})
    encoder = ColumnEncoder().fit(X)
    copy = pickle.loads(pickle.dumps(encoder))
    np.testing.assert_array_equal(copy.transform(X), encoder.transform(X))
    named = clone(encoder).set_output(transform="pandas").fit_transform(X)
    assert [*named.columns] == ["floats", "texts_north", "texts_south", "days"]


@pytest.mark.parametrize(
    ("X", "plain"),
    [
        (load_wine().data, True),
        (pd.DataFrame(load_wine().data), True),
        (pl.DataFrame({"a": [1, 2], "b": [True, False]}), True),
        (np.array([[1.0, np.nan]]), False),
        (pl.DataFrame({"a": [1, None]}), False),
        (pd.DataFrame({"a": ["x", "y"]}), False),
        (pd.DataFrame({"a": pd.date_range("2020", periods=2)}), False),
        (load_wine().data.tolist(), True),
        (np.full((3, 2, 2), np.nan), True),  # images are no tables
    ],
)
def test_plain_numbers_are_told_from_other_tables(X, plain):
    assert is_plain(X) == plain


BAD = {
    "no value": (pd.DataFrame({"a": [None, None], "b": [1, 2]}), "none in column 'a'"),
    "numbers and texts": (pd.DataFrame({"a": [1, "x"]}), "columns of one kind, got 1 and 'x'"),
    "infinity": (pd.DataFrame({"a": [1.0, np.inf]}), "infinity.*'a'"),
    "two of one name": (pd.DataFrame(np.ones((2, 2)), columns=["a", "a"]), "several 'a'"),
    "lists": (pl.DataFrame({"a": [[1], [2]]}), r"np.stack\(X\['a'\]\)"),
    "complex": (pd.DataFrame({"a": [1j, 2j]}), "complex128 in column 'a'"),
    "many texts": (pd.DataFrame({"a": [f"{i}." for i in range(400)]}), "'a'.*TargetEncoder"),
    "no rows": (pd.DataFrame({"a": []}), r"0 sample\(s\)"),
    "masked": (np.ma.masked_less(NUMBERS[:, np.newaxis], 0), "no masked values"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_tables_are_named_and_change_nothing(case):
    X, message = BAD[case]
    encoder = ColumnEncoder().fit(pd.DataFrame({"x": NUMBERS}))
    before = vars(encoder).copy()
    with pytest.raises(ValueError, match=f"(?s){message}"):
        encoder.fit(X)
    assert vars(encoder) == before


def test_an_unseen_category_is_named():
    X = pd.DataFrame({"x": [*"ab"] * 5})
    encoder = ColumnEncoder().fit(X)
    with pytest.warns(UserWarning, match="column 'x', such as 'c': they count as gaps"):
        Z = encoder.transform(pd.DataFrame({"x": [*"abc"]}))
    assert np.isnan(Z[2]).all()
    rare = ColumnEncoder(max_categories=2).fit(pd.DataFrame({"x": [*"aaabcd"]}))
    with pytest.warns(UserWarning, match="such as 'e': they count as infrequent"):
        np.testing.assert_array_equal(rare.transform(pd.DataFrame({"x": ["e"]})), [[0, 1]])


@pytest.mark.filterwarnings("ignore")  # scikit-learn's checks raise what they look for
def test_scikit_learns_checks():
    check_estimator(ColumnEncoder())
