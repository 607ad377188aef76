"""Rows of X as they are drawn: images side by side, or columns in the units of the networks."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .._data.frames import default_names
from ..networks.building import positive_integers
from ..transformer import BiGANTransformer

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

CHANNELS = (1, 3, 4)  # gray, RGB, RGBA
GAP = 1  # pixels between two images
MOST_NAMES = 32  # of columns along one axis
# Units of a column after each scaler.
UNITS = {
    "FunctionTransformer": "value",
    "MinMaxScaler": "value, scaled to [-1, 1]",
    "StandardScaler": "standard deviations from the mean",
}


class Scale(NamedTuple):
    """Limits, names and units of the numbers that a display draws.

    Parameters
    ----------
    limits : tuple of float, default=None
        Pixels that are black and white; ``None`` takes the extremes of the images.
    feature_names : sequence of str, default=None
        Of columns; ``None`` names them x0, x1, ...
    units : str, default="value"
        Unit of the numbers in columns.
    """

    limits: tuple[float, float] | None = None
    feature_names: Sequence[str] | None = None
    units: str = "value"

    def names(self, n_columns: int) -> list[str]:
        if self.feature_names is None:
            return default_names(n_columns)
        return [str(name) for name in self.feature_names]


PLAIN = Scale()


class View:
    """The view of rows of a fitted estimator, as images or columns.

    Parameters
    ----------
    estimator : BiGANTransformer
    image_shape : tuple of int or None
        Says that rows are images of this shape; ``None`` draws images where the networks see some.

    Raises
    ------
    ValueError
        If `image_shape` does not fit X, or images have channels that are no colours.
    """

    def __init__(self, estimator: BiGANTransformer, image_shape: Sequence[int] | None):
        self.estimator = estimator
        self.shape, self.channels_first = self._image_shape(image_shape)

    def _image_shape(self, image_shape: Sequence[int] | None) -> tuple[tuple[int, ...], bool]:
        """Return the shape of an image, () for columns, and whether channels come first."""
        layout = self.estimator.model_.layout
        if image_shape is None:
            if len(layout.sample_shape) != 3:
                return (), False
            shape = layout.row_shape if layout.channels_last else layout.sample_shape
            channels_first = not layout.channels_last
        else:
            shape, channels_first = check_image_shape(image_shape, prod(layout.row_shape))
        if len(shape) == 3 and shape[0 if channels_first else 2] not in CHANNELS:
            raise ValueError(
                f"images must have 1, 3 or 4 channels to be drawn, got images of shape {shape}; "
                "image_shape=(height, width) draws all values of a row as one gray image"
            )
        return shape, channels_first

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """Map (n, ...) to images (n, height, width, ...), or to scaled columns (n, n_columns)."""
        if not self.shape:
            columns = rows.reshape(len(rows), -1).astype(np.float64)
            return np.asarray(self.estimator.scaler_.transform(columns))
        images = rows.reshape(len(rows), *self.shape)
        if self.channels_first:
            images = images.transpose(0, 2, 3, 1)
        return images[..., 0] if images.shape[3:] == (1,) else images

    def generated(self, codes: np.ndarray) -> np.ndarray:
        """Map codes (n, latent_dim) to images or scaled columns that G makes of them."""
        return self(self.estimator.model_.generate(codes))

    @property
    def scale(self) -> Scale:
        scaler = self.estimator.scaler_
        limits = None
        if hasattr(scaler, "data_min_"):
            limits = float(scaler.data_min_.min()), float(scaler.data_max_.max())
        names = getattr(self.estimator, "feature_names_in_", None)
        if hasattr(self.estimator, "columns_"):
            names = self.estimator.columns_.get_feature_names_out()
        return Scale(limits, names, UNITS[type(scaler).__name__])


def image_shape_of(
    first_step: Any, image_shape: Sequence[int] | None, n_features: int
) -> tuple[tuple[int, ...], bool]:
    """Return the shape of rows as images, () for columns, and whether channels come first.

    Parameters
    ----------
    first_step : transformer or None
        What sees X as it is; a BiGAN knows its images.
    image_shape : tuple of int or None
        The shape that the user gave.
    n_features : int
    """
    if isinstance(first_step, BiGANTransformer):
        view = View(first_step, image_shape)
        return view.shape, view.channels_first
    if image_shape is None:
        return (), False
    return check_image_shape(image_shape, n_features)


def check_image_shape(image_shape: Sequence[int], n_features: int) -> tuple[tuple[int, ...], bool]:
    """Return the shape that the user gave, and whether channels come first."""
    shape = positive_integers("image_shape", image_shape)
    if len(shape) not in (2, 3) or prod(shape) != n_features:
        raise ValueError(
            "image_shape must be (height, width), (channels, height, width) or (height, width, "
            f"channels), with as many values as a row of X, {n_features}, got {image_shape!r}"
        )
    return shape, len(shape) == 3 and shape[0] in CHANNELS


def in_rows(images: np.ndarray, n_columns: int) -> np.ndarray:
    """Map (n, ...) to (n_rows, n_columns, ...), with NaN where the last row is not full."""
    missing = np.full((-len(images) % n_columns, *images.shape[1:]), np.nan)
    return np.concatenate([images, missing]).reshape(-1, n_columns, *images.shape[1:])


def draw_mosaic(
    ax: Axes,
    images: np.ndarray,
    limits: tuple[float, float] | None,
    row_labels: Sequence[str] = (),
    column_labels: Sequence[str] = (),
    **kwargs: Any,
) -> AxesImage:
    """Draw images side by side in one axes.

    Parameters
    ----------
    ax : matplotlib Axes
    images : ndarray of shape (n_rows, n_columns, height, width), or (..., 3 or 4) in colour
    limits : tuple of float or None
        The values that are black and white; None: the extremes.
    row_labels, column_labels : sequence of str
        One for each row or column, or none.
    **kwargs : dict
        For `imshow`.
    """
    low, high = limits or (np.nanmin(images), np.nanmax(images))
    height, width = images.shape[2:4]
    style: dict[str, Any] = {"cmap": "gray", "vmin": low, "vmax": high}
    image = ax.imshow(joined(images, (low, high)), **(style | kwargs))
    ax.set_xticks(_centres(len(column_labels), width), column_labels)
    ax.set_yticks(_centres(len(row_labels), height), row_labels)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return image


def joined(images: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    """Return the mosaic of images of shape (n_rows, n_columns, height, width) or in colour."""
    n_rows, n_columns, height, width, *channels = images.shape
    gaps = [(0, 0), (0, 0), (0, GAP), (0, GAP), *[(0, 0)] * len(channels)]
    cells = np.pad(images.astype(np.float64), gaps, constant_values=np.nan).swapaxes(1, 2)
    mosaic = cells.reshape(n_rows * (height + GAP), n_columns * (width + GAP), *channels)
    mosaic = mosaic[:-GAP, :-GAP]
    return _colours(mosaic, *limits) if channels else mosaic


def _colours(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return RGBA from 0 to 1, clear where there is nothing: imshow does neither for colours."""
    colours = np.clip((values - low) / ((high - low) or 1), 0, 1)
    if colours.shape[2] == 3:
        colours = np.insert(colours, 3, 1, axis=2)
    return np.where(np.isnan(values[:, :, :1]), 0, colours)


def _centres(n_cells: int, size: int) -> np.ndarray:
    return np.arange(n_cells) * (size + GAP) + (size - 1) / 2


def name_columns(ax: Axes, names: list[str]) -> None:
    """Name what is drawn at 0, 1, ... of the x axis; of very many, every other one or fewer."""
    ticks = range(0, len(names), ceil(len(names) / MOST_NAMES))
    labels = [names[i] for i in ticks]
    turned: dict[str, Any] = {}
    if sum(map(len, labels)) > 40:
        turned = {"rotation": 90} if len(labels) > 10 else {"rotation": 30, "ha": "right"}
    ax.set_xticks(ticks, labels, **turned)
    ax.set_xlabel("column")


def legend_above(ax: Axes, keys: Sequence[Artist], labels: Sequence[str]) -> None:
    """Draw a legend above the axes, since columns leave no corner free."""
    ax.legend(
        keys, labels, loc="lower right", bbox_to_anchor=(1, 1), ncols=len(labels), frameon=False
    )
