"""Columns of NumPy, pandas, polars and pyarrow: what is done with each, by the library's name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

WITH_ZONE, TIMES_OF_DAY = "dates with a time zone", "times of day"


class Library(NamedTuple):
    """Functions that read the tables of a library, and make them.

    Parameters
    ----------
    table : str
        Name of the class of tables.
    names : function
        From a table to the names of its columns.
    series : function
        From a table and a number to a column.
    dtype : function
        From a column to its dtype.
    read : function
        From a column to the fields of `Column`.
    make : function
        From `observed`, `known` and a dtype to a column.
    wider : function
        From a dtype and NumPy's to the library's own that holds the values of NumPy's.
    combine : function
        From columns and their names to a table.
    """

    table: str
    names: Callable[[Any], Any]
    series: Callable[[Any, int], Any]
    dtype: Callable[[Any], Any]
    read: Callable[[Any], tuple[np.ndarray, np.ndarray, bool, str | None]]
    make: Callable[[np.ndarray, np.ndarray, Any], Any]
    wider: Callable[[Any, np.dtype], Any]
    combine: Callable[[list[Any], Any], Any]


def _places(known: np.ndarray) -> np.ndarray:
    """Return the place of each row among the observed values; a gap has any."""
    return np.maximum(np.cumsum(known) - 1, 0)


def _within_day(observed: np.ndarray) -> np.ndarray:
    """Return times of a day in nanoseconds, none later than a microsecond before midnight."""
    return np.clip(observed.view(np.int64), 0, 24 * 3_600 * 10**9 - 1_000)


def _within_decimal(observed: np.ndarray, precision: int, scale: int) -> np.ndarray:
    """Return the nearest decimals of `precision` digits, as floats."""
    most = 10.0 ** (precision - scale)
    most -= max(10.0**-scale, most * 1e-15)
    return np.clip(np.round(observed, scale), -most, most)


# NumPy


def _read_numpy(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, bool, None]:
    return values, np.ones(len(values), dtype=bool), False, None


def _make_numpy(observed: np.ndarray, known: np.ndarray, dtype: np.dtype) -> np.ndarray:
    if not known.all() and dtype.kind in "biuU":
        dtype = np.dtype(np.float64 if dtype.kind in "iu" else object)
    gap = np.array("NaT" if dtype.kind in "mM" else np.nan)
    values = np.empty(len(known), dtype=dtype)
    values[known] = observed
    values[~known] = gap.astype(dtype) if not known.all() else 0
    return values


def _wider_numpy(dtype: np.dtype, values: np.dtype) -> np.dtype:
    return dtype if dtype.kind == "O" else values


# pandas


def _read_pandas(series: Any) -> tuple[np.ndarray, np.ndarray, bool, str | None]:
    import pandas as pd

    if isinstance(series.dtype, pd.ArrowDtype):
        return _read_pyarrow(series.array.__arrow_array__())
    known = series.notna().to_numpy()
    observed = series[known]
    has_zone = isinstance(series.dtype, pd.DatetimeTZDtype)
    if has_zone:
        observed = observed.dt.tz_convert(None)
    is_category = isinstance(series.dtype, pd.CategoricalDtype)
    values = (observed.astype(object) if is_category else observed).to_numpy()
    return values, known, is_category, WITH_ZONE if has_zone else None


def _dtype_of_pandas(series: Any) -> Any:
    import pandas as pd

    is_arrow = isinstance(series.dtype, pd.ArrowDtype)
    return _type_of(series.array.__arrow_array__()) if is_arrow else series.dtype


def _make_pandas(observed: np.ndarray, known: np.ndarray, dtype: Any) -> Any:
    import pandas as pd

    if isinstance(dtype, bytes):
        return pd.Series(pd.arrays.ArrowExtensionArray(_make_pyarrow(observed, known, dtype)))
    series = pd.Series(observed, index=np.flatnonzero(known))
    if isinstance(dtype, pd.DatetimeTZDtype):
        series = series.dt.tz_localize("UTC").dt.tz_convert(dtype.tz)
    # pandas puts the gap of the dtype, or finds a dtype that has one.
    return series.astype(dtype).reindex(range(len(known)))


def _wider_pandas(dtype: Any, values: np.dtype) -> Any:
    import pandas as pd

    if isinstance(dtype, bytes):
        return _wider_pyarrow(dtype, values)
    if isinstance(dtype, pd.DatetimeTZDtype):
        return pd.DatetimeTZDtype(np.datetime_data(values)[0], dtype.tz)
    if isinstance(dtype, np.dtype | pd.SparseDtype):
        return _wider_numpy(dtype, values)
    return pd.array(np.empty(0, dtype=values)).dtype  # with gaps, as Int64


def _combine_pandas(series: list[Any], names: Any) -> Any:
    import pandas as pd

    frame = pd.concat(series, axis=1)
    frame.columns = names.copy()
    return frame


# polars


def _read_polars(series: Any) -> tuple[np.ndarray, np.ndarray, bool, str | None]:
    import polars as pl

    known, observed, dtype = series.is_not_null().to_numpy(), series.drop_nulls(), series.dtype
    is_category = isinstance(dtype, pl.Categorical | pl.Enum)
    if dtype == pl.Time:
        return observed.to_physical().to_numpy().view("m8[ns]"), known, False, TIMES_OF_DAY
    if str(dtype).endswith("Int128"):  # polars 1.34 has no UInt128
        observed = observed.cast(getattr(pl, str(dtype).replace("128", "64")))
    if is_category or dtype == pl.Decimal:
        observed = observed.cast(pl.String if is_category else pl.Float64)
    if dtype == pl.Struct:  # NumPy would take it for a vector
        return np.array(observed.to_list(), dtype=object), known, False, None
    has_zone = isinstance(dtype, pl.Datetime) and dtype.time_zone
    return observed.to_numpy(), known, is_category, WITH_ZONE if has_zone else None


def _make_polars(observed: np.ndarray, known: np.ndarray, dtype: Any) -> Any:
    import polars as pl

    if dtype == pl.Decimal:
        observed = _within_decimal(observed, dtype.precision or 38, dtype.scale)
    if dtype == pl.Time:
        observed = _within_day(observed)
    series = pl.Series(observed.tolist() if observed.dtype == object else observed)
    if isinstance(dtype, pl.Datetime) and dtype.time_zone:
        series = series.dt.replace_time_zone("UTC").dt.convert_time_zone(dtype.time_zone)
    places = pl.Series(_places(known))
    return series.cast(dtype).gather(pl.select(pl.when(pl.Series(known)).then(places)).to_series())


def _wider_polars(dtype: Any, values: np.dtype) -> Any:
    import polars as pl

    wider = pl.Series(np.empty(0, dtype=values)).dtype
    if isinstance(dtype, pl.Datetime) and isinstance(wider, pl.Datetime):
        return pl.Datetime(wider.time_unit, dtype.time_zone)
    return wider


def _combine_polars(series: list[Any], names: list[str]) -> Any:
    import polars as pl

    return pl.DataFrame([one.alias(name) for one, name in zip(series, names, strict=True)])


# pyarrow


def _read_pyarrow(array: Any) -> tuple[np.ndarray, np.ndarray, bool, str | None]:
    import pyarrow as pa
    from pyarrow.compute import run_end_decode

    if pa.types.is_run_end_encoded(array.type):
        array = run_end_decode(array)
    if str(array.type) == BOOL8:
        array = array.cast(pa.bool_())
    known, type_ = array.is_valid().to_numpy(), array.type
    if pa.types.is_string_view(type_):  # pyarrow cannot filter it
        array = array.cast(pa.string())
    observed = array.drop_null()
    is_category = pa.types.is_dictionary(type_)
    if is_category:
        observed = observed.cast(type_.value_type)
    if pa.types.is_time(type_):
        observed = observed.cast(pa.time64("ns")).cast(pa.int64())
        return observed.to_numpy().view("m8[ns]"), known, False, TIMES_OF_DAY
    if pa.types.is_decimal(type_):
        observed = observed.cast(pa.float64())
    has_zone = pa.types.is_timestamp(type_) and type_.tz
    return observed.to_numpy(), known, is_category, WITH_ZONE if has_zone else None


BOOL8 = "extension<arrow.bool8>"  # from pyarrow 18 on


def _type_of(array: Any) -> bytes:
    """Return the type and the dictionary of a column as bytes, in Arrow's format of streams.

    skops would restore an empty DataType, which crashes the process.
    """
    import pyarrow as pa

    sink, type_ = pa.BufferOutputStream(), array.type
    with pa.ipc.new_stream(sink, pa.schema([("", type_)])) as stream:
        if pa.types.is_dictionary(type_):
            parts = pa.chunked_array([one.dictionary for one in array.chunks], type_.value_type)
            none = _of_dictionary(pa.array([], pa.int32()), parts.unique().drop_null(), type_)
            stream.write_batch(pa.record_batch([none], names=[""]))
    return sink.getvalue().to_pybytes()


def _of_dictionary(places: Any, dictionary: Any, type_: Any) -> Any:
    import pyarrow as pa

    places = places.cast(type_.index_type)
    return pa.DictionaryArray.from_arrays(places, dictionary, ordered=type_.ordered)


def _make_pyarrow(observed: np.ndarray, known: np.ndarray, dtype: bytes) -> Any:
    import pyarrow as pa
    from pyarrow.compute import index_in, run_end_encode

    like = pa.ipc.open_stream(pa.py_buffer(dtype)).read_all().column(0)
    if pa.types.is_dictionary(like.type):
        dictionary = like.chunk(0).dictionary
        places = index_in(_of_type(observed.astype(object), known, dictionary.type), dictionary)
        return _of_dictionary(places, dictionary, like.type)
    if pa.types.is_run_end_encoded(like.type):
        array = _of_type(observed, known, like.type.value_type)
        return run_end_encode(array, run_end_type=like.type.run_end_type)
    if str(like.type) == BOOL8:
        return _of_type(observed, known, pa.bool_()).cast(like.type)
    return _of_type(observed, known, like.type)


def _of_type(observed: np.ndarray, known: np.ndarray, type_: Any) -> Any:
    import pyarrow as pa

    if pa.types.is_decimal(type_):
        observed = _within_decimal(observed, type_.precision, type_.scale)
    if observed.dtype == object:
        values = np.full(len(known), None)
        values[known] = observed
        return pa.array(values.tolist(), type=type_)
    if pa.types.is_time(type_):
        array = pa.array(_within_day(observed)).cast(pa.time64("ns")).cast(type_, safe=False)
    else:
        array = pa.array(observed).cast(type_)
    return array.take(pa.array(_places(known), mask=~known))


def _wider_pyarrow(dtype: bytes, values: np.dtype) -> bytes:
    import pyarrow as pa

    type_ = pa.ipc.open_stream(pa.py_buffer(dtype)).schema.types[0]
    wider = pa.array(np.empty(0, dtype=values)).type
    if pa.types.is_timestamp(type_) and pa.types.is_timestamp(wider):
        wider = pa.timestamp(wider.unit, type_.tz)
    return _type_of(pa.chunked_array([], type=wider))


def _combine_pyarrow(arrays: list[Any], names: list[str]) -> Any:
    import pyarrow as pa

    return pa.table(arrays, names=names)


LIBRARIES = {
    "numpy": Library(
        "ndarray",
        lambda X: range(X.shape[1]),
        lambda X, i: X[:, i],
        lambda column: column.dtype,
        _read_numpy,
        _make_numpy,
        _wider_numpy,
        lambda columns, _: np.stack(columns, axis=1),
    ),
    "pandas": Library(
        "DataFrame",
        lambda X: X.columns.copy(),  # whose name may be set
        lambda X, i: X.iloc[:, i],
        _dtype_of_pandas,
        _read_pandas,
        _make_pandas,
        _wider_pandas,
        _combine_pandas,
    ),
    "polars": Library(
        "DataFrame",
        lambda X: X.columns,
        lambda X, i: X.to_series(i),
        lambda series: series.dtype,
        _read_polars,
        _make_polars,
        _wider_polars,
        _combine_polars,
    ),
    "pyarrow": Library(
        "Table",
        lambda X: X.column_names,
        lambda X, i: X.column(i),
        _type_of,
        _read_pyarrow,
        _make_pyarrow,
        _wider_pyarrow,
        _combine_pyarrow,
    ),
}
