"""Features from a trained BiGAN: codes, reconstructions, samples and scores."""

from __future__ import annotations

from numbers import Integral
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_array
from sklearn.utils.metadata_routing import UNUSED
from sklearn.utils.validation import check_is_fitted
from torch.utils.data import Dataset

from .base import draw_seed, finite
from .devices import forward, seeded
from .inputs import FLOATS, check_out, open_rows
from .layers import reader
from .saving import SavedBiGAN
from .scaling import Columns


class BiGANTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, SavedBiGAN):
    r"""Features learned by a bidirectional GAN.

    An encoder E and a generator G play against a discriminator D, which sees pairs of a sample and
    its code and tells the encoder's pairs (x, E(x)) from the generator's pairs (G(z), z) [1]_ [2]_:

    .. math:: \min_{G, E} \max_D \;
        \mathbb{E}_x \log \sigma(D(x, E(x))) + \mathbb{E}_z \log (1 - \sigma(D(G(z), z)))

    Where D can no longer tell, E and G are each other's inverse, and E(x) is a code of x that says
    what G needs to draw it. That is the game with ``augmentation=None``, ``cycle_weight=0`` and
    ``gradient_penalty=0``; by default, E sees x with some values changed while it learns, and must
    code x nonetheless, and alike whatever is changed.

    Parameters
    ----------
    latent_dim : int, default=16
        Length of a code z.

    architecture : {"mlp", "conv"}, default="mlp"
        Family of the networks that are not given by `encoder`, `generator` or `discriminator`:
        multilayer perceptrons for any rows, or strided convolutions for images, with a dense layer
        beside the code.

    hidden_units : sequence of int or "auto", default="auto"
        Widths of the hidden layers, from x to z; G has them in reverse. For "conv", the channels
        after each halving of the image, then the width of the dense layer. "auto" is (1024,) for
        "mlp"; for "conv" it has halvings until 3 to 5 pixels are left on the smaller side, as
        (32, 64, 128, 1024) for 28 by 28 pixels.

    sample_shape : tuple of int, default=None
        Shape of one sample as the networks see it, (channels, height, width) for images. Needed
        for images that come as flat rows, and for those whose layout is not clear; ``None`` takes
        (n_samples, height, width) as images of one channel, and the first or the last of four
        dimensions as channels if it alone is at most 4.

    encoder, generator, discriminator : nn.Module, class of one or function, default=None
        Networks of your own, beside which the others keep to the architecture: a module, which is
        copied and never trained in place; a class, which is told `sample_shape` and `latent_dim` if
        it has parameters of these names; or a function ``(sample_shape, latent_dim) -> nn.Module``.
        Further parameters of class or function are parameters of the estimator too:
        ``BiGANTransformer(encoder=MyEncoder, encoder__width=64)``, also in `set_params` and grids;
        those of the built-in networks are ``encoder__hidden_units`` and the like. E maps
        (n, \*sample_shape) to (n, latent_dim), G maps back, and D has the signature
        ``forward(*, x, z)`` and gives one logit a row. An encoder with a submodule `body` offers it
        as the penultimate layer and its children as the hidden ones. A D with an attribute
        ``row_wise = True`` promises that each logit depends on its own row alone (no BatchNorm),
        and trains faster.

    prior : {"normal", "uniform"}, Prior or callable, default="normal"
        Distribution of z. A callable ``(n_samples, latent_dim) -> Tensor`` draws from an unbounded
        prior of your own, a :class:`~sk_bigan.priors.Prior` from a bounded one.

    objective : {"non_saturating", "minimax", "hinge"} or callable, default="non_saturating"
        What the two players descend. A callable maps D's logits ``(real_logits, fake_logits)``,
        tensors of shape (n,), to the scalars ``(loss_d, loss_eg)``.

    scaling : {"auto", "range", "standard"}, StandardScaler, MinMaxScaler or None, default="auto"
        How X is brought into the range of the generator: "range" maps the whole array onto
        [-1, 1], which suits images, "standard" standardises column by column, which suits
        tables, ``None`` leaves X as it is. "auto" takes "range" for images, for rows with a
        `sample_shape`, for uint8, and where most columns share the ends of their range. A fitted
        ``StandardScaler()`` or ``MinMaxScaler(feature_range=(-1, 1))`` scales as it has learned to,
        from all parts of a stream for instance, and is copied; with the latter, G gives nothing
        beyond its range. In grid searches, whose clones forget what an estimator has learned, it
        goes within :class:`sklearn.frozen.FrozenEstimator`.

    features : {"latent", "penultimate", "hidden"} or list of str, default="latent"
        What `transform` gives: the code E(x); the layer before it, which is wider and what [1]_
        evaluates; all hidden layers side by side, in the manner of [2]_; or the layers of these
        names, which are those of ``encoder_.named_modules()``. In the last two cases, maps of
        images are max-pooled to 4 by 4 places. May be changed on a fitted estimator.

    augmentation : {"swap", "warp", "displace"}, callable, list of these or None, default="swap"
        What E sees of a sample in training, while D and the cycle term hold its code to the sample
        itself, so that codes depend less on what is changed. "swap" takes a quarter of the values
        from another sample, which suits any rows; "warp" shifts, turns, scales, shears and bends
        images, and is what makes codes of "conv" good for classifiers; "displace" does so with flat
        rows, among places of the columns that `fit` learns from their correlations, and suits
        columns that lie on a line, a field or in space, as wavelengths, sensors and pixels do, in
        any order, up to 5,000; `partial_fit` learns them in its first call, best from hundreds of
        rows. A callable maps samples (n, \*sample_shape) to what E sees of them, by torch's random
        numbers; a function is told `places` if it needs that parameter; of a list, each is applied
        in turn; `functools.partial` sets another strength of the named ones, which are
        in :mod:`sk_bigan.augmentations`. ``None`` shows E the sample.

    consistency_weight : float, default=3.0
        Weight of the mean of :math:`(E(a(x)) - E(a'(x)))^2` in the loss of E, for two
        augmentations of x, if there are any. Codes get better for neighbours, clusters and linear
        models, reconstructions of small tables and G's samples worse. Large ones need a large
        `cycle_weight`.

    vat_weight : float, default=0.0
        Weight of the mean of :math:`(E(a(x)) - E(a(x) + r))^2` in the loss of E, where r is, of all
        changes of a fifth of the way to the nearest other row of the batch, the one that E reacts
        to most, by one power iteration (virtual adversarial training [5]_). Codes of MNIST get
        better with 10, for neighbours and linear models; a training takes half as long again.

    cycle_weight : float, default=100.0
        Weight of the mean of :math:`(x - G(E(x)))^2` in the loss of E and G (ALICE [3]_). With 1,
        and without consistency, G's samples are better and codes worse. 0 gives the pure BiGAN,
        whose reconstructions are looser.

    gradient_penalty : float, default=1.0
        Weight of the R1 penalty [4]_ in the loss of D. Without it, neighbours of codes and
        reconstructions are worse. 0 is faster.

    learning_rate : float, default=2e-4
        Of Adam, for both players. In `fit` it falls linearly to zero over the second half of the
        epochs; in `partial_fit` it stays.

    max_epochs : int or "auto", default="auto"
        Passes over X in `fit`. "auto" takes as many as make 600 updates, but at least 20 and
        at most 100. Longer is not always better: on MNIST 20 epochs give better codes than 100.

    batch_size : int, default=128
        The most rows in a mini-batch.

    validation_fraction : float, default=None
        Share of the rows that `fit` holds out of the training, always the same ones of as many, and
        scores after every epoch: `history_` has "valid_score", which is on the scale of `score`.
        Scaling is learned from all rows. ``None`` holds out none, and neither does `partial_fit`.

    device : str or torch.device, default="auto"
        Where to compute. "auto" takes CUDA, then MPS, then the CPU.

    precision : {"auto", "float32", "tf32", "bfloat16"}, default="auto"
        Of the matrix products in training. "auto" takes bfloat16 where the hardware has it
        natively, else float32; "tf32" is float32 with shorter factors on NVIDIA GPUs, and float32
        elsewhere. Inference is in float32 always.

    cuda_graph : bool, default=False
        Whether to record the training step on an NVIDIA GPU, anew in each training, and replay it,
        which saves its hundreds of launches. What Python decides in a step, in networks, an
        augmentation, an objective or a prior of your own, is then decided once. A step that cannot
        be recorded is taken as usual, and the log says so.

    data_parallel : bool, default=False
        Whether `fit` and `partial_fit` share each batch out among the processes that `torchrun` or
        `accelerate launch` has started, one a GPU, of which each is given the same X. The training
        is that of one process with the same `batch_size`, but that each swaps, warps and perturbs
        its own rows, by random numbers of its own, and leaves the same networks in all. The first
        alone draws bars, warns, and writes checkpoints and what `save` is told to; callbacks are
        called in all. `accelerate launch --gradient_accumulation_steps` splits batches that are too
        large for the memory; BatchNorm then sees a part of the batch at a time.

    callbacks : list of skorch.callbacks.Callback, default=None
        Instances, or pairs of a name and an instance, told of every event in the training; copied
        at each fit, deeply where that is possible. They read and write the history:
        ``EarlyStopping(monitor="valid_score", lower_is_better=False)``. For a schedule of the
        learning rate take :class:`sk_bigan.callbacks.LRScheduler`, which sets both players'.
        Callbacks that want predictions or a loss of validation (EpochScoring) do not apply.

    checkpoint_dir : str or path-like, default=None
        Folder for the state of the training, in files of which each is whole whatever happens and
        the last two are kept. `fit` with the same data and parameters goes on from there, also in
        another process, and ends where an uninterrupted training would have, on the CPU bit for
        bit; at the end it only reads the networks. With other data or parameters it says what
        differs. Each training needs a folder of its own.

    checkpoint_every : int or float, default=1
        When to write: an int counts epochs, a float seconds, also within an epoch. Besides, before
        the first epoch, after the last and on Ctrl-C.

    warm_start : bool, default=False
        Whether `fit` goes on training the networks of the fit before.

    random_state : int, RandomState instance or None, default=None
        Determines initial weights, batches and draws from the prior. An int makes a fit
        reproducible on one machine. The global random generators are neither used nor changed.

    verbose : int, default=0
        1 draws a progress bar on stderr, with losses and scores. From scikit-learn 1.9
        on, ``set_callbacks(sklearn.callback.ProgressBar())`` does for whole pipelines and grids.

    Attributes
    ----------
    encoder_, generator_, discriminator_ : nn.Module
        The trained networks, in evaluation mode. They see X as scaled by `scaler_`.

    scaler_ : scikit-learn transformer
        Brings X into the units of the networks.

    history_ : list of dict
        One record per epoch: "epoch", the mean losses "loss_d" and "loss_eg" of the objective, the
        unweighted "r1", "cycle", "consistency" and "vat" where in use, the seconds it took as
        "dur", "valid_score" with `validation_fraction`, and what callbacks add. Besides, as of the
        last look at 64 rows, one at least every 100 steps and at the end: shares of the encoder's
        and the generator's pairs that D tells rightly, "d_real" and "d_fake"; the standard
        deviation of D's logits, "d_spread"; those of codes and samples as shares of the prior's and
        of the data's, "code_spread" and "sample_spread"; the covariance of the codes' coordinates
        as a multiple of that of as many draws from the prior, "code_covariance"; and the share of
        the rows' variation that G(E(x)) explains, "score".

    n_epochs_ : int
        Passes over training data so far.

    device_ : torch.device
        Where the networks are.

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

    # An array to write to is nothing that scikit-learn would route.
    __metadata_request__transform: ClassVar = {"out": UNUSED}

    def transform(self, X: ArrayLike | Dataset, out: np.ndarray | None = None) -> np.ndarray:
        """Encode X.

        Parameters
        ----------
        X : array-like or Dataset
            Rows, images or items of the shape that they had in `fit`.

        out : ndarray of shape (n_samples, n_features_out), default=None
            An array of floats, of any precision, which is written to, a batch at a time, and
            returned; by `set_output`, the frame of it. With memory maps as X and as `out`,
            neither needs to fit into memory. After an error it may be written in part.

        Returns
        -------
        ndarray of shape (n_samples, n_features_out)
            The codes E(x), or the layers that `features` names, in X's float dtype. A row's
            features do not depend on the other rows; on the CPU not in a bit, if the hidden widths
            are multiples of 16.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If X is not as in `fit`, or `out` is not as described, read-only or on X's memory.
        """
        check_is_fitted(self)
        self._validate_params()
        rows = self._checked(X)
        if out is not None:
            check_out(out, rows, (len(rows), self._n_features_out))
        to_samples, read = self._to_samples(), reader(self.encoder_, self.features)
        return forward(
            lambda batch: torch.cat([*read(to_samples(batch)).values()], dim=1),
            rows,
            self.device_,
            dtype=rows.dtype if rows.dtype.kind == "f" else np.float64,
            out=out,
        )

    def inverse_transform(self, X: ArrayLike) -> np.ndarray:
        """Decode latent codes with G.

        Parameters
        ----------
        X : array-like of shape (n_samples, latent_dim)
            Codes z, as `transform` gives them with ``features="latent"``.

        Returns
        -------
        ndarray of shape (n_samples, n_features_in_) or of the images in `fit`
            G(z) in the units of the training data.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If X does not have `latent_dim` columns.
        """
        check_is_fitted(self)
        codes, shape = open_rows(X)
        if shape is not None:
            raise ValueError(
                f"X must be codes of shape (n_samples, latent_dim), got {type(X).__name__} with "
                f"rows of shape {shape}"
            )
        z = check_array(codes, dtype=FLOATS, input_name="X")
        if z.shape[1] != self._latent_dim:
            raise ValueError(
                f"X has {z.shape[1]} columns, but inverse_transform takes latent codes of "
                f"latent_dim={self._latent_dim} columns"
            )
        return self._generate(z)

    def sample(self, n_samples: int = 1) -> np.ndarray:
        """Draw samples G(z) with z from the prior.

        Parameters
        ----------
        n_samples : int, default=1

        Returns
        -------
        ndarray of shape (n_samples, n_features_in_) or of the images in `fit`, float64
            In the units of the training data. With an int as `random_state` the same in every
            call.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If `n_samples` is not a positive integer.
        """
        check_is_fitted(self)
        if isinstance(n_samples, bool) or not (isinstance(n_samples, Integral) and n_samples >= 1):
            raise ValueError(f"n_samples must be a positive integer, got {n_samples!r}")
        with seeded(draw_seed(self.random_state), torch.device("cpu")):
            z = self._prior.sample(n_samples, self._latent_dim).detach().cpu().double().numpy()
        return self._generate(z)

    def score_samples(self, X: ArrayLike | Dataset) -> np.ndarray:
        r"""Share of a row's variation that its reconstruction explains.

        :math:`1 - \|x - G(E(x))\|^2 / v`, where v is the mean over the training rows of
        :math:`\|x - \bar{x}\|^2`, all in the units of `scaler_`, in which no column of a table
        drowns the others. 1 is a perfect reconstruction, and predicting the training mean would
        give 0 on the average. The mean of PCA's, on equally scaled data, is its explained variance
        ratio. BiGAN does not optimise this, but for the part of `cycle_weight`.

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
        return self._explained(self._checked(X))

    def score(self, X: ArrayLike | Dataset, y: Any = None) -> float:
        """Mean of `score_samples` over X; BiGAN does not optimise it.

        Parameters
        ----------
        X : array-like or Dataset
            Rows, images or items of the shape that they had in `fit`.

        y : Ignored
            Not used, present for API consistency by convention.

        Returns
        -------
        float
            1 is perfect, 0 is what predicting the training mean would get.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If X is not as in `fit`.
        """
        return float(np.mean(self.score_samples(X)))

    def to_onnx(
        self, path: str | PathLike[str], part: str = "encoder", dtype: str = "float32"
    ) -> None:
        """Write a network, with the scaling, to a file of ONNX, which runs without torch.

        The file takes raw X, any number of rows at a time, and computes what this estimator does,
        scaling in float64 and networks in float32. Before it is written, onnxruntime must have
        given the same numbers as torch for a few rows. Its metadata has a JSON text under
        "sk_bigan": the version, the part, the shape of a row, `latent_dim`, the names of X's
        columns and those of the features.

        Parameters
        ----------
        path : str or path-like

        part : {"encoder", "generator", "discriminator"}, default="encoder"
            What goes in and what comes out, by the names of the file's inputs and outputs:

            - "encoder": "X", rows or images as in `fit`, gives "features",
              (n_samples, n_features_out), as `transform` does with `features` as it is now.
            - "generator": "z", codes of shape (n_samples, latent_dim), gives "X", in its units and
              shape, as `inverse_transform` does.
            - "discriminator": "X" and "z" give "logits" of shape (n_samples,), above 0 for what D
              takes for a pair of the encoder's.

        dtype : {"float32", "float64", "uint8"}, default="float32"
            Of "X" in the file; all else is float32. "float64" is for columns with many digits, such
            as times in seconds: float32 keeps seven, and an error of one in the last changes a
            scaled value by some 1e-7 times the column's mean over its standard deviation. "uint8"
            is for images, and not for the generator.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ImportError
            Without onnx, onnxscript and onnxruntime: ``pip install 'sk_bigan[onnx]'``.
        ValueError
            If `part`, `dtype` or a parameter is not as described, a parameter has changed since the
            networks were built, the weights take more than 2 GB, or a network of your own cannot
            be exported: one that decides by values, or works by other means than torch's, or uses
            an operation that ONNX lacks. No file is written then.
        OSError
            If the file cannot be written; one that was there before is then as it was.
        """
        check_is_fitted(self)
        self._check_params()
        self._check_structure()
        from .export import Fitted, write_onnx  # which takes half a second of imports

        networks = self.encoder_, self.generator_, self.discriminator_
        fitted = Fitted(*networks, self.scaler_, self._layout, self._latent_dim, self.features)
        names = getattr(self, "feature_names_in_", None)
        description = {
            "estimator": type(self).__name__,
            "row_shape": self._layout.row_shape,
            "latent_dim": self._latent_dim,
            "feature_names_in": None if names is None else names.tolist(),
            "feature_names_out": self.get_feature_names_out().tolist(),
        }
        write_onnx(Path(path), part, dtype, fitted, description)

    def _generate(self, z: np.ndarray) -> np.ndarray:
        """G(z) in the units and the shape of X, with z's dtype."""
        x = forward(
            lambda batch: self._layout.to_rows(self.generator_(finite(batch.float(), batch))),
            z,
            self.device_,
            np.result_type(z.dtype, np.float32),  # float16 would round before it is in X's units
        )
        rows = self.scaler_.inverse_transform(x)
        return rows.astype(z.dtype, copy=False).reshape(-1, *self._layout.row_shape)

    def _build(self, columns: Columns, device: torch.device) -> None:
        super()._build(columns, device)
        self._widths()  # so that a fit refuses what transform could not give

    def _widths(self) -> dict[str, int]:
        """How many features each layer gives."""
        one_sample = torch.zeros(1, *self._layout.sample_shape, device=self.device_)
        with torch.inference_mode():
            read = reader(self.encoder_, self.features)(one_sample)
        return {name: output.shape[1] for name, output in read.items()}

    @property
    def _n_features_out(self) -> int:
        return sum(self._widths().values())

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> np.ndarray:
        """Names of the features: numbered, and with their layer's name where there are several.

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
        self._validate_params()
        if self.features in ("latent", "penultimate"):
            return super().get_feature_names_out(input_features)
        prefix = type(self).__name__.lower()
        names = [f"{prefix}_{layer}_{i}" for layer, n in self._widths().items() for i in range(n)]
        return np.asarray(names, dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32", "float16"]
        return tags
