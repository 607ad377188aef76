"""The displays: what they draw is what the estimator says, and they leave it as it is."""

import inspect
import subprocess
import sys

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from helpers import documented, texts
from matplotlib.figure import Figure
from numpydoc.docscrape import ClassDoc, FunctionDoc
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from torch.utils.data import TensorDataset

from sk_bigan.display import (
    InterpolationDisplay,
    LatentDisplay,
    LossCurveDisplay,
    ReconstructionDisplay,
    SampleDisplay,
)
from sk_bigan.display.mosaic import Scale
from sk_bigan.objectives import OBJECTIVES

pytestmark = pytest.mark.usefixtures("figures_closed_and_settings_untouched")

DISPLAYS = [
    LossCurveDisplay,
    ReconstructionDisplay,
    SampleDisplay,
    LatentDisplay,
    InterpolationDisplay,
]
HISTORY = [
    {"epoch": 1, "loss_d": 1.4, "loss_eg": 1.5, "d_real": 0.5, "lr": 0.1},
    {"epoch": 2, "loss_d": 1.3, "loss_eg": 1.6, "d_real": 0.25},
    {"epoch": 3, "loss_d": 1.2, "loss_eg": 1.7, "d_real": 0.75, "lr": 0.3, "note": "text"},
]


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True, as_frame=True)


@pytest.fixture(scope="module")
def table(iris, small):
    """Fitted on a table with names, codes of two numbers."""
    return small(latent_dim=2).fit(iris[0])


def draw(estimator, display, X):
    """Any of the displays of rows and codes."""
    args = {
        LossCurveDisplay: (),
        SampleDisplay: (X,),
        InterpolationDisplay: (X[:1], X[1:2]),
    }
    return display.from_estimator(estimator, *args.get(display, (X,)))


def reconstructed(estimator, X):
    return estimator.inverse_transform(estimator.transform(X))


def cell(display, row, column, height=8, width=8):
    """One image of the mosaic."""
    top, left = row * (height + 1), column * (width + 1)
    return display.image_.get_array()[top : top + height, left : left + width]


def legend_texts(display):
    return texts(display.ax_.get_legend().get_texts())


# All of them


@pytest.mark.parametrize("display", DISPLAYS)
def test_a_figure_is_made_or_the_axes_given_is_drawn_in(display, table, iris):
    made = draw(table, display, iris[0])
    assert made.figure_ is made.ax_.figure
    made.figure_.canvas.draw()
    figure = Figure()
    axes = figure.subplots(1, 2)
    n_figures = len(plt.get_fignums())
    assert made.plot(axes[1]) is made
    assert made.ax_ is axes[1]
    assert made.figure_ is figure
    assert not axes[0].has_data()
    assert len(plt.get_fignums()) == n_figures
    assert axes[1].get_xlabel()
    assert axes[1].get_ylabel()


@pytest.mark.parametrize("display", DISPLAYS)
def test_from_estimator_takes_axes(display, table, iris):
    _, ax = plt.subplots()
    args = {LossCurveDisplay: [], InterpolationDisplay: [iris[0][:1], iris[0][1:2]]}
    drawn = display.from_estimator(table, *args.get(display, [iris[0]]), ax=ax)
    assert drawn.ax_ is ax
    assert plt.get_fignums() == [ax.figure.number]


@pytest.mark.parametrize("display", DISPLAYS)
def test_other_features_and_frames_change_no_picture_and_no_estimator(display, iris, small):
    X = iris[0]
    estimator = small(latent_dim=2, max_epochs=1).fit(X)
    draw(estimator, display, X).figure_.canvas.draw()
    estimator.set_params(features="penultimate").set_output(transform="polars")
    before, networks, wide = estimator.get_params(), estimator.encoder_, estimator.transform(X)
    drawn = draw(estimator, display, X)
    drawn.figure_.canvas.draw()
    first, second = (np.asarray(plt.figure(n).canvas.buffer_rgba()) for n in plt.get_fignums())
    assert np.array_equal(first, second)
    assert estimator.get_params() == before
    assert estimator.encoder_ is networks
    assert estimator.transform(X).equals(wide)


@pytest.mark.parametrize("display", DISPLAYS)
def test_only_fitted_estimators_of_this_package_are_drawn(display, iris, small):
    with pytest.raises(NotFittedError):
        draw(small(), display, iris[0])
    if display is not LatentDisplay:  # which takes any transformer
        with pytest.raises(TypeError, match="estimator must be a BiGANTransformer, got PCA"):
            draw(PCA().fit(iris[0]), display, iris[0])


@pytest.mark.parametrize("display", DISPLAYS)
def test_without_matplotlib_an_error_says_so(display, table, iris, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=f"{display.__name__}.from_estimator requires matplotlib"):
        draw(table, display, iris[0])


def test_the_import_needs_no_matplotlib():
    code = "import sys, sk_bigan.display; assert 'matplotlib' not in sys.modules"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("display", DISPLAYS)
def test_docstrings_name_parameters_in_order_and_attributes(display, table, iris):
    doc = ClassDoc(display)
    assert documented(doc["Parameters"]) == list(inspect.signature(display).parameters)
    own = set(inspect.signature(display).parameters)
    assert set(documented(doc["Attributes"])) == set(vars(draw(table, display, iris[0]))) - own
    for method in (display.from_estimator, LatentDisplay.from_predictions, display.plot):
        parameters = inspect.signature(method).parameters
        names = ["**kwargs" if name == "kwargs" else name for name in parameters]
        assert documented(FunctionDoc(method)["Parameters"]) == [n for n in names if n != "self"]


# Losses


def test_losses_are_those_of_the_history(fitted):
    display = LossCurveDisplay.from_estimator(fitted)
    for line, name in zip(display.lines_, ["loss_d", "loss_eg"], strict=True):
        assert list(line.get_xdata()) == [1, 2]
        assert list(line.get_ydata()) == [epoch[name] for epoch in fitted.history_]
    names = ["discriminator", "encoder and generator"]
    assert legend_texts(display) == [*names, "D cannot tell the pairs"]
    assert list(display.equilibrium_.get_ydata()) == [np.log(4)] * 2
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("epoch", "loss")


def test_the_equilibrium_is_that_of_the_objective(digits, small):
    relativistic = small(objective="relativistic").fit(digits)
    line = LossCurveDisplay.from_estimator(relativistic).equilibrium_
    at_zero = OBJECTIVES["relativistic"](*torch.zeros(2, 8))
    assert list(line.get_ydata()) == pytest.approx([loss.item() for loss in at_zero])


def test_no_equilibrium_is_marked_where_the_losses_have_several(fitted, digits, small):
    assert LossCurveDisplay.from_estimator(fitted, names="d_real").equilibrium_ is None
    assert LossCurveDisplay.from_estimator(fitted, names=["loss_d", "r1"]).equilibrium_ is None
    hinge = small(objective="hinge").fit(digits)
    assert LossCurveDisplay.from_estimator(hinge).equilibrium_ is None


@pytest.mark.parametrize("n_epochs", [1, 2, 3])
def test_epochs_are_whole_numbers(n_epochs):
    display = LossCurveDisplay(HISTORY[:n_epochs]).plot()
    low, high = display.ax_.get_xlim()
    ticks = [tick for tick in display.ax_.get_xticks() if low <= tick <= high]
    assert ticks == list(range(1, n_epochs + 1))
    # A line through one point is none.
    assert display.lines_[0].get_marker() == ("o" if n_epochs == 1 else "")


def test_any_number_of_the_history_is_drawn_over_the_epochs_that_have_it():
    display = LossCurveDisplay(HISTORY, ["lr", "d_real"]).plot()
    lr, d_real = display.lines_
    assert lr.get_xydata().tolist() == [[1, 0.1], [3, 0.3]]
    assert d_real.get_xydata().tolist() == [[1, 0.5], [2, 0.25], [3, 0.75]]
    assert legend_texts(display) == [
        "lr",
        "share of pairs that D tells rightly: encoder's pairs, x and E(x)",
    ]
    assert display.ax_.get_ylabel() == "value"


def test_one_name_and_properties_of_lines(fitted):
    display = LossCurveDisplay.from_estimator(fitted, names="d_real", color="red", label="D")
    (line,) = display.lines_
    assert list(line.get_ydata()) == [epoch["d_real"] for epoch in fitted.history_]
    assert line.get_color() == "red"
    assert legend_texts(display) == ["D"]
    assert display.ax_.get_ylabel() == "share of pairs that D tells rightly"


@pytest.mark.parametrize("names", ["loss", ["loss_d", "note"], []])
def test_unknown_names_are_told_the_known(names):
    known = r"\['d_real', 'loss_d', 'loss_eg', 'lr'\]"
    with pytest.raises(ValueError, match=f"names must be of numbers .* {known}, got"):
        LossCurveDisplay(HISTORY, names).plot()


# Images


def plain(*shape):
    return lambda rows: np.reshape(rows, (-1, *shape))


def channels_first(rows):
    return np.reshape(rows, (-1, 3, 16, 8)).transpose(0, 2, 3, 1)


def in_layouts(pixels):
    """What people fit on, further parameters, the image_shape to draw, and how rows look."""
    gray = pixels.reshape(-1, 8, 8).repeat(2, axis=1)  # (n, 16, 8)
    colours = np.stack([gray, gray[::-1], 16 - gray], axis=-1)  # (n, 16, 8, 3)
    first = colours.transpose(0, 3, 1, 2)
    flat = len(gray), -1
    return {
        "gray": (gray, {}, None, plain(16, 8)),
        "one channel, first": (gray[:, None], {}, None, plain(16, 8)),
        "one channel, last": (gray[..., None], {}, None, plain(16, 8)),
        "channels first": (first, {}, None, channels_first),
        "channels last": ((15 * colours).astype(np.uint8), {}, None, plain(16, 8, 3)),
        "four channels": (np.repeat(gray[..., None], 4, axis=3), {}, None, plain(16, 8, 4)),
        "rows of known shape": (pixels, {"sample_shape": (1, 8, 8)}, None, plain(8, 8)),
        "rows": (pixels, {}, (8, 8), plain(8, 8)),
        "frame": (pd.DataFrame(pixels).add_prefix("pixel"), {}, [8, 8], plain(8, 8)),
        "rows, channels first": (first.reshape(flat), {}, (3, 16, 8), channels_first),
        "rows, channels last": (colours.reshape(flat), {}, (16, 8, 3), plain(16, 8, 3)),
        "five channels": (
            np.repeat(gray[:, None], 5, axis=1),
            {"sample_shape": (5, 16, 8)},
            (80, 8),
            plain(80, 8),
        ),
    }


@pytest.fixture(scope="module", params=in_layouts(np.zeros((1, 64))))
def images(request, digits, small):
    """An estimator fitted on images, X, the image_shape to draw, and how rows look."""
    X, parameters, image_shape, look = in_layouts(digits[:24])[request.param]
    return small(max_epochs=1, **parameters).fit(X), X, image_shape, look


def assert_shows(display, row, column, picture):
    """A cell of the mosaic holds the picture: gray as it is, colours from 0 to 1."""
    height, width, *channels = picture.shape
    shown = cell(display, row, column, height, width)
    low, high = display.scale.limits
    if not channels:
        np.testing.assert_array_equal(shown, picture)
        assert display.image_.get_clim() == (low, high)
        assert display.image_.get_cmap().name == "gray"
        return
    shares = np.clip((picture - low) / (high - low), 0, 1)
    np.testing.assert_allclose(shown[..., : channels[0]], shares, atol=1e-12)
    if channels == [3]:
        assert (shown[..., 3] == 1).all()


def empty(display):
    """Where the mosaic lets the paper through."""
    mosaic = display.image_.get_array()
    return np.ma.getmaskarray(mosaic) if mosaic.ndim == 2 else mosaic[..., 3] == 0


def test_originals_over_reconstructions(images):
    estimator, X, image_shape, look = images
    display = ReconstructionDisplay.from_estimator(
        estimator, X, n_samples=5, image_shape=image_shape
    )
    originals, reconstructions = look(X[:5]), look(reconstructed(estimator, X[:5]))
    for column in range(5):
        assert_shows(display, 0, column, originals[column])
        assert_shows(display, 1, column, reconstructions[column])
    height, width = originals.shape[1:3]
    assert empty(display).shape == (2 * height + 1, 5 * width + 4)
    assert empty(display)[height].all()
    assert empty(display)[:, width :: width + 1].all()
    assert texts(display.ax_.get_yticklabels()) == ["x", "G(E(x))"]
    assert [*display.ax_.get_yticks()] == [(height - 1) / 2, (height - 1) / 2 + height + 1]
    assert display.lines_ is None
    display.figure_.canvas.draw()


@pytest.mark.parametrize("n_samples", [9, 7])
def test_samples_in_a_square(images, n_samples):
    estimator, _, image_shape, look = images
    display = SampleDisplay.from_estimator(estimator, n_samples=n_samples, image_shape=image_shape)
    samples = look(estimator.sample(n_samples))
    for number, sample in enumerate(samples):
        assert_shows(display, number // 3, number % 3, sample)
    height, width = samples.shape[1:3]
    assert empty(display).shape == (3 * height + 2, 3 * width + 2)
    assert empty(display)[-height:, -width:].all() == (n_samples == 7)
    assert display.boxes_ is None


def test_walks_begin_and_end_with_reconstructions(images):
    estimator, X, image_shape, look = images
    display = InterpolationDisplay.from_estimator(
        estimator, X[:2], X[2:4], n_steps=5, image_shape=image_shape
    )
    codes = estimator.transform(X[:4])
    ends = look(estimator.inverse_transform(codes))
    later = look(estimator.inverse_transform((codes[:2] + 3 * codes[2:]) / 4))
    for walk in range(2):
        assert_shows(display, walk, 0, ends[walk])
        assert_shows(display, walk, 4, ends[walk + 2])
        tolerance = 1e-4 * display.scale.limits[1]
        np.testing.assert_allclose(display.walks[walk, 3], later[walk], atol=tolerance)
        assert_shows(display, walk, 3, display.walks[walk, 3])
    width = later.shape[2]
    assert texts(display.ax_.get_xticklabels()) == ["0", "", "0.5", "", "1"]
    assert [*display.ax_.get_xticks()] == [(width - 1) / 2 + i * (width + 1) for i in range(5)]
    assert display.lines_ is None


def test_black_and_white_are_the_extremes_of_the_training_data(digits, small):
    X = np.concatenate([digits[:20] / 2 + 3, np.full((1, 64), 20), np.zeros((1, 64))])
    estimator = small(max_epochs=1, sample_shape=(1, 8, 8)).fit(X)
    for display in (
        ReconstructionDisplay.from_estimator(estimator, X),
        SampleDisplay.from_estimator(estimator),
        InterpolationDisplay.from_estimator(estimator, X[:1], X[1:2]),
    ):
        assert display.image_.get_clim() == (0, 20)


@pytest.mark.parametrize("scaling", ["standard", None])
def test_black_and_white_are_the_extremes_of_the_originals_otherwise(digits, small, scaling):
    estimator = small(max_epochs=1, sample_shape=(1, 8, 8), scaling=scaling).fit(digits[:30])
    X = digits[:8] / 2 + 1
    display = ReconstructionDisplay.from_estimator(estimator, X)
    assert display.image_.get_clim() == (X.min(), X.max())
    samples = SampleDisplay.from_estimator(estimator)
    drawn = estimator.sample(64)
    assert samples.image_.get_clim() == (drawn.min(), drawn.max())


def test_images_of_one_value_are_drawn():
    white = np.ones((2, 4, 4, 3))
    display = ReconstructionDisplay(white, white).plot()
    assert np.isfinite(display.image_.get_array()).all()
    SampleDisplay(white[..., 0]).plot().figure_.canvas.draw()


def test_a_figure_of_its_own_is_as_high_as_the_mosaic(fitted, digits):
    display = ReconstructionDisplay.from_estimator(fitted, digits, image_shape=(8, 8))
    width, height = display.figure_.get_size_inches()
    assert height == pytest.approx(width * (2 * 8 + 1) / (8 * 8 + 7) + 0.5)
    _, ax = plt.subplots()
    before = ax.figure.get_size_inches()
    ReconstructionDisplay.from_estimator(fitted, digits, image_shape=(8, 8), ax=ax)
    assert (ax.figure.get_size_inches() == before).all()


def test_samples_that_are_images_have_no_data_beside_them(fitted, digits):
    display = SampleDisplay.from_estimator(fitted, digits, image_shape=(8, 8))
    assert display.X is None
    assert_shows(display, 0, 0, fitted.sample(64)[0].reshape(8, 8))


def test_imshow_gets_properties(fitted, digits):
    display = ReconstructionDisplay.from_estimator(
        fitted, digits, image_shape=(8, 8), cmap="viridis", vmax=10
    )
    assert display.image_.get_cmap().name == "viridis"
    assert display.image_.get_clim() == (0, 10)


@pytest.mark.parametrize(
    "kind", [list, torch.tensor, lambda X: TensorDataset(torch.tensor(X)), pd.DataFrame]
)
def test_rows_of_every_kind(digits, small, kind):
    X = digits[:20].copy()
    estimator = small(max_epochs=1).fit(kind(X))
    display = ReconstructionDisplay.from_estimator(estimator, kind(X), image_shape=(8, 8))
    for column in range(8):
        np.testing.assert_array_equal(cell(display, 0, column), X[column].reshape(8, 8))
    SampleDisplay.from_estimator(estimator, kind(X))


@pytest.mark.parametrize("image_shape", [(8, 9), (64,), (2, 2, 4, 4), 64, (8.0, 8.0), (-8, -8)])
@pytest.mark.parametrize("display", [ReconstructionDisplay, SampleDisplay, InterpolationDisplay])
def test_image_shapes_that_do_not_fit(display, image_shape, fitted, digits):
    args = {InterpolationDisplay: [digits[:1], digits[:1]]}.get(display, [digits])
    with pytest.raises(ValueError, match="image_shape must be"):
        display.from_estimator(fitted, *args, image_shape=image_shape)


def test_channels_that_are_no_colours(digits, small, fitted):
    X = digits[:20].reshape(-1, 2, 4, 8)
    estimator = small(max_epochs=1).fit(X)
    with pytest.raises(ValueError, match=r"1, 3 or 4 channels .*, got .* \(2, 4, 8\)"):
        ReconstructionDisplay.from_estimator(estimator, X)
    with pytest.raises(ValueError, match=r"1, 3 or 4 channels .*, got .* \(2, 4, 8\)"):
        SampleDisplay.from_estimator(fitted, image_shape=(2, 4, 8))


# Columns


def test_a_table_is_drawn_in_the_units_of_the_networks(table, iris):
    X = iris[0]
    display = ReconstructionDisplay.from_estimator(table, X, n_samples=12)
    scaled = table.scaler_.transform(X.to_numpy()[:12])
    again = table.scaler_.transform(reconstructed(table, X[:12]))
    assert len({mpl.colors.to_hex(solid.get_color()) for solid, _ in display.lines_}) == 12
    for (solid, dashed), x, reconstruction in zip(display.lines_, scaled, again, strict=True):
        np.testing.assert_allclose(solid.get_ydata(), x)
        np.testing.assert_allclose(dashed.get_ydata(), reconstruction)
        assert mpl.colors.same_color(solid.get_color(), dashed.get_color())
        assert (solid.get_linestyle(), dashed.get_linestyle()) == ("-", "--")
    assert texts(display.ax_.get_xticklabels()) == [*X.columns]
    assert [*display.ax_.get_xticks()] == [0, 1, 2, 3]
    assert display.ax_.get_ylabel() == "standard deviations from the mean"
    assert legend_texts(display) == ["x", "G(E(x))"]
    assert display.image_ is None
    display.figure_.canvas.draw()


def test_columns_without_names_are_numbered_and_many_are_not_all_named(fitted, digits):
    display = ReconstructionDisplay.from_estimator(fitted, digits, n_samples=2)
    solid, _ = display.lines_[0]
    np.testing.assert_allclose(solid.get_ydata(), digits[0] / 8 - 1)
    assert texts(display.ax_.get_xticklabels()) == [f"x{i}" for i in range(0, 64, 2)]
    assert [*display.ax_.get_xticks()] == [*range(0, 64, 2)]
    assert display.ax_.get_ylabel() == "value, scaled to [-1, 1]"


@pytest.mark.parametrize(
    ("names", "rotation"), [(["a", "b"], 0), (["a long name"] * 4, 30), (["a name"] * 12, 90)]
)
def test_long_names_are_turned(names, rotation):
    display = SampleDisplay(np.zeros((3, len(names))), scale=Scale(feature_names=names)).plot()
    assert {label.get_rotation() for label in display.ax_.get_xticklabels()} == {rotation}


def test_legends_hide_nothing_of_columns(table, iris):
    for display in (ReconstructionDisplay, SampleDisplay):
        drawn = display.from_estimator(table, iris[0])
        drawn.figure_.canvas.draw()
        legend, ax = drawn.ax_.get_legend().get_window_extent(), drawn.ax_.get_window_extent()
        assert legend.y0 >= ax.y1


def test_columns_that_are_not_scaled(iris, small):
    X = iris[0].to_numpy()
    estimator = small(max_epochs=1, scaling=None).fit(X)
    display = ReconstructionDisplay.from_estimator(estimator, X, n_samples=1)
    np.testing.assert_allclose(display.lines_[0][0].get_ydata(), X[0])
    assert display.ax_.get_ylabel() == "value"


def test_more_rows_than_there_are(table, iris):
    with pytest.raises(ValueError, match="X must have at least n_samples=8 rows, got 5"):
        ReconstructionDisplay.from_estimator(table, iris[0][:5])
    with pytest.raises(ValueError, match="n_samples"):
        ReconstructionDisplay.from_estimator(table, iris[0], n_samples=0)
    with pytest.raises(ValueError, match="n_samples"):
        SampleDisplay.from_estimator(table, n_samples=0)


def test_box_plots_of_samples_beside_those_of_the_data(table, iris):
    X = iris[0]
    display = SampleDisplay.from_estimator(table, X, n_samples=40)
    expected = {
        "samples": table.scaler_.transform(table.sample(40)),
        "X": table.scaler_.transform(X.to_numpy()),
    }
    assert [*display.boxes_] == legend_texts(display) == [*expected]
    for side, (name, columns) in zip([-1, 1], expected.items(), strict=True):
        medians = [line.get_ydata()[0] for line in display.boxes_[name]["medians"]]
        np.testing.assert_allclose(medians, np.median(columns, axis=0))
        middles = [line.get_xdata().mean() for line in display.boxes_[name]["medians"]]
        assert (np.sign(middles - np.arange(4)) == side).all()
    colours = [boxes["boxes"][0].get_facecolor() for boxes in display.boxes_.values()]
    assert colours[0] != colours[1]
    assert texts(display.ax_.get_xticklabels()) == [*X.columns]
    assert display.ax_.get_ylabel() == "standard deviations from the mean"
    assert display.image_ is None
    display.figure_.canvas.draw()


def test_box_plots_of_samples_alone(table):
    display = SampleDisplay.from_estimator(table, n_samples=5)
    middles = [line.get_xdata().mean() for line in display.boxes_["samples"]["medians"]]
    np.testing.assert_allclose(middles, [0, 1, 2, 3])
    assert legend_texts(display) == ["samples"]


def test_a_walk_through_a_table(table, iris):
    X = iris[0]
    display = InterpolationDisplay.from_estimator(table, X[:1], X[100:101], n_steps=3)
    codes = table.transform(X[[True] + [False] * 99 + [True] + [False] * 49])
    middle = table.inverse_transform(codes.mean(axis=0, keepdims=True))
    rows = np.insert(table.inverse_transform(codes), 1, middle, axis=0)
    columns = table.scaler_.transform(rows).T
    for line, name, column in zip(display.lines_, X.columns, columns, strict=True):
        assert [*line.get_xdata()] == [0, 0.5, 1]
        np.testing.assert_allclose(line.get_ydata(), column, rtol=1e-5)
        assert line.get_label() == name
    assert legend_texts(display) == [*X.columns]
    assert display.ax_.get_ylabel() == "standard deviations from the mean"
    assert display.image_ is None


def test_of_many_columns_those_that_change_most():
    walk = np.random.default_rng(0).normal(size=(1, 4, 30))
    walk[:, :, [3, 28]] *= 100
    walk[:, :, 5:20] = 7
    display = InterpolationDisplay(walk).plot()
    names = [line.get_label() for line in display.lines_]
    assert len(names) == 10
    assert {"x3", "x28"} <= {*names} <= {f"x{i}" for i in (*range(5), *range(20, 30))}
    assert names == sorted(names, key=lambda name: int(name[1:]))
    for line in display.lines_:
        assert [*line.get_ydata()] == [*walk[0, :, int(line.get_label()[1:])]]


def test_ends_of_walks_that_do_not_go_together(table, iris, fitted, digits):
    X = iris[0]
    with pytest.raises(ValueError, match="start and end must be one row each .*, got 2"):
        InterpolationDisplay.from_estimator(table, X[:2], X[2:4])
    with pytest.raises(ValueError, match="start and end must have as many rows each, got 2 and 3"):
        InterpolationDisplay.from_estimator(fitted, digits[:2], digits[:3], image_shape=(8, 8))
    with pytest.raises(ValueError, match="n_steps == 1, must be >= 2"):
        InterpolationDisplay.from_estimator(table, X[:1], X[1:2], n_steps=1)


# Tables of other columns than numbers


@pytest.fixture(scope="module")
def mixed():
    random = np.random.default_rng(0)
    X = pd.DataFrame({"island": random.choice(["Biscoe", "Dream"], 60)})
    X["mass"] = np.where(np.arange(60) % 9, random.normal(size=60), np.nan)
    return X


def test_tables_are_drawn_as_their_encoded_columns(mixed, small):
    estimator = small(latent_dim=2).fit(mixed)
    names = ["island_Biscoe", "island_Dream", "mass"]
    assert [*estimator.columns_.get_feature_names_out()] == names
    rebuilt = ReconstructionDisplay.from_estimator(estimator, mixed, n_samples=2)
    assert texts(rebuilt.ax_.get_xticklabels()) == names
    codes = estimator.transform(mixed[:2])
    original, reconstruction = rebuilt.lines_[1]
    scaled = estimator.scaler_.transform
    encoded = estimator.columns_.transform(mixed[:2])
    np.testing.assert_allclose(original.get_ydata(), scaled(encoded)[1])
    expected = scaled(estimator.model_.generate(codes))[1]
    np.testing.assert_allclose(reconstruction.get_ydata(), expected, rtol=1e-6)
    walk = InterpolationDisplay.from_estimator(estimator, mixed[:1], mixed[1:2])
    assert {line.get_label() for line in walk.lines_} == {*names}
    with pytest.raises(ValueError, match="as many values as a row of X, 3, got"):
        SampleDisplay.from_estimator(estimator, image_shape=(1, 2))
    boxes = SampleDisplay.from_estimator(estimator, mixed).boxes_
    medians = [line.get_ydata()[0] for line in boxes["X"]["medians"]]
    table = scaled(estimator.columns_.transform(mixed))
    np.testing.assert_allclose(medians, np.nanmedian(table, axis=0))


# Codes


def colours(display):
    display.figure_.canvas.draw()
    return display.scatter_.get_facecolors()


def test_codes_of_two_numbers_are_drawn_as_they_are(table, iris):
    display = LatentDisplay.from_estimator(table, iris[0])
    np.testing.assert_array_equal(display.scatter_.get_offsets(), table.transform(iris[0]))
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("z0", "z1")
    assert display.ax_.get_legend() is None
    assert display.colorbar_ is None
    assert len(np.unique(colours(display), axis=0)) == 1


@pytest.mark.parametrize("kind", ["numbers", "texts", "floats", "series", "categories", "list"])
def test_classes_have_colours_and_a_legend(table, iris, kind):
    X, y = iris
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    target, classes = {
        "numbers": (y.to_numpy(), ["0", "1", "2"]),
        "texts": (names, ["setosa", "versicolor", "virginica"]),
        "floats": (y.to_numpy().astype(float), ["0.0", "1.0", "2.0"]),
        "series": (y, ["0", "1", "2"]),
        "categories": (pd.Series(names, dtype="category"), ["setosa", "versicolor", "virginica"]),
        "list": (y.tolist(), ["0", "1", "2"]),
    }[kind]
    display = LatentDisplay.from_estimator(table, X, target)
    np.testing.assert_array_equal(display.scatter_.get_offsets(), table.transform(X))
    drawn = colours(display)
    legend = display.ax_.get_legend()
    assert legend_texts(display) == classes
    assert legend.get_title().get_text() == "y"
    keys = [mpl.colors.to_rgba(key.get_markerfacecolor()) for key in legend.legend_handles]
    np.testing.assert_allclose(drawn, np.array(keys)[y])
    assert len({*keys}) == 3
    assert display.colorbar_ is None


@pytest.mark.parametrize("n_classes", [1, 2, 10, 11, 20])
def test_up_to_twenty_classes_are_told_apart(n_classes):
    y = np.arange(60) % n_classes
    display = LatentDisplay.from_predictions(np.random.default_rng(0).normal(size=(60, 2)), y)
    drawn = colours(display)
    differences = np.abs(drawn[:, np.newaxis] - drawn).sum(axis=2)
    same_class = y[:, np.newaxis] == y
    assert (differences[same_class] == 0).all()
    assert (differences[~same_class] > 0.14).all()
    assert len(legend_texts(display)) == n_classes


@pytest.mark.parametrize(
    "y", [np.linspace(0, 1, 50), np.linspace(-1, 1, 5).repeat(10), np.arange(50)]
)
def test_numbers_have_a_colour_bar(y):
    display = LatentDisplay.from_predictions(np.random.default_rng(0).normal(size=(50, 2)), y)
    np.testing.assert_array_equal(display.scatter_.get_array(), y)
    assert display.colorbar_.ax.get_ylabel() == "y"
    assert display.colorbar_.mappable is display.scatter_
    assert display.ax_.get_legend() is None
    assert len(np.unique(colours(display), axis=0)) == len(np.unique(y))


def test_wide_codes_by_their_principal_components(fitted, digits):
    display = LatentDisplay.from_estimator(fitted, digits)
    codes = fitted.transform(digits)
    pca = PCA(2, svd_solver="full").fit(codes)
    np.testing.assert_allclose(display.scatter_.get_offsets(), pca.transform(codes), atol=1e-9)
    first, second = pca.explained_variance_ratio_
    assert first > second
    assert display.ax_.get_xlabel() == (
        f"first principal component of z, {100 * first:.0f}% of the variance"
    )
    assert display.ax_.get_ylabel() == (
        f"second principal component of z, {100 * second:.0f}% of the variance"
    )


def test_codes_that_do_not_vary():
    display = LatentDisplay.from_predictions(np.ones((5, 3)))
    assert (display.scatter_.get_offsets() == 0).all()
    assert display.ax_.get_xlabel().endswith("0% of the variance")


def test_codes_of_one_number_against_their_distribution():
    codes = np.array([[3.0], [1], [2], [2], [5]])
    display = LatentDisplay.from_predictions(codes)
    shares = [0.8, 0.2, 0.6, 0.6, 1]
    np.testing.assert_allclose(display.scatter_.get_offsets(), np.c_[codes, shares])
    assert display.ax_.get_xlabel() == "z0"
    assert display.ax_.get_ylabel() == "share of codes up to this one"
    display = LatentDisplay.from_predictions(codes, ["b", "a", "b", "a", "b"])
    shares = [2 / 3, 1 / 2, 1 / 3, 1, 1]
    np.testing.assert_allclose(display.scatter_.get_offsets(), np.c_[codes, shares])
    assert display.ax_.get_ylabel() == "share of the class's codes up to this one"


def test_scatter_gets_properties(table, iris):
    display = LatentDisplay.from_estimator(table, *iris, s=5, alpha=0.5)
    assert [*display.scatter_.get_sizes()] == [5]
    assert (colours(display)[:, 3] == 0.5).all()


@pytest.mark.parametrize(("n", "in_the_corner"), [(100, False), (10_001, True)])
def test_a_legend_looks_for_a_place_unless_that_would_take_long(n, in_the_corner):
    points = np.random.default_rng(0).uniform(0.5, 1, size=(n, 2))  # in the upper right
    points[0] = 0
    display = LatentDisplay.from_predictions(points, np.arange(n) % 2)
    display.figure_.canvas.draw()
    legend = display.ax_.get_legend().get_window_extent()
    left, low = display.ax_.transAxes.inverted().transform(legend.min)
    assert (min(left, low) > 0.5) == in_the_corner


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.zeros(4), "y must have a value for each of the 5 rows, got 4"),
        (np.zeros((5, 2)), "y should be a 1d array"),
        ([0.5, np.nan, 1, 2, 3], "y must be finite"),
        ([None, "a", "b", "a", "b"], "y must be numbers, or texts"),
    ],
)
def test_colours_that_cannot_be(y, message):
    with pytest.raises(ValueError, match=message):
        LatentDisplay.from_predictions(np.zeros((5, 2)), y)


def test_too_many_texts_and_too_few_codes():
    with pytest.raises(ValueError, match="at most 20 classes, got 21 different values"):
        LatentDisplay.from_predictions(np.zeros((21, 2)), [f"class {i}" for i in range(21)])
    with pytest.raises(ValueError, match="codes of more than two columns must have at least two"):
        LatentDisplay.from_predictions(np.zeros((1, 3)))
    with pytest.raises(ValueError, match="codes"):
        LatentDisplay.from_predictions([[np.nan, 1]])
