"""Results do not depend on what the caller's process has set, nor change it."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn import config_context
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA

from sk_bigan import (
    BiGANDetector,
    BiGANTransformer,
    InterpolationDisplay,
    LatentDisplay,
    ReconstructionDisplay,
    SampleDisplay,
)
from sk_bigan.columns import ColumnEncoder
from sk_bigan.inspection import (
    consistency,
    evaluate,
    explore,
    latent_dim_curve,
    loadings,
    shuffled_control,
)


@contextmanager
def restored(get, set_, value):
    before = get()
    set_(value)
    try:
        yield
    finally:
        set_(before)


def default_dtype(dtype):
    return restored(torch.get_default_dtype, torch.set_default_dtype, dtype)


def deterministic():
    get, set_ = torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms
    return restored(get, set_, True)


def products(precision):
    get, set_ = torch.get_float32_matmul_precision, torch.set_float32_matmul_precision
    return restored(get, set_, precision)


SETTINGS = {
    "autocast to bfloat16": lambda: torch.autocast("cpu", torch.bfloat16),
    "autocast to float16": lambda: torch.autocast("cpu", torch.float16),
    "default dtype float64": lambda: default_dtype(torch.float64),
    "default dtype float16": lambda: default_dtype(torch.float16),
    "default device meta": lambda: torch.device("meta"),
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "set_grad_enabled": lambda: torch.set_grad_enabled(False),
    "deterministic algorithms": deterministic,
    "anomaly detection": lambda: torch.autograd.set_detect_anomaly(True),
    "short products": lambda: products("medium"),
    "two threads": lambda: restored(torch.get_num_threads, torch.set_num_threads, 2),
}
pytestmark = pytest.mark.filterwarnings("ignore:Anomaly Detection has been enabled")


def ambient():
    return {
        "autocast": torch.is_autocast_enabled("cpu"),
        "autocast dtype": torch.get_autocast_dtype("cpu"),
        "dtype": torch.get_default_dtype(),
        "device": torch.get_default_device(),
        "gradients": torch.is_grad_enabled(),
        "inference": torch.is_inference_mode_enabled(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "anomalies": torch.is_anomaly_enabled(),
        "threads": torch.get_num_threads(),
        "products": torch.backends.mkldnn.matmul.fp32_precision,
        "generator": hash(torch.default_generator.get_state().numpy().tobytes()),
    }


def weights(estimator):
    networks = estimator.encoder_, estimator.generator_, estimator.discriminator_
    return [
        values.numpy(force=True).copy() for one in networks for values in one.state_dict().values()
    ]


def fit(bigan, X, path):
    return weights(bigan.fit(X))


def partial_fit(bigan, X, path):
    return weights(bigan.partial_fit(X).partial_fit(X))


def trained_on(opened, X):
    """Return the weights of an opened estimator that trains on."""
    return [opened.transform(X), *weights(opened.partial_fit(X))]


def pickled(bigan, X, path):
    return trained_on(pickle.loads(pickle.dumps(bigan)), X)


def load(bigan, X, path):
    bigan.save(path)
    return trained_on(type(bigan).load(path), X)


def onnx(bigan, X, path):
    bigan.to_onnx(path)
    return [np.frombuffer(path.read_bytes(), np.uint8)]


def displays(bigan, X, path):
    codes, samples = LatentDisplay.from_estimator(bigan, X), SampleDisplay.from_estimator(bigan)
    plt.close("all")
    return [codes.points, samples.samples]


OF_UNFITTED = {"fit": fit, "partial_fit": partial_fit}
OF_FITTED = {
    "transform": lambda bigan, X, path: [bigan.transform(X)],
    "inverse_transform": lambda bigan, X, path: [bigan.inverse_transform(X[:, :3])],
    "sample": lambda bigan, X, path: [bigan.sample(5)],
    "score": lambda bigan, X, path: [np.array(bigan.score(X))],
    "score_samples": lambda bigan, X, path: [bigan.score_samples(X)],
    "predict": lambda bigan, X, path: [bigan.predict(X), bigan.decision_function(X)],
    "save, load": load,
    "pickle": pickled,
    "to_onnx": onnx,
    "get_feature_names_out": lambda bigan, X, path: [bigan.get_feature_names_out()],
    "displays": displays,
}
SMALL = {
    "latent_dim": 3,
    "hidden_units": (8,),
    "max_epochs": 2,
    "random_state": 0,
    "batch_size": 32,
}


@pytest.fixture(scope="module")
def rows():
    return np.random.default_rng(0).normal(size=(70, 5))


@pytest.fixture(scope="module")
def plain():
    """Results of a plain process, by what was called."""
    return {}


def compare(setting, method, make, X, tmp_path, plain, key):
    if key not in plain:
        plain[key] = method(make(), X, tmp_path / "plain")
    bigan = make()
    with SETTINGS[setting]():
        before = ambient()
        found = method(bigan, X, tmp_path / "set")
        assert ambient() == before
    for a, b in zip(found, plain[key], strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


# Threads share out the updates of a step, whose last bits depend on their number.
OF_TRAINING = [setting for setting in SETTINGS if setting != "two threads"]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("method", OF_UNFITTED)
@pytest.mark.parametrize("setting", OF_TRAINING)
def test_training_gives_the_bits_of_a_plain_process(
    setting, method, precision, rows, tmp_path, plain
):
    settings = SMALL | {"precision": precision, "vat_weight": 1.0}
    key = method, precision
    make = partial(BiGANTransformer, **settings)
    compare(setting, OF_UNFITTED[method], make, rows, tmp_path, plain, key)


# What belongs to the whole process, and what others than the plain values are.
OF_THE_PROCESS = {
    "default dtype": lambda: default_dtype(torch.float64),
    "products": lambda: restored(
        lambda: torch.backends.mkldnn.matmul.fp32_precision,
        lambda precision: setattr(torch.backends.mkldnn.matmul, "fp32_precision", precision),
        "bf16",
    ),
}


@pytest.mark.parametrize("setting", OF_THE_PROCESS)
def test_threads_that_train_at_once_each_compute_as_in_a_plain_process(setting, rows):
    def fitted(n):
        return weights(BiGANTransformer(**SMALL | {"max_epochs": 20}).fit(rows))

    expected = fitted(0)
    with OF_THE_PROCESS[setting]():
        before = ambient()
        with ThreadPoolExecutor(3) as threads:
            found = [*threads.map(fitted, range(3))]
        assert ambient() == before
    for one in found:
        for a, b in zip(one, expected, strict=True):
            np.testing.assert_array_equal(a, b)


def test_floating_point_errors_of_numpy_are_the_callers_own(rows):
    X = rows.astype(np.float16)
    X[:, 0] *= 1e-3
    expected = BiGANTransformer(**SMALL).fit(X).transform(X)
    with np.errstate(all="raise"):
        found = BiGANTransformer(**SMALL).fit(X)
        np.testing.assert_array_equal(found.transform(X), expected)
        assert np.isfinite(found.fit(1e-150 * rows).transform(1e-150 * rows)).all()


@pytest.fixture(scope="module")
def fitted(rows):
    return pickle.dumps(BiGANDetector(**SMALL).fit(rows))


@pytest.mark.parametrize(
    ("setting", "method"),
    [
        (setting, method)
        for setting in SETTINGS
        for method in OF_FITTED
        if setting in OF_TRAINING or method not in ("save, load", "pickle")  # which train on
    ],
)
def test_a_fitted_estimator_gives_the_bits_of_a_plain_process(
    setting, method, fitted, rows, tmp_path, plain
):
    compare(
        setting, OF_FITTED[method], partial(pickle.loads, fitted), rows, tmp_path, plain, method
    )


# Frames that scikit-learn makes of all outputs, by `set_config(transform_output=...)`

KINDS = {
    "numbers": {},
    "range": {"scaling": "range"},
    "columns": {"scaling": "columns"},
    "encoder": {"scaling": ColumnEncoder().set_output(transform="pandas")},
    "displaced": {"augmentation": "displace"},
    "summary": {"features": "summary"},
}
GIVE_FRAMES = ["pandas", "polars"]


def results(bigan, X):
    codes = bigan.fit(X).transform(X)
    outputs = codes, bigan.score_samples(X), bigan.sample(3)
    return [np.asarray(output) for output in outputs]


@pytest.mark.parametrize("library", GIVE_FRAMES)
@pytest.mark.parametrize("kind", KINDS)
def test_frames_of_all_outputs_hold_the_bits_of_arrays(library, kind, rows):
    expected = results(BiGANTransformer(**SMALL | KINDS[kind]), rows)
    with config_context(transform_output=library):
        found = results(BiGANTransformer(**SMALL | KINDS[kind]), rows)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("library", GIVE_FRAMES)
def test_tables_are_imputed_where_all_outputs_are_frames(library, rows):
    table = pd.DataFrame(rows, columns=list("abcde")).assign(text=["x", "y"] * 35)
    table.loc[3, "a"] = np.nan
    bigan = BiGANTransformer(**SMALL).fit(table)
    with config_context(transform_output=library):
        found = BiGANTransformer(**SMALL).fit(table).impute(table)
    pd.testing.assert_frame_equal(found, bigan.impute(table))


def drawn(bigan, X):
    """Return what the displays draw of 64 columns as images."""
    shape = {"image_shape": (8, 8)}
    displays = [
        LatentDisplay.from_estimator(bigan, X, method="pca").points,
        LatentDisplay.from_predictions(bigan.transform(X), method="tsne").points,
        SampleDisplay.from_estimator(bigan, **shape).samples,
        SampleDisplay.from_estimator(bigan).samples,
        ReconstructionDisplay.from_estimator(bigan, X, **shape).reconstructions,
        InterpolationDisplay.from_estimator(bigan, X[:1], X[1:2], **shape).walks,
    ]
    plt.close("all")
    return displays


def inspected(X, y, path):
    pca = PCA(3)
    figures = evaluate(pca, X, y, cv=2, random_state=0)
    control = shuffled_control(pca, X, random_state=0)
    curve = latent_dim_curve(pca, X, [1, 2], param_name="n_components", cv=2, random_state=0)
    explore(pca.fit(X), X, y, path)  # whose numbers are rounded for the page
    return [
        [values for name, values in figures.table.items() if "seconds" not in name],
        consistency(pca, X, random_state=0).matrix,
        [control.score_difference, control.consistency_difference],
        [curve.scores, curve.pca_scores],
        loadings(pca, X).mean,
    ]


@pytest.mark.parametrize("library", GIVE_FRAMES)
def test_inspection_finds_the_same_where_all_outputs_are_frames(library, tmp_path):
    X, y = load_iris(return_X_y=True)
    expected = inspected(X, y, tmp_path / "page.html")
    with config_context(transform_output=library):
        found = inspected(X, y, tmp_path / "page.html")
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)


@pytest.mark.parametrize("library", GIVE_FRAMES)
def test_displays_draw_the_same_where_all_outputs_are_frames(library, digits):
    bigan = BiGANTransformer(**SMALL).fit(digits[:40])
    expected = drawn(bigan, digits[:40])
    with config_context(transform_output=library):
        found = drawn(bigan, digits[:40])
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)
