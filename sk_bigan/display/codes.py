"""Codes in a plane."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_array, column_or_1d
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils.multiclass import type_of_target
from torch.utils.data import Dataset

from .coding import Coder
from .common import MOST_COLOURS, Display, palette
from .plane import axis_limits, check_method, in_a_plane

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
    n_outside_ : int
        Number of rows outside the limits of the axes: very few rows that lie far from all others
        are left out, and a note above the axes counts them.
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
        estimator: Any,
        X: ArrayLike | Dataset,
        y: ArrayLike | None = None,
        *,
        method: str = "pca",
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Encode X and draw the codes, as `from_predictions` does.

        Parameters
        ----------
        estimator : fitted BiGANTransformer, Pipeline or transformer
            Codes are E(x) where there is a BiGAN, also as a step of a Pipeline, and the output of
            `transform` elsewhere.
        X : array-like or Dataset
            Rows, images or items as in `fit`.
        y : array-like of shape (n_samples,), default=None
            What the colours say: classes, or numbers.
        method : {"pca", "tsne", "umap"}, default="pca"
            Map of codes of more than two numbers into the plane, as `from_predictions` takes it.
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
        ImportError
            If `method` is "umap" and umap-learn is not installed.
        TypeError
            If `estimator` has no `transform`.
        ValueError
            If X is not as in `fit`, or `y` or `method` not as `from_predictions` takes it.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        check_method(method)
        codes = Coder(estimator).encode(X)
        return cls.from_predictions(codes, y, method=method, ax=ax, **kwargs)

    @classmethod
    def from_predictions(
        cls,
        codes: ArrayLike,
        y: ArrayLike | None = None,
        *,
        method: str = "pca",
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw codes.

        Two coordinates are drawn as they are; more are mapped into the plane by `method`; one is
        drawn against its empirical distribution, that in each class if `y` has classes.

        Parameters
        ----------
        codes : array-like of shape (n, latent_dim)
        y : array-like of shape (n,), default=None
            What the colours say: at most 20 classes, with a legend, or finite numbers, with a
            colour bar. More than 20 different numbers are no classes.
        method : {"pca", "tsne", "umap"}, default="pca"
            Map of codes of more than two numbers. "pca" takes the first two principal components.
            "tsne" and "umap" keep neighbours together; distances between groups mean little there.
            t-SNE is scikit-learn's, and takes a minute for 10,000 rows. UMAP needs the package
            umap-learn. Both give the same picture each time.
        ax : matplotlib Axes, default=None
            Where to draw; ``None`` makes a figure.
        **kwargs : dict
            For matplotlib's `scatter`.

        Returns
        -------
        display : LatentDisplay

        Raises
        ------
        ImportError
            If `method` is "umap" and umap-learn is not installed.
        ValueError
            If `codes` are not finite numbers in two dimensions, `y` has another length or holds
            neither at most 20 classes nor finite numbers, or `method` is not as described.
        """
        check_matplotlib_support(f"{cls.__name__}.from_predictions")
        check_method(method)
        z = check_array(codes, input_name="codes")
        colours = None if y is None else values_of_y(y, len(z))
        plane = in_a_plane(z, classes_in(colours), method)
        return cls(plane.points, colours, axis_labels=plane.axis_labels).plot(ax, **kwargs)

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        style: dict[str, Any] = {"s": np.clip(20_000 / len(self.points), 2, 12), "linewidths": 0}
        if (classes := classes_in(self.y)) is not None:
            from matplotlib.colors import ListedColormap

            names, style["c"] = np.unique(classes, return_inverse=True)
            n = len(names)
            style |= {"cmap": ListedColormap(palette(n)), "vmin": -0.5, "vmax": n - 0.5}
        elif self.y is not None:
            style["c"] = self.y
        self.scatter_ = ax.scatter(*self.points.T, **(style | kwargs))
        self._leave_outliers_out(ax)
        self.colorbar_ = None
        if classes is not None:
            keys, _ = self.scatter_.legend_elements(num=range(n))
            few = len(self.points) <= 10_000  # the search for the best place takes its time
            place: Literal["best", "upper right"] = "best" if few else "upper right"
            ax.legend(keys, names, title="y", ncols=ceil(n / 10), loc=place)
        elif self.y is not None:
            self.colorbar_ = ax.figure.colorbar(self.scatter_, ax=ax, label="y")
        ax.set(xlabel=self.axis_labels[0], ylabel=self.axis_labels[1])

    def _leave_outliers_out(self, ax: Axes) -> None:
        limits = np.array([axis_limits(values) for values in self.points.T])  # (2, low and high)
        is_inside = (self.points >= limits[:, 0]) & (self.points <= limits[:, 1])
        self.n_outside_ = int((~is_inside.all(axis=1)).sum())
        if self.n_outside_:
            (left, right), (bottom, top) = limits
            x_margin, y_margin = 0.05 * np.ptp(limits, axis=1)
            ax.set_xlim(left - x_margin, right + x_margin)
            ax.set_ylim(bottom - y_margin, top + y_margin)
            text = f"{self.n_outside_} of {len(self.points)} rows lie outside"
            ax.annotate(text, (0, 1), (0, 3), "axes fraction", "offset points", fontsize="small")


def values_of_y(y: ArrayLike, n: int) -> np.ndarray:
    """Return classes or finite numbers, one for each of n rows."""
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


def classes_in(y: np.ndarray | None) -> np.ndarray | None:
    """Return y if it holds classes, None if it is numbers or None."""
    if y is None or len(np.unique(y)) > MOST_COLOURS or type_of_target(y) == "continuous":
        return None
    return y
