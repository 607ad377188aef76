"""The base of all displays."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils.validation import check_is_fitted

from .._estimator.rows import rows_of
from ..transformer import BiGANTransformer

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_COLOURS = 20  # that can be told apart: those of matplotlib's tab20
LABELS = 0.5  # inches below a mosaic


class Display(ABC):
    """Arrays that can be drawn onto axes."""

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


def codes_of(estimator: BiGANTransformer, X: Any) -> np.ndarray:
    """Return E(x), whatever layers the estimator's `transform` gives."""
    return estimator.model_.features(rows_of(estimator, X), "latent")


def palette(n: int) -> Any:
    """Return colours for n things, easy to distinguish if they are at most 20."""
    from matplotlib import colormaps

    if n > MOST_COLOURS:
        return colormaps["viridis"](np.linspace(0, 1, n))
    return colormaps["tab10" if n <= 10 else "tab20"](range(n))
