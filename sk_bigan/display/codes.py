"""Codes in a plane."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.decomposition import PCA
from sklearn.utils import check_array, column_or_1d
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils.multiclass import type_of_target
from torch.utils.data import Dataset

from ..transformer import BiGANTransformer
from .common import MOST_COLOURS, Display, encode, palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class LatentDisplay(Display):
    """Codes as points in a plane.

    Parameters
    ----------
    points : ndarray of shape (n, 2)
    y : ndarray of shape (n,), default=None
        What their colours say: at most 20 classes, or numbers.
    axis_labels : pair of str, default=("z0", "z1")

    Attributes
    ----------
    scatter_ : matplotlib PathCollection
        All points, in their order.
    colorbar_ : matplotlib Colorbar or None
        Of numbers in `y`; classes have a legend.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    """

    def __init__(
        self,
        points: np.ndarray,
        y: np.ndarray | None = None,
        *,
        axis_labels: Sequence[str] = ("z0", "z1"),
    ):
        self.points = points
        self.y = y
        self.axis_labels = axis_labels

    @classmethod
    def from_estimator(
        cls,
        estimator: BiGANTransformer,
        X: ArrayLike | Dataset,
        y: ArrayLike | None = None,
        *,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Encode X and draw the codes, as `from_predictions` does.

        Parameters
        ----------
        estimator : BiGANTransformer
        X : array-like or Dataset
            Rows, images or items as in `fit`.
        y : array-like of shape (n_samples,), default=None
            What the colours say: classes, or numbers.
        ax : matplotlib Axes, default=None
            Where to draw; ``None`` makes a figure.
        **kwargs : dict
            For matplotlib's `scatter`.

        Returns
        -------
        display : LatentDisplay

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If X is not as in `fit`, or `y` not as `from_predictions` takes it.
        """
        cls._check(estimator)
        return cls.from_predictions(encode(estimator, X), y, ax=ax, **kwargs)

    @classmethod
    def from_predictions(
        cls, codes: ArrayLike, y: ArrayLike | None = None, *, ax: Axes | None = None, **kwargs: Any
    ) -> Self:
        """Draw codes.

        Two coordinates are drawn as they are; of more, the first two principal components; one is
        drawn against its empirical distribution, that in each class if `y` has classes.

        Parameters
        ----------
        codes : array-like of shape (n, latent_dim)
        y : array-like of shape (n,), default=None
            What the colours say: at most 20 classes, with a legend, or finite numbers, with a
            colour bar. More than 20 different numbers are no classes.
        ax : matplotlib Axes, default=None
            Where to draw; ``None`` makes a figure.
        **kwargs : dict
            For matplotlib's `scatter`.

        Returns
        -------
        display : LatentDisplay

        Raises
        ------
        ValueError
            If `codes` are not finite numbers in two dimensions, or `y` has another length or holds
            neither at most 20 classes nor finite numbers.
        """
        check_matplotlib_support(f"{cls.__name__}.from_predictions")
        z = check_array(codes, input_name="codes")
        colours = None if y is None else _values_of_y(y, len(z))
        points, axis_labels = _in_a_plane(z, colours)
        return cls(points, colours, axis_labels=axis_labels).plot(ax, **kwargs)

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        style: dict[str, Any] = {"s": np.clip(20_000 / len(self.points), 2, 12), "linewidths": 0}
        classes = None
        if self.y is not None and _has_classes(self.y):
            from matplotlib.colors import ListedColormap

            classes, style["c"] = np.unique(self.y, return_inverse=True)
            n = len(classes)
            style |= {"cmap": ListedColormap(palette(n)), "vmin": -0.5, "vmax": n - 0.5}
        elif self.y is not None:
            style["c"] = self.y
        self.scatter_ = ax.scatter(*self.points.T, **(style | kwargs))
        self.colorbar_ = None
        if classes is not None:
            keys, _ = self.scatter_.legend_elements(num=range(n))
            few = len(self.points) <= 10_000  # the search for the best place takes its time
            place: Literal["best", "upper right"] = "best" if few else "upper right"
            ax.legend(keys, classes, title="y", ncols=ceil(n / 10), loc=place)
        elif self.y is not None:
            self.colorbar_ = ax.figure.colorbar(self.scatter_, ax=ax, label="y")
        ax.set(xlabel=self.axis_labels[0], ylabel=self.axis_labels[1])


def _values_of_y(y: ArrayLike, n: int) -> np.ndarray:
    values = np.asarray(column_or_1d(y))
    if len(values) != n:
        raise ValueError(f"y must have a value for each of the {n} rows, got {len(values)} values")
    numbers = values.dtype.kind in "biuf"
    if numbers and not np.isfinite(values).all():
        raise ValueError("y must be finite, got NaN or infinity")
    texts = all(isinstance(value, str) for value in values)
    if not numbers and not (texts and len(np.unique(values)) <= MOST_COLOURS):
        raise ValueError(
            f"y must be numbers, or texts for at most {MOST_COLOURS} classes, got "
            f"{len(set(values))} different values of dtype {values.dtype}"
        )
    return values


def _has_classes(y: np.ndarray) -> bool:
    return len(np.unique(y)) <= MOST_COLOURS and type_of_target(y) != "continuous"


def _in_a_plane(codes: np.ndarray, y: np.ndarray | None) -> tuple[np.ndarray, Sequence[str]]:
    """Return points of shape (n, 2), and the names of their coordinates."""
    if codes.shape[1] == 2:
        return codes, ("z0", "z1")
    if codes.shape[1] == 1:
        groups, whose = np.zeros(len(codes)), "codes"
        if y is not None and _has_classes(y):
            groups, whose = y, "the class's codes"
        shares = np.empty(len(codes))
        for group in np.unique(groups):
            values = codes[groups == group, 0]
            ranks = np.searchsorted(np.sort(values), values, side="right")
            shares[groups == group] = ranks / len(values)
        return np.column_stack([codes, shares]), ("z0", f"share of {whose} up to this one")
    if len(codes) < 2:
        raise ValueError("codes of more than two columns must have at least two rows, got 1")
    with np.errstate(invalid="ignore"):  # 0 / 0 where codes do not vary
        pca = PCA(2, svd_solver="full").fit(codes)
    labels = [
        f"{which} principal component of z, {share:.0%} of the variance"
        for which, share in zip(
            ["first", "second"], np.nan_to_num(pca.explained_variance_ratio_), strict=True
        )
    ]
    return pca.transform(codes), labels
