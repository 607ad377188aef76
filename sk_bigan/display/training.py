"""A training as a film: codes and samples, epoch by epoch."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, sqrt
from numbers import Integral, Real
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_scalar
from sklearn.utils._optional_dependencies import check_matplotlib_support
from torch.utils.data import Dataset

from ..transformer import BiGANTransformer
from .codes import LatentDisplay, classes_in, values_of_y
from .mosaic import Scale, View, in_rows, joined
from .plane import axis_limits, in_a_plane
from .recording import record
from .samples import SampleDisplay

if TYPE_CHECKING:
    from matplotlib.animation import FuncAnimation

MOST_ROWS = 1000  # whose codes are recorded


class TrainingDisplay:
    """Codes of rows and samples of G over the epochs of a training.

    Parameters
    ----------
    points : ndarray of shape (n_epochs, n, 2)
        Codes in one plane for all epochs.
    samples : ndarray of shape (n_epochs, n_samples, height, width), default=None
        Images that G makes of the same draws of z, or (..., 3 or 4) in colour.
    y : ndarray of shape (n,), default=None
        What the colours say, as in `LatentDisplay`.
    axis_labels : pair of str, default=("z0", "z1")
    limits : tuple of float, default=None
        Pixels that are black and white; ``None`` takes the extremes of the samples.

    Attributes
    ----------
    estimator_ : BiGANTransformer
        The fitted clone, of displays that `from_estimator` makes.
    codes_ : LatentDisplay
    samples_ : SampleDisplay or None
    figure_ : matplotlib Figure
    """

    estimator_: BiGANTransformer

    def __init__(
        self,
        points: np.ndarray,
        samples: np.ndarray | None = None,
        y: np.ndarray | None = None,
        *,
        axis_labels: tuple[str, str] = ("z0", "z1"),
        limits: tuple[float, float] | None = None,
    ):
        self.points = points
        self.samples = samples
        self.y = y
        self.axis_labels = axis_labels
        self.limits = limits

    @classmethod
    def from_estimator(
        cls,
        estimator: BiGANTransformer,
        X: ArrayLike | Dataset,
        y: ArrayLike | None = None,
        *,
        n_samples: int = 25,
        image_shape: Sequence[int] | None = None,
    ) -> Self:
        """Fit a clone on X, record it after each epoch, and draw the last one.

        Codes are recorded of at most 1,000 rows from all over X. Codes of more than two numbers are
        drawn by the principal components of the last epoch. Samples are recorded of images.

        Parameters
        ----------
        estimator : BiGANTransformer
            Its clone is fitted without checkpoints. Its parameters and what it has learned stay.
        X : array-like or Dataset
            Rows, images or items for `fit`, with a length.
        y : array-like of shape (n_samples,), default=None
            What the colours say: at most 20 classes, or finite numbers.
        n_samples : int, default=25
            Images to draw from the prior.
        image_shape : tuple of int, default=None
            (height, width), or with channels before or after these, where rows of X are images and
            the estimator does not know it.

        Returns
        -------
        display : TrainingDisplay

        Raises
        ------
        TypeError
            If `estimator` is no BiGANTransformer.
        ValueError
            If X is not as `fit` takes it, or another parameter is not as described.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        if not isinstance(estimator, BiGANTransformer):
            raise TypeError(f"estimator must be a BiGANTransformer, got {type(estimator).__name__}")
        check_scalar(n_samples, "n_samples", Integral, min_val=1)
        n_rows = len(X)  # type: ignore[arg-type]
        colours = None if y is None else values_of_y(y, n_rows)
        chosen = np.unique(np.linspace(0, n_rows - 1, MOST_ROWS).astype(int))
        fitted, codes, samples = record(estimator, X, chosen, n_samples, image_shape)
        if colours is not None:
            colours = colours[chosen]
        points, labels = _in_one_plane(codes, colours)
        limits = View(fitted, image_shape).scale.limits
        display = cls(points, samples, colours, axis_labels=labels, limits=limits)
        display.estimator_ = fitted
        return display.plot()

    def plot(self) -> Self:
        """Draw the last epoch, on a figure of its own.

        Returns
        -------
        self : object
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        import matplotlib.pyplot as plt

        n_axes = 1 if self.samples is None else 2
        size = (5 * n_axes, 4.8)
        self.figure_, axes = plt.subplots(1, n_axes, figsize=size, layout="constrained")
        ax, *others = np.atleast_1d(axes)
        display = LatentDisplay(self.points[-1], self.y, axis_labels=self.axis_labels)
        self.codes_ = display.plot(ax)
        for note in [*ax.texts]:  # of the rows outside, which are others in each epoch
            note.remove()
        if (legend := ax.get_legend()) is not None:
            legend.set_loc("upper right")  # not where the points of an epoch leave most room
        for set_limits, values in zip((ax.set_xlim, ax.set_ylim), self.points.T, strict=True):
            ends = np.array([axis_limits(epoch) for epoch in values.T])
            low, high = ends.min(), ends.max()
            margin = 0.05 * (high - low) or 1
            set_limits(low - margin, high + margin)
        self.samples_ = None
        if self.samples is not None:
            scale = Scale(self._limits())
            self.samples_ = SampleDisplay(self.samples[-1], scale=scale).plot(others[0])
        self._show(len(self.points) - 1)
        return self

    def animate(self, fps: float = 8) -> FuncAnimation:
        """Return an animation of matplotlib's, as notebooks show it by `to_jshtml`.

        Parameters
        ----------
        fps : float, default=8
            Epochs a second.

        Returns
        -------
        animation : matplotlib FuncAnimation
        """
        from matplotlib.animation import FuncAnimation

        check_scalar(fps, "fps", Real, min_val=0, include_boundaries="neither")
        n_epochs = len(self.points)
        # All pictures have one layout, and need not look for it.
        self.figure_.canvas.draw()
        self.figure_.set_layout_engine("none")
        return FuncAnimation(self.figure_, self._show, frames=n_epochs, interval=1000 / fps)

    def save(self, path: str | PathLike[str], fps: float = 8, dpi: float = 80) -> None:
        """Write the animation as a GIF.

        Parameters
        ----------
        path : str or path-like
            With the suffix ".gif".
        fps : float, default=8
            Epochs a second.
        dpi : float, default=80
            Pixels an inch, of which the figure has 10 by 4.8 with samples.

        Raises
        ------
        ValueError
            If `path` has another suffix.
        """
        if Path(path).suffix.lower() != ".gif":
            raise ValueError(f"path must end in '.gif', got {str(path)!r}")
        self.animate(fps).save(Path(path), writer="pillow", dpi=dpi)

    def _limits(self) -> tuple[float, float]:
        if self.limits is not None:
            return self.limits
        return float(np.min(self.samples)), float(np.max(self.samples))  # type: ignore[arg-type]

    def _show(self, number: int) -> None:
        self.codes_.scatter_.set_offsets(self.points[number])
        if self.samples is not None and self.samples_ is not None:
            images = in_rows(self.samples[number], ceil(sqrt(self.samples.shape[1])))
            mosaic = joined(images, self._limits())
            self.samples_.image_.set_data(mosaic)  # type: ignore[union-attr]
        self.figure_.suptitle(f"epoch {number + 1} of {len(self.points)}")


def _in_one_plane(codes: np.ndarray, y: np.ndarray | None) -> tuple[np.ndarray, tuple[str, str]]:
    """Return points of shape (n_epochs, n, 2) in the plane of the last epoch's codes."""
    classes = classes_in(y)
    plane = in_a_plane(codes[-1], classes)
    if plane.origin is None or plane.directions is None:
        points = np.stack([in_a_plane(epoch, classes).points for epoch in codes])
    else:
        points = (codes - plane.origin) @ plane.directions.T
    across, up = plane.axis_labels
    return points, (across, up)
