"""The layout of a sample in a row of X, and in what the networks see."""

from __future__ import annotations

from math import prod
from typing import NamedTuple

from torch import Tensor

MOST_CHANNELS = 4  # gray, gray with alpha, RGB, RGBA: more are no channels unless told


class Layout(NamedTuple):
    """The shape of a sample in a row of X and in the networks, and the way between both.

    Parameters
    ----------
    row_shape : tuple of int
        Shape in X.
    sample_shape : tuple of int
        Shape in the networks; images are (channels, height, width).
    channels_last : bool
        Whether rows of X are (height, width, channels).
    """

    row_shape: tuple[int, ...]
    sample_shape: tuple[int, ...]
    channels_last: bool = False

    def to_samples(self, rows: Tensor) -> Tensor:
        """Map (n, n_features) to (n, *sample_shape), contiguous."""
        if self.channels_last:
            # A view would make the networks compute in another order.
            rows = rows.view(-1, *self.row_shape).permute(0, 3, 1, 2).flatten(1)
        return rows.view(-1, *self.sample_shape)

    def to_rows(self, samples: Tensor) -> Tensor:
        """Map (n, *sample_shape) to (n, n_features)."""
        return (samples.permute(0, 2, 3, 1) if self.channels_last else samples).flatten(1)


def recognise(row_shape: tuple[int, ...], sample_shape: tuple[int, ...] | None) -> Layout:
    """Return the layout of rows of this shape; `sample_shape` is the one the user gave, if any.

    Raises
    ------
    ValueError
        If the shapes do not go together, or images could lie in either layout.
    """
    if sample_shape is None:
        return _guess(row_shape)
    if row_shape in ((prod(sample_shape),), sample_shape) or (1, *row_shape) == sample_shape:
        return Layout(row_shape, sample_shape)
    if len(row_shape) == 3 and (row_shape[2], *row_shape[:2]) == sample_shape:
        return Layout(row_shape, sample_shape, channels_last=True)
    raise ValueError(
        f"sample_shape={sample_shape} needs X with {prod(sample_shape)} columns, or with rows of "
        f"that shape, got X with {_described(row_shape)}"
    )


def _guess(row_shape: tuple[int, ...]) -> Layout:
    if len(row_shape) == 2:
        return Layout(row_shape, (1, *row_shape))
    if len(row_shape) != 3:
        return Layout(row_shape, row_shape)
    first, *_, last = row_shape
    if (first <= MOST_CHANNELS) == (last <= MOST_CHANNELS):
        answers = dict.fromkeys([row_shape, (last, *row_shape[:2])])
        raise ValueError(
            f"X has {_described(row_shape)}: is that (channels, height, width) or (height, width, "
            "channels)? Say which with sample_shape=(channels, height, width), here "
            f"{' or '.join(map(str, answers))}"
        )
    if last <= MOST_CHANNELS:
        return Layout(row_shape, (last, *row_shape[:2]), channels_last=True)
    return Layout(row_shape, row_shape)


def _described(row_shape: tuple[int, ...]) -> str:
    return f"{row_shape[0]} columns" if len(row_shape) == 1 else f"rows of shape {row_shape}"


def check_row_shape(shape: tuple[int, ...], layout: Layout, estimator: str) -> None:
    """Refuse rows of another shape than in `fit`; scikit-learn counts the columns of flat ones.

    Parameters
    ----------
    shape : tuple of int
        (n, *row_shape)
    layout : Layout
    estimator : str
        Name of the class, for the message.
    """
    row_shape = shape[1:]
    if row_shape != layout.row_shape and max(len(row_shape), len(layout.row_shape)) > 1:
        alone = " (a single image is images[:1])" if shape == layout.row_shape else ""
        raise ValueError(
            f"X has rows of shape {row_shape}, but {estimator} was fitted on rows of shape "
            f"{layout.row_shape}{alone}"
        )
