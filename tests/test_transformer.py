"""What a scikit-learn user relies on."""

import os
import pickle
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from helpers import EachStep, same_weights, weights
from own_networks import SmallEncoder
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from skorch.callbacks import Callback
from torch import nn

from sk_bigan import BiGANDetector, BiGANTransformer

# Shapes, units and dtypes


def test_codes_and_reconstructions_have_the_shapes_that_were_asked_for(digits, fitted):
    codes = fitted.transform(digits)
    assert codes.shape == (len(digits), 4)
    assert fitted.inverse_transform(codes).shape == digits.shape
    assert fitted.sample(7).shape == (7, 64)
    assert fitted.score_samples(digits).shape == (len(digits),)


def test_a_layer_as_wide_as_the_code_is_not_decoded(digits, small):
    bigan = small(latent_dim=32, features="penultimate").fit(digits)
    with pytest.raises(ValueError, match="features='penultimate' gives 32 columns, as many as a"):
        bigan.inverse_transform(bigan.transform(digits))
    codes = bigan.set_params(features="latent").transform(digits)
    assert bigan.inverse_transform(codes).shape == digits.shape


def test_penultimate_features_are_the_layer_before_the_code(digits, small):
    bigan = small(hidden_units=(32, 24)).fit(digits)
    codes = bigan.transform(digits)
    hidden = bigan.set_params(features="penultimate").transform(digits)
    assert hidden.shape == (len(digits), 24)
    assert len(bigan.get_feature_names_out()) == 24
    with torch.no_grad():
        inputs = torch.from_numpy(hidden).float().to(bigan.device_)
        expected = bigan.encoder_.head(inputs).numpy(force=True)
    np.testing.assert_allclose(codes, expected, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_results_have_the_float_dtype_of_x(digits, fitted, dtype):
    codes = fitted.transform(digits.astype(dtype))
    assert codes.dtype == dtype
    assert fitted.inverse_transform(codes).dtype == dtype
    np.testing.assert_allclose(codes, fitted.transform(digits), atol=1e-5)


def test_integers_are_taken_as_float64(digits, fitted):
    codes = fitted.transform(digits.astype(np.uint8))
    assert codes.dtype == np.float64
    np.testing.assert_array_equal(codes, fitted.transform(digits))


@pytest.mark.parametrize("scaling", ["range", "standard", None])
def test_a_fit_is_the_same_whatever_dtype_the_numbers_come_in(digits, small, scaling):
    expected = small(scaling=scaling).fit(digits)
    for dtype in (np.uint8, np.float32, np.int64):
        bigan = small(scaling=scaling).fit(digits.astype(dtype))
        assert same_weights(bigan, expected)
        assert bigan.score(digits) == expected.score(digits)


def test_x_is_read_where_it_lies_and_never_written(digits, small, tmp_path):
    for dtype in (np.uint8, np.float32, np.float64):
        np.save(tmp_path / "X.npy", digits.astype(dtype))
        X = np.load(tmp_path / "X.npy", mmap_mode="r")
        bigan = small().fit(X).partial_fit(X)
        assert bigan.transform(X).dtype == (np.float32 if dtype == np.float32 else np.float64)
        np.testing.assert_array_equal(X, digits)


def test_bytes_are_taken_for_an_image(digits, small):
    X = (digits[:, 20:24] + [1, 2, 3, 4]).astype(np.uint8)  # no range in common
    assert isinstance(small().fit(X).scaler_, MinMaxScaler)
    assert isinstance(small().fit(X.astype(float)).scaler_, StandardScaler)


def test_generated_rows_are_in_the_units_of_x(digits, small):
    bigan = small(hidden_units=(256,), max_epochs=60, learning_rate=1e-3).fit(digits * 100 + 5)
    for rows in (bigan.sample(200), bigan.inverse_transform(np.zeros((1, 4)))):
        assert rows.min() >= 5
        assert rows.max() <= 1605
    assert 300 < bigan.sample(200).mean() < 700  # the digits' mean is 493 in these units


def test_uniform_prior_bounds_the_codes(digits, small):
    codes = small(prior="uniform", max_epochs=5).fit(digits).transform(10 * digits)
    assert np.abs(codes).max() <= 1


def test_sample_shape_reaches_own_networks(digits, small):
    seen = []

    class Pixels(nn.Module):
        def __init__(self, sample_shape, latent_dim):
            super().__init__()
            self.linear = nn.Linear(64, latent_dim)
            seen.append((sample_shape, latent_dim))

        def forward(self, x):
            assert x.shape[1:] == (1, 8, 8)
            return self.linear(x.flatten(1))

    bigan = small(encoder=Pixels, sample_shape=(1, 8, 8)).fit(digits)
    assert seen == [((1, 8, 8), 4)]
    assert bigan.transform(digits).shape == (len(digits), 4)
    assert bigan.inverse_transform(np.zeros((2, 4))).shape == (2, 64)


def test_own_networks_and_priors_of_other_dtypes_are_brought_to_float32(digits, small):
    bigan = small(
        encoder=nn.Linear(64, 4, dtype=torch.float64),
        prior=lambda n, k: torch.randn(n, k, dtype=torch.bfloat16, requires_grad=True),
    ).fit(digits)
    assert bigan.encoder_.weight.dtype == torch.float32
    assert bigan.sample(3).shape == (3, 64)


def test_own_module_is_never_trained_in_place(digits, small):
    own = nn.Linear(64, 4)
    before = own.weight.detach().clone()
    bigan = small(encoder=own).fit(digits)
    assert own.weight.equal(before)
    assert not bigan.encoder_.weight.cpu().equal(before)


# Score


def test_score_is_one_minus_the_share_of_variation_left(digits, fitted):
    reconstructed = fitted.inverse_transform(fitted.transform(digits))
    error = np.square(digits - reconstructed).sum(axis=1)
    expected = 1 - error / np.square(digits - digits.mean(axis=0)).sum(axis=1).mean()
    np.testing.assert_allclose(fitted.score_samples(digits), expected, rtol=1e-4)
    assert fitted.score(digits) == pytest.approx(expected.mean(), rel=1e-4)


def test_score_is_on_the_scale_of_pcas_explained_variance_ratio(small):
    """With PCA's own maps as E and G, the scores are equal."""
    X = load_digits().data
    X = (X - X.mean(axis=0)) / 10
    pca = PCA(4).fit(X)

    def linear(matrix):
        layer = nn.Linear(*matrix.shape, bias=False).requires_grad_(False)
        layer.weight.copy_(torch.from_numpy(matrix.T))
        return nn.Sequential(layer, nn.Linear(matrix.shape[1], matrix.shape[1]))

    def untouched(matrix):
        network = linear(matrix)
        with torch.no_grad():
            network[1].weight.copy_(torch.eye(matrix.shape[1]))
            network[1].bias.zero_()
        return network

    bigan = small(
        encoder=untouched(pca.components_.T),
        generator=untouched(pca.components_),
        scaling=None,
        learning_rate=1e-12,
    ).fit(X)
    assert bigan.score(X) == pytest.approx(pca.explained_variance_ratio_.sum(), abs=1e-4)


def test_constant_data_have_finite_scores(small):
    X = np.full((50, 3), 7.0)
    assert small().fit(X).score(X) <= 1


# Training


def test_defaults_on_digits():
    """Codes near PCA's, a layer better than pixels, and reconstructions; half of the data each."""
    X, y = load_digits(return_X_y=True)
    train, test = slice(0, None, 2), slice(1, None, 2)
    bigan = BiGANTransformer(random_state=0).fit(X[train])
    assert bigan.score(X[test]) > 0.6

    def accuracy(features):
        classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
        return classifier.fit(features(X[train]), y[train]).score(features(X[test]), y[test])

    pca = PCA(bigan.latent_dim, random_state=0).fit(X[train])
    assert accuracy(bigan.transform) > accuracy(pca.transform) - 0.03
    bigan.set_params(features="penultimate")
    assert accuracy(bigan.transform) > accuracy(lambda X: X)


@pytest.mark.parametrize("extra_rows", [0, 1, 2])
def test_a_last_batch_of_one_trains(digits, small, extra_rows):
    bigan = small(batch_size=64).fit(digits[: 128 + extra_rows])
    assert np.isfinite(bigan.transform(digits)).all()
    assert [record["epoch"] for record in bigan.history_] == [1, 2]


def test_training_improves_reconstructions(digits, small):
    trained = small(hidden_units=(256,), max_epochs=60, learning_rate=1e-3).fit(digits)
    assert trained.score(digits) > 0.4
    assert small(max_epochs=1, learning_rate=1e-9).fit(digits).score(digits) < 0.1


def test_history_has_one_record_of_both_losses_per_epoch(digits, small):
    bigan = small(max_epochs=3).fit(digits)
    assert bigan.n_epochs_ == len(bigan.history_) == 3
    for i, record in enumerate(bigan.history_):
        assert record["epoch"] == i + 1
        assert np.isfinite([record["loss_d"], record["loss_eg"], record["dur"]]).all()


@pytest.mark.parametrize(
    ("n_samples", "batch_size", "expected"),
    [(400, 8, 12), (400, 16, 16), (400, 20, 20), (400, 40, 40), (400, "auto", 100), (20, 128, 100)],
)
def test_auto_epochs_are_400_updates_within_bounds(digits, small, n_samples, batch_size, expected):
    bigan = small(max_epochs="auto", batch_size=batch_size)
    assert bigan.fit(digits[:n_samples]).n_epochs_ == expected


@pytest.mark.parametrize(("n_samples", "largest"), [(400, 128), (8_000, 240), (20_000, 512)])
def test_auto_batches_are_3_percent_of_the_rows_and_set_the_rate(small, n_samples, largest):
    steps = []
    callbacks = [EachStep(lambda net: steps.append(net.optimizer_d_.param_groups[0]["lr"]))]
    bigan = small(hidden_units=(4,), max_epochs=1, callbacks=callbacks)
    bigan.fit(np.random.default_rng(0).normal(size=(n_samples, 3)))
    assert len(steps) == -(-n_samples // largest)
    assert steps == pytest.approx([4e-4 * (largest / 128) ** 0.5] * len(steps))


def test_partial_fit_goes_on_where_it_stopped(digits, small):
    bigan = small().partial_fit(digits[:200])
    first = [p.clone() for p in weights(bigan)]
    encoder = bigan.encoder_
    bigan.partial_fit(digits[200:])
    assert bigan.encoder_ is encoder
    assert not first[0].equal(weights(bigan)[0])
    assert bigan.n_epochs_ == len(bigan.history_) == 2
    assert [record["epoch"] for record in bigan.history_] == [1, 2]


def test_passes_of_partial_fit_draw_differently(digits, small):
    """The same data, shuffled and matched with new z in every pass."""
    bigan = small(learning_rate=1e-12).partial_fit(digits).partial_fit(digits)
    first, second = (record["loss_d"] for record in bigan.history_)
    assert first != second


def test_warm_start_goes_on_and_a_plain_fit_starts_afresh(digits, small):
    warm = small(warm_start=True).fit(digits)
    warm.fit(digits)
    assert warm.n_epochs_ == 4
    cold = small().fit(digits)
    assert cold.fit(digits).n_epochs_ == 2
    assert same_weights(cold, small().fit(digits))
    assert not same_weights(cold, warm)


def test_callbacks_are_copied_for_each_fit(digits, small):
    class Counter(Callback):
        def __init__(self):
            self.epochs = 0

        def on_epoch_end(self, net, **kwargs):
            self.epochs += 1
            net.history.record("epochs_seen", self.epochs)

    counter = Counter()
    bigan = small(callbacks=[counter]).fit(digits)
    assert [record["epochs_seen"] for record in bigan.history_] == [1, 2]
    assert counter.epochs == 0


def test_silent_by_default(digits, small, capsys):
    small().fit(digits)
    assert capsys.readouterr() == ("", "")


# Randomness


def test_another_seed_gives_another_result(digits, small):
    deep = {"hidden_units": (32, 32, 32), "batch_size": 64}
    first = small(**deep).fit(digits)
    assert not same_weights(first, small(random_state=1, **deep).fit(digits))
    assert not same_weights(
        small(random_state=None).fit(digits), small(random_state=None).fit(digits)
    )
    np.testing.assert_array_equal(first.sample(3), first.sample(3))
    first.random_state = None
    assert not np.array_equal(first.sample(3), first.sample(3))


SCRIPT = """
import hashlib
from sklearn.datasets import load_digits
from sk_bigan import BiGANTransformer
X = load_digits().data[:400]
bigan = BiGANTransformer(hidden_units=(64, 64, 64), max_epochs=3, random_state=0).fit(X)
print(hashlib.sha256(bigan.transform(X).tobytes()).hexdigest())
"""


def test_same_seed_gives_identical_codes_in_two_processes():
    runs = [
        subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
        for _ in range(2)
    ]
    assert len(runs[0].stdout) == 65
    assert runs[0].stdout == runs[1].stdout


def test_fits_in_threads_give_what_they_give_alone(digits, small):
    seeds = range(4)
    alone = [small(random_state=seed, max_epochs=5).fit(digits) for seed in seeds]
    with ThreadPoolExecutor(4) as pool:
        fits = [pool.submit(small(random_state=seed, max_epochs=5).fit, digits) for seed in seeds]
    for expected, fit in zip(alone, fits, strict=True):
        assert same_weights(expected, fit.result())


@pytest.mark.parametrize("random_state", [0, None])
def test_global_random_generators_are_left_as_they_were(digits, small, random_state):
    def states():
        name, keys, *rest = np.random.get_state()  # noqa: NPY002
        return random.getstate(), (name, keys.tolist(), *rest), torch.get_rng_state().tolist()

    before = states()
    for prior in ("normal", torch.randn):
        bigan = small(random_state=random_state, prior=prior).fit(digits)
        bigan.partial_fit(digits).sample(3)
    assert states() == before


# Persistence


def test_a_pickle_weighs_little_more_than_the_weights_and_trains_on(digits, small, tmp_path):
    bigan = small(hidden_units=(256, 256)).fit(digits)
    path = tmp_path / "bigan.joblib"
    joblib.dump(bigan, path)
    n_bytes = sum(p.numel() * p.element_size() for p in weights(bigan))
    assert path.stat().st_size <= 1.3 * n_bytes

    script = (
        "import joblib, numpy as np, sys\n"
        "from sklearn.datasets import load_digits\n"
        "X = load_digits().data[:400]\n"
        "bigan = joblib.load(sys.argv[1])\n"
        "np.save(sys.argv[2], bigan.transform(X))\n"
        "bigan.partial_fit(X)\n"
        "print(bigan.n_epochs_, len(bigan.history_), np.isfinite(bigan.transform(X)).all())\n"
    )
    codes = tmp_path / "codes.npy"
    run = subprocess.run(
        [sys.executable, "-c", script, path, codes], capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == ["3", "3", "True"]
    np.testing.assert_array_equal(np.load(codes), bigan.transform(digits))


def test_pickling_changes_nothing_in_the_estimator(digits, small):
    plain, pickled = (small().partial_fit(digits) for _ in range(2))
    joblib.dump(pickled, BytesIO())
    assert same_weights(plain.partial_fit(digits), pickled.partial_fit(digits))


def test_an_estimator_from_a_lost_device_opens_on_the_cpu(digits, small):
    bigan = small().fit(digits)
    bigan.device = "cuda:99"
    buffer = BytesIO()
    joblib.dump(bigan, buffer)
    loaded = joblib.load(buffer)
    assert loaded.device_ == torch.device("cpu")
    np.testing.assert_array_equal(loaded.transform(digits), bigan.transform(digits))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_gives_the_features_of_the_cpu(digits, small):
    bigan = small(device="cuda", max_epochs=5).fit(digits)
    assert next(bigan.encoder_.parameters()).device.type == "cuda"
    buffer = BytesIO()
    bigan.device = "cpu"
    joblib.dump(bigan, buffer)
    loaded = joblib.load(buffer)
    np.testing.assert_allclose(loaded.transform(digits), bigan.transform(digits), atol=1e-4)


# With the rest of scikit-learn


def test_pipeline_and_grid_search(digits, small):
    y = load_digits().target[: len(digits)]
    pipe = Pipeline([("bigan", small()), ("clf", LogisticRegression(max_iter=1000))])
    search = GridSearchCV(pipe, {"bigan__latent_dim": [2, 6]}, cv=2, n_jobs=2).fit(digits, y)
    assert search.best_estimator_["bigan"].transform(digits).shape[1] in (2, 6)
    again = clone(search.best_estimator_).fit(digits, y)
    np.testing.assert_array_equal(
        again.predict_proba(digits), search.best_estimator_.predict_proba(digits)
    )


def test_clone_and_params_round_trip_with_own_networks(small):
    bigan = small(encoder=nn.Linear(64, 4), hidden_units=[5, 6], sample_shape=[64])
    copy = clone(bigan)
    assert copy.get_params().keys() == bigan.get_params().keys()
    assert copy.hidden_units == [5, 6]
    assert copy.encoder is not bigan.encoder


CONV = {"architecture": "conv", "sample_shape": (1, 8, 8), "hidden_units": (8, 32)}


def test_conv_on_flat_rows_in_a_pipeline_and_a_grid(digits, small):
    y = load_digits().target[: len(digits)]
    bigan = small(**CONV, encoder=SmallEncoder, encoder__width=6).set_output(transform="polars")
    pipe = clone(Pipeline([("bigan", bigan), ("clf", LogisticRegression(max_iter=1000))]))
    assert pipe.fit(digits, y)["bigan"].encoder_.body[0].out_channels == 6
    grid = {"bigan__latent_dim": [2, 5], "bigan__encoder__width": [3, 16]}
    search = GridSearchCV(pipe, grid, cv=2, n_jobs=2).fit(digits, y)
    assert len(search.cv_results_["params"]) == 4
    best = search.best_estimator_["bigan"]
    assert best.encoder_.body[0].out_channels == search.best_params_["bigan__encoder__width"]
    assert best.transform(digits).columns == [*best.get_feature_names_out()]


def test_built_in_networks_have_parameters_in_a_grid_too(digits, small):
    grid = {"encoder__hidden_units": [(8,), (16,)], "generator__hidden_units": [(24,)]}
    search = GridSearchCV(small(), grid, cv=2).fit(digits)
    best = search.best_estimator_
    assert (best.encoder_.body[0][1].out_features,) == search.best_params_["encoder__hidden_units"]
    assert best.generator_[0].out_features == 24
    assert best.discriminator_.hidden_units == (32,)


def test_own_classes_open_in_a_fresh_process(digits, small, tmp_path):
    bigan = small(**CONV, encoder=SmallEncoder, encoder__width=6).fit(digits)
    joblib.dump(bigan, tmp_path / "bigan.joblib")
    script = (
        "import joblib, numpy as np, sys\n"
        "from sklearn.datasets import load_digits\n"
        "bigan = joblib.load(sys.argv[1])\n"
        "print(bigan.get_params()['encoder__width'])\n"
        "np.save(sys.argv[2], bigan.transform(load_digits().data[:400]))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "bigan.joblib", tmp_path / "codes.npy"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent)},
    )
    assert run.stdout.strip() == "6"
    np.testing.assert_array_equal(np.load(tmp_path / "codes.npy"), bigan.transform(digits))


def test_network_parameters_may_be_arrays_and_modules(digits, small):
    """Which cannot be compared with == when a training goes on."""
    parameters = {"encoder__layer": nn.Linear(64, 4), "encoder__scale": np.full(4, 2.0)}
    bigan = small(encoder=Scaled, **parameters, warm_start=True)
    first = bigan.fit(digits).transform(digits)
    again = clone(bigan).fit(digits)
    np.testing.assert_array_equal(again.transform(digits), first)
    bigan.fit(digits)
    bigan.set_params(encoder__scale=np.full(4, 2.0)).partial_fit(digits)
    bigan.set_params(encoder__scale=np.full(4, 3.0))
    with pytest.raises(ValueError, match="encoder__scale changed from .*warm_start=False"):
        bigan.partial_fit(digits)


class Scaled(nn.Module):
    def __init__(self, layer, scale):
        super().__init__()
        self.layer = layer
        self.register_buffer("scale", torch.as_tensor(scale, dtype=torch.float32))

    def forward(self, x):
        return self.layer(x) * self.scale


def test_network_parameters_are_parameters(small):
    bigan = small(encoder=SmallEncoder, encoder__width=6)
    assert bigan.encoder__width == 6
    assert bigan.set_params(encoder__width=7).get_params()["encoder__width"] == 7
    assert clone(bigan).get_params()["encoder__width"] == 7
    assert "encoder__width=7" in repr(bigan)
    assert not any("__" in name for name in small().get_params())


def test_feature_names_and_frames(digits, small):
    bigan = small().fit(digits)
    assert list(bigan.get_feature_names_out()) == [f"bigantransformer{i}" for i in range(4)]
    frame = bigan.set_output(transform="pandas").transform(digits)
    assert list(frame.columns) == list(bigan.get_feature_names_out())
    assert bigan.inverse_transform(frame).shape == digits.shape
    with config_context(transform_output="pandas"):
        small(scaling=None).fit(digits).score(digits)


def test_rows_come_back_in_the_container_that_set_output_names(digits, small):
    X = pd.DataFrame(digits, columns=[f"pixel {i}" for i in range(64)], index=range(5, 405))
    bigan = small(max_epochs=1).fit(X)
    codes = bigan.transform(X)
    expected, drawn = bigan.inverse_transform(codes), bigan.sample(3)
    assert type(expected) is type(drawn) is np.ndarray
    bigan.set_output(transform="pandas")
    frame = bigan.inverse_transform(bigan.transform(X))
    pd.testing.assert_frame_equal(frame, pd.DataFrame(expected, X.index, X.columns))
    pd.testing.assert_frame_equal(bigan.sample(3), pd.DataFrame(drawn, columns=X.columns))
    frame = bigan.set_output(transform="polars").inverse_transform(codes)
    assert frame.equals(pl.DataFrame(expected, [*X.columns]))


def test_frames_of_rows_without_names_and_images(digits, small):
    bigan = small(max_epochs=1).fit(digits).set_output(transform="pandas")
    assert [*bigan.sample(2).columns] == [f"x{i}" for i in range(64)]
    images = small(max_epochs=1).fit(digits.reshape(-1, 8, 8)).set_output(transform="pandas")
    assert images.sample(2).shape == (2, 8, 8)


def test_frames_go_back_through_a_pipeline(digits, small):
    X = pd.DataFrame(digits, columns=[f"pixel {i}" for i in range(64)])
    pipeline = make_pipeline(StandardScaler(), small(max_epochs=1))
    framed = clone(pipeline).set_output(transform="pandas").fit(X)
    expected = pipeline.fit(X).inverse_transform(pipeline.transform(X))
    np.testing.assert_array_equal(framed.inverse_transform(framed.transform(X)), expected)


def test_a_draw_may_have_a_seed_of_its_own(fitted):
    own = fitted.sample(3)
    np.testing.assert_array_equal(fitted.sample(3, random_state=fitted.random_state), own)
    np.testing.assert_array_equal(fitted.sample(3, random_state=7), fitted.sample(3, 7))
    assert not np.array_equal(fitted.sample(3, random_state=7), own)
    source = np.random.RandomState(0)
    assert not np.array_equal(fitted.sample(3, source), fitted.sample(3, source))
    with pytest.raises(ValueError, match="'x' cannot be used to seed"):
        fitted.sample(3, random_state="x")


def test_an_unfitted_estimator_says_so(digits, small):
    for call in (
        lambda: small().transform(digits),
        lambda: small().inverse_transform(np.zeros((2, 4))),
        lambda: small().sample(2),
        lambda: small().score_samples(digits),
        lambda: small().score(digits),
    ):
        with pytest.raises(NotFittedError, match="BiGANTransformer instance is not fitted"):
            call()


def test_import_brings_in_the_required_packages_alone():
    script = (
        "import sys, joblib, numpy, sklearn.utils.estimator_checks, skorch, torch\n"
        "def packages(): return {name.split('.')[0] for name in sys.modules}\n"
        "before = packages()\n"
        "import sk_bigan\n"
        "print(packages() - before)\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "{'sk_bigan'}"


# Subclasses


class Pure(BiGANTransformer):
    """Fixes parameters, as is usual with PCA."""

    def __init__(self, latent_dim=2, random_state=None):
        super().__init__(
            latent_dim, hidden_units=(8,), cycle_weight=0, max_epochs=2, random_state=random_state
        )


def linear(sample_shape, latent_dim):
    return nn.Linear(*sample_shape, latent_dim)


class OfOwnNetwork(BiGANTransformer):
    """Fixes what no file can hold."""

    def __init__(self, latent_dim=2, random_state=None):
        super().__init__(latent_dim, random_state=random_state, max_epochs=2, encoder=linear)


class OfScaler(BiGANTransformer):
    """Fixes a scaler that is fitted."""

    def __init__(self, latent_dim=2, random_state=None):
        scaler = MinMaxScaler(feature_range=(-1, 1)).fit([[0.0] * 64, [16.0] * 64])
        super().__init__(latent_dim, scaling=scaler, max_epochs=2, random_state=random_state)


class Wanting(BiGANTransformer):
    """Needs a parameter of its own."""

    def __init__(self, purpose, latent_dim=2, random_state=None):
        super().__init__(latent_dim, max_epochs=2, random_state=random_state)
        self.purpose = purpose


class PureDetector(BiGANDetector):
    def __init__(self, random_state=None):
        super().__init__(
            2, hidden_units=(8,), max_epochs=2, anomaly_score="code", random_state=random_state
        )


FIXED = {
    Pure: {"hidden_units": (8,), "cycle_weight": 0},
    OfOwnNetwork: {"encoder": linear},
    OfScaler: {"scaling": OfScaler().scaling},
    Wanting: {},
    PureDetector: {"hidden_units": (8,), "anomaly_score": "code"},
}


@pytest.mark.parametrize("cls", FIXED)
def test_a_subclass_that_fixes_parameters_works_as_its_parent(digits, cls, tmp_path):
    X = digits[:100]
    bigan = cls(random_state=0, **({"purpose": "maps"} if cls is Wanting else {}))
    parent = cls.__base__(2, max_epochs=2, random_state=0, **FIXED[cls])
    assert same_weights(bigan.fit(X), parent.fit(X))
    codes = bigan.score_samples(X)
    for copy in (pickle.loads(pickle.dumps(bigan)), clone(bigan).fit(X)):
        np.testing.assert_array_equal(copy.score_samples(X), codes)
        assert copy.get_params().keys() == bigan.get_params().keys()
    bigan.save(tmp_path / "model", optimizers=True)
    opened = cls.load(tmp_path / "model")
    np.testing.assert_array_equal(opened.score_samples(X), codes)
    for model in (bigan, opened, parent):
        model.partial_fit(X)
        model.warm_start = True
        model.fit(X)
        assert model.n_epochs_ == 5
    assert same_weights(bigan, parent)
    assert same_weights(opened, parent)
    search = GridSearchCV(clone(bigan), {"random_state": [0, 1]}, cv=2).fit(X)
    assert np.isfinite(search.best_score_)


def test_a_subclass_with_another_default_may_be_told_the_first_one(digits):
    class Small(BiGANTransformer):
        def __init__(self, batch_size=64):
            super().__init__(2, batch_size=batch_size, max_epochs=2, random_state=0)

    parent = BiGANTransformer(2, max_epochs=2, random_state=0).fit(digits)
    assert same_weights(Small(batch_size="auto").fit(digits), parent)


def test_what_a_subclass_fixes_is_checked_as_what_is_given(digits):
    class Wrong(BiGANTransformer):
        def __init__(self, latent_dim=2):
            super().__init__(latent_dim, cycle_weight="much")

    with pytest.raises(ValueError, match="The 'cycle_weight' parameter of Wrong must be"):
        Wrong().fit(digits)
    fitted = Pure(random_state=0).fit(digits[:50])
    fitted.hidden_units = (9,)
    with pytest.raises(ValueError, match=r"hidden_units changed from \(8,\) to \(9,\)"):
        fitted.partial_fit(digits[:50])


def test_a_file_restores_what_the_subclass_fixed_when_it_was_saved(digits, tmp_path):
    def version(width):
        class Versioned(BiGANTransformer):
            def __init__(self, latent_dim=2):
                super().__init__(latent_dim, hidden_units=(width,), max_epochs=1)

        return Versioned

    saved = version(8)().fit(digits[:50])
    saved.save(tmp_path / "model")
    opened = version(9).load(tmp_path / "model")
    assert [*opened.hidden_units] == [8]
    np.testing.assert_array_equal(opened.transform(digits), saved.transform(digits))
