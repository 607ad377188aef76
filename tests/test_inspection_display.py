"""Displays of stability, loadings and lengths: what they draw is what the functions return."""

import inspect
import subprocess
import sys

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from helpers import documented, texts
from matplotlib.figure import Figure
from numpydoc.docscrape import ClassDoc, FunctionDoc
from sklearn.datasets import load_wine
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_bigan.inspection import (
    ConsistencyDisplay,
    LatentDimCurveDisplay,
    LoadingsDisplay,
    consistency,
    latent_dim_curve,
    loadings,
)

pytestmark = pytest.mark.usefixtures("figures_closed_and_settings_untouched")

DISPLAYS = {
    ConsistencyDisplay: lambda X: (PCA(2), X),
    LoadingsDisplay: lambda X: (PCA(2).fit(X), X),
    LatentDimCurveDisplay: lambda X: (PCA(), X, [1, 2]),
}
PARAMETERS = {LatentDimCurveDisplay: {"param_name": "n_components", "random_state": 0}}


@pytest.fixture(scope="module")
def wine():
    return load_wine(as_frame=True).data


def draw(display, X, **parameters):
    return display.from_estimator(
        *DISPLAYS[display](X), **(PARAMETERS.get(display, {}) | parameters)
    )


@pytest.mark.parametrize("display", DISPLAYS)
def test_a_figure_is_made_or_the_axes_given_is_drawn_in(display, wine):
    made = draw(display, wine)
    assert made.figure_ is made.ax_.figure
    made.figure_.canvas.draw()
    axes = Figure().subplots(1, 2)
    n_figures = len(plt.get_fignums())
    assert made.plot(axes[1]) is made
    assert made.ax_ is axes[1]
    assert not axes[0].has_data()
    assert draw(display, wine, ax=axes[0]).ax_ is axes[0]
    assert len(plt.get_fignums()) == n_figures
    assert made.ax_.get_xlabel()
    assert made.ax_.get_ylabel()


@pytest.mark.parametrize("display", DISPLAYS)
def test_without_matplotlib_an_error_says_so(display, wine, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=f"{display.__name__}.from_estimator requires matplotlib"):
        draw(display, wine)


def test_imports_take_no_more_than_they_need():
    code = """
import sys, sk_bigan
assert "sk_bigan.inspection" not in sys.modules
assert not {"matplotlib", "sklearn.ensemble", "sklearn.cluster"} & {*sys.modules}
import sk_bigan.inspection
assert "matplotlib" not in sys.modules
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("display", DISPLAYS)
def test_docstrings_name_parameters_in_order_and_attributes(display, wine):
    doc = ClassDoc(display)
    own = [*inspect.signature(display).parameters]
    assert documented(doc["Parameters"]) == own
    assert {*documented(doc["Attributes"])} == {*vars(draw(display, wine))} - {*own}
    parameters = inspect.signature(display.from_estimator).parameters
    names = ["**kwargs" if name == "kwargs" else name for name in parameters]
    assert documented(FunctionDoc(display.from_estimator)["Parameters"]) == names


# Consistency


def test_the_matrix_is_drawn_with_its_numbers(wine):
    display = draw(ConsistencyDisplay, wine, n_repeats=3, random_state=0, resample=True)
    matrix = consistency(PCA(2), wine, n_repeats=3, random_state=0, resample=True).matrix
    np.testing.assert_array_equal(display.heat_map_.get_array(), matrix)
    assert texts(display.texts_) == [f"{value:.2f}" for value in matrix.ravel()]
    assert display.heat_map_.get_clim() == (0, 1)
    assert texts(display.ax_.get_xticklabels()) == ["1", "2", "3"]


def test_numbers_stand_out_and_large_matrices_have_none():
    display = ConsistencyDisplay(np.eye(10)).plot(cmap="Greys")
    assert {text.get_color() for text in display.texts_} == {"black", "white"}
    assert display.texts_[0].get_color() == "white"  # on black
    assert ConsistencyDisplay(np.eye(11)).plot().texts_ == []


@pytest.mark.parametrize(("style", "colour"), [("default", "black"), ("dark_background", "white")])
def test_a_refit_that_has_collapsed_is_legible(style, colour):
    with plt.style.context(style):
        display = ConsistencyDisplay(np.array([[1, np.nan], [0, 1]])).plot()
    assert texts(display.texts_) == ["1.00", "nan", "0.00", "1.00"]
    assert display.texts_[1].get_color() == colour


# Loadings


def test_a_heat_map_has_columns_by_codes(wine):
    pca = PCA(2).fit(wine)
    display = LoadingsDisplay.from_estimator(pca, wine, scaled=False)
    np.testing.assert_allclose(display.heat_map_.get_array(), pca.components_.T, atol=1e-9)
    low, high = display.heat_map_.get_clim()
    assert -low == high == pytest.approx(np.abs(pca.components_).max())
    assert texts(display.ax_.get_yticklabels()) == list(wine.columns)
    assert texts(display.ax_.get_xticklabels()) == ["pca0", "pca1"]
    assert display.image_ is None
    scaled = LoadingsDisplay.from_estimator(pca, wine)
    expected = pca.components_.T * wine.to_numpy().std(axis=0)[:, np.newaxis]
    np.testing.assert_allclose(scaled.heat_map_.get_array(), expected)


def test_kinds(wine):
    pca = PCA(2).fit(wine)
    display = LoadingsDisplay.from_estimator(pca, wine, kind="mean_absolute", scaled=False)
    np.testing.assert_allclose(display.heat_map_.get_array(), np.abs(pca.components_.T))
    assert display.heat_map_.get_clim()[0] == 0
    with pytest.raises(ValueError, match="The 'kind' parameter of LoadingsDisplay"):
        LoadingsDisplay.from_estimator(pca, wine, kind="median")


def test_images_are_pictures_in_a_mosaic(digits, small):
    pca = PCA(3).fit(digits)
    display = LoadingsDisplay.from_estimator(pca, digits, image_shape=(8, 8))
    mosaic = display.image_.get_array()
    assert mosaic.shape == (17, 17)
    np.testing.assert_allclose(mosaic[:8, 9:17], pca.components_[1].reshape(8, 8), atol=1e-9)
    np.testing.assert_allclose(mosaic[9:17, :8], pca.components_[2].reshape(8, 8), atol=1e-9)
    assert np.ma.getmaskarray(mosaic)[9:, 9:].all()
    assert display.heat_map_ is None
    bigan = small(max_epochs=1, sample_shape=(1, 8, 8)).fit(digits)
    display = LoadingsDisplay.from_estimator(bigan, digits)
    expected = loadings(bigan, digits).mean
    np.testing.assert_allclose(display.image_.get_array()[:8, :8].ravel(), expected[:, 0])
    for around in (FrozenEstimator(bigan), make_pipeline("passthrough", bigan)):
        again = LoadingsDisplay.from_estimator(around, digits)
        np.testing.assert_array_equal(again.image_.get_array(), display.image_.get_array())
    scaled = make_pipeline(StandardScaler(), bigan).fit(digits)
    behind = LoadingsDisplay.from_estimator(scaled, digits)
    assert behind.image_ is None  # other steps may have other columns
    with pytest.raises(ValueError, match="image_shape must be"):
        LoadingsDisplay.from_estimator(pca, digits, image_shape=(8, 9))


@pytest.mark.parametrize("shape", [(4, 4, 4), (2, 8, 4)])
def test_channels_are_added(digits, shape):
    pca = PCA(1).fit(digits)
    display = LoadingsDisplay.from_estimator(pca, digits, image_shape=shape)
    axis = 0 if shape[0] == 4 else 2
    expected = pca.components_.reshape(shape).sum(axis=axis)
    np.testing.assert_allclose(display.image_.get_array(), expected, atol=1e-9)


# Curves


def test_curves_are_means_over_the_folds_beside_pca(wine):
    display = draw(LatentDimCurveDisplay, wine)
    curve = latent_dim_curve(PCA(), wine, [1, 2], param_name="n_components", random_state=0)
    for container, scores in [
        (display.curve_, curve.scores),
        (display.pca_curve_, curve.pca_scores),
    ]:
        line, _, (bars,) = container
        np.testing.assert_allclose(line.get_ydata(), scores.mean(axis=1))
        assert list(line.get_xdata()) == [1, 2]
        heights = [np.ptp(segment[:, 1]) for segment in bars.get_segments()]
        np.testing.assert_allclose(heights, 2 * scores.std(axis=1))
    assert texts(display.ax_.get_legend().get_texts()) == ["PCA", "PCA"]


def test_lengths_are_drawn_in_order():
    scores = np.array([[0.9], [0.5]])
    display = LatentDimCurveDisplay(np.array([8, 2]), scores, scores / 2).plot(color="red")
    line = display.curve_[0]
    assert line.get_xydata().tolist() == [[2, 0.5], [8, 0.9]]
    assert line.get_color() == "red"
    assert texts(display.ax_.get_legend().get_texts()) == ["estimator", "PCA"]
