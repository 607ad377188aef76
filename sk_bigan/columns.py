"""Columns of a table as blocks of numbers for networks, and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from numbers import Integral
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.frozen import FrozenEstimator
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_array
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted, validate_data
from torch.utils.data import Dataset

from ._data import frames
from ._data.blocks import Bins, OneHot, Standard, check_family, nearest
from ._data.reading import as_table, refuse_what_is_to_be_read_first

KINDS = {"standard": "number", "bins": "bins"}  # of blocks, by the encoding of numbers


def is_plain(X: Any) -> bool:
    """Return whether X is numbers without gaps, or nothing that `ColumnEncoder` takes."""
    X = frames.table_of(X)
    if frames.is_frame(X):
        columns = frames.read(X)[1]
        return all(
            column.known.all() and not column.is_category and column.observed.dtype.kind in "biuf"
            for column in columns
        )
    X = as_table(X)
    if not (isinstance(X, np.ndarray) and X.ndim == 2 and X.size > 0):
        return True
    if X.dtype.kind == "O":
        return not any(isinstance(value, str) or frames.is_gap(value) for value in X.flat)
    if X.dtype.kind in "UmM":
        return False
    return X.dtype.kind != "f" or not bool(np.isnan(X.min()))


def given_encoder(scaling: Any) -> ColumnEncoder | None:
    """Return the encoder that `scaling` is or holds, if any."""
    encoder = scaling.estimator if isinstance(scaling, FrozenEstimator) else scaling
    return encoder if isinstance(encoder, ColumnEncoder) else None


def is_fitted(encoder: ColumnEncoder) -> bool:
    return hasattr(encoder, "blocks_")


class Block(NamedTuple):
    """The encoded columns of one column of the table, which are ``Z[:, start:stop]``.

    Parameters
    ----------
    name : str
        Name of the table's column.
    kind : {"number", "bins", "category"}
        One standardised number, shares of bins in [0, 1], or zeros and a one.
    start, stop : int
    """

    name: str
    kind: str
    start: int
    stop: int


class ColumnEncoder(TransformerMixin, BaseEstimator):
    """Any table as numbers, with an inverse that gives the table back.

    Numbers, dates and durations are standardised or cut into bins. Booleans, categories and texts
    become zeros and a one. A gap (None, NaN, NaT, NA) becomes NaN in the whole block of its column.

    Parameters
    ----------
    numbers : {"standard", "bins"}, default="standard"
        Encoding of numbers, dates and durations. "standard" gives one number of mean 0 and variance
        1. "bins" gives the piecewise-linear encoding [1]_: a number for each quantile bin, 0 below
        the bin, 1 above it and its share in between. All lie in [0, 1]: a number beyond the
        extremes of `fit` counts as the extreme.

    n_bins : int, default=8
        Most bins of a number. Values that repeat much give fewer.

    max_categories : int, default=32
        Largest width of a category's block. With more categories, the last number of the block
        stands for all less frequent ones, as in :class:`sklearn.preprocessing.OneHotEncoder`.

    categorical_features : "auto" or list of str or int, default="auto"
        Names of columns that hold numbers and are categories, beside those that are it by their
        dtype, or their places, counted from 0. An integer is a place, also where names are
        integers. "auto" names none: integers of few values remain numbers.

    Attributes
    ----------
    blocks_ : tuple of Block
        Name, kind and place of each column's block, in the order of the table.

    n_features_in_ : int
        Number of columns seen during fit.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of columns seen during fit. Defined only when X has names that are all strings.

    See Also
    --------
    sklearn.compose.ColumnTransformer : Transformers of your choice, without an inverse.

    Notes
    -----
    The inverse is exact for categories within `max_categories`, for booleans, and for integers
    below 2**50. Floats within the range of `fit` are off by no more than 1e-12 of that range.

    Dates and durations are rounded to the coarsest unit that all of `fit` share, from days to
    nanoseconds. They are exact within 2**50 of these units, which are 35 years of microseconds.

    References
    ----------
    .. [1] Gorishniy, Rubachev, Babenko. "On Embeddings for Numerical Features in Tabular Deep
           Learning". NeurIPS 2022. arXiv:2203.05556.

    Examples
    --------
    >>> import pandas as pd
    >>> from sk_bigan.columns import ColumnEncoder
    >>> X = pd.DataFrame({"mass": [3.5, None, 4.5], "island": ["Dream", "Biscoe", "Dream"]})
    >>> encoder = ColumnEncoder().fit(X)
    >>> encoder.transform(X)
    array([[-1.,  0.,  1.],
           [nan,  1.,  0.],
           [ 1.,  0.,  1.]])
    >>> encoder.inverse_transform(encoder.transform(X))
       mass  island
    0   3.5   Dream
    1   NaN  Biscoe
    2   4.5   Dream
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "numbers": [StrOptions(set(KINDS))],
        "n_bins": [Interval(Integral, 2, None, closed="left")],
        "max_categories": [Interval(Integral, 2, None, closed="left")],
        "categorical_features": [StrOptions({"auto"}), "array-like"],
    }

    def __init__(
        self,
        *,
        numbers: str = "standard",
        n_bins: int = 8,
        max_categories: int = 32,
        categorical_features: str | Sequence[str] | Sequence[int] = "auto",
    ):
        self.numbers = numbers
        self.n_bins = n_bins
        self.max_categories = max_categories
        self.categorical_features = categorical_features

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the encoding of each column.

        Parameters
        ----------
        X : frame of pandas, polars or pyarrow, or array-like of shape (n_samples, n_features)
            Columns of numbers, booleans, texts, categories, dates or durations. A RecordBatch of
            pyarrow counts as a Table.

        y : None
            Not used.

        Returns
        -------
        self : ColumnEncoder

        Raises
        ------
        ValueError
            If X has no rows or columns, two columns of one name, or a column without values, of
            several kinds, of more than 300 categories, of infinite or of other values, or of a
            type that `inverse_transform` could not give back.
        """
        self._validate_params()
        X = frames.table_of(X)
        origin, columns = self._read(X)
        has_names = all(isinstance(name, str) for name in origin.names)
        names = [*origin.names] if has_names else frames.default_names(len(origin.names))
        chosen = self._chosen_categories(names)
        makers: dict[str, Callable[[str, frames.Column], Any]] = {
            "number": Standard,
            "bins": partial(Bins, n_bins=self.n_bins),
            "category": partial(OneHot, max_categories=self.max_categories),
        }
        encoders, blocks, start = [], [], 0
        for i, (name, column) in enumerate(zip(names, columns, strict=True)):
            if not len(column.observed):
                raise ValueError(f"X must have a value in each column, got none in column {name!r}")
            is_category = column.is_category or column.observed.dtype == bool or i in chosen
            kind = "category" if is_category else KINDS[self.numbers]
            encoder = makers[kind](name, column)
            encoders.append(encoder)
            blocks.append(Block(name, kind, start, start + len(encoder.suffixes)))
            start = blocks[-1].stop
        frames.check_comes_back(origin, columns)
        validate_data(self, X, skip_check_array=True)
        self._origin, self._encoders, self.blocks_ = origin, encoders, tuple(blocks)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Encode X.

        Parameters
        ----------
        X : frame or array-like of shape (n_samples, n_features)
            With the columns of `fit` in their order.

        Returns
        -------
        ndarray of shape (n_samples, width), float64
            Blocks side by side. A gap is NaN in its whole block.

        Raises
        ------
        ValueError
            If X has other columns than in `fit`, in another order, or with values of other kinds.
            Dates with a time zone, dates without one, times of day and durations are four kinds.

        Warns
        -----
        UserWarning
            If `fit` has not seen a category. It becomes infrequent, or else a gap.
        """
        check_is_fitted(self)
        return self._encoded_for(self, X)

    def _encoded_for(self, estimator: Any, X: Any) -> np.ndarray:
        """Return X encoded, after a check of its columns in the name of an estimator."""
        X = frames.table_of(X)
        origin, columns = self._read(X)
        validate_data(estimator, X, skip_check_array=True, reset=False)
        names = self._origin.names
        # scikit-learn compares names that are texts.
        if self._origin.source == origin.source == "pandas" and not names.equals(origin.names):
            raise ValueError(
                f"X must have the columns of fit in their order, {[*names]}, got {[*origin.names]}"
            )
        Z = np.full((len(columns[0].known), self.blocks_[-1].stop), np.nan)
        for column, encoder, block in zip(columns, self._encoders, self.blocks_, strict=True):
            if len(column.observed):
                check_family(block.name, encoder.family, column)
                encoded, known = encoder.encode(column)
                Z[known, block.start : block.stop] = encoded
        return Z

    def inverse_transform(self, X: ArrayLike) -> Any:
        """Decode X, which may be what a network has made of encoded rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, width)
            Encoded rows. A block with a NaN is a gap. In a category's block the largest number
            counts. A bin's share counts as 0 below 0, and as 1 above 1.

        Returns
        -------
        frame or ndarray of shape (n_samples, n_features)
            Of the library, names, dtypes and categories of `fit`. Integers are rounded. Infrequent
            categories become the most frequent of them. Where a dtype has no gaps, integers with
            gaps become float64, and booleans with gaps objects.

        Raises
        ------
        ValueError
            If X has another width than `transform` gives, or infinite numbers.
        """
        check_is_fitted(self)
        Z = check_array(
            X, dtype=np.float64, ensure_all_finite="allow-nan", estimator=self, input_name="X"
        )
        width = self.blocks_[-1].stop
        if Z.shape[1] != width:
            raise ValueError(f"X must have {width} columns, got {Z.shape[1]}")
        table = frames.make(self._origin, self._decoded(Z))
        if self._origin.source == frames.source_of(X) == "pandas":
            table.index = X.index.copy()  # type: ignore[union-attr]
        return table

    def _decoded(self, Z: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        columns = []
        for encoder, block in zip(self._encoders, self.blocks_, strict=True):
            encoded = Z[:, block.start : block.stop]
            known = ~np.isnan(encoded).any(axis=1)
            columns.append((encoder.decode(np.nan_to_num(encoded))[known], known))
        return columns

    def _numbers(self, Z: np.ndarray) -> tuple[np.ndarray, StandardScaler, list[str]]:
        """Return standardised columns in the units of X, a scaler of them, and their names.

        Dates and durations are left out: they hold their own units.
        """
        numbers = [
            (encoder.scaler, block)
            for encoder, block in zip(self._encoders, self.blocks_, strict=True)
            if block.kind == "number" and not encoder.is_time
        ]
        scaler = StandardScaler()
        for learned in ("mean_", "var_", "scale_"):
            setattr(scaler, learned, np.array([getattr(one, learned)[0] for one, _ in numbers]))
        places = [block.start for _, block in numbers]
        rows = Z[:, places] * scaler.scale_ + scaler.mean_
        return rows, scaler, [block.name for _, block in numbers]

    def _filled(self, X: Any, Z: np.ndarray) -> Any:
        """Return X with its gaps filled by encoded rows, which have none.

        An encoding does not hold all that X does: rare categories share a number. Nor may the dtype
        of `fit`, which becomes a wider one then.
        """
        origin, filled, dtypes = self._origin, [], []
        for encoder, column, dtype, (values, all_known) in zip(
            self._encoders,
            self._read(frames.table_of(X))[1],
            origin.dtypes,
            self._decoded(Z),
            strict=True,
        ):
            known, kept = encoder.kept(column)
            if kept.dtype != values.dtype:
                values = nearest(values, kept.dtype)
                dtype = frames.wider(origin.source, dtype, kept.dtype)
            values[known] = kept
            filled.append((values, all_known))
            dtypes.append(dtype)
        return frames.make(origin._replace(dtypes=tuple(dtypes)), filled)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> np.ndarray:
        """Return the names of the encoded columns.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the columns, if `fit` saw none; those it saw must be the same.

        Returns
        -------
        ndarray of str
            A number has its column's name, bins and categories have theirs behind it. A name that
            a column before has taken gets an underscore behind it.
        """
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        taken: dict[str, None] = {}
        for name, encoder in zip(names, self._encoders, strict=True):
            for suffix in encoder.suffixes:
                full = f"{name}{suffix}"
                while full in taken:
                    full += "_"
                taken[full] = None
        return np.array([*taken], dtype=object)

    def _read(self, X: Any) -> tuple[frames.Origin, list[frames.Column]]:
        if frames.source_of(X) in (None, "numpy"):
            refuse_what_is_to_be_read_first(X)
            if isinstance(X, Dataset):
                raise TypeError(
                    f"X must be a table in memory, got the data set {type(X).__name__}: columns "
                    "are encoded as a whole"
                )
            if np.ma.is_masked(X):
                raise ValueError("X must have no masked values: make them NaN")
            X = check_array(
                as_table(X),
                dtype=None,
                ensure_all_finite="allow-nan",
                allow_nd=True,
                estimator=self,
                input_name="X",
            )
            if X.ndim > 2:
                raise ValueError(
                    "X must be a table of two dimensions for ColumnEncoder, which "
                    f"scaling='columns' means, got shape {X.shape}"
                )
        elif 0 in X.shape:
            n_rows, n_columns = X.shape
            raise ValueError(
                f"Found array with {n_rows} sample(s) and {n_columns} feature(s), while a minimum "
                "of 1 is required"
            )
        return frames.read(X)

    def _chosen_categories(self, names: list[str]) -> set[int]:
        if isinstance(self.categorical_features, str):
            return set()
        places: dict[Any, int] = {name: i for i, name in enumerate(names)}
        places |= {i: i for i in range(len(names))}
        for column in self.categorical_features:
            # True is equal to 1, and a list cannot be looked up.
            is_key = isinstance(column, str | Integral) and not isinstance(column, bool)
            if not is_key or column not in places:
                raise ValueError(
                    "categorical_features must be 'auto' or names or numbers of columns, got "
                    f"{column!r}"
                )
        return {places[column] for column in self.categorical_features}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags
