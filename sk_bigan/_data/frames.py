"""Columns of frames and arrays in NumPy's terms, and frames made of them again.

pandas, polars and pyarrow are read if the caller has them; none is imported for an array.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np

from .libraries import LIBRARIES

KINDS = "biufmMUO"  # of NumPy's dtypes that may hold columns
# Units of dates and durations that NumPy cannot compare with days; a "m8" has none.
NOT_IN_DAYS = {
    *(f"{kind}8[{u}]" for kind in "mM" for u in ("ps", "fs", "as")),
    "m8[M]",
    "m8[Y]",
    "m8",
}


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
