"""Columns of frames and arrays in NumPy's terms, and frames made of them again.

pandas, polars and pyarrow are read if the caller has them; none is imported for an array.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np

KINDS = "biufmMUO"  # of NumPy's dtypes that may hold columns
# Units of dates and durations that NumPy cannot compare with days; a "m8" has none.
NOT_IN_DAYS = {
    *(f"{kind}8[{u}]" for kind in "mM" for u in ("ps", "fs", "as")),
    "m8[M]",
    "m8[Y]",
    "m8",
}
WITH_ZONE, TIMES_OF_DAY = "dates with a time zone", "times of day"


class Column(NamedTuple):
    """A column in NumPy's terms.

    Parameters
    ----------
    observed : ndarray of shape (n_observed,)
        Values without gaps: bool, int, float, datetime64 (UTC), timedelta64, or objects of one
        kind.
    known : ndarray of shape (n,), bool
        Rows that have a value.
    is_category : bool
        Whether these are texts, or the column's dtype is a category.
    kind_of_time : str or None
        `WITH_ZONE` or `TIMES_OF_DAY`, which the dtype of `observed` does not tell.
    """

    observed: np.ndarray
    known: np.ndarray
    is_category: bool
    kind_of_time: str | None = None


class Origin(NamedTuple):
    """Library, names and dtypes of a table, without its values.

    Parameters
    ----------
    source : {"numpy", "pandas", "polars", "pyarrow"}
    names : sequence
        The library's own names of the columns; numbers for an array.
    dtypes : tuple
        The library's own dtypes; of pyarrow's columns, the bytes that `_type_of` gives.
    """

    source: str
    names: Any
    dtypes: tuple[Any, ...]


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


def default_names(n: int) -> list[str]:
    """Return x0, x1, ..., as scikit-learn names columns without names."""
    return [f"x{i}" for i in range(n)]


def source_of(X: Any) -> str | None:
    """Return the name of the library whose table X is, None if it is none of ours."""
    for name, library in LIBRARIES.items():
        # A library that nobody has imported cannot have made X.
        module = sys.modules.get(name)
        if module is not None and isinstance(X, getattr(module, library.table)):
            return name
    return None


def table_of(X: Any) -> Any:
    """Return a record batch of pyarrow as a table of one; other things are returned as they are."""
    pa = sys.modules.get("pyarrow")
    return pa.Table.from_batches([X]) if pa and isinstance(X, pa.RecordBatch) else X


def read(X: Any) -> tuple[Origin, list[Column]]:
    """Return the columns of a frame or of an array of two dimensions, and where they come from.

    Raises
    ------
    ValueError
        If two columns have one name, or a column holds values of several kinds or of a kind that
        is none of `Column`'s.
    """
    name = source_of(X) or "numpy"
    library = LIBRARIES[name]
    names = library.names(X)
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise ValueError(f"X must have one column of each name, got several {twice[0]!r}")
    dtypes, columns = [], []
    for i, n in enumerate(names):
        series = library.series(X, i)
        try:
            dtypes.append(library.dtype(series))
            observed, known, is_category, kind_of_time = library.read(series)
        except Exception as error:  # of a kind that each library has for itself
            raise ValueError(
                f"X must have columns that NumPy can hold, got one that it cannot in column {n!r}, "
                f"which is to be converted or dropped: {error}"
            ) from error
        column = _as_column(n, observed, known, is_category)
        columns.append(column._replace(kind_of_time=kind_of_time))
    return Origin(name, names, tuple(dtypes)), columns


def check_comes_back(origin: Origin, columns: list[Column]) -> None:
    """Refuse a column whose library cannot make one of its dtype.

    Raises
    ------
    ValueError
    """
    library = LIBRARIES[origin.source]
    for name, column, dtype in zip(origin.names, columns, origin.dtypes, strict=True):
        some = column.observed[:1]
        try:
            library.make(some, np.arange(2) < len(some), dtype)
        except Exception as error:
            raise ValueError(
                "X must have columns that inverse_transform can give back, got one that "
                f"{origin.source} cannot make in column {name!r}, which is to be converted or "
                f"dropped: {error}"
            ) from error


def make(origin: Origin, columns: Iterable[tuple[np.ndarray, np.ndarray]]) -> Any:
    """Return a table like the one at `origin`.

    Where a dtype has no gaps, it becomes the one that pandas would take: float64 for integers,
    object for booleans.

    Parameters
    ----------
    origin : Origin
    columns : iterable of (observed, known)
        As in `Column`.
    """
    library = LIBRARIES[origin.source]
    series = [library.make(*one, d) for one, d in zip(columns, origin.dtypes, strict=True)]
    return library.combine(series, origin.names)


def wider(source: str, dtype: Any, values: np.dtype) -> Any:
    """Return a library's dtype for values of a NumPy dtype, in the zone that there was."""
    return LIBRARIES[source].wider(dtype, values)


def is_frame(X: Any) -> bool:
    """Return whether X is a table of pandas, polars or pyarrow."""
    return source_of(table_of(X)) not in (None, "numpy")


def has_times(X: Any) -> bool:
    """Return whether X has dates or durations, which NumPy would make numbers of."""
    source = source_of(X)
    if source == "polars":
        return any(dtype.is_temporal() for dtype in X.dtypes)
    if source == "pyarrow":
        import pyarrow as pa

        return any(map(pa.types.is_temporal, X.schema.types))
    dtypes = X.dtypes if source == "pandas" else [getattr(X, "dtype", None)]
    return any(getattr(dtype, "kind", "O") in "mM" for dtype in dtypes)


def _as_column(name: Any, values: np.ndarray, known: np.ndarray, is_category: bool) -> Column:
    """Drop NaN and NaT, and give the values of an object column a dtype.

    Parameters
    ----------
    name : object
    values : ndarray of shape (n_observed,)
    known : ndarray of shape (n,), bool
    is_category : bool
    """
    kind = values.dtype.kind
    if values.ndim > 1 or kind not in KINDS or values.dtype.str[1:] in NOT_IN_DAYS:
        raise _of_no_kind(name, "structures" if values.ndim > 1 else values.dtype.name)
    gaps = np.zeros(len(values), dtype=bool)
    if kind == "O":
        gaps[:] = [is_gap(value) for value in values]
    elif kind in "fmM":
        gaps = np.isnan(values)
    if gaps.any():
        known = known.copy()
        known[known] = ~gaps
        values = values[~gaps]
    if is_category and any(isinstance(value, tuple) for value in values):
        raise _of_no_kind(name, "tuples as categories")
    if kind == "U":
        return Column(values.astype(object), known, True)
    if kind == "O" and not is_category:
        return _of_objects(name, values, known)
    return Column(values, known, is_category)


def _of_objects(name: Any, values: np.ndarray, known: np.ndarray) -> Column:
    types = {type(value): value for value in values}
    dtypes = {_dtype_of(type_): value for type_, value in types.items()}
    if None in dtypes:
        raise _of_no_kind(name, type(dtypes[None]).__name__)
    if dtypes.keys() == {np.int64, np.float64}:
        dtypes = {np.float64: None}
    if len(dtypes) > 1:
        one, other, *_ = dtypes.values()
        raise ValueError(
            f"X must have columns of one kind, got {one!r} and {other!r} in column {name!r}: make "
            "them all texts or all numbers"
        )
    dtype = next(iter(dtypes), np.float64)
    try:
        return Column(values.astype(dtype), known, dtype is object)
    except OverflowError as error:
        raise ValueError(f"X must have integers of 64 bits, got {error} in {name!r}") from error


def _of_no_kind(name: Any, got: str) -> ValueError:
    if got in ("list", "tuple", "ndarray", "Series", "structures"):
        got = f"{got}, vectors of which np.stack(X[{name!r}]) makes columns,"
    column = f"X[{name!r}]"
    advice = {
        "date": f"give pandas.to_datetime({column})",
        "datetime": f"give pandas.to_datetime({column})",
        "Timestamp": f"give pandas.to_datetime({column})",
        "timedelta": f"give pandas.to_timedelta({column})",
        "Timedelta": f"give pandas.to_timedelta({column})",
        "time": f"give pandas.to_timedelta({column}.astype(str))",
        "Period": f"give {column}.dt.to_timestamp()",
        "Decimal": f"give {column}.astype(float)",
    }.get(got)
    if advice is not None:
        got = f"objects of {got}"
    if got == "dict":
        advice = (
            f"make columns of its fields, as X.unnest({name!r}) of polars, X.flatten() of pyarrow "
            "and pandas.json_normalize do"
        )
    if got == "tuples as categories":
        advice = f"make texts of them, as {column}.map(str) does"
    return ValueError(
        "X must have columns of numbers, booleans, texts, categories, dates or durations, got "
        f"{got} in column {name!r}: {advice or 'convert or drop the column'}"
    )


def _dtype_of(type_: type) -> type | None:
    """Return the dtype of values of a type, None where there is none."""
    known = {(bool, np.bool_): np.bool_, Integral: np.int64, Real: np.float64, str: object}
    return next((d for types, d in known.items() if issubclass(type_, types)), None)  # type: ignore[arg-type]


def is_gap(value: Any) -> bool:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float | np.floating) and bool(np.isnan(value))


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
