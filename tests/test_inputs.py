"""Every kind of X that people bring: what goes in, what comes back, and errors that help."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from helpers import read_only
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from torch.utils.data import DataLoader, Dataset, Subset, TensorDataset

from sk_bigan._data.layout import Layout, recognise
from sk_bigan._data.reading import open_rows
from sk_bigan._data.rows import INTEGERS

PIXELS = load_digits().data[:40]  # 8x8 of 0..16, float64
GRAY = PIXELS.reshape(-1, 8, 8)
RGB_FIRST = np.stack([GRAY, GRAY[::-1], 16 - GRAY], axis=1)  # (n, 3, 8, 8)
RGB_LAST = RGB_FIRST.transpose(0, 2, 3, 1).copy()


BYTES = (RGB_LAST * 15.9375).astype(np.uint8)  # 0..255


class Images(Dataset):
    """Items as a data set of images with labels gives them."""

    def __init__(self, images, labelled=True):
        self.images = images
        self.labelled = labelled

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image = self.images[index]
        return (image, index % 10) if self.labelled else image


def memory_map(X, tmp_path):
    np.save(tmp_path / "X.npy", X)
    return np.load(tmp_path / "X.npy", mmap_mode="r")


def sparse_tensor():
    return torch.from_numpy(PIXELS).to_sparse()


# name: (X, parameters, shape of the rows, dtype of the codes)
FLAT = (64,)
MLP, CONV = {}, {"architecture": "conv", "hidden_units": (8, 32)}
CONV_FLAT = CONV | {"sample_shape": (1, 8, 8)}
INPUTS = {
    "list": (PIXELS.tolist(), MLP, FLAT, "f8"),
    "tuple of arrays": (tuple(PIXELS), MLP, FLAT, "f8"),
    "list of images": ([*GRAY], CONV, (8, 8), "f8"),
    "float64": (PIXELS, MLP, FLAT, "f8"),
    "float32": (PIXELS.astype("f4"), MLP, FLAT, "f4"),
    "float16": (PIXELS.astype("f2"), MLP, FLAT, "f2"),
    "long double": (PIXELS.astype(np.longdouble), MLP, FLAT, "f8"),
    "big-endian": (PIXELS.astype(">f4"), MLP, FLAT, "f4"),
    "big-endian integers": (PIXELS.astype(">i2"), MLP, FLAT, "f8"),
    "big-endian images": (GRAY.astype(">f4"), CONV, (8, 8), "f4"),
    "bool": (PIXELS > 8, MLP, FLAT, "f8"),
    "uint8": (PIXELS.astype("u1"), MLP, FLAT, "f8"),
    "uint16": (PIXELS.astype("u2"), MLP, FLAT, "f8"),
    "uint32": (PIXELS.astype("u4"), MLP, FLAT, "f8"),
    "uint64": (PIXELS.astype("u8"), MLP, FLAT, "f8"),
    "int8": (PIXELS.astype("i1"), MLP, FLAT, "f8"),
    "int16": (PIXELS.astype("i2"), MLP, FLAT, "f8"),
    "int32": (PIXELS.astype("i4"), MLP, FLAT, "f8"),
    "int64": (PIXELS.astype("i8"), MLP, FLAT, "f8"),
    "objects": (PIXELS.astype(object), MLP, FLAT, "f8"),
    "read-only": (read_only(PIXELS), MLP, FLAT, "f8"),
    "column-major": (np.asfortranarray(PIXELS), MLP, FLAT, "f8"),
    "every second row": (PIXELS[::2], MLP, FLAT, "f8"),
    "rows backwards": (PIXELS[::-1], MLP, FLAT, "f8"),
    "columns backwards": (PIXELS[:, ::-1], MLP, FLAT, "f8"),
    "some columns": (PIXELS[:, 10:50], MLP, (40,), "f8"),
    "one row repeated": (np.broadcast_to(PIXELS[0], (30, 64)), MLP, FLAT, "f8"),
    "pandas": (pd.DataFrame(PIXELS), MLP, FLAT, "f8"),
    "pandas, float32": (pd.DataFrame(PIXELS.astype("f4")), MLP, FLAT, "f4"),
    "pandas, mixed": (pd.DataFrame({"a": [1, 2, 3], "b": [0.5, 1, 2]}), MLP, (2,), "f8"),
    "pandas, nullable": (pd.DataFrame(PIXELS).astype("Int64"), MLP, FLAT, "f8"),
    "polars": (pl.DataFrame(PIXELS), MLP, FLAT, "f8"),
    "tensor, float64": (torch.from_numpy(PIXELS), MLP, FLAT, "f8"),
    "tensor, float32": (torch.from_numpy(PIXELS).float(), MLP, FLAT, "f4"),
    "tensor, bfloat16": (torch.from_numpy(PIXELS).bfloat16(), MLP, FLAT, "f4"),
    "tensor, uint8": (torch.from_numpy(PIXELS).byte(), MLP, FLAT, "f8"),
    "tensor, bool": (torch.from_numpy(PIXELS) > 8, MLP, FLAT, "f8"),
    "tensor with gradient": (torch.tensor(PIXELS, requires_grad=True), MLP, FLAT, "f8"),
    "tensor of images": (torch.from_numpy(RGB_FIRST).float(), CONV, (3, 8, 8), "f4"),
    "tensor, float16": (torch.from_numpy(PIXELS).half(), MLP, FLAT, "f2"),
    "list of tensors": ([*torch.from_numpy(PIXELS).float()], MLP, FLAT, "f4"),
    "labelled items": ([(image, 3) for image in GRAY], CONV, (8, 8), "f8"),
    "list of photographs": ([*map(Image.fromarray, BYTES)], CONV, (8, 8, 3), "f8"),
    "without masked values": (np.ma.MaskedArray(PIXELS), MLP, FLAT, "f8"),
    "data set of photographs": (Images([*map(Image.fromarray, BYTES)]), CONV, (8, 8, 3), "f8"),
    "data set of mirrored images": (Images(GRAY[..., ::-1]), CONV, (8, 8), "f8"),
    "data set of read-only images": (Images(read_only(GRAY)), CONV, (8, 8), "f8"),
    "data set, big-endian": (Images(PIXELS.astype(">f4")), MLP, FLAT, "f4"),
    "data set, big-endian integers": (Images(PIXELS.astype(">i4")), MLP, FLAT, "f8"),
    "data set of bools": (Images(PIXELS > 8), MLP, FLAT, "f8"),
    "data set of tensors": (TensorDataset(torch.from_numpy(PIXELS)), MLP, FLAT, "f8"),
    "data set of arrays": (Images(PIXELS.astype("f4")), MLP, FLAT, "f4"),
    "data set of bytes": (Images(GRAY.astype("u1")), CONV, (8, 8), "f8"),
    "data set without labels": (Images(RGB_FIRST, labelled=False), CONV, (3, 8, 8), "f8"),
    "data set, channels last": (Images(RGB_LAST), CONV, (8, 8, 3), "f8"),
    "part of a data set": (Subset(Images(PIXELS), range(9)), MLP, FLAT, "f8"),
    "flat images": (PIXELS, CONV_FLAT, FLAT, "f8"),
    "flat images, uint8": (PIXELS.astype("u1"), CONV_FLAT, FLAT, "f8"),
    "frame of flat images": (pd.DataFrame(PIXELS), CONV_FLAT, FLAT, "f8"),
    "gray": (GRAY, CONV, (8, 8), "f8"),
    "gray, told": (GRAY, CONV_FLAT, (8, 8), "f8"),
    "gray, mlp": (GRAY.astype("u1"), MLP, (8, 8), "f8"),
    "gray, one channel first": (GRAY[:, None], CONV, (1, 8, 8), "f8"),
    "gray, one channel last": (GRAY[..., None], CONV, (8, 8, 1), "f8"),
    "two channels": (RGB_FIRST[:, :2], CONV, (2, 8, 8), "f8"),
    "channels first": (RGB_FIRST, CONV, (3, 8, 8), "f8"),
    "channels last": (RGB_LAST, CONV, (8, 8, 3), "f8"),
    "channels last, uint8": (RGB_LAST.astype("u1"), CONV, (8, 8, 3), "f8"),
    "channels last, mlp": (RGB_LAST.astype("f4"), MLP, (8, 8, 3), "f4"),
    "channels last, told": (RGB_LAST, CONV | {"sample_shape": (3, 8, 8)}, (8, 8, 3), "f8"),
    "channels last, a view": (RGB_FIRST.transpose(0, 2, 3, 1), CONV, (8, 8, 3), "f8"),
    "four channels": (RGB_LAST[..., [0, 1, 2, 0]], CONV, (8, 8, 4), "f8"),
    "oblong": (RGB_LAST[:, :5, :7], CONV, (5, 7, 3), "f8"),
    "ten channels, told": (
        np.repeat(GRAY[:, None], 10, axis=1),
        CONV | {"sample_shape": (10, 8, 8)},
        (10, 8, 8),
        "f8",
    ),
    "ambiguous, told": (
        RGB_FIRST[:, :, :4, :4],
        {"architecture": "conv", "hidden_units": (8, 16), "sample_shape": (3, 4, 4)},
        (3, 4, 4),
        "f8",
    ),
    "videos": (np.repeat(GRAY[:, None, None], 2, axis=1), MLP, (2, 1, 8, 8), "f8"),
}

# name: (X, parameters, exception, words of its message)
ERRORS = {
    "ambiguous": (
        RGB_FIRST[:, :, :4, :4],
        {},
        ValueError,
        r"is that .*, here .3, 4, 4. or .4, 3, 4",
    ),
    "no few channels": (np.zeros((9, 5, 6, 7)), {}, ValueError, r"is that .*\(7, 5, 6\)"),
    "a cube": (np.zeros((9, 5, 5, 5)), {}, ValueError, r"here \(5, 5, 5\)$"),
    "told the wrong way round": (
        RGB_LAST,
        {"architecture": "conv", "sample_shape": (8, 8, 3)},
        ValueError,
        r"sample_shape=\(channels, height, width\), got \(8, 8, 3\); did you mean \(3, 8, 8\)",
    ),
    "told otherwise": (
        GRAY,
        {"sample_shape": (1, 4, 16)},
        ValueError,
        r"sample_shape=\(1, 4, 16\) needs X with 64 columns.*got X with rows of shape \(8, 8\)",
    ),
    "flat, of another size": (
        PIXELS,
        {"sample_shape": (3, 8, 8)},
        ValueError,
        r"needs X with 192 columns.*got X with 64 columns",
    ),
    "no images": (PIXELS, {"architecture": "conv"}, ValueError, r"needs images.*\(64,\)"),
    "a line": (
        PIXELS[:, None],
        {"architecture": "conv"},
        ValueError,
        "can halve 1 x 64 pixels 0 times",
    ),
    "complex tensor": (torch.from_numpy(PIXELS + 1j), {}, ValueError, "Complex data not supported"),
    "sparse tensor": (sparse_tensor(), {}, TypeError, "X must be dense, got a sparse tensor"),
    "tensor of NaN": (torch.full((9, 4), torch.nan), {}, ValueError, "a value in each column"),
    "tensor of one row": (torch.zeros(1, 4), {}, ValueError, "minimum of 2 is required"),
    "images of text": (
        np.full((9, 8, 8), "a"),
        {},
        ValueError,
        "X must hold numbers, got .a. in rows of",
    ),
    "no pixels": (np.zeros((9, 0, 8)), {}, ValueError, r"0 feature\(s\)"),
    "ragged list": ([[1.0, 2.0], [3.0]], {}, ValueError, "one shape"),
    "empty data set": (Images(PIXELS[:0]), {}, ValueError, "Images of 0 items"),
    "data set of one": (Images(PIXELS[:1]), {}, ValueError, r"1 sample\(s\).*minimum of 2"),
    "data set of numbers": (
        Images([1.0, 2.0]),
        {},
        TypeError,
        "tensors or arrays.*float in item 0",
    ),
    "data set of NumPy's numbers": (
        Images(np.arange(9.0)),
        {},
        ValueError,
        "one dimension.*item 0",
    ),
    "data set of dicts": (
        Images([{"x": 1}], False),
        {},
        TypeError,
        "dict in item 0; wrap the data",
    ),
    "data set of text": (Images(np.full((9, 2), "a")), {}, ValueError, "real numbers.*item 0"),
    "data set of nothing": (
        Images(np.zeros((9, 0))),
        {},
        ValueError,
        r"got shape \(0,\) in item 0",
    ),
    "data set with NaN": (
        Images([PIXELS[0], np.full(64, np.nan)]),
        {},
        ValueError,
        "X must be real and finite.*in item 1",
    ),
    "complex data set": (Images(PIXELS + 1j), {}, ValueError, "complex numbers.*item 0"),
    "loader": (DataLoader(Images(PIXELS)), {}, TypeError, "DataLoader: give its `dataset`"),
    "masked": (np.ma.masked_less(PIXELS, 1), {}, ValueError, "no masked values"),
    "0-d": (np.array(3.0), {}, ValueError, "Expected 2D array, got scalar array"),
    "1-d": (torch.arange(9.0), {}, ValueError, "Expected 2D array, got 1D array"),
    "uneven data set": (
        Images([PIXELS[0], PIXELS[1], PIXELS[2, :9]]),
        {},
        ValueError,
        r"one shape, got \(64,\) and \(9,\) in item 2",
    ),
}


@pytest.mark.parametrize("name", INPUTS)
def test_what_goes_in_comes_back_in_shape_and_dtype(small, name):
    X, parameters, row_shape, dtype = INPUTS[name]
    bigan = small(max_epochs=1, **parameters).fit(X)
    codes = bigan.transform(X)
    assert codes.shape == (len(X), 4)
    assert codes.dtype == dtype
    rebuilt = bigan.inverse_transform(codes)
    assert rebuilt.shape == (len(X), *row_shape)
    assert rebuilt.dtype == np.result_type(dtype, np.float32)
    assert bigan.sample(2).shape == (2, *row_shape)
    assert bigan.score_samples(X).shape == (len(X),)
    assert bigan.n_features_in_ == np.prod(row_shape)
    bigan.partial_fit(X)


@pytest.mark.parametrize("name", ERRORS)
def test_what_cannot_be_taken_is_said_so(small, name):
    X, parameters, error, message = ERRORS[name]
    estimator = small(**parameters)
    before = dict(vars(estimator))
    for method in (estimator.fit, estimator.partial_fit):
        with pytest.raises(error, match=f"(?s){message}"):
            method(X)
    assert vars(estimator) == before


def weights(bigan):
    return torch.cat([p.flatten() for p in bigan.encoder_.parameters()])


@pytest.mark.parametrize("name", ["float32", "int16", "objects", "polars", "tensor, uint8"])
def test_the_container_does_not_matter(small, name):
    X, *_ = INPUTS[name]
    expected = small().fit(PIXELS)
    bigan = small(scaling="range").fit(X)
    assert weights(bigan).equal(weights(expected))
    np.testing.assert_allclose(bigan.transform(X), expected.transform(PIXELS), atol=1e-6)


@pytest.mark.parametrize(
    "X",
    [
        PIXELS,
        GRAY,
        GRAY[:, None],
        GRAY[..., None],
        torch.from_numpy(GRAY),
        Images(GRAY),
        TensorDataset(torch.from_numpy(PIXELS)),
    ],
    ids=lambda X: f"{type(X).__name__}{getattr(X, 'shape', '')}",
)
def test_an_image_is_the_same_in_any_shape(small, X):
    expected = small(**CONV_FLAT).fit(PIXELS)
    bigan = small(**CONV_FLAT).fit(X)
    assert weights(bigan).equal(weights(expected))
    np.testing.assert_array_equal(bigan.transform(X), expected.transform(PIXELS))
    assert bigan.score(X) == expected.score(PIXELS)


def test_channels_last_is_channels_first_in_another_order(small):
    first, last = small(**CONV).fit(RGB_FIRST), small(**CONV).fit(RGB_LAST)
    codes = first.transform(RGB_FIRST)
    np.testing.assert_array_equal(last.transform(RGB_LAST), codes)
    rebuilt = last.inverse_transform(codes).transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(rebuilt, first.inverse_transform(codes))


def test_generated_images_have_the_range_that_came_in(small):
    samples = small(**CONV, max_epochs=30, learning_rate=1e-3).fit(BYTES).sample(50)
    assert samples.min() >= 0
    assert 100 < samples.max() <= 255


def test_a_memory_map_is_read_where_it_lies(small, tmp_path):
    for X in (GRAY.astype(np.int16), GRAY.astype(np.float16), GRAY.astype(np.uint8)):
        mapped = memory_map(X, tmp_path)
        bigan = small(**CONV).fit(mapped)
        np.testing.assert_array_equal(bigan.transform(mapped), bigan.transform(X))


def test_images_are_scaled_as_a_whole(small):
    images = np.random.default_rng(0).normal(size=(30, 4, 4))
    assert isinstance(small().fit(images).scaler_, MinMaxScaler)
    assert isinstance(small().fit(images.reshape(30, 16)).scaler_, StandardScaler)


@pytest.mark.parametrize("dtype", [np.bool_, *INTEGERS])
def test_arrays_are_opened_on_their_own_memory(dtype):
    for X in (PIXELS.astype(dtype), GRAY.astype(dtype)):
        rows, _ = open_rows(X)
        assert np.shares_memory(rows, X)
        assert rows.dtype in INTEGERS


class Counting(Images):
    def __init__(self, images):
        super().__init__(images)
        self.read = []

    def __getitem__(self, index):
        self.read.append(index)
        return super().__getitem__(index)


def test_a_data_set_is_read_a_batch_at_a_time(small):
    images = Counting(PIXELS)
    small(max_epochs=1, batch_size=10).fit(images)
    first, described, watched = images.read[0], images.read[1:41], images.read[41:81]
    trained = images.read[81:]
    assert first == 0  # for its shape
    assert described == watched == [*range(40)]
    assert sorted(trained) == [*range(40)]
    assert trained != sorted(trained)


def test_a_labelled_data_set_goes_through_a_grid_search(small):
    """scikit-learn takes it apart into lists of items."""
    y = load_digits().target[:40] % 2
    pipe = make_pipeline(small(**CONV, max_epochs=1), LogisticRegression())
    search = GridSearchCV(pipe, {"bigantransformer__latent_dim": [2, 5]}, cv=2)
    assert search.fit(Images(GRAY), y).predict(Images(GRAY)).shape == (40,)


def test_layouts_that_nobody_told():
    assert recognise((64,), None) == Layout((64,), (64,))
    assert recognise((8, 9), None) == Layout((8, 9), (1, 8, 9))
    assert recognise((3, 8, 9), None) == Layout((3, 8, 9), (3, 8, 9))
    assert recognise((8, 9, 3), None) == Layout((8, 9, 3), (3, 8, 9), channels_last=True)
    assert recognise((2, 3, 8, 9), None) == Layout((2, 3, 8, 9), (2, 3, 8, 9))


@pytest.mark.parametrize(
    "layout", [Layout((24,), (3, 2, 4)), Layout((2, 4, 3), (3, 2, 4), True), Layout((6,), (6,))]
)
def test_samples_are_the_rows_in_another_shape(layout):
    rows = torch.randn(5, int(np.prod(layout.row_shape)))
    samples = layout.to_samples(rows)
    assert samples.shape == (5, *layout.sample_shape)
    assert layout.to_rows(samples).equal(rows)
    if layout.channels_last:
        assert samples[0, 2].equal(rows[0].view(2, 4, 3)[..., 2])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_tensors_on_a_gpu(small):
    X = torch.from_numpy(GRAY).cuda()
    bigan = small(**CONV).fit(X)
    np.testing.assert_array_equal(bigan.transform(X), bigan.transform(GRAY))


def test_the_lines_that_answer_paths_read_a_folder_of_photographs(small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    for i, size in enumerate([(80, 60), (70, 90), (64, 64)]):
        Image.effect_noise(size, 50).save(f"folder/{i}.jpg")
    paths = sorted((tmp_path / "folder").glob("*.jpg"))
    with pytest.raises(TypeError, match="a list of 3 texts or paths") as refusal:
        small().fit(paths)
    names = {}
    _, _, lines = str(refusal.value).partition(":\n\n")
    exec(lines, names)
    bigan = small(batch_size=2, max_epochs=1, latent_dim=2).fit(names["X"])
    assert bigan.sample(1).shape == (1, 64, 64, 3)
    assert bigan.transform(names["X"]).shape == (3, 2)
