"""The page of `explore`: what it holds. tests/browser looks at it in a browser."""

import json
import re
from base64 import b64decode

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_wine
from sklearn.decomposition import PCA, KernelPCA, TruncatedSVD
from sklearn.ensemble import RandomTreesEmbedding
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, PolynomialFeatures, StandardScaler
from torch import nn
from torch.utils.data import TensorDataset

from sk_bigan.display import LatentDisplay
from sk_bigan.display.coding import Coder
from sk_bigan.inspection import explore
from sk_bigan.inspection import plain_layers as module
from sk_bigan.inspection.plain_layers import plain_layers, run


@pytest.fixture(scope="module")
def wine():
    return load_wine(as_frame=True).data


@pytest.fixture
def content(tmp_path):
    """Explore, and return what the page holds."""

    def of(*args, **kwargs):
        text = explore(*args, path=tmp_path / "codes.html", **kwargs).read_text("utf-8")
        (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text)
        return json.loads(data)

    return of


def unpacked(text, dtype="<f4"):
    return np.frombuffer(b64decode(text), dtype)


# The page


def test_codes_and_points_are_those_of_the_display(content, fitted, digits):
    held = content(fitted, digits)
    codes = fitted.transform(digits)
    np.testing.assert_allclose(unpacked(held["codes"]).reshape(-1, 4), codes, rtol=1e-6)
    display = LatentDisplay.from_estimator(fitted, digits)
    points = unpacked(held["points"]).reshape(-1, 2)
    np.testing.assert_allclose(points, display.points, atol=1e-5)
    assert held["axes"] == [display.ax_.get_xlabel(), display.ax_.get_ylabel()]
    origin, directions = map(np.array, held["to_plane"].values())
    np.testing.assert_allclose((codes - origin) @ directions.T, display.points, atol=1e-9)
    assert held["limits"] == [[axis.min(), axis.max()] for axis in display.points.T]
    assert held["sliders"]["low"] == codes.min(axis=0).tolist()
    np.testing.assert_allclose(held["sliders"]["start"], codes.mean(axis=0))
    assert held["colours"] is None


def test_other_maps_are_not_linear(content, fitted, digits):
    assert content(fitted, digits[:30], method="tsne")["to_plane"] is None
    assert content(PCA(1).fit(digits), digits)["to_plane"] is None


def test_pictures_are_bytes_between_the_extremes(content, fitted, digits):
    held = content(fitted, digits, image_shape=(8, 8))
    pixels = unpacked(held["rows"], "u1").reshape(digits.shape)
    np.testing.assert_array_equal(pixels, np.rint(digits / 16 * 255))
    assert held["columns"] is None
    assert (held["picture"]["height"], held["picture"]["channels"]) == (8, 1)


@pytest.mark.parametrize("channels_first", [True, False])
def test_pictures_have_channels_last(content, small, channels_first):
    images = np.random.default_rng(0).integers(256, size=(40, 6, 5, 3), dtype=np.uint8)
    images[0, 0, 0, :2] = 0, 255
    X = images.transpose(0, 3, 1, 2) if channels_first else images
    bigan = small(max_epochs=1).fit(X)
    held = content(bigan, X)
    np.testing.assert_array_equal(unpacked(held["rows"], "u1").reshape(images.shape), images)
    (flat,) = run(plain_layers(Coder(bigan), np.ones((1, 4))), np.ones((1, 4)))
    decoded = bigan.inverse_transform(np.ones((1, 4)))
    np.testing.assert_allclose(flat, decoded.ravel(), rtol=1e-5)


@pytest.mark.parametrize("container", [np.asarray, pd.DataFrame, pl.from_pandas, pa.table])
def test_tables_are_texts_by_columns(content, small, wine, container):
    X = container(wine) if container is not pa.table else pa.Table.from_pandas(wine)
    held = content(PCA(2).fit(wine.to_numpy()), np.asarray(wine))
    assert held["rows"][0][:5] == ["14.23", "1.71", "2.43", "15.6", "127"]
    held = content(small(max_epochs=1, scaling="columns").fit(X), X)
    named = container is not np.asarray
    assert held["columns"][0] == ("alcohol" if named else "x0")
    assert held["rows"][0][:5] == ["14.23", "1.71", "2.43", "15.6", "127"]
    assert held["picture"] is None


def test_gaps_dates_and_texts(content, small):
    X = pd.DataFrame({"kind": ["a", "b", None] * 10, "mass": np.arange(30) / 3})
    X["when"] = pd.date_range("2020-01-01", periods=30)
    X["at"] = pd.date_range("2020-01-01 10:00", periods=30)
    bigan = small(latent_dim=2, max_epochs=1).fit(X)
    held = content(bigan, X, X["mass"])
    assert held["rows"][2] == ["", "0.66667", "2020-01-03", "2020-01-03T10:00:00"]
    decoded = bigan.inverse_transform(bigan.transform(X))
    assert [row[0] for row in held["reconstructions"]] == decoded["kind"].tolist()
    assert "layers" not in held
    low, high = held["colours"]["low"], held["colours"]["high"]
    values = unpacked(held["colours"]["values"])
    np.testing.assert_allclose(low + values * (high - low), X["mass"], atol=1e-6)


@pytest.mark.parametrize("has_bigan", [False, True])
def test_texts_that_a_pipeline_encodes(content, small, has_bigan):
    X = pd.DataFrame({"kind": ["a", "b", "c"] * 10, "mass": np.arange(30) / 3})
    encoder = make_column_transformer((OneHotEncoder(), ["kind"]), (StandardScaler(), ["mass"]))
    last = small(latent_dim=2, max_epochs=1) if has_bigan else PCA(2)
    held = content(make_pipeline(encoder, last).fit(X), X)
    assert held["columns"] == ["kind", "mass"]
    assert held["rows"][1] == ["b", "0.33333"]
    assert held["sliders"] is None


def test_classes_have_numbers(content, fitted, digits):
    names = np.array(["one", "other"])[(digits[:, 20] > 8).astype(int)]
    colours = content(fitted, digits, names)["colours"]
    assert colours["classes"] == ["one", "other"]
    np.testing.assert_array_equal(unpacked(colours["values"]), names == "other")


def test_a_data_set_is_read(content, fitted, digits):
    held = content(fitted, TensorDataset(torch.as_tensor(digits)), image_shape=(8, 8))
    assert held == content(fitted, digits, image_shape=(8, 8))


def test_names_of_the_user_end_nothing_in_the_page(tmp_path, small):
    hostile = "</script><script>alert(1)</script><!--{{page.css}}"
    X = pd.DataFrame({hostile: [hostile, "b"] * 10, "y": np.arange(20)})
    bigan = small(latent_dim=1, max_epochs=1).fit(X)
    text = explore(bigan, X, X[hostile], tmp_path / "codes.html").read_text("utf-8")
    assert text.count("<script") == text.count("</script") == 2
    assert "alert(1)<" not in text
    assert "{{page.css}}" in text
    assert "<!--" not in text


def test_the_page_needs_no_network(tmp_path, fitted, digits):
    text = explore(fitted, digits, path=tmp_path / "codes.html").read_text("utf-8")
    assert "http" not in text.replace("http-equiv", "")
    assert "default-src 'none'" in text


# The generator in the page


def estimators(small, digits):
    standard = StandardScaler(), "passthrough", small(max_epochs=1)
    own = nn.Sequential(nn.Linear(4, 9), nn.Sigmoid(), nn.Dropout(), nn.Linear(9, 64))
    return {
        "range": small(),
        "standard": small(scaling="standard", hidden_units=(16, 32)),
        "unscaled": small(scaling=None, max_epochs=1),
        "uniform": small(prior="uniform", max_epochs=1),
        "own": small(generator=own, max_epochs=1),
        "pipeline": make_pipeline(*standard),
        "behind": make_pipeline(PCA(9), MinMaxScaler(), small(max_epochs=1), PCA(2)),
        "pca": PCA(5, whiten=True),
        "svd": make_pipeline(StandardScaler(), TruncatedSVD(3)),
    }


@pytest.mark.parametrize("name", estimators(lambda **_: PCA(), None))
def test_plain_layers_decode_as_the_estimator(name, small, digits):
    coder = Coder(estimators(small, digits)[name].fit(digits))
    codes = coder.encode(digits)
    layers = plain_layers(coder, codes[:20])
    expected = coder.decode(codes)
    assert layers[-1]["kind"] == ("linear" if name in ("pca", "behind") else "scale")
    np.testing.assert_allclose(run(layers, codes), expected, atol=1e-4)


class Twice(nn.Linear):
    def forward(self, x):
        return 2 * super().forward(x)


def test_decoders_of_other_kinds_are_not_plain(small, digits, monkeypatch):
    images = digits.reshape(-1, 8, 8)
    conv = small(architecture="conv", hidden_units=(8, 16), max_epochs=1).fit(images)
    own = small(generator=nn.Sequential(Twice(4, 64)), max_epochs=1).fit(digits)
    clipped = make_pipeline(MinMaxScaler(clip=True), PCA(2)).fit(digits)
    for estimator, X in ((conv, images), (own, digits), (clipped, digits)):
        coder = Coder(estimator)
        assert plain_layers(coder, coder.encode(X)[:5]) is None
    scales = small(generator=nn.Sequential(nn.BatchNorm1d(4)), max_epochs=1)
    scales.fit(digits[:, 20:24])
    coder = Coder(scales)
    assert plain_layers(coder, coder.encode(digits[:5, 20:24])) is None
    hooked = small(max_epochs=1).fit(digits)
    coder = Coder(hooked)
    codes = coder.encode(digits)[:5]
    assert plain_layers(coder, codes)
    hooked.generator_[0].register_forward_hook(lambda layer, args, output: 2 * output + 1)
    assert plain_layers(coder, codes) is None
    monkeypatch.setattr(module, "MOST_NUMBERS", 300)
    assert plain_layers(Coder(PCA(4).fit(digits)), codes) is None
    assert plain_layers(Coder(PCA(3).fit(digits)), codes[:, :3])


def test_other_decoders_draw_along_each_code(content, small, digits):
    images = digits.reshape(-1, 8, 8)
    units = {"architecture": "conv", "hidden_units": (8, 16)}
    conv = small(**units, learning_rate=2e-3, max_epochs=30).fit(images)
    held = content(conv, images)
    codes = conv.transform(images)
    view = np.array(held["picture"]["places"])
    decode = lambda z: np.rint(conv.inverse_transform(z).reshape(len(z), -1)[:, view] / 16 * 255)  # noqa: E731
    rebuilt = unpacked(held["reconstructions"], "u1").reshape(len(images), -1)
    np.testing.assert_allclose(rebuilt, decode(codes), atol=1)
    steps, start = np.array(held["sliders"]["steps"]), np.array(held["sliders"]["start"])
    assert steps.shape == (4, 15)
    np.testing.assert_array_equal(steps[:, 7], start)
    np.testing.assert_array_equal(steps[:, [0, 14]], np.c_[codes.min(axis=0), codes.max(axis=0)])
    z = np.array([[*start[:2], steps[2, 11], start[3]]])
    drawn = unpacked(held["drawings"], "u1").reshape(4, 15, 64)
    np.testing.assert_allclose(drawn[2, 11], decode(z)[0], atol=1)
    assert np.abs(drawn[2, 11] - decode(start[np.newaxis])).max() > 9


def test_without_an_inverse_there_are_no_sliders(content, digits, small):
    trees = RandomTreesEmbedding(3, max_depth=2, random_state=0).fit(digits)
    held = content(trees, digits, image_shape=(8, 8))
    assert held["sliders"] is None
    assert "reconstructions" not in held
    wide = make_pipeline(PCA(3), PolynomialFeatures(2), small(max_epochs=1)).fit(digits)
    assert content(wide, digits)["sliders"] is None
    assert content(KernelPCA(2).fit(digits), digits)["sliders"] is None
    filled = make_pipeline(SimpleImputer(), small(max_epochs=1)).fit(digits)
    assert content(filled, digits)["sliders"] is None


def test_nested_pipelines_are_like_flat_ones(content, digits, small):
    y = digits[:, 20] > 8
    steps = StandardScaler(), MinMaxScaler(), small(max_epochs=1)
    flat = make_pipeline(*steps).fit(digits)
    nested = make_pipeline(FrozenEstimator(make_pipeline(*flat[:2])), make_pipeline(flat[2]))
    classifier = make_pipeline(nested, KNeighborsClassifier()).fit(digits, y)
    assert content(classifier, digits, y) == content(flat, digits, y)
    pca = make_pipeline(StandardScaler(), PCA(3)).fit(digits)
    nested = make_pipeline(make_pipeline(*pca))
    assert content(nested, digits) == content(pca, digits)


# What cannot be


def test_bad_input_writes_no_file(tmp_path, fitted, small, digits):
    path = tmp_path / "codes.html"
    for message, estimator, arguments in (
        ("y must have a value for each of the 400 rows, got 3", fitted, {"y": [1, 2, 3]}),
        ("method must be one of", fitted, {"method": "isomap"}),
        ("image_shape must be", fitted, {"image_shape": (8, 9)}),
        ("image_shape must be", PCA(2).fit(digits), {"image_shape": (8, 9)}),
    ):
        with pytest.raises(ValueError, match=message):
            explore(estimator, digits, path=path, **arguments)
    with pytest.raises(TypeError, match="or another transformer, got KNeighborsClassifier"):
        explore(KNeighborsClassifier().fit(digits, digits[:, 20] > 8), digits, path=path)
    with pytest.raises(NotFittedError):
        explore(small(), digits, path=path)
    with pytest.raises(OSError, match="nowhere"):
        explore(fitted, digits, path=tmp_path / "nowhere" / "codes.html")
    assert [*tmp_path.iterdir()] == []


def test_the_default_name_and_a_file_that_is_replaced(tmp_path, monkeypatch, fitted, digits):
    monkeypatch.chdir(tmp_path)
    tmp_path.joinpath("codes.html").write_text("old")
    path = explore(fitted, digits)
    assert str(path) == "codes.html"
    assert path.read_text("utf-8").startswith("<!doctype html>")
