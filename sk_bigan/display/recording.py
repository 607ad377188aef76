"""Codes and samples of a model after each epoch of its training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone
from skorch import NeuralNet
from skorch.callbacks import Callback

from .._estimator.parameters import draw_seed
from .._estimator.rows import rows_of
from ..exceptions import NotFiniteError
from ..transformer import BiGANTransformer
from .mosaic import View


class Recording(NamedTuple):
    """What a model has made of rows and of draws, epoch by epoch.

    Parameters
    ----------
    estimator : BiGANTransformer
        Fitted.
    codes : ndarray of shape (n_epochs, n, latent_dim)
    samples : ndarray of shape (n_epochs, n_samples, height, width), or in colour, or None
        Images that G makes of the same draws of z; None of columns.
    """

    estimator: BiGANTransformer
    codes: np.ndarray
    samples: np.ndarray | None


class EachEpoch(Callback):
    """Calls `action(epoch)` after each epoch."""

    def __init__(self, action: Callable[[int], None]):
        self.action = action

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        # An epoch that ends with NaN is undone, and comes again.
        with suppress(NotFiniteError):
            self.action(len(net.history))


def record(
    estimator: BiGANTransformer,
    X: Any,
    rows: np.ndarray,
    n_samples: int,
    image_shape: Sequence[int] | None,
) -> Recording:
    """Fit a clone on X, without checkpoints, and record it.

    Parameters
    ----------
    estimator : BiGANTransformer
    X : array-like or Dataset
    rows : ndarray of int
        Numbers of the rows whose codes are recorded.
    n_samples : int
    image_shape : tuple of int or None
        As displays take it.
    """
    fitted = clone(estimator)
    seed = draw_seed(estimator.random_state)
    codes: dict[int, np.ndarray] = {}  # by epoch, since one may be undone and come again
    samples: dict[int, np.ndarray] = {}

    def note(epoch: int) -> None:
        model, view = fitted.model_, View(fitted, image_shape)
        codes[epoch] = model.features(rows_of(fitted, X)[rows])
        if view.shape:
            samples[epoch] = view.generated(model.draw_codes(n_samples, seed))

    callbacks = fitted.callbacks
    fitted.set_params(callbacks=[*(callbacks or []), EachEpoch(note)], checkpoint_dir=None)
    fitted.fit(X).set_params(callbacks=callbacks)
    images = np.stack([*samples.values()]) if samples else None
    return Recording(fitted, np.stack([*codes.values()]), images)
