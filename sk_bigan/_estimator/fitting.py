"""The estimator that trains E, G and D: fit, files and pickles."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted
from torch import nn
from torch.utils.data import Dataset

from .._data.rows import DatasetRows
from .._machine.hermetic import hermetic
from .._machine.processes import is_first_process
from .._machine.random_numbers import seeded
from .._model import file
from .._model.fitted import Fitted
from .._training.observers import EpochTasks, HeldOutScore, copies_of
from .._training.optimizers import Optimizers
from .callback_support import CallbackSupportMixin, with_callbacks
from .network_parameters import NetworkParameters
from .notebook import visual_block
from .parameters import check_parameters, check_structure
from .rows import rows_at, split
from .run import Run
from .saving import MALFORMED, complete_state, description_of, from_description, plain_state

# Data sets and objectives of the user's own may draw random numbers before the training is seeded.
READING_SEED = 0


class BaseBiGAN(CallbackSupportMixin, NetworkParameters):
    """An estimator that trains E, G and D; see `BiGANTransformer` for its parameters."""

    model_: Fitted
    history_: list[dict[str, Any]]
    n_epochs_: int
    _built_from: dict[str, Any]
    _seed: int
    _optimizers: Optimizers | None

    @property
    def encoder_(self) -> nn.Module:
        return self.model_.players.encoder

    @property
    def generator_(self) -> nn.Module:
        return self.model_.players.generator

    @property
    def discriminator_(self) -> nn.Module:
        return self.model_.players.discriminator

    @property
    def scaler_(self) -> Any:
        return self.model_.scaler

    @property
    def device_(self) -> torch.device:
        return self.model_.device

    @with_callbacks
    @hermetic
    @seeded(READING_SEED)
    def fit(self, X: ArrayLike | Dataset, y: Any = None) -> Self:
        """Train E, G and D on X.

        Parameters
        ----------
        X : array-like or Dataset
            At least two rows of shape (n_samples, n_features), or images of shape
            (n_samples, height, width) with or without channels before or after these two. Numbers
            are real and finite. A :class:`torch.utils.data.Dataset` is read one batch at a time;
            its items, or the first parts of items that are tuples, are the samples. A data set
            without a length must be an ``IterableDataset`` that ends, and that gives the same
            number of items in each iteration. It is iterated once for the scaling, once an epoch in
            its own order, once more if ``max_epochs="auto"`` has to count, and in part for
            "displace".

        y : Ignored
            Not used, present for API consistency by convention.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError, TypeError
            If a parameter or X is not as described; the estimator is then as it was.
        OSError
            If `checkpoint_dir` cannot be written or another training is using it; likewise.
        TrainingDivergedError
            If losses, weights or outputs of the networks do not stay finite, in spite of rollbacks
            with lower learning rates. The estimator is left with the last good networks, or as it
            was if the first epoch did not end well.
        KeyboardInterrupt
            On Ctrl-C, at the end of a step. The estimator is left fitted, with the networks so far.
        """
        check_parameters(self)
        run = Run(self, X, anew=not (self.warm_start and hasattr(self, "model_")))
        trained_on, held_out = split(run.rows, self.validation_fraction)
        n_epochs = run.n_epochs(run.rows if trained_on is None else trained_on)
        context = self._init_callback_context(max_subtasks=n_epochs)
        context.call_on_fit_task_begin(estimator=self, X=X, y=y)
        scores = []
        if held_out is not None:
            rows = rows_at(run.rows, held_out)
            scores = [HeldOutScore(lambda: run.explained(rows))]
        callbacks = [
            *scores,  # ours first: the user's read its note
            *copies_of(self.callbacks, self),
            EpochTasks(context, run.fitted_so_far, estimator=self, X=X, y=y),
        ]
        run.train(n_epochs, callbacks, self.checkpoint_dir, trained_on, held_out)
        context.call_on_fit_task_end(estimator=self, X=X, y=y, reconstruction_attributes=dict)
        return self

    @hermetic
    @seeded(READING_SEED)
    def partial_fit(self, X: ArrayLike | Dataset, y: Any = None) -> Self:
        """Train for one pass over X, at a constant learning rate.

        The first call learns the scaling, unless `scaling` is a fitted scaler, and builds the
        networks. Later calls continue the training, also after `fit` or on a loaded estimator, with
        running statistics of BatchNorm and moments of Adam. `history_` gets a record a call.

        Parameters
        ----------
        X : array-like or Dataset
            At least two rows, images or items as `fit` takes them. The first call that is to learn
            a summary needs `latent_dim` rows; a later one of few rows keeps the summary.

        y : Ignored
            Not used, present for API consistency by convention.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError, TypeError
            If a parameter or X is not as described; the estimator is then as it was.
        TrainingDivergedError
            As `fit`; the estimator is then as it was.
        KeyboardInterrupt
            As `fit`.
        """
        check_parameters(self)
        run = Run(self, X, anew=not hasattr(self, "model_"), running=True)
        run.train(1, copies_of(self.callbacks, self))
        return self

    def save(self, path: str | PathLike[str], optimizers: bool = False) -> None:
        """Write the fitted estimator to a file that runs no code when it is opened.

        The file is one of safetensors, with a JSON text beside the arrays, and as large as the
        weights. It is whole or not there; until then, a file that was there before stays. Of the
        processes of `torchrun`, the first writes it.

        Parameters
        ----------
        path : str or path-like

        optimizers : bool, default=False
            Whether to include the state of the optimizers, twice as large as the weights, with
            which `partial_fit` continues a training exactly.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ImportError
            Without the package safetensors: ``pip install safetensors``.
        ValueError
            If a parameter is not as described, or has changed since the networks were built, or
            a network of your own has a state that is not of tensors.
        OSError
            If the file cannot be written.
        """
        check_is_fitted(self)
        check_parameters(self)
        check_structure(self)
        description, arrays = description_of(self, optimizers)
        if is_first_process():
            file.write(Path(path), description, arrays)

    @classmethod
    def load(cls, path: str | PathLike[str], **own: Any) -> Self:
        """Open a file that `save` has written.

        No code of the file's is run, whoever wrote it.

        Parameters
        ----------
        path : str or path-like

        **own : dict
            The parameters that no file can hold: networks, augmentation, objective or prior of
            your own, ``load(path, encoder=MyEncoder)``. The error names the missing ones.

        Returns
        -------
        estimator : object
            Fitted, and on the device of its parameter `device` if there is one here, else on the
            CPU.

        Raises
        ------
        ImportError
            Without the package safetensors: ``pip install safetensors``.
        OSError
            If the file cannot be read.
        TypeError
            If a parameter is missing in `own`, or the file holds one that is there.
        ValueError
            If it is no such file, damaged, or contradicts itself.
        """
        path = Path(path)
        try:
            description, arrays = file.read(path)
            saved_class, needed = description["estimator"], dict(description["own"])
            if saved_class != cls.__name__:
                raise ValueError(f"it holds a {saved_class}, to be opened by that class")
        except MALFORMED as error:
            raise ValueError(f"'{path}' cannot be opened: {error}") from error
        missing = [name for name in needed if name not in own and name != "random_state"]
        if missing or not set(own) <= set(needed):
            expected = ", ".join(f"{name}={needed[name]}" for name in needed)
            raise TypeError(
                f"load of '{path}' takes the parameters that no file can hold, here "
                f"({expected}), got ({', '.join(own)})"
            )
        try:
            return from_description(cls, description, arrays, own)
        except MALFORMED as error:
            raise ValueError(f"'{path}' cannot be opened: {error}") from error

    def _try_out(self) -> None:
        """Refuse, before a training, what no training could make the networks give."""
        self.model_.feature_sizes(self.features)

    def _calibration(
        self, rows: np.ndarray | DatasetRows, held_out: np.ndarray | None, running: bool
    ) -> dict[str, Any]:
        """Return attributes that follow from the networks and X: here none.

        Parameters
        ----------
        rows : ndarray of shape (n, n_features) or DatasetRows
        held_out : ndarray of int or None
            Numbers of the rows that the networks have not seen.
        running : bool
            Whether earlier rows are to count too.
        """
        return {}

    def _learned_dimensions(self) -> dict[str, int]:
        """Return the dimensions, each of `latent_dim`, of the arrays in `_calibration`."""
        return {}

    def __getstate__(self) -> dict[str, Any]:
        return plain_state(super().__getstate__())

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "model_" in state:
            complete_state(self)

    def _sk_visual_block_(self) -> Any:
        return visual_block(self)
