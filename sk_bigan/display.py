"""Pictures of a fitted BiGAN, drawn with matplotlib in the manner of scikit-learn's displays.

Examples
--------
>>> from sklearn.datasets import load_iris
>>> from sk_bigan import BiGANTransformer
>>> from sk_bigan.display import LatentDisplay, LossCurveDisplay, SampleDisplay
>>> X, y = load_iris(return_X_y=True, as_frame=True)
>>> bigan = BiGANTransformer(latent_dim=2, max_epochs=20, random_state=0).fit(X)
>>> losses = LossCurveDisplay.from_estimator(bigan)
>>> codes = LatentDisplay.from_estimator(bigan, X, y)
>>> samples = SampleDisplay.from_estimator(bigan, X)
>>> samples.figure_.savefig("samples.png")  # doctest: +SKIP
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from math import ceil, log, sqrt
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.decomposition import PCA
from sklearn.utils import _safe_indexing, check_array, check_scalar, column_or_1d
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_is_fitted
from torch.utils.data import Dataset

from .mosaic import PLAIN, Scale, View, draw_mosaic, in_rows, legend_above, name_columns
from .transformer import BiGANTransformer

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_COLOURS = 20  # that can be told apart: those of matplotlib's tab20
MOST_LINES = 10  # with a name each
LABELS = 0.5  # inches below a mosaic

# What the numbers in `history_` are, and whose.
PAIRS, SPREAD = "share of pairs that D tells rightly", "standard deviation"
EXPLAINED = "share of variation that G(E(x)) explains"
CURVES = {
    "loss_d": ("loss", "discriminator"),
    "loss_eg": ("loss", "encoder and generator"),
    "d_real": (PAIRS, "encoder's pairs, x and E(x)"),
    "d_fake": (PAIRS, "generator's pairs, G(z) and z"),
    "d_spread": (SPREAD, "D's logits"),
    "code_spread": (SPREAD, "codes, as a share of the prior's"),
    "sample_spread": (SPREAD, "samples, as a share of the data's"),
    "code_covariance": ("covariance", "codes, as a multiple of the prior's"),
    "score": (EXPLAINED, "64 training rows"),
    "valid_score": (EXPLAINED, "rows held out"),
    "dur": ("seconds", "one epoch"),
}


class _Display(ABC):
    """What all displays share."""

    @classmethod
    def _check(cls, estimator: BiGANTransformer) -> None:
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        if not isinstance(estimator, BiGANTransformer):
            raise TypeError(
                f"estimator must be a BiGANTransformer, got {type(estimator).__name__}; of a "
                "pipeline, give that step, and X as it gets there"
            )
        check_is_fitted(estimator)

    def plot(self, ax: Axes | None = None, **kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; ``None`` makes a figure.
        **kwargs : dict
            As `from_estimator` takes them.

        Returns
        -------
        self : object
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        figure = None
        if ax is None:
            import matplotlib.pyplot as plt

            figure, ax = plt.subplots(layout="constrained")
        self._draw(ax, **kwargs)
        self.ax_, self.figure_ = ax, ax.figure
        image = getattr(self, "image_", None)
        if figure is not None and image is not None:  # as high as the mosaic and its labels
            height, width = image.get_array().shape[:2]
            figure.set_figheight(figure.get_figwidth() * height / width + LABELS)
        return self

    @abstractmethod
    def _draw(self, ax: Axes, **kwargs: Any) -> None: ...


class LossCurveDisplay(_Display):
    """What the training recorded, over its epochs.

    Parameters
    ----------
    history : list of dict
        As `history_` of an estimator: one record per epoch, with its number as "epoch".
    names : str or sequence of str, default=("loss_d", "loss_eg")
        Which of its numbers to draw.
    equilibrium : float, default=None
        Both losses where D cannot tell the pairs, to be marked; ``None`` marks none.

    Attributes
    ----------
    lines_ : list of matplotlib Line2D
        One for each name, over the epochs that have it.
    equilibrium_ : matplotlib Line2D or None
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    """

    def __init__(
        self,
        history: list[dict[str, Any]],
        names: str | Sequence[str] = ("loss_d", "loss_eg"),
        *,
        equilibrium: float | None = None,
    ):
        self.history = history
        self.names = names
        self.equilibrium = equilibrium

    @classmethod
    def from_estimator(
        cls,
        estimator: BiGANTransformer,
        *,
        names: str | Sequence[str] = ("loss_d", "loss_eg"),
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw numbers of a fitted estimator's `history_`.

        Parameters
        ----------
        estimator : BiGANTransformer
        names : str or sequence of str, default=("loss_d", "loss_eg")
            Which of its numbers to draw.
        ax : matplotlib Axes, default=None
            Where to draw; ``None`` makes a figure.
        **kwargs : dict
            For matplotlib's `plot`.

        Returns
        -------
        display : LossCurveDisplay

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If the history does not have such numbers.
        """
        cls._check(estimator)
        losses = {names} if isinstance(names, str) else set(names)
        marked = estimator.objective == "non_saturating" and losses <= {"loss_d", "loss_eg"}
        display = cls(estimator.history_, names, equilibrium=log(4) if marked else None)
        return display.plot(ax, **kwargs)

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from matplotlib.ticker import MaxNLocator

        names = [self.names] if isinstance(self.names, str) else list(self.names)
        known = {n for epoch in self.history for n, v in epoch.items() if isinstance(v, Real)}
        if not names or not known.issuperset(names):
            raise ValueError(
                f"names must be of numbers that the history has, {sorted(known - {'epoch'})}, "
                f"got {self.names!r}"
            )
        curves = {name: CURVES.get(name, ("value", name)) for name in names}
        quantities = {quantity for quantity, _ in curves.values()}
        plain = len(quantities) == 1
        self.lines_ = []
        for name, (quantity, whose) in curves.items():
            epochs = [epoch for epoch in self.history if name in epoch]
            style = {
                "label": whose if plain or quantity == "value" else f"{quantity}: {whose}",
                "marker": "o" if len(epochs) == 1 else "",
            }
            numbers = [epoch[name] for epoch in epochs]
            self.lines_ += ax.plot(
                [epoch["epoch"] for epoch in epochs], numbers, **(style | kwargs)
            )
        self.equilibrium_ = None
        if self.equilibrium is not None:
            self.equilibrium_ = ax.axhline(
                self.equilibrium, color="gray", ls=":", label="D cannot tell the pairs"
            )
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        ax.set(xlabel="epoch", ylabel=quantities.pop() if plain else "value")
        ax.legend()


class ReconstructionDisplay(_Display):
    """Rows of X and what G makes of their codes.

    Images are drawn in one mosaic, originals over reconstructions; columns as a solid line for each
    row and a dashed one for its reconstruction.

    Parameters
    ----------
    originals, reconstructions : ndarray
        Images of shape (n, height, width), or (n, height, width, 3 or 4) in colour, or columns of
        shape (n, n_columns).
    scale : Scale, default=Scale()
        Limits of pixels, names and units of columns.

    Attributes
    ----------
    image_ : matplotlib AxesImage or None
        The mosaic of images.
    lines_ : list of tuple of matplotlib Line2D, or None
        The solid and the dashed line of each row.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    """

    def __init__(self, originals: np.ndarray, reconstructions: np.ndarray, *, scale: Scale = PLAIN):
        self.originals = originals
        self.reconstructions = reconstructions
        self.scale = scale

    @classmethod
    def from_estimator(
        cls,
        estimator: BiGANTransformer,
        X: ArrayLike | Dataset,
        *,
        n_samples: int = 8,
        image_shape: Sequence[int] | None = None,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Reconstruct the first rows of X and draw both.

        Parameters
        ----------
        estimator : BiGANTransformer
        X : array-like or Dataset
            Rows, images or items as in `fit`.
        n_samples : int, default=8
            How many of them to draw.
        image_shape : tuple of int, default=None
            (height, width), or with channels before or after these, where rows of X are images and
            the estimator does not know it. ``None`` draws images where it does, columns otherwise.
        ax : matplotlib Axes, default=None
            Where to draw; ``None`` makes a figure.
        **kwargs : dict
            For matplotlib's `imshow` or, for columns, `plot`.

        Returns
        -------
        display : ReconstructionDisplay

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If X has fewer rows or is not as in `fit`, or `image_shape` does not fit.
        """
        cls._check(estimator)
        check_scalar(n_samples, "n_samples", Integral, min_val=1)
        view = View(estimator, image_shape)
        rows = estimator._checked(X)
        if len(rows) < n_samples:
            raise ValueError(f"X must have at least n_samples={n_samples} rows, got {len(rows)}")
        codes = _encode(estimator, _safe_indexing(X, list(range(n_samples))))
        originals = view(np.asarray(rows[:n_samples]))
        reconstructions = view(estimator.inverse_transform(codes))
        return cls(originals, reconstructions, scale=view.scale).plot(ax, **kwargs)

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        self.image_, self.lines_ = None, None
        if self.originals.ndim > 2:
            limits = self.scale.limits or (self.originals.min(), self.originals.max())
            images = np.stack([self.originals, self.reconstructions])
            self.image_ = draw_mosaic(ax, images, limits, ["x", "G(E(x))"], **kwargs)
            return
        n, n_columns = self.originals.shape
        styles: list[dict[str, Any]] = [{"ls": "-", "marker": "."}, {"ls": "--", "marker": "."}]
        rows = zip(self.originals, self.reconstructions, _palette(n), strict=True)
        self.lines_ = [
            tuple(
                ax.plot(values, **({"color": colour} | style | kwargs))[0]
                for values, style in zip(pair, styles, strict=True)
            )
            for *pair, colour in rows
        ]
        name_columns(ax, self.scale.names(n_columns))
        ax.set_ylabel(self.scale.units)
        keys = [ax.plot([], color="gray", **style)[0] for style in styles]
        legend_above(ax, keys, ["x", "G(E(x))"])


class SampleDisplay(_Display):
    """Samples of G, of codes from the prior.

    Images are drawn in a square mosaic, columns as box plots.

    Parameters
    ----------
    samples : ndarray
        Images of shape (n, height, width), or (n, height, width, 3 or 4) in colour, or columns of
        shape (n, n_columns).
    X : ndarray of shape (n_rows, n_columns), default=None
        Columns of data to set beside the samples'.
    scale : Scale, default=Scale()
        Limits of pixels, names and units of columns.

    Attributes
    ----------
    image_ : matplotlib AxesImage or None
        The mosaic of images.
    boxes_ : dict of dict, or None
        What matplotlib's `boxplot` gives for "samples" and for "X".
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    """

    def __init__(self, samples: np.ndarray, X: np.ndarray | None = None, *, scale: Scale = PLAIN):
        self.samples = samples
        self.X = X
        self.scale = scale

    @classmethod
    def from_estimator(
        cls,
        estimator: BiGANTransformer,
        X: ArrayLike | Dataset | None = None,
        *,
        n_samples: int = 64,
        image_shape: Sequence[int] | None = None,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Sample and draw the samples.

        Parameters
        ----------
        estimator : BiGANTransformer
        X : array-like or Dataset, default=None
            Rows as in `fit`, whose columns are drawn beside those of the samples; not used for
            images.
        n_samples : int, default=64
        image_shape : tuple of int, default=None
            (height, width), or with channels before or after these, where rows of X are images and
            the estimator does not know it. ``None`` draws images where it does, columns otherwise.
        ax : matplotlib Axes, default=None
            Where to draw; ``None`` makes a figure.
        **kwargs : dict
            For matplotlib's `imshow` or, for columns, `boxplot`.

        Returns
        -------
        display : SampleDisplay

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If X is not as in `fit`, `n_samples` is not positive, or `image_shape` does not fit.
        """
        cls._check(estimator)
        view = View(estimator, image_shape)
        samples = view(estimator.sample(n_samples))
        columns = None
        if X is not None and samples.ndim == 2:
            columns = view(np.asarray(estimator._checked(X)[:]))
        return cls(samples, columns, scale=view.scale).plot(ax, **kwargs)

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        self.image_, self.boxes_ = None, None
        if self.samples.ndim > 2:
            images = in_rows(self.samples, ceil(sqrt(len(self.samples))))
            self.image_ = draw_mosaic(ax, images, self.scale.limits, **kwargs)
            ax.set_xlabel("G(z), z from the prior")
            return
        groups = {"samples": self.samples} | ({} if self.X is None else {"X": self.X})
        n_columns = self.samples.shape[1]
        self.boxes_ = {}
        for number, (name, columns) in enumerate(groups.items()):
            colour = f"C{number}"
            style: dict[str, Any] = {
                "positions": np.arange(n_columns) + (number - (len(groups) - 1) / 2) * 0.4,
                "widths": 0.3,
                "patch_artist": True,
                "boxprops": {"facecolor": colour, "edgecolor": colour},
                "whiskerprops": {"color": colour},
                "capprops": {"color": colour},
                "medianprops": {"color": "black"},
                "flierprops": {"markersize": 3, "markeredgecolor": colour},
            }
            self.boxes_[name] = ax.boxplot(columns, **(style | kwargs))
        name_columns(ax, self.scale.names(n_columns))
        ax.set_ylabel(self.scale.units)
        keys = [boxes["boxes"][0] for boxes in self.boxes_.values()]
        legend_above(ax, keys, list(self.boxes_))


class LatentDisplay(_Display):
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
        return cls.from_predictions(_encode(estimator, X), y, ax=ax, **kwargs)

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
        colours = None if y is None else _checked_y(y, len(z))
        points, axis_labels = _in_a_plane(z, colours)
        return cls(points, colours, axis_labels=axis_labels).plot(ax, **kwargs)

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        style: dict[str, Any] = {"s": np.clip(20_000 / len(self.points), 2, 12), "linewidths": 0}
        classes = None
        if self.y is not None and _has_classes(self.y):
            from matplotlib.colors import ListedColormap

            classes, style["c"] = np.unique(self.y, return_inverse=True)
            n = len(classes)
            style |= {"cmap": ListedColormap(_palette(n)), "vmin": -0.5, "vmax": n - 0.5}
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


class InterpolationDisplay(_Display):
    """What G makes of the codes on the straight way from one row's to another's.

    Images are drawn in one mosaic, a walk a row; columns, of one walk, as a line each.

    Parameters
    ----------
    walks : ndarray
        Images of shape (n_walks, n_steps, height, width), or (..., 3 or 4) in colour, or columns of
        shape (1, n_steps, n_columns).
    scale : Scale, default=Scale()
        Limits of pixels, names and units of columns.

    Attributes
    ----------
    image_ : matplotlib AxesImage or None
        The mosaic of images.
    lines_ : list of matplotlib Line2D, or None
        One for each column, or for those 10 that change most.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    """

    def __init__(self, walks: np.ndarray, *, scale: Scale = PLAIN):
        self.walks = walks
        self.scale = scale

    @classmethod
    def from_estimator(
        cls,
        estimator: BiGANTransformer,
        start: ArrayLike | Dataset,
        end: ArrayLike | Dataset,
        *,
        n_steps: int = 9,
        image_shape: Sequence[int] | None = None,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Walk from each row of `start` to that of `end`, and draw what is on the way.

        Parameters
        ----------
        estimator : BiGANTransformer
        start, end : array-like or Dataset
            Rows, images or items as in `fit`, as many each; one each where columns are drawn.
        n_steps : int, default=9
            Codes on each way, its ends among them.
        image_shape : tuple of int, default=None
            (height, width), or with channels before or after these, where rows of X are images and
            the estimator does not know it. ``None`` draws images where it does, columns otherwise.
        ax : matplotlib Axes, default=None
            Where to draw; ``None`` makes a figure.
        **kwargs : dict
            For matplotlib's `imshow` or, for columns, `plot`.

        Returns
        -------
        display : InterpolationDisplay

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If `start` and `end` are not as described, or `image_shape` does not fit.
        """
        cls._check(estimator)
        check_scalar(n_steps, "n_steps", Integral, min_val=2)
        view = View(estimator, image_shape)
        first, last = _encode(estimator, start), _encode(estimator, end)
        n = len(first)
        if n != len(last):
            raise ValueError(f"start and end must have as many rows each, got {n} and {len(last)}")
        if n > 1 and not view.shape:
            raise ValueError(
                f"start and end must be one row each where columns are drawn, got {n}; if the rows "
                "are images, say so with image_shape=(height, width)"
            )
        codes = np.linspace(first, last, n_steps, axis=1)  # (n, n_steps, latent_dim)
        items = view(estimator.inverse_transform(codes.reshape(n * n_steps, -1)))
        walks = items.reshape(n, n_steps, *items.shape[1:])
        return cls(walks, scale=view.scale).plot(ax, **kwargs)

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        self.image_, self.lines_ = None, None
        way = np.linspace(0, 1, self.walks.shape[1])
        ax.set_xlabel("share of the way from E(start) to E(end)")
        if self.walks.ndim > 3:
            marks = [f"{share:g}" if share in (0, 0.5, 1) else "" for share in way]
            limits = self.scale.limits
            self.image_ = draw_mosaic(ax, self.walks, limits, column_labels=marks, **kwargs)
            return
        (walk,) = self.walks  # (n_steps, n_columns)
        names = self.scale.names(walk.shape[1])
        most_changed = np.argsort(-np.ptp(walk, axis=0), kind="stable")[:MOST_LINES]
        self.lines_ = [
            ax.plot(way, walk[:, i], **({"label": names[i], "color": colour} | kwargs))[0]
            for i, colour in zip(np.sort(most_changed), _palette(len(most_changed)), strict=True)
        ]
        ax.set_ylabel(self.scale.units)
        ax.legend()


def _encode(estimator: BiGANTransformer, X: Any) -> np.ndarray:
    """E(x), whatever layers the estimator's `transform` gives."""
    latent = type(estimator).__new__(type(estimator))  # copy.copy would build the networks anew
    latent.__dict__.update(vars(estimator), features="latent")
    return latent.transform(X)


def _palette(n: int) -> Any:
    """Colours for n things, easily told apart if they are at most 20."""
    from matplotlib import colormaps

    if n > MOST_COLOURS:
        return colormaps["viridis"](np.linspace(0, 1, n))
    return colormaps["tab10" if n <= 10 else "tab20"](range(n))


def _checked_y(y: ArrayLike, n: int) -> np.ndarray:
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
    """Points of shape (n, 2), and what their coordinates are."""
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
