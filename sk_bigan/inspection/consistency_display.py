"""The agreement of refits as a heat map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._optional_dependencies import check_matplotlib_support

from ..display.common import Display
from .consistency import consistency

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_TEXTS = 10  # rows of a matrix whose numbers can be read


class ConsistencyDisplay(Display):
    """R2 of linear maps between the codes of refits, as a heat map.

    Parameters
    ----------
    matrix : ndarray of shape (n_repeats, n_repeats)
        As :func:`~sk_bigan.inspection.consistency` returns it.

    Attributes
    ----------
    heat_map_ : matplotlib AxesImage
    texts_ : list of matplotlib Text
        The numbers of a matrix of at most ten refits.
    colorbar_ : matplotlib Colorbar
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    """

    def __init__(self, matrix: np.ndarray):
        self.matrix = matrix

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        *,
        n_repeats: int = 5,
        resample: bool = False,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Refit the estimator and draw the consistency.

        Parameters
        ----------
        estimator : transformer
        X : array-like or frame
            Rows or images as `estimator` takes them.
        n_repeats : int, default=5
            Number of refits.
        resample : bool, default=False
            Whether each refit gets another half of the rows that are not held out.
        n_jobs : int, default=None
            Number of refits at a time.
        random_state : int, RandomState instance or None, default=None
            Source of the seeds and of the rows held out.
        ax : matplotlib Axes, default=None
            Where to draw; ``None`` makes a figure.
        **kwargs : dict
            For matplotlib's `imshow`.

        Returns
        -------
        display : ConsistencyDisplay

        Raises
        ------
        TypeError, ValueError
            As :func:`~sk_bigan.inspection.consistency`.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        result = consistency(
            estimator,
            X,
            n_repeats=n_repeats,
            resample=resample,
            n_jobs=n_jobs,
            random_state=random_state,
        )
        return cls(result.matrix).plot(ax, **kwargs)

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        n = len(self.matrix)
        style: dict[str, Any] = {"vmin": 0, "vmax": 1, "cmap": "viridis"}
        self.heat_map_ = ax.imshow(self.matrix, **(style | kwargs))
        self.texts_ = []
        if n <= MOST_TEXTS:
            for (i, j), value in np.ndenumerate(self.matrix):
                red, green, blue, _ = self.heat_map_.to_rgba(value)
                colour: str | None = "black" if red + green + blue > 1.5 else "white"
                if np.isnan(value):  # whose cell is left out
                    colour = None
                text = ax.text(j, i, f"{value:.2f}", ha="center", va="center", color=colour)
                self.texts_.append(text)
        self.colorbar_ = ax.figure.colorbar(self.heat_map_, ax=ax, label="R2")
        numbers = [str(i) for i in range(1, n + 1)]
        ax.set_xticks(range(n), numbers)
        ax.set_yticks(range(n), numbers)
        ax.set(xlabel="refit that is predicted", ylabel="refit that predicts")
