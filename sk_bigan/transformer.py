"""Features from a trained BiGAN: codes, reconstructions, samples and scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Integral
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.frozen import FrozenEstimator
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils import check_array
from sklearn.utils.metadata_routing import UNUSED
from sklearn.utils.validation import check_is_fitted
from torch.utils.data import Dataset

from ._data.reading import check_out, open_rows
from ._data.rows import FLOATS
from ._estimator.containers import in_container
from ._estimator.fitting import BaseBiGAN
from ._estimator.parameters import (
    CONSTRAINTS,
    check_features,
    check_parameters,
    check_structure,
    draw_seed,
    refuse_tables,
)
from ._estimator.rows import refuse_streams, rows_of
from .augmentations import Augmentation
from .columns import ColumnEncoder
from .networks.building import OwnNetwork
from .objectives import Objective
from .priors import Prior

Scaling: TypeAlias = str | ColumnEncoder | MinMaxScaler | StandardScaler | FrozenEstimator | None


class BiGANTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseBiGAN):
    r"""Features learned by a bidirectional GAN.

    An encoder E and a generator G play against a discriminator D, which sees pairs of a sample and
    its code and separates the encoder's pairs (x, E(x)) from the generator's (G(z), z) [1]_ [2]_:

    .. math:: \min_{G, E} \max_D \;
        \mathbb{E}_x \log \sigma(D(x, E(x))) + \mathbb{E}_z \log (1 - \sigma(D(G(z), z)))

    At the optimum E and G are each other's inverse: E(x) is a code from which G draws x. That is
    the game with ``augmentation=None``, ``cycle_weight=0`` and ``gradient_penalty=0``. By
    default E sees x with some values changed while it learns, and must find the same code.

    Parameters
    ----------
    latent_dim : int, default=16
        Length of a code z.

    architecture : {"mlp", "conv", "pooled"}, default="mlp"
        Family of the networks: multilayer perceptrons for any rows, or convolutions with a dense
        layer for images. E's convolutions are strided with "conv", and pooled with "pooled", which
        suits photographs and takes twice the time.

    hidden_units : sequence of int or "auto", default="auto"
        Widths of the hidden layers from x to z; G has them in reverse. For images, the channels
        after each halving, then the width of the dense layer. "auto" is (1024,) for "mlp". Else it
        halves until the smaller side has 3 to 5 pixels, as (32, 64, 128, 1024) for 28 by 28.

    sample_shape : tuple of int, default=None
        Shape of a sample in the networks, (channels, height, width) for images. ``None`` takes flat
        rows as they are, (n_samples, height, width) as images of one channel, and of four
        dimensions the second or last as channels, if it alone is at most 4.

    encoder, generator, discriminator : nn.Module, class of one or function, default=None
        Networks of your own; the others keep to the architecture. A module is copied. A class gets
        `sample_shape` and `latent_dim` if it has such parameters, a function always. Further
        parameters are parameters of the estimator, as ``encoder__width=64``, and so are those of
        built-in networks, as ``encoder__hidden_units``. E maps (n, \*sample_shape) to
        (n, latent_dim), G maps back, and D has ``forward(*, x, z)`` with one logit a row. A
        submodule `body` of E is the penultimate layer, its children the hidden ones. A D with
        ``row_wise = True`` promises that no logit depends on other rows, and trains faster.

    prior : {"normal", "uniform"}, Prior or callable, default="normal"
        Distribution of z. A callable ``(n_samples, latent_dim) -> Tensor`` draws from an unbounded
        prior, a :class:`~sk_bigan.priors.Prior` from a bounded one.

    objective : str or callable, default="non_saturating"
        Losses of both players: "non_saturating", "minimax", "hinge" or "relativistic". A callable
        maps ``(real_logits, fake_logits)``, tensors of shape (n,), to the scalars
        ``(loss_d, loss_eg)``.

    scaling : {"auto", "columns", "range", "standard"}, encoder, scaler or None, default="auto"
        "range" maps the whole array onto [-1, 1] and suits images; "standard" standardises each
        column and suits tables; ``None`` leaves X as it is. "columns" encodes categories, dates and
        gaps by :class:`~sk_bigan.columns.ColumnEncoder`, of which an instance sets more.
        "auto" takes "columns" for frames that are more than plain numbers and for arrays with NaN,
        texts or dates, "range" for images, arrays of uint8, and columns that mostly share the ends
        of their range, else "standard". A fitted ``ColumnEncoder()``, ``StandardScaler()`` or
        ``MinMaxScaler(feature_range=(-1, 1))`` is copied; grid searches need it within
        :class:`sklearn.frozen.FrozenEstimator`.

    features : {"latent", "penultimate", "hidden", "summary"} or list of str, default="latent"
        Output of `transform`: the code E(x), the wider layer before it [1]_, all hidden layers side
        by side [2]_, `latent_dim` numbers that sum these up, or the layers of these names in
        ``encoder_.named_modules()``. Maps of images are max-pooled to 4 by 4 in hidden layers. May
        be changed on a fitted estimator, but `fit` learns a summary only where it is set.

    augmentation : str, callable, list of these or None, default="swap"
        Change of E's input in training, so that codes depend less on it; D and the cycle term see x
        itself. A list is applied in turn; `functools.partial` sets another strength of the
        functions in :mod:`sk_bigan.augmentations`.

        - "swap" takes a quarter of the values from another sample, and suits any rows.
        - "warp" shifts, turns, scales, shears and bends images.
        - "crop" shows E a part of an image, enlarged, "mirror" swaps left and right, and "colour"
          changes saturation, contrast and brightness. They suit photographs.
        - "displace" is "warp" for flat rows, among places of the columns that the first fit learns
          from correlations. It suits up to 5,000 columns on a line, a field or in space, in any
          order: wavelengths, sensors, pixels.
        - A callable maps samples (n, \*sample_shape) to E's input, with torch's random numbers; a
          parameter `places` gets those of the columns.

    consistency_weight : float, default=3.0
        Weight of the mean of :math:`(E(a(x)) - E(a'(x)))^2`, for two augmentations of x. Codes are
        better for neighbours, clusters and linear models, at the cost of samples and of
        reconstructions of small tables. A large `consistency_weight` needs a large `cycle_weight`.

    vat_weight : float, default=0.0
        Weight of the mean of :math:`(E(a(x)) - E(a(x) + r))^2`, where r is the small change that E
        reacts to most (virtual adversarial training [5]_). A weight of 10 improves codes of MNIST;
        training takes half as long again.

    cycle_weight : float, default=100.0
        Weight of the mean of :math:`(x - G(E(x)))^2` in the loss of E and G (ALICE [3]_). With 1,
        and without consistency, samples are better and codes worse. 0 gives the pure BiGAN.

    gradient_penalty : float, default=1.0
        Weight of the R1 penalty [4]_ in the loss of D. 0 is faster; codes and reconstructions are
        worse.

    learning_rate : float or "auto", default="auto"
        Rate of Adam for both players. In `fit` it decays linearly to zero over the second half of
        the epochs. "auto" is 4e-4 for batches of 128, and grows with the root of `batch_size`.

    max_epochs : int or "auto", default="auto"
        Passes over X in `fit`. "auto" makes 400 updates, in 12 to 100 epochs. Codes of MNIST were
        better after few epochs than after 100.

    batch_size : int or "auto", default="auto"
        The most rows in a mini-batch. "auto" is 3 % of the rows, between 128 and 512.

    validation_fraction : float, default=None
        Share of the rows that `fit` holds out and scores after every epoch, as
        "valid_score" in `history_`. Scaling is learned from all rows.

    device : str or torch.device, default="auto"
        Device of the networks. "auto" takes CUDA, then MPS, then the CPU. It passes over one that
        does not compute, with a warning.

    precision : {"auto", "float32", "tf32", "bfloat16"}, default="auto"
        Precision of matrix products in training. "auto" takes bfloat16 where the hardware has it
        natively and, on a CPU, the networks are wide enough to gain by it, else float32. Inference
        is in float32.

    cuda_graph : bool, default=False
        Whether to record the training step on an NVIDIA GPU and replay it. Python code of your own
        then runs once. The log reports a step that cannot be recorded.

    data_parallel : bool, default=False
        Whether to share each batch among the processes of `torchrun` or `accelerate launch`, one a
        GPU, each with the same X. Gradients are those of one process. Process 0 draws bars, warns
        and writes files; callbacks run in all.

    callbacks : list of skorch.callbacks.Callback, default=None
        Instances, or pairs of a name and an instance, copied at each fit, as
        ``EarlyStopping(monitor="valid_score", lower_is_better=False)``. For schedules take
        :class:`sk_bigan.callbacks.LRScheduler`.

    checkpoint_dir : str or path-like, default=None
        Folder of checkpoints, one for each training. `fit` with the same data and parameters
        resumes from there, also in another process, and ends as an uninterrupted training would,
        on the CPU bit for bit. Other data or parameters are an error that names the difference.

    checkpoint_every : int or float, default=1
        Interval of checkpoints: an int counts epochs, a float seconds. Training starts and ends
        with one.

    warm_start : bool, default=False
        Whether `fit` continues the training of the fit before.

    random_state : int, RandomState instance or None, default=None
        Seed of initial weights, batches and draws from the prior. An int makes a fit reproducible
        on one machine. Global generators are neither used nor changed.

    verbose : int, default=0
        1 draws a progress bar on stderr. From scikit-learn 1.9 on,
        ``set_callbacks(sklearn.callback.ProgressBar())`` draws bars of whole pipelines and grids.

    Attributes
    ----------
    model_ : object
        The fitted model as one value, which the attributes up to `device_` are parts of.

    encoder_, generator_, discriminator_ : nn.Module
        The trained networks, in evaluation mode. They see X as scaled by `scaler_`.

    scaler_ : scikit-learn transformer
        Maps X to the units of the networks.

    device_ : torch.device
        Device of the networks.

    columns_ : ColumnEncoder
        Encodes X's columns before `scaler_`, if they are more than plain numbers.

    history_ : list of dict
        One record per epoch: losses, health checks, seconds and scores. docs/progress.md has a
        table of its entries.

    n_epochs_ : int
        Number of passes over training data so far.

    n_features_in_ : int
        Number of features seen during fit.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features seen during fit. Defined only when X has feature names that are all
        strings.

    See Also
    --------
    sklearn.decomposition.PCA : The linear counterpart.

    References
    ----------
    .. [1] Donahue, Krähenbühl, Darrell. "Adversarial Feature Learning". ICLR 2017.
           arXiv:1605.09782.
    .. [2] Dumoulin et al. "Adversarially Learned Inference". ICLR 2017. arXiv:1606.00704.
    .. [3] Li et al. "ALICE: Towards Understanding Adversarial Learning for Joint Distribution
           Matching". NeurIPS 2017. arXiv:1709.01215.
    .. [4] Mescheder, Geiger, Nowozin. "Which Training Methods for GANs do actually Converge?".
           ICML 2018. arXiv:1801.04406.
    .. [5] Miyato et al. "Virtual Adversarial Training: A Regularization Method for Supervised and
           Semi-Supervised Learning". TPAMI 2019. arXiv:1704.03976.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sk_bigan import BiGANTransformer
    >>> X, _ = load_digits(return_X_y=True)
    >>> bigan = BiGANTransformer(latent_dim=8, max_epochs=2, random_state=0).fit(X)
    >>> bigan.transform(X).shape
    (1797, 8)
    >>> bigan.inverse_transform(bigan.transform(X)).shape
    (1797, 64)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = CONSTRAINTS

    # scikit-learn must not route an array to write to.
    __metadata_request__transform: ClassVar = {"out": UNUSED}

    def __init__(
        self,
        latent_dim: int = 16,
        *,
        architecture: str = "mlp",
        hidden_units: str | Sequence[int] = "auto",
        sample_shape: Sequence[int] | None = None,
        encoder: OwnNetwork | None = None,
        generator: OwnNetwork | None = None,
        discriminator: OwnNetwork | None = None,
        prior: str | Prior | Callable[[int, int], torch.Tensor] = "normal",
        objective: str | Objective = "non_saturating",
        scaling: Scaling = "auto",
        features: str | list[str] = "latent",
        augmentation: str | Augmentation | list[str | Augmentation] | None = "swap",
        consistency_weight: float = 3.0,
        vat_weight: float = 0.0,
        cycle_weight: float = 100.0,
        gradient_penalty: float = 1.0,
        learning_rate: float | str = "auto",
        max_epochs: int | str = "auto",
        batch_size: int | str = "auto",
        validation_fraction: float | None = None,
        device: str | torch.device = "auto",
        precision: str = "auto",
        cuda_graph: bool = False,
        data_parallel: bool = False,
        callbacks: list[Any] | None = None,
        checkpoint_dir: str | PathLike[str] | None = None,
        checkpoint_every: float = 1,
        warm_start: bool = False,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
        **network_parameters: Any,
    ):
        self.latent_dim = latent_dim
        self.architecture = architecture
        self.hidden_units = hidden_units
        self.sample_shape = sample_shape
        self.encoder = encoder
        self.generator = generator
        self.discriminator = discriminator
        self.prior = prior
        self.objective = objective
        self.scaling = scaling
        self.features = features
        self.augmentation = augmentation
        self.consistency_weight = consistency_weight
        self.vat_weight = vat_weight
        self.cycle_weight = cycle_weight
        self.gradient_penalty = gradient_penalty
        self.learning_rate = learning_rate
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.validation_fraction = validation_fraction
        self.device = device
        self.precision = precision
        self.cuda_graph = cuda_graph
        self.data_parallel = data_parallel
        self.callbacks = callbacks
        self.checkpoint_dir = checkpoint_dir
        self.checkpoint_every = checkpoint_every
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose
        self._set_network_parameters(network_parameters)

    def fit_transform(self, X: ArrayLike | Dataset, y: Any = None) -> np.ndarray:
        """Train E, G and D on X, and encode it.

        Parameters
        ----------
        X : array-like or Dataset
            As `fit` takes it, with a length.

        y : Ignored
            Not used, present for API consistency by convention.

        Returns
        -------
        ndarray of shape (n_samples, n_features_out)
            As `transform` returns it.

        Raises
        ------
        ValueError, TypeError
            As `fit`; an ``IterableDataset`` is refused before the training.
        """
        refuse_streams(X)
        return super().fit_transform(X, y)

    def transform(self, X: ArrayLike | Dataset, out: np.ndarray | None = None) -> np.ndarray:
        """Encode X.

        Parameters
        ----------
        X : array-like or Dataset
            Rows, images or items of the shape that they had in `fit`.

        out : ndarray of shape (n_samples, n_features_out), default=None
            Array of floats that is written to, batch by batch, and returned; with `set_output`, as
            a frame. With memory maps as X and as `out`, neither needs to fit into memory. After an
            error it may be written in part.

        Returns
        -------
        ndarray of shape (n_samples, n_features_out)
            The codes E(x), or the layers that `features` names, in X's float dtype; float64 where
            columns are encoded. A row's features do not depend on the other rows; on the CPU not in
            a bit, if the hidden widths are multiples of 16.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If X is not as in `fit`, or `out` is not as described, read-only or on X's memory.
        """
        if not hasattr(self, "model_"):  # scikit-learn's check looks at every attribute
            check_is_fitted(self)
        check_features(self)
        rows = rows_of(self, X)
        if out is not None:
            check_out(out, rows, (len(rows), self._n_features_out))
        return self.model_.features(rows, self.features, out)

    def inverse_transform(self, X: ArrayLike) -> Any:
        """Decode latent codes with G.

        Parameters
        ----------
        X : array-like of shape (n_samples, latent_dim)
            Codes z, as `transform` gives them with ``features="latent"``.

        Returns
        -------
        ndarray of shape (n_samples, n_features_in_) or of the images in `fit`
            G(z) in the units of the training data, in X's float dtype, but float32 for float16.
            Where `fit` has encoded columns, a frame as in `fit`, or an array in the dtype of
            `fit`. ``set_output(transform=...)`` makes a frame of an array that is not of images,
            with the columns' names of `fit`.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If X does not have `latent_dim` columns, or `features` names a layer of that width.
        """
        check_is_fitted(self)
        latent_dim = self.model_.latent_dim
        if self.features != "latent" and self._n_features_out == latent_dim:
            raise ValueError(
                f"features={self.features!r} gives {latent_dim} columns, as many as a code has, "
                "which inverse_transform cannot tell apart: set features='latent'"
            )
        codes, shape = open_rows(X)
        if shape is not None:
            raise ValueError(
                f"X must be codes of shape (n_samples, latent_dim), got {type(X).__name__} with "
                f"rows of shape {shape}"
            )
        z = check_array(codes, dtype=FLOATS, input_name="X")
        if z.shape[1] != latent_dim:
            raise ValueError(
                f"X has {z.shape[1]} columns, but inverse_transform takes latent codes of "
                f"latent_dim={latent_dim} columns"
            )
        return self._decoded(self.model_.generate(z), like=X)

    def impute(self, X: ArrayLike) -> Any:
        """Fill the gaps of X with what G makes of each row's code.

        Parameters
        ----------
        X : frame or array-like of shape (n_samples, n_features)
            Rows with the columns of `fit`. Gaps are NaN, None, NaT or NA.

        Returns
        -------
        frame or ndarray of shape (n_samples, n_features)
            As `inverse_transform` returns it. Known values stay, but for categories that `fit` has
            not seen. A column is in a wider dtype than in `fit` where that cannot hold them, as
            int64 cannot hold 2.5. Decimals are rounded to the digits of float64 and of `fit`.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If X is not as in `fit`, or `fit` saw plain numbers without gaps.
        """
        check_is_fitted(self)
        if not hasattr(self, "columns_"):
            raise ValueError(
                "impute needs a fit on X with gaps or with columns that are no numbers, or with "
                "scaling='columns'"
            )
        rows = rows_of(self, X)
        completed = self.model_.map(self.model_.complete, rows)  # in single precision
        completed = self.model_.scaler.inverse_transform(completed)
        return self._as_given(self.columns_._filled(X, completed), like=X)

    def sample(
        self, n_samples: int = 1, random_state: int | np.random.RandomState | None = None
    ) -> Any:
        """Draw samples G(z) with z from the prior.

        Parameters
        ----------
        n_samples : int, default=1

        random_state : int, RandomState instance or None, default=None
            Seed of the draw; ``None`` takes the estimator's own `random_state`.

        Returns
        -------
        ndarray of shape (n_samples, n_features_in_) or of the images in `fit`, float64
            In the units of the training data. With an int as seed the same in every call. Where
            `fit` has encoded columns, a frame as in `fit`, or an array in the dtype of `fit`.
            `set_output` makes a frame of an array, as in `inverse_transform`.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If `n_samples` is not a positive integer, or `random_state` is no seed.
        """
        check_is_fitted(self)
        if isinstance(n_samples, bool) or not (isinstance(n_samples, Integral) and n_samples >= 1):
            raise ValueError(f"n_samples must be a positive integer, got {n_samples!r}")
        seed = draw_seed(self.random_state if random_state is None else random_state)
        return self._decoded(self.model_.generate(self.model_.draw_codes(int(n_samples), seed)))

    def _decoded(self, rows: np.ndarray, like: Any = None) -> Any:
        """Return rows as the table that `fit` saw or as `set_output` asks, with another's index."""
        if not hasattr(self, "columns_"):
            return in_container(self, rows, like)
        return self._as_given(self.columns_.inverse_transform(rows), like)

    def _as_given(self, table: Any, like: Any) -> Any:
        """Return a table of `columns_` in the container, or with the index, of another."""
        if isinstance(table, np.ndarray):
            return in_container(self, table, like)
        if hasattr(table, "iloc") and hasattr(like, "iloc"):  # both of pandas
            table.index = like.index.copy()
        return table

    def score_samples(self, X: ArrayLike | Dataset) -> np.ndarray:
        r"""Return the share of each row's variation that its reconstruction explains.

        :math:`1 - \|x - G(E(x))\|^2 / v`, where v is the mean over the training rows of
        :math:`\|x - \bar{x}\|^2`, all in the units of `scaler_`, in which no column of a table
        dominates. 1 is a perfect reconstruction; the training mean as a prediction scores 0 on
        average. PCA's mean on equally scaled data is its explained variance ratio. BiGAN optimises
        this only through `cycle_weight`. Of a row with gaps, both norms are over the known columns;
        a row without a value has 0.

        Parameters
        ----------
        X : array-like or Dataset
            Rows, images or items of the shape that they had in `fit`.

        Returns
        -------
        ndarray of shape (n_samples,), float64

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If X is not as in `fit`.
        """
        check_is_fitted(self)
        return self.model_.explained(rows_of(self, X))

    def score(self, X: ArrayLike | Dataset, y: Any = None) -> float:
        """Return the mean share of a row's variation that its reconstruction explains.

        Of two settings the higher one tells which knows rows like X better, as a grid search asks.

        Parameters
        ----------
        X : array-like or Dataset
            Rows, images or items of the shape that they had in `fit`.

        y : Ignored
            Not used, present for API consistency by convention.

        Returns
        -------
        float
            1 is perfect; the training mean as a prediction scores 0.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If X is not as in `fit`.
        """
        check_is_fitted(self)
        # BiGANDetector overrides score_samples, and its densities compare no two fits.
        return float(self.model_.explained(rows_of(self, X)).mean())

    def to_onnx(
        self,
        path: str | PathLike[str],
        part: str | Sequence[str] = "encoder",
        dtype: str = "float32",
    ) -> None:
        """Write networks, with the scaling, to a file of ONNX, which runs without torch.

        The file takes raw X, any number of rows at a time, and scales it in float64. The networks
        compute in float32. It is written only if onnxruntime gives the same numbers as torch for a
        few rows. Its metadata has a JSON text under "sk_bigan": the version, the part, the shape of
        a row, `latent_dim`, the names of X's columns and those of the features.

        Parameters
        ----------
        path : str or path-like

        part : {"encoder", "generator", "discriminator"} or list of str, default="encoder"
            Network, with the inputs and outputs of the file. A list has the outputs of several in
            one call; the generator is alone.

            - "encoder": "X", rows or images as in `fit`, gives "features",
              (n_samples, n_features_out), as `transform` does with `features` as it is now.
            - "generator": "z", codes of shape (n_samples, latent_dim), gives "X", in its units and
              shape, as `inverse_transform` does.
            - "discriminator": "X" and "z" give "logits" of shape (n_samples,), above 0 for what D
              labels as a pair of the encoder's.

        dtype : {"float32", "float64", "uint8"}, default="float32"
            Dtype of "X" in the file; codes, features and logits are float32. "float64" is for
            columns with more than seven digits, such as times in seconds. "uint8" is for images,
            and not for the generator.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ImportError
            Without the packages: ``pip install onnx onnxscript onnxruntime``.
        ValueError
            If `part`, `dtype` or a parameter is not as described, a parameter has changed since the
            networks were built, the weights take more than 2 GB, or a network of your own cannot
            be exported: one that branches on values, computes outside torch, or uses an operation
            that ONNX lacks. No file is written then.
        OSError
            If the file cannot be written; a file that was there before is then as it was.
        """
        check_is_fitted(self)
        check_parameters(self)
        check_structure(self)
        refuse_tables(self, "to_onnx")
        from ._model.onnx import write_onnx  # which takes half a second of imports

        names = getattr(self, "feature_names_in_", None)
        description = {
            "estimator": type(self).__name__,
            "row_shape": self.model_.layout.row_shape,
            "latent_dim": self.model_.latent_dim,
            "feature_names_in": None if names is None else names.tolist(),
            "feature_names_out": self.get_feature_names_out().tolist(),
        }
        write_onnx(
            Path(path),
            part,
            dtype,
            self.model_,
            self.features,
            description,
            self._exported_decide(),
        )

    def _exported_decide(self) -> Any:
        """Return nothing: a detector has more to export than networks."""
        return None

    @property
    def _n_features_out(self) -> int:
        return sum(self.model_.feature_sizes(self.features).values())

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> np.ndarray:
        """Return the names of the features, numbered within each layer.

        Parameters
        ----------
        input_features : Ignored
            Not used, present for API consistency by convention.

        Returns
        -------
        ndarray of str
            As ``bigantransformer0`` for the code and the penultimate layer, otherwise as
            ``bigantransformer_body.0_17``.

        Raises
        ------
        NotFittedError
            Before `fit`.
        """
        check_is_fitted(self)
        check_features(self)
        if self.features in ("latent", "penultimate"):
            return super().get_feature_names_out(input_features)
        prefix = type(self).__name__.lower()
        sizes = self.model_.feature_sizes(self.features)
        names = [f"{prefix}_{layer}_{i}" for layer, n in sizes.items() for i in range(n)]
        return np.asarray(names, dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32", "float16"]
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        return tags
