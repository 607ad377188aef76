"""The film of a training: its frames are what the estimator was after each epoch."""

import inspect
import sys

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
import pytest
from helpers import AtStep, EachStep, once, same_weights, spoil
from numpydoc.docscrape import FunctionDoc
from PIL import Image
from sklearn.datasets import load_digits, load_wine
from sklearn.decomposition import PCA
from skorch.callbacks import Callback

from sk_bigan.display import LatentDisplay, SampleDisplay, TrainingDisplay
from sk_bigan.exceptions import TrainingDivergedError

pytestmark = pytest.mark.usefixtures("figures_closed_and_settings_untouched")

SHAPE = {"image_shape": (8, 8)}


@pytest.fixture(scope="module")
def film(digits, small):
    return TrainingDisplay.from_estimator(small(max_epochs=3), digits, n_samples=5, **SHAPE)


def test_the_last_frame_is_the_fitted_estimator(film, digits, small):
    fitted = small(max_epochs=3).fit(digits)
    assert same_weights(film.estimator_, fitted)  # looking has changed nothing
    expected = LatentDisplay.from_estimator(fitted, digits)
    np.testing.assert_allclose(film.points[-1], expected.points, atol=1e-6)
    assert film.axis_labels == (expected.ax_.get_xlabel(), expected.ax_.get_ylabel())
    samples = SampleDisplay.from_estimator(fitted, n_samples=5, **SHAPE)
    np.testing.assert_array_equal(film.samples[-1], samples.samples)
    drawn = film.samples_.image_.get_array()
    np.testing.assert_array_equal(drawn, samples.image_.get_array())
    assert film.samples_.image_.get_clim() == samples.image_.get_clim()
    np.testing.assert_allclose(film.codes_.scatter_.get_offsets(), film.points[-1])


class StopAfter(Callback):
    def __init__(self, n_epochs):
        self.n_epochs = n_epochs

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == self.n_epochs:
            raise KeyboardInterrupt  # as skorch's callbacks end a training


def test_each_frame_is_an_epoch_in_the_plane_of_the_last(film, digits, small):
    assert film.points.shape == (3, 400, 2)
    assert film.samples.shape == (3, 5, 8, 8)
    pca = PCA(2, svd_solver="full").fit(film.estimator_.transform(digits))
    for n_epochs in (1, 2):
        stopped = small(max_epochs=3, callbacks=[StopAfter(n_epochs)]).fit(digits)
        points = pca.transform(stopped.transform(digits))
        np.testing.assert_allclose(film.points[n_epochs - 1], points, atol=1e-5)
        samples = stopped.sample(5).reshape(5, 8, 8)
        np.testing.assert_array_equal(film.samples[n_epochs - 1], samples)


def test_an_animation_shows_one_epoch_after_another(film, tmp_path):
    path = tmp_path / "film.gif"
    film.save(path, fps=5, dpi=40)
    with Image.open(path) as gif:
        assert gif.n_frames == 3
        assert gif.info["duration"] == 200
        assert gif.size == (400, 192)
        frames = []
        for i in range(3):
            gif.seek(i)
            frames.append(np.asarray(gif.convert("L"), dtype=float))
    left, right = (slice(0, 200), slice(200, 400))
    for half in (left, right):
        assert (frames[0][:, half] != frames[1][:, half]).mean() > 0.01
        assert (frames[1][:, half] != frames[2][:, half]).mean() > 0.01
    assert film.figure_.get_suptitle() == "epoch 3 of 3"


def test_the_estimator_stays_as_it_was(digits, small, tmp_path):
    callback = AtStep(1, lambda net: None)
    estimator = small(max_epochs=1, callbacks=[callback], checkpoint_dir=tmp_path / "state")
    display = TrainingDisplay.from_estimator(estimator, digits)
    assert not hasattr(estimator, "model_")
    assert estimator.callbacks == [callback]
    assert not (tmp_path / "state").exists()
    assert len(display.estimator_.callbacks) == 1
    assert small(max_epochs=1).fit(digits).callbacks is None


def test_columns_have_codes_alone(small):
    X, y = load_wine(return_X_y=True, as_frame=True)
    display = TrainingDisplay.from_estimator(small(latent_dim=2, max_epochs=2), X, y)
    assert display.samples is None
    assert display.samples_ is None
    assert len(display.figure_.axes) == 1
    codes = display.estimator_.transform(X)
    np.testing.assert_allclose(display.points[-1], codes, rtol=1e-6)
    assert (display.points[0] != display.points[1]).any()
    assert [text.get_text() for text in display.codes_.ax_.get_legend().get_texts()] == [*"012"]
    single = TrainingDisplay.from_estimator(small(latent_dim=1, max_epochs=2), X)
    assert (single.points[:, :, 1].max(axis=1) == 1).all()


def test_many_rows_are_thinned(small):
    X, y = load_digits(return_X_y=True)
    display = TrainingDisplay.from_estimator(small(latent_dim=2, max_epochs=1), X, y)
    assert display.points.shape == (1, 1000, 2)
    codes = display.estimator_.transform(X)
    rows = [np.abs(codes - point).sum(axis=1).argmin() for point in display.points[0]]
    assert (np.diff(rows) >= 1).all()
    assert (rows[0], rows[-1]) == (0, 1796)
    np.testing.assert_array_equal(display.y, y[rows])


def test_axes_show_every_epoch_and_no_outliers():
    random = np.random.default_rng(0)
    points = random.normal(size=(3, 50, 2)) * np.array([1, 9, 3])[:, np.newaxis, np.newaxis]
    points[2, 0] = 1e6
    display = TrainingDisplay(points).plot()
    low, high = display.codes_.ax_.get_xlim()
    assert low < points[1, :, 0].min() < points[1, :, 0].max() < high < 100
    assert not display.codes_.ax_.texts


def test_all_frames_have_one_scale_of_grey(digits, small):
    images = digits.reshape(-1, 8, 8)
    estimator = small(scaling="standard", max_epochs=2)
    display = TrainingDisplay.from_estimator(estimator, images, n_samples=4)
    assert display.limits is None  # of columns that were scaled one by one
    assert display.samples_.image_.get_clim() == (display.samples.min(), display.samples.max())


@pytest.mark.parametrize(
    "documented",
    [TrainingDisplay.from_estimator, TrainingDisplay.animate, TrainingDisplay.save],
    ids=lambda method: method.__name__,
)
def test_docstrings_name_parameters_in_order(documented):
    names = [name for name in inspect.signature(documented).parameters if name != "self"]
    assert [part.name for part in FunctionDoc(documented)["Parameters"]] == names


@pytest.mark.filterwarnings("ignore:the training diverged")
@pytest.mark.parametrize("step", [6, 10])
def test_an_epoch_that_was_undone_comes_once(digits, small, step):
    estimator = small(max_epochs=4, callbacks=[AtStep(step, once(spoil))])
    display = TrainingDisplay.from_estimator(estimator, digits, **SHAPE)
    assert display.points.shape[0] == display.estimator_.n_epochs_ == 4
    codes = display.estimator_.transform(digits)
    again = PCA(2, svd_solver="full").fit_transform(codes)
    np.testing.assert_allclose(display.points[-1], again, atol=1e-5)
    with pytest.raises(TrainingDivergedError):
        TrainingDisplay.from_estimator(small(callbacks=[EachStep(spoil)]), digits)


def test_what_cannot_be(digits, small, film, tmp_path, monkeypatch):
    with pytest.raises(TypeError, match="estimator must be a BiGANTransformer, got PCA"):
        TrainingDisplay.from_estimator(PCA(), digits)
    with pytest.raises(ValueError, match="n_samples == 0, must be >= 1"):
        TrainingDisplay.from_estimator(small(), digits, n_samples=0)
    with pytest.raises(ValueError, match="y must have a value for each of the 400 rows"):
        TrainingDisplay.from_estimator(small(), digits, [1, 2])
    with pytest.raises(ValueError, match="image_shape must be"):
        TrainingDisplay.from_estimator(small(), digits, image_shape=(8, 9))
    with pytest.raises(ValueError, match="path must end in '.gif', got 'film.mp4'"):
        film.save("film.mp4")
    with pytest.raises(ValueError, match="fps == 0, must be > 0"):
        film.save(tmp_path / "film.gif", fps=0)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match="TrainingDisplay.from_estimator requires matplotlib"):
        TrainingDisplay.from_estimator(small(), digits)
