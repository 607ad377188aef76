"""Places that correlations tell, and values displaced among them."""

import pickle
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from torch.utils.data import IterableDataset, TensorDataset

from sk_bigan import BiGANTransformer
from sk_bigan.displacement import column_places, displace, known_places

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
LINE = np.linspace(-1, 1, 201)[:, None]  # of 201 columns, 0.01 apart


class Stream(IterableDataset):
    def __init__(self, items):
        self.items = items

    def __iter__(self):
        return iter(self.items)


@pytest.fixture(scope="module")
def walks():
    """500 random walks of 40 steps, whose neighbouring columns are alike."""
    return np.random.default_rng(0).normal(size=(500, 40)).cumsum(axis=1)


def test_places_on_a_line_are_in_the_order_of_the_columns(walks):
    order = np.random.default_rng(0).permutation(40)
    places = column_places(walks[:, order], n_dimensions=1, n_neighbors=2)
    steps = np.diff(places[np.argsort(order), 0])
    assert (steps > 0).all() or (steps < 0).all()
    assert np.abs(places).max() == 1


def test_places_in_a_plane_are_those_of_the_pixels_whatever_the_unit_of_a_column():
    """Smooth random pictures of 8 x 8 pixels: distances of places are those of the pixels."""
    rng = np.random.default_rng(0)
    pixels = np.stack(np.divmod(np.arange(64), 8), axis=1)
    between = np.linalg.norm(pixels[:, None] - pixels, axis=2)
    rows = rng.normal(size=(2000, 64)) @ np.exp(-(between**2) / 4)
    units, order = 10 ** rng.uniform(-3, 3, 64), rng.permutation(64)
    places = column_places((rows * units + units)[:, order], n_dimensions=2)
    assert places.shape == (64, 2)
    found = np.linalg.norm(places[:, None] - places, axis=2)
    assert np.corrcoef(found.ravel(), between[order][:, order].ravel())[0, 1] > 0.98


def test_columns_that_hardly_vary_have_no_place(walks):
    X = walks.copy()
    X[:, 3] = 7
    X[4:, 5] = 7  # but for 4 of 500
    places = column_places(X, n_neighbors=2)
    assert np.flatnonzero(np.isnan(places).any(axis=1)).tolist() == [3, 5]
    with pytest.raises(ValueError, match=r"2 to 5,000 columns that vary .* got 1"):
        column_places(walks[:, :1])
    with pytest.raises(ValueError, match=r"2 to 5,000 columns that vary .* got 5,001"):
        column_places(np.arange(10_002).reshape(2, -1) % 7)
    with pytest.raises(ValueError, match=r"X contains NaN"):
        column_places(np.where(walks > 0, np.nan, walks))


@pytest.mark.parametrize(("n_columns", "shape"), [(2, (2, 1)), (3, (3, 2)), (4, (4, 3))])
def test_few_columns_have_places_too(walks, n_columns, shape):
    """Two are at both ends of a line, of three the middle one is between the others."""
    places = column_places(walks[:, 10 : 30 : 20 // n_columns][:, :n_columns])
    assert places.shape == shape
    between = np.linalg.norm(places[:, None] - places, axis=2)
    assert between[0, -1] == between.max() > 0


def test_places_draw_nothing_and_groups_without_neighbours_in_each_other_have_theirs(walks):
    """With as many columns as make Isomap's default draw from NumPy's global generator."""
    other = np.random.default_rng(1).normal(size=(500, 200)).cumsum(axis=1)
    X = np.hstack([walks, other])
    before = repr(np.random.get_state())  # noqa: NPY002
    places = column_places(X)
    assert repr(np.random.get_state()) == before  # noqa: NPY002
    np.testing.assert_array_equal(places, column_places(X))
    assert np.isfinite(places).all()


def test_columns_that_all_vary_alike_have_no_places(walks):
    for factor in (1.0, -0.7):
        X = walks[:, :1] * np.full(12, abs(factor)) + factor
        with pytest.raises(ValueError, match="X must have columns that do not all vary alike"):
            column_places(X)


def test_many_rows_are_looked_at_from_all_over():
    """Of walks that all start at the left and, later on, all at the right, both ends vary alike."""
    X = np.random.default_rng(0).normal(size=(30_000, 9)).cumsum(axis=1)
    X[15_000:] = X[15_000:, ::-1]
    places = column_places(X)
    np.testing.assert_array_equal(places, column_places(X[[i * 3 // 2 for i in range(20_000)]]))
    assert np.abs(places - column_places(X[:20_000])).max() > 0.01


def test_values_come_from_where_the_docstring_says():
    """Columns that show where they are, displaced: A p, b and u are of the wanted strength."""
    torch.manual_seed(0)
    x = torch.from_numpy(LINE.T).float().expand(8, -1)  # a field each
    moves = torch.stack([displace(x, LINE, strength=0.05) - x for _ in range(1000)]).flatten(0, 1)
    for column, p in ((100, 0.0), (160, 0.6)):
        expected = 0.05 * (p**2 + 1 + 1) ** 0.5
        assert moves[:, column].std().item() == pytest.approx(expected, rel=0.03)
        assert moves[:, column].mean().abs() < 0.01
    # Neighbours move alike, places far apart less so.
    between = torch.corrcoef(moves.T)
    assert between[100, 101] > 0.99
    assert between[60, 140] < 0.7


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=needs_cuda)])
def test_short_floats_of_a_step_move_nothing_and_prepared_places_are_the_same(device):
    x = torch.rand(16, 201, device=device)
    with torch.autocast(device, torch.bfloat16):
        assert displace(x, LINE, strength=0).equal(x)
    views = []
    for places in (LINE, known_places(LINE, (201,), torch.device(device))):
        torch.manual_seed(0)
        views.append(displace(x, places))
    assert views[0].equal(views[1])
    assert not views[0].equal(x)


def test_a_row_keeps_to_its_own_values_and_eight_share_a_field():
    torch.manual_seed(0)
    x = torch.arange(64 * 201.0).view(64, 201)
    view = displace(x, LINE, strength=0.3)
    sources = view - 201 * torch.arange(64.0)[:, None]
    assert ((sources >= 0) & (sources < 201)).all()
    of_field = sources.view(8, 8, 201)
    assert (of_field == of_field[:, :1]).all()
    assert len({tuple(field.tolist()) for field in of_field[:, 0]}) == 8


def test_columns_without_a_place_keep_their_values_and_give_none():
    torch.manual_seed(0)
    places = LINE.copy()
    places[::2] = np.nan
    x = torch.arange(201.0).expand(16, -1)
    view = displace(x, places, strength=0.3)
    assert view[:, ::2].equal(x[:, ::2])
    assert (view[:, 1::2] % 2 == 1).all()
    assert not view.equal(x)
    assert displace(x, places, strength=0).equal(x)


@pytest.mark.parametrize(
    ("places", "message"),
    [
        (LINE[:-1], r"n_columns=201 for samples of shape \(201,\), got \(200, 1\)"),
        (LINE[:, 0], r"places must have the shape .n_columns, n_dim.*got \(201,\)"),
        (LINE * np.nan, "places must be finite numbers for some columns"),
    ],
)
def test_wrong_places_are_refused(places, message):
    with pytest.raises(ValueError, match=message):
        displace(torch.zeros(4, 201), places)


def test_it_is_an_augmentation_of_rows_and_of_images_as_of_their_rows(small):
    X, _ = load_digits(return_X_y=True)
    own = partial(displace, places=column_places(X[:400]), strength=0.05)
    bigan = small(augmentation=[own, "swap"])
    again = pickle.loads(pickle.dumps(bigan)).fit(X[:400])
    codes = bigan.fit(X[:400]).transform(X)
    np.testing.assert_array_equal(codes, again.transform(X))
    assert np.abs(codes - small().fit(X[:400]).transform(X)).max() > 1e-3
    images = torch.rand(16, 1, 8, 8)
    torch.manual_seed(0)
    view = own(images)
    torch.manual_seed(0)
    assert view.equal(own(images.flatten(1)).view(16, 1, 8, 8))
    with pytest.raises(ValueError, match=r"n_columns=7.*got \(64, 3\)"):
        bigan.fit(X[:400, :7])


def test_by_its_name_with_places_that_fit_learns(digits, small):
    named = small(augmentation=["displace", "swap"]).fit(digits)
    own = partial(displace, places=column_places(digits))
    codes = small(augmentation=[own, "swap"]).fit(digits).transform(digits)
    np.testing.assert_array_equal(named.transform(digits), codes)
    items = torch.from_numpy(digits.copy())
    of_items = clone(named).fit(TensorDataset(items))
    np.testing.assert_array_equal(of_items.transform(digits), codes)
    stream = clone(named).fit(Stream(items))  # whose batches are others
    np.testing.assert_array_equal(stream._places, named._places)
    stronger = small(augmentation=[partial(displace, strength=0.2), "swap"]).fit(digits)
    assert np.abs(stronger.transform(digits) - codes).max() > 1e-3


def test_places_are_those_of_pixels_as_the_networks_see_them(digits, small):
    """Channels last or first, the same image has the same codes."""
    images = digits.reshape(-1, 8, 8, 1) * np.array([1.0, 0.3, -1.0])
    last = small(augmentation="displace").fit(images)
    first = small(augmentation="displace").fit(np.moveaxis(images, 3, 1))
    np.testing.assert_array_equal(
        last.transform(images), first.transform(np.moveaxis(images, 3, 1))
    )


def test_partial_fit_keeps_the_places_that_it_began_with(digits, small):
    """Rows without variation tell no places, and need none later on, nor after a pickle."""
    bigan = small(augmentation="displace")
    still = np.repeat(digits[:1], 8, axis=0)
    with pytest.raises(ValueError, match="X must have 2 to 5,000 columns .* got 0"):
        bigan.partial_fit(still)
    assert not hasattr(bigan, "encoder_")
    bigan.partial_fit(digits)
    pickle.loads(pickle.dumps(bigan)).partial_fit(still)
    bigan.partial_fit(still)
    assert bigan.n_epochs_ == 2
    with pytest.raises(ValueError, match="X must have 2 to 5,000 columns .* got 0"):
        bigan.fit(still)


def test_a_file_has_the_places(digits, small, tmp_path):
    bigan = small(augmentation="displace").fit(digits[:200])
    bigan.save(tmp_path / "model", optimizers=True)
    opened = BiGANTransformer.load(tmp_path / "model")
    for model in (bigan, opened):
        model.partial_fit(digits[200:])
    np.testing.assert_array_equal(bigan.transform(digits), opened.transform(digits))
    bigan._places = bigan._places[1:]
    bigan.save(tmp_path / "damaged")
    with pytest.raises(ValueError, match=r"cannot be opened: places .* n_columns=64 .* \(63, 3\)"):
        BiGANTransformer.load(tmp_path / "damaged")
