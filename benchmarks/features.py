"""Which features, which settings: BiGAN beside what else one would take, in one protocol.

    python benchmarks/features.py [mnist fashion colour digits wine ...] [--data mnist.npz]
        [--seeds 3] [--only METHOD ...] [--latent-dim K] [--validation] [--shuffle-columns]
        [--json features.json]

Every method sees the same scaled rows (images on [-1, 1], tables standardised) and no label. An
autoencoder and a VAE have the networks and the seconds of the BiGAN of their name; where that sees
"displaced" rows or "warps", so do they. "mlp" is the default, "deep" has two hidden layers, "conv"
and "pooled" train for 10 epochs, "light" has a cycle term of weight 1 and no consistency,
"drawings" the relativistic objective too. "hidden" are all hidden layers, "components" as many
principal components of them as the code has, "summary" as many numbers by `features="summary"`.
Columns, of test rows and the features as they are:

    1-NN          accuracy (%) of the nearest neighbour among all training rows
    logistic n    accuracy (%) of a logistic regression on n training rows, standardised: a mean of
                  ten draws of 100 and of 1,000, and the first 10,000
    linear        of one on all training rows, with the penalty that is best on a fifth of them
    purity        of k-means, with as many clusters as classes (%)
    MSE           of reconstructions, in the scaled units
    read          share (%) of reconstructions that a classifier trained on real rows gets right
    Frechet       distance of as many samples as test rows to them, in that classifier's hidden
                  layer; for "raw", of training rows
    seconds       of the fit

Mean over the seeds and, with several, half the spread between the largest and the smallest. MNIST,
Fashion-MNIST and the colour photographs have their own test sets and the order of their files; of
the bundled data, five stratified folds are averaged, other ones for each seed. --data names MNIST's
file (see mnist_features.py), and fashion.npz, with the same arrays, is to lie beside it; without,
both come from OpenML. colour32.npz is to lie there too: JPEG files of five classes of CIFAR-10
(Krizhevsky 2009). With --validation, the last 10,000 training images (3,000 photographs), and a
fifth of each training fold, stand in for the test rows. With --shuffle-columns, the columns are in
a random order, of which convolutions make nothing and other methods should notice nothing. With
--json, figures that are in the file are not measured again, and the rest is added: keep a file to
one version, machine and choice of options.
"""

import argparse
import io
import json
import os
import sys
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import joblib
import numpy as np
import torch
from PIL import Image
from sklearn import datasets
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA, FastICA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics.cluster import contingency_matrix
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from sk_bigan import BiGANTransformer
from sk_bigan._data.batches import Batches
from sk_bigan._data.inference import forward
from sk_bigan._machine.devices import keep_freed_memory, resolve_device, resolve_precision
from sk_bigan.augmentations import resolve_augmentation
from sk_bigan.displacement import column_places
from sk_bigan.networks.building import Wanted, build_networks

sys.path.append(str(Path(__file__).parents[1] / "examples"))
from mnist_features import load_mnist
from patches import PatchDictionary

LATENT_DIM = {"mnist": 50, "fashion": 50, "digits": 16, "breast_cancer": 10, "wine": 6, "iris": 2}
LATENT_DIM["colour"] = 64
IMAGE_SHAPE = {"mnist": (1, 28, 28), "fashion": (1, 28, 28), "digits": (1, 8, 8)}
IMAGE_SHAPE["colour"] = (3, 32, 32)
OPENML = {"mnist": "mnist_784", "fashion": "Fashion-MNIST"}
N_LABELS = {100: 10, 1_000: 10, 10_000: 1}  # and how often they are drawn
OF_IMAGES = ("conv", "pooled")
PENALTIES = (0.001, 0.01, 0.1, 1)  # C of "linear"
DIGITS = {  # columns of the table, and their decimals
    "width": 0,
    "1-NN": 2,
    "logistic 100": 1,
    "logistic 1,000": 1,
    "logistic 10,000": 2,
    "logistic all": 2,
    "linear": 1,
    "purity": 1,
    "MSE": 3,
    "read": 1,
    "Frechet": 1,
    "seconds": 0,
}


class Task(NamedTuple):
    name: str
    X_train: np.ndarray
    y_train: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    reader: MLPClassifier


class Fitted(NamedTuple):
    """What a method has learned.

    Parameters
    ----------
    features : dict
        By name, functions from rows to features; the codes, if there are any, first.
    decode : function or None
        From codes to rows.
    sample : function or None
        From a number to so many new rows.
    """

    features: dict[str, Callable[[np.ndarray], np.ndarray]]
    decode: Callable[[np.ndarray], np.ndarray] | None = None
    sample: Callable[[int], np.ndarray] | None = None


# Methods: (task, seed, seconds) -> Fitted


def raw(task: Task, seed: int, seconds: float | None) -> Fitted:
    def sample(n: int) -> np.ndarray:
        return np.random.default_rng(seed).choice(task.X_train, n, replace=False)

    return Fitted({"raw": lambda X: X}, lambda X: X, sample)


def pca(task: Task, seed: int, seconds: float | None) -> Fitted:
    model = PCA(LATENT_DIM[task.name], random_state=seed).fit(task.X_train)
    scales = np.sqrt(model.explained_variance_)

    def sample(n: int) -> np.ndarray:
        z = np.random.default_rng(seed).normal(size=(n, len(scales)))
        return model.inverse_transform(z * scales)

    return Fitted({"code": model.transform}, model.inverse_transform, sample)


def ica(task: Task, seed: int, seconds: float | None) -> Fitted:
    # Whitened by PCA: FastICA's own whitening loses directions in which the first column is zero.
    whitening = PCA(LATENT_DIM[task.name], whiten=True, random_state=seed)
    rotation = FastICA(whiten=False, max_iter=1000, tol=1e-3, random_state=seed)
    model = make_pipeline(whitening, rotation).fit(task.X_train.astype(np.float64))
    return Fitted({"code": model.transform}, model.inverse_transform)


def umap(task: Task, seed: int, seconds: float | None) -> Fitted:
    from umap import UMAP

    model = UMAP(n_components=LATENT_DIM[task.name], random_state=seed, n_jobs=1)
    model.fit(task.X_train)
    return Fitted({"code": lambda X: model.embedding_ if X is task.X_train else model.transform(X)})


def colour_statistics(task: Task, seed: int, seconds: float | None) -> Fitted:
    """Mean and standard deviation of each channel: what an image is without its shapes."""

    def measure(X: np.ndarray) -> np.ndarray:
        channels = X.reshape(len(X), IMAGE_SHAPE[task.name][0], -1)
        return np.hstack([channels.mean(axis=2), channels.std(axis=2)])

    return Fitted({"statistics": measure})


def patch_dictionary(task: Task, seed: int, seconds: float | None) -> Fitted:
    dictionary = PatchDictionary(IMAGE_SHAPE[task.name], seed).fit(task.X_train)
    return Fitted(with_components(task, seed, dictionary.transform))


def with_components(
    task: Task, seed: int, read: Callable[[np.ndarray], np.ndarray]
) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """Wide features, and as many principal components of them, standardised, as a code has."""
    known: dict[int, np.ndarray] = {}

    def once(X: np.ndarray) -> np.ndarray:
        if id(X) not in known:
            known[id(X)] = read(X)
        return known[id(X)]

    pca = make_pipeline(StandardScaler(), PCA(LATENT_DIM[task.name], random_state=seed))
    pca.fit(once(task.X_train))
    return {"components": lambda X: pca.transform(once(X)), "hidden": once}


def bigan(task: Task, seed: int, seconds: float | None, **parameters: Any) -> Fitted:
    of_images = parameters.get("architecture") in OF_IMAGES
    if of_images:
        parameters["sample_shape"] = IMAGE_SHAPE[task.name]
    is_summarised = of_images or task.name == "colour"
    if is_summarised:
        parameters["features"] = "summary"  # which is learned in fit
    model = BiGANTransformer(LATENT_DIM[task.name], random_state=seed, **parameters)
    model.fit(task.X_train)

    def read(X: np.ndarray, features: str) -> np.ndarray:
        return model.set_params(features=features).transform(X)

    names = {"code": "latent", "layer": "penultimate"}
    features = {name: partial(read, features=value) for name, value in names.items()}
    hidden = partial(read, features="hidden")
    if is_summarised:
        features["summary"] = partial(read, features="summary")
    if task.name == "colour":
        features |= with_components(task, seed, hidden)
    elif of_images:
        features["hidden"] = hidden
    return Fitted(features, model.inverse_transform, lambda n: model.sample(n).astype(np.float32))


def deep(
    task: Task, seed: int, seconds: float | None, epochs: int = 30, **parameters: Any
) -> Fitted:
    """A second layer, and more epochs where there would be the fewest."""
    max_epochs = epochs if len(task.X_train) > 10_000 else "auto"
    parameters = {"hidden_units": (1024, 1024), "max_epochs": max_epochs} | parameters
    return bigan(task, seed, seconds, **parameters)


def untrained(task: Task, seed: int, seconds: float | None, **parameters: Any) -> Fitted:
    """A vanishing learning rate, and enough batches for BatchNorm to know its statistics."""
    parameters |= {"max_epochs": 1 if len(task.X_train) > 10_000 else 50, "augmentation": None}
    return bigan(task, seed, seconds, learning_rate=1e-12, **parameters)


def autoencoder(
    task: Task,
    seed: int,
    seconds: float | None,
    *,
    architecture: str,
    variational: bool = False,
    augmentation: Any = None,
    hidden_units: tuple[int, ...] | None = None,
    encoder__hidden_units: tuple[int, ...] | None = None,
) -> Fitted:
    """E and G of the architecture, trained to rebuild x from what E sees, for so many seconds.

    Adam at 1e-3, falling linearly to zero over the second half of the time, batches of 128. The
    variational one's loss is (d / 2) log MSE + KL(E(z | x) || N(0, I)): a Gaussian likelihood whose
    variance is optimal at every step (Rybkin et al. 2021, arXiv:2006.13202, eq. 5), which leaves no
    weight to choose.
    """
    if seconds is None:
        raise SystemExit("an autoencoder has the seconds of the BiGAN of its name: measure it too")
    torch.manual_seed(seed)
    keep_freed_memory()
    device = resolve_device("auto")
    k = LATENT_DIM[task.name]
    shape = IMAGE_SHAPE[task.name] if architecture in OF_IMAGES else task.X_train.shape[1:]
    encoder = {"hidden_units": encoder__hidden_units} if encoder__hidden_units else {}
    build = partial(
        build_networks,
        architecture,
        shape,
        hidden_units=hidden_units,
        code_activation=nn.Identity(),
        output=nn.Tanh() if task.name in IMAGE_SHAPE else nn.Identity(),
        wanted={"encoder": Wanted(parameters=encoder)},
    )
    E, G = (
        build(latent_dim=2 * k if variational else k)[0].to(device),
        build(latent_dim=k)[1].to(device),
    )
    precision = resolve_precision("auto", device, (E, G))
    optimizer = torch.optim.Adam([*E.parameters(), *G.parameters()], fused=True)
    start = perf_counter()
    changed = resolve_augmentation(
        augmentation, shape, device, lambda: column_places(task.X_train)
    ) or (lambda x: x)
    data = torch.from_numpy(task.X_train).to(device).unflatten(1, shape)
    E.train(), G.train()
    while perf_counter() - start < seconds:
        for x in Batches(data, 128, device):
            left = max(0.0, 1 - (perf_counter() - start) / seconds)
            optimizer.param_groups[0]["lr"] = 1e-3 * min(1.0, 2 * left)
            view = changed(x)
            with torch.autocast(device.type, precision, precision != torch.float32):
                mean, *log_variance = E(view).float().split(k, dim=1)
                z = mean
                if variational:
                    z = mean + torch.randn_like(mean) * (log_variance[0] / 2).exp()
                error = (x - G(z).float()).square().mean()
            loss = error
            if variational:
                kl = (mean.square() + log_variance[0].exp() - 1 - log_variance[0]).sum(1).mean() / 2
                loss = x[0].numel() / 2 * error.log() + kl
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    E.eval(), G.eval()

    def rows_through(
        network: Callable[[torch.Tensor], torch.Tensor],
    ) -> Callable[[np.ndarray], np.ndarray]:
        return lambda X: forward(network, X.astype(np.float32), device, np.float32)

    decode = rows_through(lambda z: G(z).flatten(1))
    return Fitted(
        {
            "code": rows_through(lambda x: E(x.unflatten(1, shape))[:, :k]),
            "layer": rows_through(lambda x: E.body(x.unflatten(1, shape)).flatten(1)),
        },
        decode,
        (lambda n: decode(np.random.default_rng(seed).normal(size=(n, k))))
        if variational
        else None,
    )


REFERENCE = {  # Donahue et al. 2017, Appendix A; not so long
    "batch_size": 128,
    "learning_rate": 2e-4,
    "hidden_units": (1024, 1024),
    "prior": "uniform",
    "cycle_weight": 0,
    "gradient_penalty": 0,
    "augmentation": None,
}
CONV = {"architecture": "conv", "max_epochs": 10}
LIGHT = {"cycle_weight": 1, "consistency_weight": 0}
DRAWINGS = LIGHT | {
    "hidden_units": (1024, 1024),
    "objective": "relativistic",
    "augmentation": None,
    "batch_size": 128,
    "max_epochs": 20,
}
WIDE = {"hidden_units": (32, 64, 128, 2048)}
WARPS = {"augmentation": ["warp", "swap"]}
PHOTOGRAPHS = {
    "architecture": "pooled",
    "encoder__hidden_units": (64, 128, 256, 1024),
    "augmentation": ["crop", "mirror", "colour"],
}
DISPLACED = {
    "hidden_units": (1024, 1024),
    "encoder__hidden_units": (1024, 1024, 256),
    "augmentation": ["displace", "swap"],
}
METHODS: dict[str, Callable[[Task, int, float | None], Fitted]] = {
    "raw": raw,
    "PCA": pca,
    "FastICA": ica,
    "UMAP": umap,
    "colour statistics": colour_statistics,
    "patch dictionary": patch_dictionary,
    "untrained mlp": untrained,
    "reference BiGAN": partial(deep, epochs=20, **REFERENCE),
    "BiGAN mlp, light, no swap": partial(bigan, **LIGHT, augmentation=None),
    "BiGAN mlp, light": partial(bigan, **LIGHT),
    "BiGAN mlp, drawings": partial(bigan, **DRAWINGS),
    "BiGAN mlp": bigan,
    "BiGAN mlp, deep": deep,
    "BiGAN mlp, deep, vat": partial(deep, epochs=20, batch_size=128, vat_weight=10),
    "BiGAN mlp, deep, displaced": partial(deep, epochs=60, batch_size=128, **DISPLACED),
    "autoencoder mlp": partial(autoencoder, architecture="mlp"),
    "autoencoder mlp, deep, displaced": partial(autoencoder, architecture="mlp", **DISPLACED),
    "VAE mlp": partial(autoencoder, architecture="mlp", variational=True),
    "BiGAN conv, light, wide, no swap": partial(bigan, **CONV, **LIGHT, **WIDE, augmentation=None),
    "BiGAN conv, light, wide": partial(bigan, **CONV, **LIGHT, **WIDE),
    "BiGAN conv": partial(bigan, **CONV),
    "BiGAN conv, warps": partial(bigan, **CONV, **WARPS),
    "untrained pooled": partial(untrained, **PHOTOGRAPHS),
    "BiGAN pooled, photographs": partial(bigan, **PHOTOGRAPHS, batch_size=128, max_epochs=10),
    "BiGAN pooled, photographs, 3 epochs": partial(
        bigan, **PHOTOGRAPHS, batch_size=128, max_epochs=3
    ),
    "autoencoder pooled, photographs": partial(autoencoder, **PHOTOGRAPHS),
    "VAE pooled, photographs": partial(autoencoder, **PHOTOGRAPHS, variational=True),
    "autoencoder conv": partial(autoencoder, architecture="conv"),
    "autoencoder conv, warps": partial(autoencoder, architecture="conv", **WARPS),
    "VAE conv": partial(autoencoder, architecture="conv", variational=True),
}
ONLY_OF_PHOTOGRAPHS = [
    "colour statistics",
    "patch dictionary",
    *(name for name in METHODS if "pooled" in name),
]
OF_PHOTOGRAPHS = ["raw", "PCA", "BiGAN mlp", "BiGAN conv, warps", *ONLY_OF_PHOTOGRAPHS]


def methods_for(data: str) -> list[str]:
    """Return the names of the methods that are measured on a data set."""
    if data == "colour":
        return OF_PHOTOGRAPHS
    others = [name for name in METHODS if name not in ONLY_OF_PHOTOGRAPHS]
    return others if data in OPENML else [name for name in others if "conv" not in name]


# Figures


def accuracy(
    classifier: Any, task: Task, train: np.ndarray, test: np.ndarray, rows: Any = slice(None)
) -> float:
    return 100 * classifier.fit(train[rows], task.y_train[rows]).score(test, task.y_test)


def draws(n: int, n_rows: int) -> list[Any]:
    """Return the rows of each draw of n labels, the same for all methods."""
    if N_LABELS.get(n, 1) == 1:
        return [slice(n)]
    random = np.random.default_rng(0)
    return [random.choice(n_rows, n, replace=False) for _ in range(N_LABELS[n])]


def purity(task: Task, test: np.ndarray) -> float:
    """Share of rows that belong to the most frequent class of their cluster."""
    clusters = KMeans(len(np.unique(task.y_test)), n_init=3, random_state=0).fit_predict(test)
    return 100 * contingency_matrix(task.y_test, clusters).max(axis=0).sum() / len(test)


def hidden_layer(reader: MLPClassifier, X: np.ndarray) -> np.ndarray:
    return np.maximum(X @ reader.coefs_[0] + reader.intercepts_[0], 0)


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Between Gaussians of the rows' means and covariances (Heusel et al. 2017, eq. 6)."""
    shift = np.square(a.mean(axis=0) - b.mean(axis=0)).sum()
    # With centred rows as roots of A and B, trace (A B)^(1/2) is the sum of singular values.
    a, b = ((rows - rows.mean(axis=0)) / np.sqrt(len(rows) - 1) for rows in (a, b))
    cross = np.linalg.svd(triangle(a) @ triangle(b).T, compute_uv=False).sum()
    return float(shift + np.square(a).sum() + np.square(b).sum() - 2 * cross)


def triangle(rows: np.ndarray) -> np.ndarray:
    """R, as small as can be, with R'R = rows'rows."""
    return np.linalg.qr(rows, mode="r")


def figures_of_features(task: Task, encode: Callable[[np.ndarray], np.ndarray]) -> dict[str, float]:
    train, test = encode(task.X_train), encode(task.X_test)
    nearest = KNeighborsClassifier(1, algorithm="brute")
    figures = {"width": train.shape[1], "1-NN": accuracy(nearest, task, train, test)}
    counts = {f"logistic {n:,}": n for n in N_LABELS if n <= len(train)}
    if len(train) < max(N_LABELS):
        counts["logistic all"] = len(train)
    for column, n in counts.items():
        logistic = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))
        each = [accuracy(logistic, task, train, test, rows) for rows in draws(n, len(train))]
        figures[column] = float(np.mean(each))
    if task.name == "colour":  # whose features are of 64 to thousands of numbers
        figures["linear"] = linear(task, train, test)
    return figures | {"purity": purity(task, test)}


def linear(task: Task, train: np.ndarray, test: np.ndarray) -> float:
    scaler = StandardScaler().fit(train)
    train, test = (scaler.transform(X).astype(np.float32) for X in (train, test))
    n = len(train) * 4 // 5

    def on_the_last_fifth(penalty: float) -> float:
        model = LogisticRegression(C=penalty, max_iter=300).fit(train[:n], task.y_train[:n])
        return model.score(train[n:], task.y_train[n:])

    model = LogisticRegression(C=max(PENALTIES, key=on_the_last_fifth), max_iter=300)
    return accuracy(model, task, train, test)


def figures_of_model(task: Task, fitted: Fitted) -> dict[str, float]:
    figures = {}
    if fitted.decode is not None:
        encode, *_ = fitted.features.values()
        rebuilt = fitted.decode(encode(task.X_test))
        figures["MSE"] = float(np.square(task.X_test - rebuilt).mean())
        figures["read"] = 100 * task.reader.score(rebuilt, task.y_test)
    if fitted.sample is not None:
        samples = hidden_layer(task.reader, fitted.sample(len(task.X_test)))
        real = hidden_layer(task.reader, task.X_test)
        figures["Frechet"] = frechet_distance(samples, real)
    return figures


# Data


Split = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # X_train, y_train, X_test, y_test


def make_tasks(
    name: str, data: Path | None, seed: int, validation: bool, shuffle_columns: bool
) -> list[Task]:
    """The tasks whose figures are averaged."""
    splits = make_splits(name, data, seed, validation)
    if shuffle_columns:
        order = np.random.default_rng(seed).permutation(splits[0][0].shape[1])
        splits = [(a[:, order], y_a, b[:, order], y_b) for a, y_a, b, y_b in splits]
    return [make_task(name, *split) for split in splits]


def make_splits(name: str, data: Path | None, seed: int, validation: bool) -> list[Split]:
    """The images' own split, or five stratified ones."""
    if name == "colour":
        X_train, y_train, X_test, y_test = load_photographs(data)
        if validation:
            X_train, X_test = X_train[:-3_000], X_train[-3_000:]
            y_train, y_test = y_train[:-3_000], y_train[-3_000:]
        return [(X_train, y_train, X_test, y_test)]
    if name in OPENML:
        path = data.with_name("fashion.npz") if data and name == "fashion" else data
        X_train, y_train, X_test, y_test = load_mnist(path, OPENML[name])
        if validation:
            X_train, X_test = X_train[:-10_000], X_train[-10_000:]
            y_train, y_test = y_train[:-10_000], y_train[-10_000:]
        return [(X_train, y_train, X_test, y_test)]
    return stratified_splits(*getattr(datasets, f"load_{name}")(return_X_y=True), seed, validation)


def load_photographs(data: Path | None) -> Split:
    """Flat rows of 0..255, channels first, of colour32.npz."""
    if data is None:
        raise SystemExit("colour needs --data: colour32.npz is to lie beside that file")
    path = data.with_name("colour32.npz")

    def rows(part: str) -> np.ndarray:
        images = photographs(path, part)
        return images.transpose(0, 3, 1, 2).reshape(len(images), -1).astype(np.float32)

    with np.load(path) as file:
        return rows("train"), file["y_train"], rows("test"), file["y_test"]


def photographs(path: Path, part: str, n: int | None = None) -> np.ndarray:
    """Return the first images of colour32.npz, of shape (n, 32, 32, 3)."""
    with np.load(path) as file:
        raw, ends = file[f"jpeg_{part}"].tobytes(), file[f"ends_{part}"][:n]
    starts = np.r_[0, ends[:-1]]
    images = [Image.open(io.BytesIO(raw[a:b])) for a, b in zip(starts, ends, strict=True)]
    return np.stack([np.asarray(image) for image in images])


def stratified_splits(X: np.ndarray, y: np.ndarray, seed: int, validation: bool) -> list[Split]:
    folds = StratifiedKFold(5, shuffle=True, random_state=seed).split(X, y)
    order = np.random.default_rng(seed).permutation  # the files are sorted by class
    folds = [(order(train), test) for train, test in folds]
    if validation:
        folds = [(train[: -len(test)], train[-len(test) :]) for train, test in folds]
    return [(X[train], y[train], X[test], y[test]) for train, test in folds]


def make_task(
    name: str, X_train: np.ndarray, y_train: np.ndarray, X_test: np.ndarray, y_test: np.ndarray
) -> Task:
    if name in IMAGE_SHAPE:
        half = X_train.max() / 2
        X_train, X_test = ((X / half - 1).astype(np.float32) for X in (X_train, X_test))
    else:
        X_train, X_test = standardised(X_train, X_test)
    reader = MLPClassifier((512,), early_stopping=len(X_train) > 10_000, random_state=0)
    reader.set_params(max_iter=50 if reader.early_stopping else 500).fit(X_train, y_train)
    print(f"{name}: the classifier reads {100 * reader.score(X_test, y_test):.2f} % of test rows")
    return Task(name, X_train, y_train, X_test, y_test, reader)


def standardised(X_train: np.ndarray, X_test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    scaler = StandardScaler().fit(X_train)
    return tuple(scaler.transform(X).astype(np.float32) for X in (X_train, X_test))


# Table


def measure(
    tasks: list[Task], name: str, seed: int, seconds: float | None
) -> dict[str, dict[str, float]]:
    """For each kind of features, figures averaged over the tasks."""
    measured: dict[str, list[dict[str, float]]] = {}
    for task in tasks:
        start = perf_counter()
        fitted = METHODS[name](task, seed, seconds)
        of_model = {"seconds": perf_counter() - start} | figures_of_model(task, fitted)
        for features, encode in fitted.features.items():
            figures = of_model | figures_of_features(task, encode)
            of_model = {}  # are those of the codes, which go first
            measured.setdefault(features, []).append(figures)
    return {
        features: {column: float(np.mean([f[column] for f in figures])) for column in figures[0]}
        for features, figures in measured.items()
    }


def print_table(records: list[dict[str, Any]], data: str) -> None:
    """In Markdown: the mean over the seeds and, with several, half the spread."""
    rows: dict[tuple[str, str], list[dict[str, float]]] = {}
    for record in records:
        if record["data"] == data:
            rows.setdefault((record["method"], record["features"]), []).append(record["figures"])
    columns = [column for column in DIGITS if any(column in row[0] for row in rows.values())]
    print(f"\n| {data} | features | seeds | " + " | ".join(columns) + " |")
    print("|---" * (len(columns) + 3) + "|")
    for (method, features), row in rows.items():
        cells = [cell([f[c] for f in row if c in f], DIGITS[c]) for c in columns]
        print(f"| {method} | {features} | {len(row)} | " + " | ".join(cells) + " |")


def cell(values: list[float], digits: int) -> str:
    if not values:
        return ""
    spread = f" ±{np.ptp(values) / 2:.{digits}f}" if digits and len(values) > 1 else ""
    return f"{np.mean(values):.{digits}f}{spread}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data_sets", nargs="*", default=[*LATENT_DIM][:-1], metavar="NAME")
    folder = os.environ.get("SK_BIGAN_DATA")
    default = Path(folder, "mnist.npz") if folder else None
    parser.add_argument("--data", type=Path, default=default)
    parser.add_argument("--seeds", type=int, default=3)
    has_umap = find_spec("umap") is not None
    names = [name for name in METHODS if name != "UMAP" or has_umap]
    parser.add_argument("--only", nargs="+", choices=METHODS, default=names, metavar="METHOD")
    parser.add_argument("--latent-dim", type=int, help="of every data set, in place of its own")
    parser.add_argument("--validation", action="store_true")
    parser.add_argument("--shuffle-columns", action="store_true")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(joblib.cpu_count())  # those that `taskset` leaves
    if args.latent_dim:
        LATENT_DIM.update(dict.fromkeys(LATENT_DIM, args.latent_dim))
    records = json.loads(args.json.read_text()) if args.json and args.json.exists() else []
    known: dict[tuple[str, str, int], dict[str, float]] = {}
    for r in records:  # of a method's features, the codes go first
        known.setdefault((r["data"], r["method"], r["seed"]), r["figures"])
    for seed in range(args.seeds):
        for data in args.data_sets:
            can = methods_for(data)
            wanted = [name for name in args.only if name in can and (data, name, seed) not in known]
            if wanted:
                tasks = make_tasks(data, args.data, seed, args.validation, args.shuffle_columns)
            for name in wanted:
                like = " ".join(["BiGAN", *name.split()[1:]])
                seconds = known.get((data, like, seed), {}).get("seconds")
                measured = measure(tasks, name, seed, seconds)
                for features, figures in measured.items():
                    who = {"data": data, "method": name, "features": features, "seed": seed}
                    records.append(who | {"figures": figures})
                    known.setdefault((data, name, seed), figures)
                    print(*who.values(), *(f"{k}={v:.5g}" for k, v in figures.items()), flush=True)
                if args.json:
                    args.json.write_text(json.dumps(records, indent=1))
    records.sort(key=lambda record: list(METHODS).index(record["method"]))
    for data in args.data_sets:
        print_table(records, data)


if __name__ == "__main__":
    main()
