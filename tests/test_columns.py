"""Tables of any library go into the encoder of columns and come back."""

import datetime as dt
import pickle
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from pyarrow.compute import run_end_encode
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
from sklearn.preprocessing import KBinsDiscretizer, StandardScaler
from torch.utils.data import DataLoader, TensorDataset

from sk_bigan.columns import Block, ColumnEncoder

NA = None
BERLIN = "Europe/Berlin"
TIMES = ["2020-01-01T02:00:00.5", "2020-07-01T00:00:00.0", "NaT", "1969-12-31T23:59:59.0"]
DATES = [dt.date(2020, 1, 1), NA, dt.date(1950, 1, 1), dt.date(2020, 1, 2)]
CENTS = [Decimal("1.10"), NA, Decimal("2.25"), Decimal("0.29")]

PANDAS = pd.DataFrame(
    {
        "float": [1.5, np.nan, 2.25, -3.0],
        "float32": np.array([1, 2, 0.1, np.nan], "f4"),
        "int": [1, -2, 3, 10**12],
        "uint8": np.array([0, 255, 7, 1], "u1"),
        "Int16": pd.array([1, NA, 3, 4], "Int16"),
        "Float32": pd.array([1.5, NA, 3, 4], "Float32"),
        "bool": [True, False, True, True],
        "boolean": pd.array([True, NA, False, True], "boolean"),
        "objects: bool": np.array([True, np.nan, False, True], object),
        "objects: int": np.array([1, np.nan, 2, 3], object),
        "str": ["a", "b", np.nan, "a"],
        "string": pd.array(["a", NA, "c", "d"], "string"),
        "objects: str": pd.Series(["x", np.nan, "y", "x"], dtype=object),
        "ordered": pd.Categorical(["lo", "hi", NA, "lo"], ["none", "lo", "hi"], ordered=True),
        "category of int": pd.Categorical([1, 2, NA, 1]),
        "category of Interval": pd.cut([1, 2, 3, np.nan], 2),
        "category of Timestamp": pd.Categorical(pd.to_datetime(["2020-01-01", NA] * 2)),
        "days": np.array(["2020-01-01", "NaT", "2021-05-05", "1969-01-01"], "M8[us]"),
        "times": np.array(TIMES, "M8[us]"),
        "ns": np.array([f"2020-01-01T00:00:00.{n:09d}" for n in (0, 1, 10**6, 7)], "M8[ns]"),
        "zone": pd.Series(np.array(TIMES, "M8[us]")).dt.tz_localize("UTC").dt.tz_convert(BERLIN),
        "duration": np.array([10**6, "NaT", -5, 7], "m8[us]"),
        "Arrow int": pd.array([1, NA, 2, 3], "int64[pyarrow]"),
        "Arrow str": pd.array(["u", NA, "v", "u"], pd.ArrowDtype(pa.string())),
        "Arrow date": pd.array(DATES, pd.ArrowDtype(pa.date32())),
        "Arrow decimal": pd.array(CENTS, pd.ArrowDtype(pa.decimal128(8, 2))),
    }
).set_axis([*"wxyz"])
POLARS = pl.DataFrame(
    {
        "float": [1.5, NA, -3.25, 2],
        "Int8": pl.Series([1, NA, -3, 2], dtype=pl.Int8),
        "UInt64": pl.Series([1, NA, 3, 2], dtype=pl.UInt64),
        "bool": [True, NA, False, True],
        "str": ["a", "b", NA, "a"],
        "Categorical": pl.Series(["a", NA, "b", "a"], dtype=pl.Categorical),
        "Enum": pl.Series(["a", NA, "b", "a"], dtype=pl.Enum(["z", "b", "a"])),
        "date": DATES,
        "times": np.array(TIMES, "M8[us]"),
        "zone": pl.Series(np.array(TIMES, "M8[ms]")).dt.replace_time_zone(BERLIN),
        "duration": [dt.timedelta(1), NA, dt.timedelta(0, 0, 5), dt.timedelta(0)],
        "time": [dt.time(1, 2, 3), NA, dt.time(23, 59), dt.time(0)],
        "decimal": pl.Series(CENTS, dtype=pl.Decimal(10, 2)),
    }
)
PYARROW = POLARS.drop("Categorical", "Enum").to_arrow()
for name, array in {
    "dictionary": pa.array(["a", NA, "b", "a"], pa.dictionary(pa.int8(), pa.string())),
    "dictionary of int": pa.array([3, NA, 4, 3], pa.dictionary(pa.int8(), pa.int64())),
    "dictionary of large_string": pa.array(["a", NA, "b", "a"], pa.large_string())
    .dictionary_encode()
    .cast(pa.dictionary(pa.int16(), pa.large_string())),
    "string": pa.array(["a", NA, "b", "a"]),
    "large_string": pa.array(["a", NA, "b", "a"], pa.large_string()),
    "date64": PYARROW["date"].cast(pa.date64()),
    "time32": PYARROW["time"].cast(pa.time32("s")),
}.items():
    PYARROW = PYARROW.append_column(name, array)
ARRAYS = {
    "float64": np.array([[1.5, np.nan], [2.5, 3.5], [np.nan, 4.5]]),
    "float32": np.array([[1.5, 2], [2.5, np.nan]], "f4"),
    "int64": np.array([[1, -2], [2, 10**12]]),
    "uint8": np.array([[0, 255], [3, 7]], "u1"),
    "bool": np.array([[True, False], [True, True]]),
    "str": np.array([["a", "b"], ["c", "b"]]),
    "dates": np.array([["2020-01-01", "NaT"], ["2020-01-02", "1960-05-05"]], "M8[D]"),
    "objects": np.array([["a", 1.5, True, 1], [np.nan, np.nan, False, 3]], object),
}
TABLES = {"pandas": PANDAS, "polars": POLARS, "pyarrow": PYARROW, **ARRAYS}

every_table = pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
every_encoding = pytest.mark.parametrize("numbers", ["standard", "bins"])


NEAR = {"rtol": 1e-9, "atol": 1e-10}


def schema(table):
    if isinstance(table, pd.DataFrame):
        return table.dtypes.to_dict()
    return table.dtype if isinstance(table, np.ndarray) else table.schema


def assert_same(one, other):
    """Dtypes, names, categories and the index too; floats but for rounding."""
    assert type(one) is type(other)
    if isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, other, **NEAR)
    elif isinstance(one, pl.DataFrame):
        assert_frame_equal(one, other, rel_tol=1e-9, abs_tol=1e-10)
    elif isinstance(one, pa.Table):
        assert one.schema.equals(other.schema)
        for ours, theirs in zip(one.columns, other.columns, strict=True):
            if pa.types.is_floating(ours.type):
                np.testing.assert_allclose(ours.to_numpy(), theirs.to_numpy(), **NEAR)
            else:
                assert ours.to_pylist() == theirs.to_pylist()
    else:
        assert one.dtype == other.dtype
        pd.testing.assert_frame_equal(pd.DataFrame(one), pd.DataFrame(other), **NEAR)


@every_encoding
@every_table
def test_a_table_comes_back(table, numbers):
    encoder = ColumnEncoder(numbers=numbers).fit(table)
    encoded = encoder.transform(table)
    if isinstance(table, pd.DataFrame):  # whose index only a frame can carry
        encoded = pd.DataFrame(encoded, index=table.index)
    assert_same(encoder.inverse_transform(encoded), table)


@every_encoding
@every_table
def test_rows_of_gaps_and_of_any_numbers_come_back(table, numbers):
    """Networks make far numbers, and libraries refuse a date of the year 30,000."""
    encoder = ColumnEncoder(numbers=numbers).fit(table)
    width = encoder.blocks_[-1].stop
    wild = 10.0 ** np.arange(-3, 300, 30)[:, np.newaxis] * np.random.RandomState(0).randn(11, width)
    back = encoder.inverse_transform(wild)
    assert len(back) == len(wild)
    assert schema(back) == schema(table)
    encoder.transform(back)
    gaps = encoder.inverse_transform(np.full((3, width), np.nan))
    frame = gaps.to_pandas() if isinstance(gaps, pl.DataFrame | pa.Table) else pd.DataFrame(gaps)
    assert frame.isna().to_numpy().all()


@every_encoding
@every_table
def test_gaps_are_nan_in_the_whole_block_and_nowhere_else(table, numbers):
    encoder = ColumnEncoder(numbers=numbers).fit(table)
    encoded = encoder.transform(table)
    frame = table.to_pandas() if isinstance(table, pl.DataFrame | pa.Table) else pd.DataFrame(table)
    for i, block in enumerate(encoder.blocks_):
        of_block = np.isnan(encoded[:, block.start : block.stop])
        np.testing.assert_array_equal(of_block.T, [frame.iloc[:, i].isna()] * of_block.shape[1])


def test_a_frame_that_came_back_shares_nothing_with_x_or_the_encoder():
    X = pd.DataFrame({"a": [1.0, 2], "b": ["x", "y"]})
    encoder = ColumnEncoder().fit(X)
    codes = pd.DataFrame(encoder.transform(X))
    back = encoder.inverse_transform(codes)
    back.columns.name = back.index.name = "changed"
    X.columns.name = "changed too"
    again = encoder.inverse_transform(codes)
    assert {again.columns.name, again.index.name, codes.index.name, X.index.name} == {None}
    assert X.columns.name == "changed too"


RUNS = pa.array([1, 1, None, 3])
OTHER_TYPES = {
    "runs of doubles": pa.table({"a": run_end_encode(RUNS.cast(pa.float64()))}),
    "runs of texts": pa.table(
        {"a": run_end_encode(RUNS.cast(pa.string()), run_end_type=pa.int16())}
    ),
    "Int128": pl.DataFrame({"a": pl.Series([1, None, -(2**40)], dtype=pl.Int128)}),
    "Float16 of NumPy": np.array([[1.5], [np.nan], [2]], "f2"),
    "months": np.array([["2020-01"], ["NaT"], ["2021-05"]], "M8[M]"),
    "weeks": np.array([[1], ["NaT"], [7]], "m8[W]"),
    "long double": np.array([[1.5], [np.nan], [2]], np.longdouble),
}
if hasattr(pa, "bool8"):
    OTHER_TYPES["bool8"] = pa.table({"a": pa.array([True, None, False]).cast(pa.bool8())})
if hasattr(pa, "json_"):
    OTHER_TYPES["json"] = pa.table({"a": pa.array(["{}", None, "[]"]).cast(pa.json_())})
if hasattr(pl, "UInt128"):
    OTHER_TYPES["UInt128"] = pl.DataFrame({"a": pl.Series([1, None, 2**40], dtype=pl.UInt128)})
if hasattr(pl, "Float16"):
    OTHER_TYPES["Float16"] = pl.DataFrame({"a": pl.Series([1.5, None, 2], dtype=pl.Float16)})


@every_encoding
@pytest.mark.parametrize("case", OTHER_TYPES)
def test_whatever_fit_takes_comes_back(case, numbers):
    X = OTHER_TYPES[case]
    encoder = ColumnEncoder(numbers=numbers).fit(X)
    encoded = encoder.transform(X)
    assert_same(encoder.inverse_transform(encoded), X)
    width = encoder.blocks_[-1].stop
    for rows in (np.nan_to_num(encoded), np.full((2, width), 1e200), np.full((2, width), -1e200)):
        assert schema(encoder.inverse_transform(rows)) == schema(X)
    if "bool" in case:
        assert encoder.blocks_[0].kind == "category"


@pytest.mark.parametrize(
    ("X", "got"),
    [
        (pl.DataFrame({"a": pl.Series([2**80], dtype=pl.Int128)}), ""),
        (np.array([[1], [2]], "m8[M]"), r"timedelta64\[M\]"),
        (np.array([[1], [2]], "m8[ps]"), r"timedelta64\[ps\]"),
        (np.array([[1], [2]], "M8[ps]"), r"datetime64\[ps\]"),
        (np.array([[1], [2]], "M8[as]"), r"datetime64\[as\]"),
        (pa.table({"a": pa.array([{"b": 1}])}), "dict"),
        (pa.table({"a": pa.array([b"x"])}), "bytes"),
        (pa.table({"a": pa.array([[1], [2]], pa.list_(pa.int8(), 1))}), ""),
        (pa.table({"a": pa.array([(1, 2, 3)], pa.month_day_nano_interval())}), ""),
        (pa.table({"a": pa.array([[1]], pa.list_view(pa.int8()))}), ""),
    ],
)
def test_what_would_not_come_back_is_refused_with_its_column(X, got):
    name = "column 0" if isinstance(X, np.ndarray) else "column 'a'"
    encoder = ColumnEncoder()
    with pytest.raises(ValueError, match=f"(?s)X must have .*{got}.* {name}"):
        encoder.fit(X)
    assert vars(encoder) == vars(ColumnEncoder())


def dictionary(values, indices, ordered):
    return pa.DictionaryArray.from_arrays(pa.array(indices, pa.int8()), values, ordered=ordered)


@pytest.mark.parametrize("library", ["pyarrow", "pandas"])
@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("type_", [pa.string(), pa.large_string(), pa.int64()])
def test_dictionaries_keep_their_values_and_their_order(type_, ordered, library):
    values = pa.array(["3", "1", "2", "0"]).cast(type_)
    once = dictionary(values, [2, None, 0, 1], ordered)
    more = dictionary(values[:2], [1, 1, 0], ordered)
    for parts in ([once], [once, more]):
        table = pa.table({"o": pa.chunked_array(parts), "k": np.arange(sum(map(len, parts)))})
        X = table if library == "pyarrow" else table.to_pandas(types_mapper=pd.ArrowDtype)
        encoder = pickle.loads(pickle.dumps(ColumnEncoder().fit(X)))
        back = encoder.inverse_transform(encoder.transform(X))
        assert schema(back) == schema(X)
        back = back["o"] if library == "pyarrow" else back["o"].array.__arrow_array__()
        assert back.to_pylist() == table["o"].to_pylist()
        assert all(chunk.dictionary.equals(values) for chunk in back.chunks)


def test_dtypes_without_gaps_become_those_of_pandas():
    table = PANDAS[["int", "bool"]]
    encoder = ColumnEncoder().fit(table)
    back = encoder.inverse_transform(np.vstack([encoder.transform(table), [np.nan] * 3]))
    assert [*back.dtypes.astype(str)] == ["float64", "object"]
    array = ColumnEncoder().fit(ARRAYS["int64"]).inverse_transform([[0, np.nan]])
    assert array.dtype == np.float64


@pytest.mark.parametrize("load", [load_breast_cancer, load_diabetes, load_iris, load_wine])
@pytest.mark.parametrize("kind", ["array", "pandas", "polars", "pyarrow"])
def test_real_tables_come_back(load, kind):
    X = load(as_frame=True).frame
    make = {
        "array": pd.DataFrame.to_numpy,
        "pandas": lambda frame: frame,
        "polars": pl.from_pandas,
        "pyarrow": pa.Table.from_pandas,
    }[kind]
    table = make(X)
    encoder = ColumnEncoder(numbers="bins")
    back = encoder.inverse_transform(encoder.fit_transform(table))
    back = back.to_pandas() if kind in ("polars", "pyarrow") else pd.DataFrame(back)
    np.testing.assert_allclose(back, X, rtol=1e-9, atol=1e-12)


def test_arrays_of_numbers_are_standardised():
    X = load_wine().data
    scaled = StandardScaler().fit_transform(X)
    np.testing.assert_allclose(ColumnEncoder().fit_transform(X), scaled, rtol=1e-11, atol=1e-13)


def test_bins_are_shares_of_quantile_bins():
    X = np.arange(17.0)[:, np.newaxis]  # edges at 0, 4, 8, 12, 16
    encoder = ColumnEncoder(numbers="bins", n_bins=4).fit(X)
    expected = [[0, 0, 0, 0], [1, 0.25, 0, 0], [1, 1, 1, 0.5], [1, 1, 1, 1]]
    np.testing.assert_array_equal(encoder.transform([[0], [5], [14], [16]]), expected)
    np.testing.assert_array_equal(encoder.transform([[-9], [99]]), [[0] * 4, [1] * 4])
    np.testing.assert_array_equal(
        encoder.inverse_transform([[1, 0.25, 0, -7], [2, 0, 0, 0.5]]), [[5], [6]]
    )


def test_bins_have_the_edges_of_kbins_discretizer():
    X = load_breast_cancer().data[:, [0, 6, 13]]
    encoder = ColumnEncoder(numbers="bins").fit(X)
    # scikit-learn 1.6 knows but one way, the linear one.
    way = (
        {"quantile_method": "linear"}
        if "quantile_method" in KBinsDiscretizer().get_params()
        else {}
    )
    edges = KBinsDiscretizer(8, strategy="quantile", **way).fit(X).bin_edges_
    for i, column in enumerate(edges):
        block = encoder.blocks_[i]
        corners = np.tril(np.ones((9, 8)), -1)
        whole = np.zeros((9, encoder.blocks_[-1].stop))
        whole[:, block.start : block.stop] = corners[:, : block.stop - block.start]
        np.testing.assert_allclose(encoder.inverse_transform(whole)[:, i], column, rtol=1e-12)


def test_equal_quantiles_make_one_bin():
    X = np.r_[np.zeros(90), np.arange(10.0)][:, np.newaxis]
    encoder = ColumnEncoder(numbers="bins").fit(X)
    assert encoder.blocks_ == (Block("x0", "bins", 0, 1),)
    constant = ColumnEncoder(numbers="bins").fit(np.full((5, 1), 7.0))
    np.testing.assert_array_equal(constant.inverse_transform([[0.3]]), [[7]])


def test_the_plan_of_a_table():
    encoder = ColumnEncoder(numbers="bins").fit(PANDAS[["int", "bool", "str", "days"]])
    assert encoder.blocks_ == (
        Block("int", "bins", 0, 8),
        Block("bool", "category", 8, 10),
        Block("str", "category", 10, 12),
        Block("days", "bins", 12, 20),
    )
    names = encoder.get_feature_names_out()
    assert [*names[[0, 7, 8, 9, 10, 19]]] == [
        *("int_bin1", "int_bin8", "bool_False", "bool_True", "str_a", "days_bin8"),
    ]


@pytest.mark.parametrize("columns", [["code"], [1], np.array([1])])
def test_numbers_may_be_called_categories(columns):
    X = pd.DataFrame({"a": [1.0, 2, 3], "code": pd.array([7, None, 9], "Int64")})
    encoder = ColumnEncoder(categorical_features=columns).fit(X)
    assert [block.kind for block in encoder.blocks_] == ["number", "category"]
    np.testing.assert_array_equal(encoder.transform(X)[:, 1:], [[1, 0], [np.nan, np.nan], [0, 1]])
    assert_same(encoder.inverse_transform(encoder.transform(X)), X)
    assert [block.kind for block in ColumnEncoder().fit(X).blocks_] == ["number"] * 2


def test_the_largest_number_of_a_block_is_the_category():
    encoder = ColumnEncoder().fit(pl.DataFrame({"a": ["x", "y", "z"]}))
    back = encoder.inverse_transform([[0.3, 0.2, 0.25], [-5, -4, -3]])
    assert back["a"].to_list() == ["x", "z"]


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_names_of_encoded_columns_are_unique(library):
    X = pd.DataFrame({"a": [*"bc"] * 3, "a_b": range(6), "a_b_": range(6)})
    encoder = ColumnEncoder().set_output(transform=library).fit(X)
    assert [*encoder.get_feature_names_out()] == ["a_b", "a_c", "a_b_", "a_b__"]
    assert [*encoder.transform(X).columns] == [*encoder.get_feature_names_out()]


def test_rare_categories_share_a_column_and_come_back_as_the_most_frequent_of_them():
    values = ["a"] * 9 + ["b"] * 8 + ["c"] * 2 + ["d"] * 3 + ["e"]
    X = pd.DataFrame({"v": values})
    encoder = ColumnEncoder(max_categories=3).fit(X)
    assert [*encoder.get_feature_names_out()] == ["v_a", "v_b", "v_infrequent_sklearn"]
    back = encoder.inverse_transform(encoder.transform(X))["v"]
    assert [*back] == ["d" if value in "cde" else value for value in values]
    with pytest.warns(UserWarning, match="column 'v', such as 'new': they count as infrequent"):
        np.testing.assert_array_equal(encoder.transform(pd.DataFrame({"v": ["new"]})), [[0, 0, 1]])


def test_a_category_that_fit_has_not_seen_is_a_gap():
    encoder = ColumnEncoder().fit(pl.DataFrame({"v": ["a", "b"], "w": [1, 2]}))
    new = pl.DataFrame({"v": ["b", "mauve"], "w": [1, 1]})
    with pytest.warns(UserWarning, match="1 of the categories in column 'v', such as 'mauve'"):
        encoded = encoder.transform(new)
    np.testing.assert_array_equal(encoded, [[0, 1, -1], [np.nan, np.nan, -1]])


def categories(values):
    return pd.Series(pd.Categorical(values))


OTHER_KINDS = {
    "numbers for texts": (["10115", "10117"], [10115, 10117], "texts .* got numbers"),
    "numbers among texts": (["a", "b"], categories([1, 2]), "texts .* got numbers"),
    "booleans for texts": (["True", "False"], [True, False], "texts .* got numbers"),
    "dates for texts": (["2020", "2021"], pd.to_datetime(["2020", "2021"]), "texts .* got dates"),
    "texts for booleans": ([True, False], ["True", "False"], "numbers .* got texts"),
    "texts for numbers": (categories([1, 2]), ["1", "2"], "numbers .* got texts"),
    "texts of categories": (categories([1, 2]), categories(["1", "2"]), "numbers .* got texts"),
    "dates for numbers": (categories([1, 2]), pd.to_datetime(["2020"] * 2), "numbers .* got dates"),
    "durations": (["a", "b"], pd.to_timedelta([1, 2], "D"), "texts .* got durations"),
    "ranges": (["a", "b"], pd.cut([1, 2], 2), "texts .* got Interval"),
}
LIBRARIES = {
    "pandas": lambda frame: frame,
    "polars": pl.from_pandas,
    "pyarrow": lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
}


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("case", OTHER_KINDS)
def test_categories_of_another_kind_are_refused(case, library):
    if (case, library) in {("ranges", "polars"), ("ranges", "pyarrow")}:
        library = "pandas"  # which alone has them
    values, others, message = OTHER_KINDS[case]
    table = LIBRARIES[library]
    encoder = ColumnEncoder(categorical_features=["a"]).fit(table(pd.DataFrame({"a": values})))
    with pytest.raises(ValueError, match=f"X must have {message}"):
        encoder.transform(table(pd.DataFrame({"a": others})))


HOURS = pd.Series(pd.date_range("2020-01-01", periods=3, freq="h").as_unit("us"))
DAYTIMES = pl.Series([dt.time(1), dt.time(2)])
KINDS_OF_TIME = {
    "dates without a time zone": [
        pd.DataFrame({"t": HOURS}),
        pl.DataFrame({"t": HOURS}),
        pa.table({"t": pa.array(HOURS)}),
        pd.DataFrame({"t": HOURS.astype("timestamp[us][pyarrow]")}),
        pd.DataFrame({"t": HOURS.astype("category")}),
    ],
    "dates with a time zone": [
        pd.DataFrame({"t": HOURS.dt.tz_localize(BERLIN)}),
        pl.DataFrame({"t": pl.Series(HOURS).dt.replace_time_zone(BERLIN)}),
        pa.table({"t": pa.array(HOURS.dt.tz_localize(BERLIN))}),
        pd.DataFrame({"t": HOURS.dt.tz_localize(BERLIN).astype("timestamp[us, UTC][pyarrow]")}),
        pd.DataFrame({"t": HOURS.dt.tz_localize(BERLIN).astype("category")}),
    ],
    "times of day": [
        pl.DataFrame({"t": DAYTIMES}),
        pa.table({"t": DAYTIMES.to_arrow()}),
        pd.DataFrame({"t": pd.array(DAYTIMES.to_list(), pd.ArrowDtype(pa.time64("us")))}),
    ],
    "durations": [
        pd.DataFrame({"t": HOURS - HOURS[0]}),
        pl.DataFrame({"t": HOURS - HOURS[0]}),
        pa.table({"t": pa.array(HOURS - HOURS[0])}),
    ],
}


@pytest.mark.parametrize("known", KINDS_OF_TIME)
def test_kinds_of_time_are_not_taken_for_each_other(known):
    for X in KINDS_OF_TIME[known][:4]:
        encoder = ColumnEncoder().fit(X)
        for other in KINDS_OF_TIME[known][:4]:
            encoder.transform(other)
        for kind in KINDS_OF_TIME.keys() - {known}:
            for other in KINDS_OF_TIME[kind]:
                message = f"must have {known} in column 't' as in fit, got {kind}"
                with pytest.raises(ValueError, match=message):
                    encoder.transform(other)


@pytest.mark.parametrize("zone", [None, BERLIN])
def test_categories_of_dates_have_a_zone_or_none(zone):
    days = HOURS.dt.tz_localize(zone).astype("category")
    others = HOURS.dt.tz_localize(BERLIN if zone is None else None).astype("category")
    encoder = ColumnEncoder().fit(pd.DataFrame({"t": days}))
    encoder.transform(pd.DataFrame({"t": days}))
    with pytest.raises(ValueError, match="zone in column 't' as in fit, got dates with"):
        encoder.transform(pd.DataFrame({"t": others}))


ALIKE = {
    "gaps make floats of integers": (categories([1, 2]), categories([1, None])),
    "floats": (categories([1, 2]), [1.0, 2.0]),
    "integers": (categories([1.0, 2.0]), [1, 2]),
    "gaps alone": (["a", "b"], [None, None]),
    "gaps of floats": (["a", "b"], [np.nan, np.nan]),
    "booleans with a gap": ([True, False], [True, None]),
    "booleans as numbers": ([True, False], [1, 0]),
    "categories": (["a", "b"], categories(["a", "b"])),
    "objects": (categories(["a", "b"]), np.array(["a", "b"], object)),
}


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("case", ALIKE)
def test_categories_of_one_kind_are_taken_in_another_dtype(case, library):
    values, others = ALIKE[case]
    one, other = (LIBRARIES[library](pd.DataFrame({"a": a})) for a in (values, others))
    encoder = ColumnEncoder(categorical_features=["a"]).fit(one)
    known = pd.Series(others).notna().to_numpy()
    expected = np.where(known[:, np.newaxis], encoder.transform(one), np.nan)
    np.testing.assert_array_equal(encoder.transform(other), expected)


def test_categories_are_numbers_where_fit_had_numbers():
    numbers = pd.DataFrame({"a": [1, 2, 3]})
    encoder = ColumnEncoder().fit(numbers)
    Z = encoder.transform(numbers.astype("category"))
    np.testing.assert_array_equal(Z, encoder.transform(numbers))


def test_dates_are_counted_in_any_unit_and_zone():
    days = pd.DataFrame({"d": pd.to_datetime(["2020-01-01", "2020-01-05"])})
    encoder = ColumnEncoder().fit(days)
    np.testing.assert_array_equal(encoder.transform(days), [[-1], [1]])
    noon = pl.DataFrame({"d": [dt.datetime(2020, 1, 3, 12)]}).with_columns(
        pl.col("d").cast(pl.Datetime("ns"))
    )
    np.testing.assert_array_equal(encoder.transform(noon), [[0.25]])
    aware = days.assign(d=days["d"].dt.tz_localize(BERLIN))
    encoder = ColumnEncoder().fit(aware)
    utc = aware.assign(d=aware["d"].dt.tz_convert("UTC"))
    np.testing.assert_array_equal(encoder.transform(utc), [[-1], [1]])
    assert_same(encoder.inverse_transform(encoder.transform(utc)), aware)


FOR_EVER = {
    "days": ["1900-01-01", "2262-04-11", "2020-02-02", "1677-09-22"],
    "seconds": ["1900-01-01T01:02:03", "2262-04-11T23:47:16", "2020-02-02", "1677-09-22"],
    "extremes": [str(pd.Timestamp.min), "1900-01-01", str(pd.Timestamp.max), "2020-02-02"],
}


@pytest.mark.parametrize("case", FOR_EVER)
@pytest.mark.parametrize("kind", ["dates", "durations"])
@every_encoding
def test_dates_of_nanoseconds_are_in_order_however_far_apart(case, kind, numbers):
    """The greatest is what "valid for ever" looks like, more than 2**63 ns from the least."""
    days = np.array(FOR_EVER[case], "M8[ns]")
    X = days[:, np.newaxis].view("m8[ns]" if kind == "durations" else "M8[ns]")
    encoder = ColumnEncoder(numbers=numbers).fit(X)
    encoded = encoder.transform(X)
    back = encoder.inverse_transform(encoded)
    order = np.argsort(days)
    assert (np.diff(encoded[order], axis=0) >= 0).all()
    assert (np.ptp(encoded[order], axis=0) > 0).all()
    if case == "extremes":
        far = np.abs(back.view("i8").astype(object) - X.view("i8").astype(object))
        assert far.max() < 10**5
    else:
        np.testing.assert_array_equal(back, X)
    near = ColumnEncoder().fit(X[1:2] + np.arange(3).reshape(3, 1).astype("m8[D]"))
    assert (np.diff(near.transform(X)[order], axis=0) > 0).all()
    if kind == "dates":
        long_ago = ColumnEncoder().fit(np.array([["0900-01-01"], ["1000-01-01"]], "M8[s]"))
        assert (np.diff(long_ago.transform(X)[order], axis=0) > 0).all()


def test_a_table_of_another_library_is_the_same_table():
    table = POLARS.select("float", "Int8", "bool", "str", "date", "times", "duration")
    encoder = ColumnEncoder(numbers="bins").fit(table)
    for other in (table.to_pandas(), table.to_arrow()):
        np.testing.assert_array_equal(encoder.transform(other), encoder.transform(table))


def test_a_record_batch_is_a_table():
    table = PYARROW.select(["str", "float", "date"])
    batch = table.combine_chunks().to_batches()[0]
    encoder = ColumnEncoder().fit(batch)
    assert [*encoder.feature_names_in_] == table.column_names
    np.testing.assert_array_equal(encoder.transform(batch), encoder.transform(table))
    assert_same(encoder.inverse_transform(encoder.transform(batch)), table)
    with pytest.raises(ValueError, match="must be in the same order"):
        encoder.transform(batch.select(["float", "str", "date"]))
    with pytest.raises(ValueError, match=r"0 sample\(s\)"):
        encoder.transform(batch[:0])


def test_a_gap_may_be_where_fit_had_none():
    encoder = ColumnEncoder().fit(pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}))
    gaps = pd.DataFrame({"a": [None, 1.0], "b": [np.nan, None]})
    np.testing.assert_array_equal(encoder.transform(gaps), [[np.nan] * 3, [-1, np.nan, np.nan]])


MIXED = {"a": [1.0, 2.0], "b": ["x", "y"]}
NOT_FIT = {
    "texts and numbers": ({"a": ["x", 1.5]}, "one kind, got 'x' and 1.5 in column 'a'"),
    "booleans and numbers": ({"a": pd.Series([True, 2], dtype=object)}, "got True and 2 in"),
    "mixed categories": ({"a": pd.Categorical(["x", 1])}, "columns of one kind, got 'a'"),
    "no value": ({"a": [1, 2], "b": [None, np.nan]}, "a value in each column, got none in .* 'b'"),
    "lists": ({"a": [[1], [2]]}, "got list, vectors .* in column 'a'"),
    "bytes": ({"a": [b"x", b"y"]}, "got bytes in column 'a'"),
    "complex": ({"a": [1j, 2]}, "got complex128 in column 'a'"),
    "objects of dates": (
        {"a": pd.Series([dt.date(2020, 1, 1)], dtype=object)},
        r"got objects of date in column 'a': .*pandas.to_datetime\(X\['a'\]\)",
    ),
    "objects of times": (
        {"a": pd.Series([dt.datetime(2020, 1, 1)], dtype=object)},
        r"got objects of datetime in column 'a': .*pandas.to_datetime\(X\['a'\]\)",
    ),
    "objects of durations": (
        {"a": pd.Series([dt.timedelta(1)], dtype=object)},
        r"got objects of timedelta in column 'a': .*pandas.to_timedelta\(X\['a'\]\)",
    ),
    "dicts": ({"a": [{"b": 1}]}, r"got dict in column 'a': make columns of its fields"),
    "categories of tuples": ({"a": pd.Categorical([(1, 2)])}, "got tuples as categories in .*'a'"),
    "periods": (
        {"a": pd.period_range("2020-01", periods=2, freq="M")},
        r"got objects of Period in column 'a': .*X\['a'\].dt.to_timestamp\(\)",
    ),
    "infinity": ({"a": [1, 2], "b": [1.0, -np.inf]}, "X contains infinity .* in column 'b'"),
    "huge": ({"a": [1e200, 1.0]}, r"finite when squared in float64, got .* 1e\+200 in column 'a'"),
    "huge integers": ({"a": pd.Series([2**70, 1], dtype=object)}, "integers of 64 bits"),
    "many texts": (
        {"a": map(str, range(301))},
        "at most 300 categories a column, got 301 in .* 'a': .* dates, as by pandas.to_datetime",
    ),
    "no rows": ({"a": []}, r"0 sample\(s\)"),
    "no columns": ({}, r"0 feature\(s\)"),
}


@pytest.mark.parametrize(("columns", "message"), NOT_FIT.values(), ids=NOT_FIT)
def test_fit_refuses_and_changes_nothing(columns, message):
    X = pd.DataFrame({name: pd.Series(values) for name, values in columns.items()})
    encoder = ColumnEncoder().fit(pd.DataFrame(MIXED))
    before = pickle.dumps(encoder)
    with pytest.raises(ValueError, match=message):
        encoder.fit(X)
    assert pickle.dumps(encoder) == before
    with pytest.raises(ValueError, match=message):
        ColumnEncoder(numbers="bins").fit(X)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "one column of each name, got several 'a'"),
        (pa.table([[1], [2]], names=["a", "a"]), "one column of each name, got several 'a'"),
        (pl.DataFrame({"a": [[1], [2]]}), "got .* in column 'a'"),
        (pl.DataFrame({"a": [{"b": 1}]}), r"got dict in column 'a': .*X.unnest\('a'\)"),
        (pl.DataFrame({"a": [{"b": 1, "c": "x"}]}), r"got dict in column 'a': .*X.unnest\('a'\)"),
        (pa.table({"a": [{"b": 1}]}), r"got dict in column 'a': .*X.flatten\(\)"),
        (pl.DataFrame({"a": [b"x"]}), "got bytes in column 'a'"),
        (pl.DataFrame({"a": [None]}), "got none in column 'a'"),
        (pa.table({"a": [[1], [2]]}), "got .* in column 'a'"),
        (pa.table({"a": pa.nulls(2)}), "got none in column 'a'"),
        (np.array([["a"], [1]], object), "got 'a' and 1 in column 0"),
        (np.array([[np.nan], [None]], object), "got none in column 'x0'"),
        (np.array([[np.inf]], object), "infinity"),
        (np.array([[1.0, np.inf]]), "Input X contains infinity"),
        (np.ma.masked_equal([[1, 2]], 2), "no masked values"),
        (np.array([[1j]]), "Complex data not supported"),
        (np.array([1.0, 2.0]), "Expected 2D array"),
    ],
)
def test_fit_refuses_tables_of_any_kind(X, message):
    encoder = ColumnEncoder()
    with pytest.raises(ValueError, match=message):
        encoder.fit(X)
    assert vars(encoder) == vars(ColumnEncoder())


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (pd.DataFrame(MIXED)[["b", "a"]], "must be in the same order"),
        (pl.DataFrame(MIXED)[["b", "a"]], "must be in the same order"),
        (pd.DataFrame(MIXED).rename(columns={"b": "c"}), "unseen at fit time:\n- c"),
        (pa.table({"a": [1.0]}), "seen at fit time, yet now missing:\n- b"),
        (pd.DataFrame({"a": ["x"], "b": ["y"]}), "numbers in column 'a' as in fit, got texts"),
        (pd.DataFrame({"a": pd.to_datetime(["2020"]), "b": ["y"]}), "'a' as in fit, got dates"),
        (pd.DataFrame({"a": [np.inf], "b": ["y"]}), "infinity .* in column 'a'"),
        (pd.DataFrame({"a": [1.0], "b": [["y"]]}), "got list, vectors .* in column 'b'"),
        (pl.DataFrame({"a": [], "b": []}), r"0 sample\(s\)"),
    ],
)
def test_transform_refuses(X, message):
    encoder = ColumnEncoder().fit(pd.DataFrame(MIXED))
    before = pickle.dumps(encoder)
    with pytest.raises(ValueError, match=message):
        encoder.transform(X)
    assert pickle.dumps(encoder) == before


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (pl.DataFrame(MIXED).lazy(), "X must be in memory, got a LazyFrame"),
        ("table.csv", "X must be rows, got the path 'table.csv'"),
        (TensorDataset(torch.ones(2, 2)), "in memory, got the data set TensorDataset"),
        (DataLoader(TensorDataset(torch.ones(2, 2))), "got a DataLoader"),
    ],
)
def test_what_leads_to_rows_is_no_table(X, message):
    fitted = ColumnEncoder().fit(pd.DataFrame(MIXED))
    for call in (ColumnEncoder().fit, fitted.transform):
        with pytest.raises(TypeError, match=message):
            call(X)


ROWS = {
    "numbers and texts": [[1.5, "a"], [2.5, "b"], [0.0, "a"]],
    "whole numbers too": [(1, 2.5, "a"), (3, 4.5, "b")],
    "booleans": [[True, "a", 3], [False, "b", 4]],
    "a gap": [[1.5, "a"], [None, "b"], [float("nan"), None]],
    "texts": [["a", "b"], ["c", "b"]],
    "digits in texts": [[1, "10115"], [2, "10117"]],
}


@pytest.mark.parametrize("case", ROWS)
def test_rows_in_lists_are_columns_of_their_own_kinds(case):
    rows = ROWS[case]
    frame = pd.DataFrame(rows)
    encoder, of_frame = ColumnEncoder().fit(rows), ColumnEncoder().fit(frame)
    assert [block[1:] for block in encoder.blocks_] == [block[1:] for block in of_frame.blocks_]
    np.testing.assert_array_equal(encoder.transform(rows), of_frame.transform(frame))
    np.testing.assert_array_equal(encoder.transform(rows[:1]), of_frame.transform(frame[:1]))
    back = pd.DataFrame(encoder.inverse_transform(encoder.transform(rows)))
    pd.testing.assert_frame_equal(back, frame, check_dtype=False, **NEAR)
    assert [type(v) for v in back.iloc[0]] == [type(v) for v in frame.astype(object).iloc[0]]


def test_inverse_transform_refuses():
    encoder = ColumnEncoder().fit(pd.DataFrame(MIXED))
    with pytest.raises(ValueError, match="X must have 3 columns, got 2"):
        encoder.inverse_transform([[1, 0]])
    with pytest.raises(ValueError, match="Input X contains infinity"):
        encoder.inverse_transform([[np.inf, 0, 1]])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"numbers": "ranks"}, "'numbers' parameter of ColumnEncoder"),
        ({"n_bins": 1}, "'n_bins' parameter"),
        ({"max_categories": 1}, "'max_categories' parameter"),
        ({"categorical_features": "a"}, "'categorical_features' parameter"),
        ({"categorical_features": ["c"]}, "names or numbers of columns, got 'c'"),
        ({"categorical_features": [2]}, "names or numbers of columns, got 2"),
        ({"categorical_features": [True, False]}, "names or numbers of columns, got True"),
        ({"categorical_features": np.array([False, True])}, "numbers of columns, got .*False"),
        ({"categorical_features": [["a"]]}, r"names or numbers of columns, got \['a'\]"),
        ({"categorical_features": ["d"]}, "categories must be no dates or durations, got .* 'd'"),
    ],
)
def test_bad_parameters(parameters, message):
    X = pd.DataFrame({"a": [1.0], "d": pd.to_datetime(["2020"])})
    with pytest.raises(ValueError, match=message):
        ColumnEncoder(**parameters).fit(X)


@every_table
def test_copies_encode_alike(table):
    encoder = ColumnEncoder(numbers="bins", n_bins=3).fit(table)
    for copy in (pickle.loads(pickle.dumps(encoder)), clone(encoder).fit(table)):
        np.testing.assert_array_equal(copy.transform(table), encoder.transform(table))
        assert copy.blocks_ == encoder.blocks_


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_output_may_be_a_frame(library):
    encoder = ColumnEncoder().set_output(transform=library).fit(PANDAS)
    frame = encoder.transform(PANDAS)
    assert [*frame.columns] == [*encoder.get_feature_names_out()]
    np.testing.assert_array_equal(
        frame.to_numpy(), clone(encoder).set_output(transform="default").fit_transform(PANDAS)
    )


def test_arrays_need_no_source_of_frames():
    code = (
        "import sys, numpy as np\n"
        "class Refuse:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name in ('pandas', 'polars', 'pyarrow'): raise ImportError(name)\n"
        "sys.meta_path.insert(0, Refuse())\n"
        "from sk_bigan.columns import ColumnEncoder\n"
        "X = np.array([['a', 1.5], [None, 2.5]], object)\n"
        "encoder = ColumnEncoder().fit(X)\n"
        "assert encoder.inverse_transform(encoder.transform(X)).tolist()[0] == ['a', 1.5]\n"
        "assert not {'pandas', 'polars', 'pyarrow'} & {*sys.modules}\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# polars ends the process at a category with a NUL.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4)
long_ago, long_hence = dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1)
durations = st.integers(0, 2**48).map(lambda n: n * dt.timedelta.resolution)
columns = {
    pl.Float64: st.floats(-1e4, 1e4, allow_nan=False),
    pl.Float32: st.floats(-1e4, 1e4, width=32),
    pl.Int64: st.integers(-(2**40), 2**40),
    pl.UInt8: st.integers(0, 255),
    pl.Boolean: st.booleans(),
    pl.String: texts,
    pl.Categorical: texts,
    pl.Date: st.dates(),
    pl.Datetime("ms"): st.datetimes(long_ago, long_hence).map(lambda t: t.replace(microsecond=0)),
    pl.Datetime("us", "UTC"): durations.map(lambda duration: long_ago + duration),
    pl.Duration("us"): durations,
    pl.Time: st.times(),
}


@st.composite
def polars_tables(draw):
    n = draw(st.integers(1, 30))
    names = draw(st.lists(texts, min_size=1, max_size=5, unique=True))
    series = []
    for name in names:
        dtype = draw(st.sampled_from([*columns]))
        cells = st.lists(st.none() | columns[dtype], min_size=n, max_size=n)
        values = draw(cells.filter(lambda values: any(value is not None for value in values)))
        series.append(pl.Series(name, values, dtype=dtype))
    return pl.DataFrame(series)


MAKERS = {
    "polars": lambda table: table,
    "pyarrow": lambda table: table.to_arrow(),
    # pandas has no times of a day, and two gaps in columns of objects, None and NaN.
    "pandas": lambda t: t.cast({pl.Time: pl.Duration("us")}).to_pandas().fillna(np.nan),
    "pandas of Arrow": lambda table: table.to_pandas(use_pyarrow_extension_array=True),
}


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    table=polars_tables(),
    library=st.sampled_from([*MAKERS]),
    numbers=st.sampled_from(["standard", "bins"]),
    n_bins=st.integers(2, 20),
)
def test_any_table_comes_back(table, library, numbers, n_bins):
    X = MAKERS[library](table)
    encoder = ColumnEncoder(numbers=numbers, n_bins=n_bins).fit(X)
    encoded = encoder.transform(X)
    assert np.isfinite(encoded).all() == (sum(table.null_count().row(0)) == 0)
    assert_same(encoder.inverse_transform(encoded), X)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    x=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40),
    shares=st.lists(st.floats(-3, 3), min_size=8, max_size=8),
    more=st.floats(0, 3),
    i=st.integers(0, 7),
)
def test_the_inverse_of_bins_is_monotone_and_within_the_extremes(x, shares, more, i):
    encoder = ColumnEncoder(numbers="bins").fit(np.array(x)[:, np.newaxis])
    width = encoder.blocks_[0].stop
    one, other = np.array(shares[:width]), np.array(shares[:width])
    other[i % width] += more
    low, high = encoder.inverse_transform([one, other])[:, 0]
    assert low <= high
    assert min(x) <= low + 1e-9
    assert high - 1e-9 <= max(x)


@pytest.mark.parametrize("unit", ["s", "us", "ns"])
@pytest.mark.parametrize("kind", ["dates", "durations"])
def test_dates_that_are_categories_are_the_same_as_plain_dates(unit, kind):
    """NumPy makes integers of nanoseconds."""
    plain = pd.Series(pd.date_range("2020", periods=3)).dt.as_unit(unit)
    plain = plain if kind == "dates" else plain - plain[0]
    table = pd.DataFrame({"d": plain.astype("category"), "k": [1.0, 2, 3]})
    encoder = ColumnEncoder().fit(table)
    Z = encoder.transform(table)
    for same in (table.assign(d=plain), pl.from_pandas(table.assign(d=plain))):
        np.testing.assert_array_equal(encoder.transform(same), Z)
        pd.testing.assert_frame_equal(encoder._filled(same, Z), table)
