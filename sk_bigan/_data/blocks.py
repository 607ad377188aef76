"""A column as a block of numbers, and the column of a block again."""

from __future__ import annotations

import warnings
from collections import Counter
from typing import Any

import numpy as np
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from .frames import Column

MAX_DISTINCT = 300  # more texts than this are no categories
FAMILIES = {"M": "dates", "m": "durations", "O": "texts or categories"}  # others are numbers
UNITS = ("D", "s", "ms", "us", "ns")


def family(observed: np.ndarray) -> str:
    """Return the word for values that one encoder takes."""
    return FAMILIES.get(observed.dtype.kind, "numbers")


class Line:
    """Numbers, dates and durations as float64, and back in their dtype.

    Dates and durations are counted from the first one, in the coarsest unit of days, seconds and
    its fractions that loses nothing.

    Parameters
    ----------
    name : str
    observed : ndarray of shape (n_observed,)

    Raises
    ------
    ValueError
        If a number is infinite, or its square does not fit into float64.
    """

    def __init__(self, name: str, observed: np.ndarray):
        self.name = name
        self.dtype = observed.dtype
        self.origin: Any = None
        if self.dtype.kind in "mM":
            dtypes = [f"{self.dtype.kind}8[{unit}]" for unit in UNITS]
            lossless = (dtype for dtype in dtypes if (observed.astype(dtype) == observed).all())
            self.origin = observed.min().astype(next(lossless))
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
            If the values are of another family than in `fit`, or infinite.
        """
        if family(observed) != FAMILIES.get(self.dtype.kind, "numbers"):
            held = FAMILIES.get(self.dtype.kind, "numbers")
            raise ValueError(f"column {self.name!r} must hold {held}, got {family(observed)}")
        if self.origin is not None:
            return (observed - self.origin) / _step(self.origin.dtype)
        numbers = observed.astype(np.float64)
        if np.isinf(numbers).any():
            raise ValueError(
                "Input X contains infinity or a value too large for dtype('float64') in column "
                f"{self.name!r}: make it a number or NaN"
            )
        return numbers

    def from_numbers(self, numbers: np.ndarray) -> np.ndarray:
        """Return the nearest values of the dtype: a network may ask for more than it holds."""
        if self.origin is not None:
            step = _step(self.origin.dtype)
            # Libraries have 32 bits for a date.
            most = (2**30 if _step(self.dtype) == _step("M8[D]") else 2**62) * _step(self.dtype)
            return (self.origin + _rounded(numbers, np.int64, most / step) * step).astype(
                self.dtype
            )
        if self.dtype.kind == "f":
            limits = np.finfo(self.dtype)
            return np.clip(numbers, limits.min, limits.max).astype(self.dtype)
        return _rounded(numbers, self.dtype)


def _step(dtype: Any) -> np.timedelta64:
    unit: Any = np.datetime_data(dtype)[0]
    return np.timedelta64(1, unit)


def _rounded(numbers: np.ndarray, dtype: Any, most: float = np.inf) -> np.ndarray:
    limits = np.iinfo(dtype)
    # As a float, the largest integer of 64 bits is one too large.
    top = np.nextafter(float(limits.max), 0) if limits.bits == 64 else limits.max
    return np.rint(np.clip(numbers, max(limits.min, -most), min(top, most))).astype(dtype)


class Standard(Line):
    """A number as one number of mean 0 and variance 1.

    Parameters
    ----------
    name : str
    column : Column
        Numbers, dates or durations, at least one.
    """

    def __init__(self, name: str, column: Column):
        super().__init__(name, column.observed)
        self.scaler = StandardScaler().set_output(transform="default")
        self.scaler.fit(self.to_numbers(column.observed)[:, np.newaxis])
        self.suffixes = [""]

    def encode(self, column: Column) -> tuple[np.ndarray, np.ndarray]:
        """Return blocks of the rows that have one, and a mask of these rows."""
        numbers = self.to_numbers(column.observed)
        return self.scaler.transform(numbers[:, np.newaxis]), column.known

    def decode(self, block: np.ndarray) -> np.ndarray:
        """Return the values of blocks without gaps."""
        return self.from_numbers(self.scaler.inverse_transform(block)[:, 0])


class Bins(Line):
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
        super().__init__(name, column.observed)
        numbers = self.to_numbers(column.observed)
        # KBinsDiscretizer's edges, which it would take only if 1e-8 apart in the column's units.
        edges = np.unique(np.quantile(numbers, np.linspace(0, 1, n_bins + 1)))
        self.low, self.widths = edges[0], np.diff(edges) if len(edges) > 1 else np.zeros(1)
        self.suffixes = [f"_bin{i}" for i in range(1, len(self.widths) + 1)]

    def encode(self, column: Column) -> tuple[np.ndarray, np.ndarray]:
        """Return blocks of the rows that have one, and a mask of these rows."""
        starts = self.low + np.cumsum(self.widths) - self.widths
        widths = np.where(self.widths > 0, self.widths, 1)
        shares = (self.to_numbers(column.observed)[:, np.newaxis] - starts) / widths
        return np.clip(shares, 0, 1), column.known

    def decode(self, block: np.ndarray) -> np.ndarray:
        """Return the values of blocks without gaps, imperfect ones too."""
        return self.from_numbers(self.low + np.clip(block, 0, 1) @ self.widths)


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
        if family(observed) in ("dates", "durations"):
            raise ValueError(f"categories must be no {family(observed)}, got column {name!r}")
        counts = Counter(observed.tolist())
        if len(counts) > MAX_DISTINCT:
            raise ValueError(
                f"X must have at most {MAX_DISTINCT} categories a column, got {len(counts)} in "
                f"column {name!r}: drop it, or make numbers of it, as by TargetEncoder or "
                "FeatureHasher of scikit-learn, or TableVectorizer of skrub"
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
        self.places = {category: place for place, category in enumerate(frequent)}
        self.places |= dict.fromkeys(rest, len(frequent))
        self.values = np.empty(len(self.suffixes), dtype=observed.dtype)
        self.values[:] = frequent + ([max(rest, key=counts.__getitem__)] if rest else [])

    def encode(self, column: Column) -> tuple[np.ndarray, np.ndarray]:
        """Return blocks of the rows that have one, and a mask of these rows.

        Warns
        -----
        UserWarning
            If `fit` has not seen a category.
        """
        unseen = len(self.values) - 1 if self.has_infrequent else -1
        values = column.observed.tolist()
        places = np.array([self.places.get(value, unseen) for value in values], dtype=np.intp)
        if new := [value for value in dict.fromkeys(values) if value not in self.places]:
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
