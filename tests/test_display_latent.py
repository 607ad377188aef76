"""LatentDisplay: maps into the plane, axes that outliers do not stretch, and any transformer."""

import sys

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_bigan.display import LatentDisplay


@pytest.fixture(autouse=True)
def _figures_closed():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def groups():
    """Three groups in eight dimensions."""
    y = np.arange(60) % 3
    return np.random.default_rng(0).normal(size=(60, 8)) + 20 * np.eye(8)[y], y


# Maps into the plane


# umap-learn says at its import that it lacks a network.
@pytest.mark.filterwarnings("ignore:Tensorflow not installed:ImportWarning")
@pytest.mark.parametrize(("method", "name"), [("tsne", "t-SNE"), ("umap", "UMAP")])
def test_neighbours_stay_neighbours(groups, method, name):
    codes, y = groups
    n_threads = torch.get_num_threads()
    display = LatentDisplay.from_predictions(codes, y, method=method)
    assert torch.get_num_threads() == n_threads
    neighbours = NearestNeighbors(n_neighbors=5).fit(display.points)
    assert (y[neighbours.kneighbors(return_distance=False)] == y[:, np.newaxis]).all()
    again = LatentDisplay.from_predictions(codes, method=method)
    np.testing.assert_array_equal(again.points, display.points)
    assert again.ax_.get_xlabel() == f"first coordinate of {name}"
    assert again.ax_.get_ylabel() == f"second coordinate of {name}"
    few = LatentDisplay.from_predictions(codes[:4], method=method)
    assert few.points.shape == (4, 2)


@pytest.mark.parametrize("width", [1, 2])
def test_codes_of_one_or_two_numbers_need_no_map(groups, width):
    codes = groups[0][:, :width]
    mapped = LatentDisplay.from_predictions(codes, method="tsne").points
    np.testing.assert_array_equal(mapped[:, :width], codes)


def test_the_method_of_an_estimators_codes(fitted, digits):
    X = digits[:40]
    display = LatentDisplay.from_estimator(fitted, X, method="tsne")
    expected = LatentDisplay.from_predictions(fitted.transform(X), method="tsne")
    np.testing.assert_array_equal(display.points, expected.points)


@pytest.mark.filterwarnings("ignore:Tensorflow not installed:ImportWarning")
def test_methods_that_cannot_be(fitted, digits, groups, monkeypatch):
    with pytest.raises(ValueError, match=r"method must be one of \['pca', 'tsne', 'umap'\], got"):
        LatentDisplay.from_estimator(fitted, digits, method="isomap")
    with pytest.raises(ValueError, match="'umap' needs at least 4 rows of codes, got 3"):
        LatentDisplay.from_predictions(groups[0][:3], method="umap")
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(ImportError, match="method='umap' needs the package umap-learn: pip"):
        LatentDisplay.from_estimator(fitted, digits, method="umap")


# Outliers


def spans(display):
    return np.ptp(display.ax_.get_xlim()), np.ptp(display.ax_.get_ylim())


def notes(display):
    return [text.get_text() for text in display.ax_.texts]


@pytest.mark.parametrize("n", [20, 400])
def test_two_outlying_rows_do_not_stretch_the_axes(n):
    codes = np.random.default_rng(0).normal(size=(n, 2))
    plain = LatentDisplay.from_predictions(codes)
    codes[:2] = [[1e6, -20], [2e6, 1e9]]
    display = LatentDisplay.from_predictions(codes)
    assert display.n_outside_ == 2
    assert notes(display) == [f"2 of {n} rows lie outside"]
    np.testing.assert_allclose(spans(display), spans(plain), rtol=0.5)
    offsets = display.scatter_.get_offsets()
    np.testing.assert_array_equal(offsets, codes)
    (left, right), (bottom, top) = display.ax_.get_xlim(), display.ax_.get_ylim()
    low, high = codes[2:].min(axis=0), codes[2:].max(axis=0)
    assert left < low[0] < high[0] < right
    assert bottom < low[1] < high[1] < top


@pytest.mark.parametrize(
    "codes",
    [
        np.random.default_rng(0).standard_cauchy(size=(19, 2)),  # too few for outliers
        np.random.default_rng(0).normal(size=(400, 2)),
        np.r_[np.zeros((398, 2)), 100 + np.zeros((2, 2))],  # nearly all the same
        # A group of three is no accident.
        np.r_[np.random.default_rng(0).normal(size=(397, 2)), 100 + np.zeros((3, 2))],
    ],
    ids=["few", "normal", "constant", "group"],
)
def test_the_axes_show_all_other_rows(codes):
    display = LatentDisplay.from_predictions(codes)
    display.figure_.canvas.draw()
    assert display.n_outside_ == 0
    assert notes(display) == []
    axes = display.ax_.get_xlim(), display.ax_.get_ylim()
    for limits, values in zip(axes, codes.T, strict=True):
        assert limits[0] < values.min() < values.max() < limits[1]


# Estimators


def test_the_bigan_of_a_pipeline_is_found_wherever_it_is(digits, small):
    y = digits[:, 20] > 8
    codes = make_pipeline(StandardScaler(), small(max_epochs=1)).fit_transform(digits)
    expected = LatentDisplay.from_predictions(codes).points
    steps = StandardScaler(), small(max_epochs=1, features="penultimate")
    alone = make_pipeline(*map(clone, steps)).fit(digits)
    classifier = make_pipeline(*steps, PCA(3), LogisticRegression(max_iter=500)).fit(digits, y)
    nested = make_pipeline(make_pipeline(*alone), LogisticRegression(max_iter=500)).fit(digits, y)
    frozen = make_pipeline("passthrough", *map(FrozenEstimator, (alone[0], alone[1:]))).fit(digits)
    for estimator in (alone, FrozenEstimator(alone), classifier, nested, frozen):
        display = LatentDisplay.from_estimator(estimator, digits)
        np.testing.assert_allclose(display.points, expected, rtol=1e-5, atol=1e-5)


def test_other_transformers_by_what_transform_gives(digits):
    for estimator, X in ((PCA(2), digits), (TruncatedSVD(2), csr_array(digits))):
        pipeline = make_pipeline(estimator).fit(X)
        display = LatentDisplay.from_estimator(pipeline, X)
        np.testing.assert_allclose(display.points, pipeline.transform(X))


def test_what_has_no_codes_is_refused(digits, small):
    classifier = KNeighborsClassifier().fit(digits, digits[:, 20] > 8)
    with pytest.raises(TypeError, match="or another transformer, got KNeighborsClassifier"):
        LatentDisplay.from_estimator(classifier, digits)
    for unfitted in (PCA(2), make_pipeline(StandardScaler(), small())):
        with pytest.raises(NotFittedError):
            LatentDisplay.from_estimator(unfitted, digits)
