"""A page of codes, rows and drawings, to be explored in a browser."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from torch.utils.data import Dataset

from .._estimator.rows import rows_of
from .._machine.files import write_whole
from ..display.codes import classes_in, values_of_y
from ..display.coding import Coder
from ..display.plane import axis_limits, check_method, in_a_plane
from .items import Cells, Pictures, packed, pictures
from .plain_layers import plain_layers

N_STEPS = 15  # of a code, where drawings are made beforehand; odd, for the mean in the middle
N_TRIED = 20  # rows on which layers are compared with the estimator


def explore(
    estimator: Any,
    X: ArrayLike | Dataset,
    y: ArrayLike | None = None,
    path: str | PathLike[str] = "codes.html",
    *,
    image_shape: Sequence[int] | None = None,
    method: str = "pca",
) -> Path:
    """Write a page on which codes can be explored in a browser.

    The page shows the codes as points in a plane. The row at the pointer is shown beside its
    reconstruction, as a picture or by its columns. Sliders along the codes show what the decoder
    makes of them. A click on a row moves the sliders to its code.

    The page is one file, which needs no network. It holds all rows of X: whoever gets the page has
    them. Pictures take a byte for each pixel, a third more as text.

    A generator of perceptrons comes along in the page, which then moves all sliders together. So do
    PCA and scikit-learn's scalers, alone or before it in a Pipeline. The drawings of other decoders
    (convolutions, tables that are more than numbers, more than a million weights) are made
    beforehand: one slider moves at a time there, from the mean code.

    Parameters
    ----------
    estimator : fitted BiGANTransformer, Pipeline or transformer
        Codes are E(x) where there is a BiGAN, also as a step of a Pipeline, and the output of
        `transform` elsewhere. Without `inverse_transform` there are no reconstructions and no
        sliders.

    X : array-like, frame or Dataset
        Rows or images as in `fit`.

    y : array-like of shape (n_samples,), default=None
        What the colours say: at most 20 classes, or finite numbers.

    path : str or path-like, default="codes.html"
        The file. One that was there is replaced.

    image_shape : tuple of int, default=None
        (height, width), or with channels before or after these, where rows of X are images and
        the estimator does not know it. ``None`` draws images where it does, columns otherwise.

    method : {"pca", "tsne", "umap"}, default="pca"
        Map of codes of more than two numbers into the plane, as in
        :class:`~sk_bigan.display.LatentDisplay`.

    Returns
    -------
    path : Path
        The file.

    Raises
    ------
    NotFittedError
        Before `fit`.
    ImportError
        If `method` is "umap" and umap-learn is not installed.
    TypeError
        If `estimator` has no `transform`.
    ValueError
        If X is not as in `fit`, or `y`, `image_shape` or `method` is not as described. No file is
        written then.
    OSError
        If the file cannot be written; a file that was there before is then as it was.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sk_bigan import BiGANTransformer
    >>> from sk_bigan.inspection import explore
    >>> X, y = load_digits(return_X_y=True)
    >>> bigan = BiGANTransformer(latent_dim=2, max_epochs=2, random_state=0).fit(X)
    >>> explore(bigan, X, y, "digits.html", image_shape=(8, 8))  # doctest: +SKIP
    PosixPath('digits.html')
    """
    check_method(method)
    coder = Coder(estimator)
    if isinstance(X, Dataset) and coder.bigan is not None:
        X = np.asarray(rows_of(coder.bigan, X)[:])
    codes = coder.encode(X).astype(np.float64)
    values = None if y is None else values_of_y(y, len(codes))
    view = pictures(coder, X, image_shape) or Cells(X)
    content = {
        **_map(codes, values, method),
        "colours": None if values is None else _colours(values),
        "codes": packed(codes),
        "picture": view.describe() if isinstance(view, Pictures) else None,
        "columns": view.names if isinstance(view, Cells) else None,
        "rows": view.pack(X),
        **(_decoder(coder, codes, view) if coder.can_decode else {"sliders": None}),
    }
    owner = type(coder.estimator if coder.bigan is None else coder.bigan).__name__
    page = Path(path)
    write_whole(page, _page(f"Codes of {owner}", content).encode("utf-8"))
    return page


def _map(codes: np.ndarray, values: np.ndarray | None, method: str) -> dict[str, Any]:
    """Return the points, and the way of a code to its point if that is linear."""
    plane = in_a_plane(codes, classes_in(values), method)
    to_plane = None
    if plane.origin is not None and plane.directions is not None:
        to_plane = {"origin": plane.origin.tolist(), "directions": plane.directions.tolist()}
    return {
        "points": packed(plane.points),
        "limits": [[float(end) for end in axis_limits(axis)] for axis in plane.points.T],
        "axes": [*plane.axis_labels],
        "to_plane": to_plane,
    }


def _colours(values: np.ndarray) -> dict[str, Any]:
    if classes_in(values) is not None:
        names, numbers = np.unique(values, return_inverse=True)
        return {"classes": [str(name) for name in names], "values": packed(numbers)}
    numbers = values.astype(np.float64)
    low, high = float(numbers.min()), float(numbers.max())
    shares = (numbers - low) / ((high - low) or 1)
    return {"low": low, "high": high, "values": packed(shares)}


def _decoder(coder: Coder, codes: np.ndarray, view: Pictures | Cells) -> dict[str, Any]:
    """Return the generator's layers, or what it makes of the codes and of steps along them."""
    low, mean, high = codes.min(axis=0), codes.mean(axis=0), codes.max(axis=0)
    sliders = {"low": low.tolist(), "start": mean.tolist(), "high": high.tolist()}
    layers = plain_layers(coder, codes[:N_TRIED])
    if layers is not None:
        arrays = [
            {key: packed(v) if isinstance(v, np.ndarray) else v for key, v in layer.items()}
            for layer in layers
        ]
        return {"sliders": sliders, "layers": arrays}
    half = N_STEPS // 2
    below, above = np.linspace(low, mean, half + 1), np.linspace(mean, high, half + 1)
    ways = np.concatenate([below, above[1:]]).T  # (n_codes, N_STEPS)
    steps = np.tile(mean, (*ways.shape, 1))  # (n_codes, N_STEPS, n_codes)
    for i, way in enumerate(ways):
        steps[i, :, i] = way
    return {
        "sliders": sliders | {"steps": ways.tolist()},
        "reconstructions": view.pack(coder.decode(codes)),
        "drawings": view.pack(coder.decode(steps.reshape(-1, len(mean)))),
    }


def _page(title: str, content: dict[str, Any]) -> str:
    folder = files(__package__).joinpath("page")
    parts = {name: folder.joinpath(name).read_text("utf-8") for name in ("page.css", "page.js")}
    # A "<" could end the script that the data are in.
    parts["data"] = json.dumps(content, allow_nan=False).replace("<", "\\u003c")
    parts["title"] = escape(title)
    template = folder.joinpath("page.html").read_text("utf-8")
    return re.sub(r"\{\{([\w.]+)\}\}", lambda match: parts[match[1]], template)
