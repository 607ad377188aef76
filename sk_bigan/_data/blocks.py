"""A column as a block of numbers, and the column of a block again."""

from __future__ import annotations

import warnings
from collections import Counter
from datetime import date, timedelta
from numbers import Number
from typing import Any

import numpy as np
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from .frames import Column
from .libraries import WITH_ZONE

MAX_DISTINCT = 300  # more texts than this are no categories
# By the kind of a dtype; others are numbers.
FAMILIES = {"M": "dates without a time zone", "m": "durations"}
FAMILIES_OF_OBJECTS: dict[type, str] = {
    str: "texts",
    Number: "numbers",
    np.bool_: "numbers",
    date: FAMILIES["M"],
    timedelta: FAMILIES["m"],
}
DAY = np.timedelta64(1, "D")
UNITS = ("D", "s", "ms", "us", "ns")
# Dates and durations that every library can hold, in nanoseconds and in coarser units.
LIMITS = {
    "M8[ns]": (np.datetime64("1677-09-23"), np.datetime64("2262-04-10")),
    "M8": (np.datetime64("0001-01-02"), np.datetime64("9999-12-30")),
    "m8[ns]": (np.timedelta64(-(10**5), "D"), np.timedelta64(10**5, "D")),
    "m8": (np.timedelta64(-(10**8), "D"), np.timedelta64(10**8, "D")),
}


def limits(dtype: np.dtype) -> tuple[float, float]:
    """Return the least and the greatest float64 that a dtype of numbers can hold."""
    if dtype.kind == "f":
        return float(np.finfo(dtype).min), float(np.finfo(dtype).max)
    return float(np.iinfo(dtype).min), float_within(int(np.iinfo(dtype).max))


def float_within(end: int) -> float:
    """Return the float nearest to an integer, but none that is further from zero."""
    return float(end) if abs(int(float(end))) <= abs(end) else np.nextafter(float(end), 0).item()


@np.errstate(invalid="ignore", over="ignore")
def holds(dtype: np.dtype, values: np.ndarray) -> bool:
    """Return whether a dtype holds these values to the last digit."""
    held = values.astype(dtype)
    # Integers wrap around and come back, and float64 compares integers without their last digits.
    return bool(((held == values) & (held.astype(values.dtype) == values)).all())


def nearest(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return the nearest values that a dtype of the same family can hold."""
    if dtype.kind not in FAMILIES:
        return np.clip(values.astype(np.float64), *limits(dtype)).astype(dtype)
    ends = LIMITS.get(dtype.str[1:])  # other units hold all that libraries do
    return (np.clip(values, *ends) if ends else values).astype(dtype)


def whole_days(times: Any) -> tuple[Any, Any]:
    """Return durations, and dates since 1970, as numbers of days and the rest of a day."""
    unit, count = np.datetime_data(times.dtype)
    if unit in ("Y", "M"):  # of no fixed number of days
        times, unit = times.astype("M8[D]"), "D"
    return np.divmod(times.view(f"m8[{count}{unit}]"), DAY)


def objects(values: np.ndarray) -> list[Any]:
    """Return values as objects that are equal to categories of `fit`.

    Dates and durations are categories in pandas alone. NumPy makes integers of their nanoseconds.
    """
    if values.dtype.kind not in FAMILIES:
        return values.tolist()
    import pandas as pd

    return pd.Series(values).astype(object).tolist()


def family(column: Column) -> str:
    """Return the words for values that one encoder takes."""
    values = column.observed
    if values.dtype.kind != "O":
        return column.kind_of_time or FAMILIES.get(values.dtype.kind, "numbers")
    one_of_each = {type(value): value for value in values}
    return " and ".join(sorted({*map(_family_of_object, one_of_each.values())}))


def _family_of_object(value: object) -> str:
    if getattr(value, "tzinfo", None) is not None:
        return WITH_ZONE
    known = (word for type_, word in FAMILIES_OF_OBJECTS.items() if isinstance(value, type_))
    return next(known, type(value).__name__)


def check_family(name: str, known: str, column: Column) -> None:
    """Refuse values of another family than in `fit`."""
    if (got := family(column)) != known:
        raise ValueError(f"X must have {known} in column {name!r} as in fit, got {got}")


class Numbers:
    """Numbers, dates and durations as float64, and back in their dtype.

    Dates and durations are counted from the first one, in the coarsest unit of days, seconds and
    its fractions that loses nothing.

    Parameters
    ----------
    name : str
    column : Column

    Raises
    ------
    ValueError
        If a number is infinite, or its square does not fit into float64.
    """

    def __init__(self, name: str, column: Column):
        observed = column.observed
        self.name = name
        self.dtype = observed.dtype
        self.family = family(column)
        self.is_time = self.dtype.kind in "mM"
        if self.is_time:
            dtypes = (np.dtype(f"{self.dtype.kind}8[{unit}]") for unit in UNITS)
            dtype = next(d for d in dtypes if (observed.astype(d) == observed).all())
            self.origin = observed.min().astype(dtype)
            self.step = np.ones((), dtype.str.replace("M", "m"))
            low, high = LIMITS.get(self.dtype.str[1:], LIMITS[f"{self.dtype.kind}8"])
            first, *ends = (
                end.astype(dtype).astype(np.int64).item()
                for end in (self.origin, min(low, observed.min()), max(high, observed.max()))
            )
            self.low, self.high = (float_within(end - first) for end in ends)
        else:
            self.low, self.high = limits(self.dtype)
        numbers = self.to_numbers(observed)
        with np.errstate(over="ignore"):
            if not np.isfinite(np.square(numbers).sum()):
                raise ValueError(
                    "X must stay finite when squared in float64, got values up to "
                    f"{abs(numbers).max():g} in column {name!r}"
                )

    def to_numbers(self, observed: np.ndarray) -> np.ndarray:
        """Return float64.

        Raises
        ------
        ValueError
            If values are infinite.
        """
        if self.is_time:  # dates of nanoseconds may be more than 64 bits apart
            (days, rest), (first_day, first_rest) = whole_days(observed), whole_days(self.origin)
            return (days - first_day) * (DAY / self.step) + (rest - first_rest) / self.step
        numbers = observed.astype(np.float64)
        if np.isinf(numbers).any():
            raise ValueError(
                "Input X contains infinity or a value too large for dtype('float64') in column "
                f"{self.name!r}"
            )
        return numbers

    def from_numbers(self, numbers: np.ndarray) -> np.ndarray:
        """Return the nearest values that the dtype can hold."""
        numbers = np.clip(numbers, self.low, self.high)
        if self.dtype.kind != "f":
            numbers = np.rint(numbers)
        if self.is_time:
            half = np.floor(numbers / 2)  # as all may be more than 64 bits
            halves = (part.astype(np.int64) * self.step for part in (half, numbers - half))
            return sum(halves, self.origin).astype(self.dtype)
        return numbers.astype(self.dtype)

    def kept(self, column: Column) -> tuple[np.ndarray, np.ndarray]:
        """Return a mask of the rows with a value, and these values, none of which is changed.

        They are in the dtype of `fit`, or in a wider one where it cannot hold them.
        """
        check_family(self.name, self.family, column)
        observed = column.observed
        dtypes = self.dtype, np.result_type(self.dtype, observed.dtype)
        dtype = next((d for d in dtypes if holds(d, observed)), observed.dtype)
        return column.known, observed.astype(dtype)


class Standard(Numbers):
    """A number as one number of mean 0 and variance 1.

    Parameters
    ----------
    name : str
    column : Column
        Numbers, dates or durations, at least one.
    """

    def __init__(self, name: str, column: Column):
        super().__init__(name, column)
        self.scaler = StandardScaler().set_output(transform="default")
        self.scaler.fit(self.to_numbers(column.observed)[:, np.newaxis])
        self.suffixes = [""]

    def encode(self, column: Column) -> tuple[np.ndarray, np.ndarray]:
        """Return blocks of the rows that have one, and a mask of these rows."""
        numbers = self.to_numbers(column.observed)
        return self.scaler.transform(numbers[:, np.newaxis]), column.known

    def decode(self, block: np.ndarray) -> np.ndarray:
        """Return the values of blocks without gaps."""
        with np.errstate(over="ignore"):  # `from_numbers` bounds what is too large
            return self.from_numbers(self.scaler.inverse_transform(block)[:, 0])


class Bins(Numbers):
    """A number as the share of each quantile bin that lies below it.

    The piecewise-linear encoding of Gorishniy et al. 2022 (arXiv 2203.05556, eq. 1), but that the
    first and last bin end at the extremes of `fit`, so that no number leaves [0, 1].

    Parameters
    ----------
    name : str
    column : Column
        Numbers, dates or durations, at least one.
    n_bins : int
        Most bins; equal quantiles give fewer.
    """

    def __init__(self, name: str, column: Column, n_bins: int):
        super().__init__(name, column)
        numbers = self.to_numbers(column.observed)
        # KBinsDiscretizer's edges, which it would take only if 1e-8 apart in the column's units.
        edges = np.unique(np.quantile(numbers, np.linspace(0, 1, n_bins + 1)))
        self.first, self.widths = edges[0], np.diff(edges) if len(edges) > 1 else np.zeros(1)
        self.suffixes = [f"_bin{i}" for i in range(1, len(self.widths) + 1)]

    def encode(self, column: Column) -> tuple[np.ndarray, np.ndarray]:
        """Return blocks of the rows that have one, and a mask of these rows."""
        starts = self.first + np.cumsum(self.widths) - self.widths
        widths = np.where(self.widths > 0, self.widths, 1)
        with np.errstate(over="ignore"):  # bins may be as narrow as the least float
            shares = (self.to_numbers(column.observed)[:, np.newaxis] - starts) / widths
        return np.clip(shares, 0, 1), column.known

    def decode(self, block: np.ndarray) -> np.ndarray:
        """Return the values of blocks without gaps, imperfect ones too."""
        return self.from_numbers(self.first + np.clip(block, 0, 1) @ self.widths)


class OneHot:
    """A category as zeros and a one.

    Parameters
    ----------
    name : str
    column : Column
        At least one value.
    max_categories : int
        Largest width; with more categories, the last number stands for all less frequent ones.

    Raises
    ------
    ValueError
        If the values are dates or durations, or there are more than `MAX_DISTINCT` of them.
    """

    def __init__(self, name: str, column: Column, max_categories: int):
        self.name = name
        observed = column.observed
        if observed.dtype.kind in FAMILIES:
            raise ValueError(f"categories must be no dates or durations, got column {name!r}")
        self.family = family(column)
        counts = Counter(observed.tolist())
        if len(counts) > MAX_DISTINCT:
            raise ValueError(
                f"X must have at most {MAX_DISTINCT} categories a column, got {len(counts)} in "
                f"column {name!r}: drop it, convert it if its texts are numbers, as by "
                "X.astype(float), or dates, as by pandas.to_datetime, or make numbers of it, as "
                "by TargetEncoder or FeatureHasher of scikit-learn"
            )
        encoder = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=max_categories)
        try:
            encoder.fit(observed[:, np.newaxis])
        except TypeError as error:
            raise ValueError(f"X must have columns of one kind, got {name!r}: {error}") from error
        self.suffixes = list(encoder.get_feature_names_out([""]))
        infrequent = encoder.infrequent_categories_[0]
        rest = [] if infrequent is None else infrequent.tolist()
        self.has_infrequent = bool(rest)
        frequent = [c for c in encoder.categories_[0].tolist() if c not in rest]
        self.categories, self.n_frequent = frequent + rest, len(frequent)
        self.values = np.empty(len(self.suffixes), dtype=observed.dtype)
        self.values[:] = frequent + sorted(rest, key=counts.__getitem__)[-1:]

    @property
    def places(self) -> dict[object, int]:
        """Place of each category in the block; no attribute, for skops restores keys as texts."""
        return {c: min(place, self.n_frequent) for place, c in enumerate(self.categories)}

    def encode(self, column: Column) -> tuple[np.ndarray, np.ndarray]:
        """Return blocks of the rows that have one, and a mask of these rows.

        Warns
        -----
        UserWarning
            If `fit` has not seen a category.
        """
        unseen = len(self.values) - 1 if self.has_infrequent else -1
        values, place_of = objects(column.observed), self.places
        places = np.array([place_of.get(value, unseen) for value in values], dtype=np.intp)
        if new := [value for value in dict.fromkeys(values) if value not in place_of]:
            fate = "infrequent ones" if self.has_infrequent else "gaps"
            warnings.warn(
                f"fit has not seen {len(new)} of the categories in column {self.name!r}, such as "
                f"{new[0]!r}: they count as {fate}",
                UserWarning,
                stacklevel=4,
            )
        known = column.known.copy()
        known[known] = places >= 0
        return np.eye(len(self.values))[places[places >= 0]], known

    def decode(self, block: np.ndarray) -> np.ndarray:
        """Return the categories of the largest numbers; of infrequent ones, the most frequent."""
        return self.values[block.argmax(axis=1)]

    def kept(self, column: Column) -> tuple[np.ndarray, np.ndarray]:
        """Return a mask of the rows with a category that `fit` has seen, and these categories."""
        places = self.places
        values = objects(column.observed)
        known, seen = column.known.copy(), [value in places for value in values]
        known[known] = seen
        kept = np.empty(sum(seen), dtype=self.values.dtype)
        kept[:] = [value for value, is_seen in zip(values, seen, strict=True) if is_seen]
        return known, kept
