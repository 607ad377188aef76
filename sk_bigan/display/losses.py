"""The losses of a training over its epochs."""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from numbers import Real
from typing import TYPE_CHECKING, Any, Self

from ..transformer import BiGANTransformer
from .common import Display

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Both losses where D cannot tell the pairs.
EQUILIBRIA = {"non_saturating": log(4), "relativistic": log(2)}

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
    "score": (EXPLAINED, "a few training rows"),
    "valid_score": (EXPLAINED, "rows held out"),
    "dur": ("seconds", "one epoch"),
}


class LossCurveDisplay(Display):
    """The records of a training, over its epochs.

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
        objective = estimator.objective if losses <= {"loss_d", "loss_eg"} else None
        equilibrium = EQUILIBRIA.get(objective) if isinstance(objective, str) else None
        return cls(estimator.history_, names, equilibrium=equilibrium).plot(ax, **kwargs)

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
