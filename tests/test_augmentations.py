"""What the encoder sees in training is changed as each augmentation says, and nothing else is."""

import pickle
from functools import partial
from itertools import combinations

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch import nn

from sk_bigan.augmentations import AUGMENTATIONS, resolve_augmentation, swap, warp
from sk_bigan.displacement import column_places


def resolved(augmentation, samples, places):
    return resolve_augmentation(augmentation, samples.shape[1:], samples.device, lambda: places)


@pytest.fixture
def images():
    """256 images of 2 channels, 6 x 9, each of a colour of its own with one bright pixel."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(256, 2, 1, 1, generator=generator).expand(-1, -1, 6, 9).clone()
    images[:, :, 3, 5] += 5
    return images


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_draws_follow_the_torch_seed_and_leave_x_alone(images, name):
    before = images.clone()
    augmentation = resolved(name, images, np.indices(images.shape[1:]).reshape(3, -1).T / 9)

    def with_seed(seed):
        torch.manual_seed(seed)
        return augmentation(images)

    first, again, other = with_seed(0), with_seed(0), with_seed(1)
    assert first.shape == images.shape
    assert first.equal(again)
    assert not first.equal(other)
    assert images.equal(before)


def test_swapped_values_stay_in_their_column_and_are_as_many_as_wanted():
    torch.manual_seed(0)
    x = torch.arange(1000.0)[:, None] + 1000 * torch.arange(20.0)  # all values differ
    view = swap(x, probability=0.3)
    assert ((view // 1000) == (x // 1000)).all()
    assert (view != x).float().mean().item() == pytest.approx(0.3, abs=0.02)
    assert swap(x, probability=0).equal(x)
    assert swap(x, probability=1).ne(x).all()


def test_a_batch_in_order_is_swapped_as_far_as_a_shuffled_one():
    """Neighbours of a stream in order are alike: windows of a slow wave."""
    starts = torch.linspace(0, 2 * torch.pi, 128)
    in_order = torch.sin(starts[:, None] + torch.linspace(0, 1, 20))

    def change(x):
        torch.manual_seed(0)
        return (swap(x) - x).square().mean()

    shuffled = in_order[torch.randperm(128, generator=torch.Generator().manual_seed(0))]
    assert change(in_order) > 0.9 * change(shuffled)


def test_a_warp_shifts_turns_and_bends_by_its_strength():
    """At p and -p, two of the places of u: b is common, A p has two signs, u is independent."""
    torch.manual_seed(0)
    line = torch.linspace(-1, 1, 31)
    rows, columns = torch.meshgrid(line, line, indexing="ij")
    places = torch.stack([columns, rows]).expand(5000, 2, 31, 31)  # each pixel shows where it is
    moved = warp(places, strength=0.1)
    here, opposite = moved[:, :, 20, 20], moved[:, :, 10, 10]  # (5000, 2)
    pixel_centre = 2 * 20.5 / 31 - 1
    in_grid = 30 / 31  # places end at the outer pixels' centres, the grid at their borders
    a_part = 2 * pixel_centre**2
    spread, expected = (here + opposite).std(0) * in_grid, 0.1 * (4 + 2) ** 0.5
    torch.testing.assert_close(spread, torch.full((2,), expected), rtol=0.04, atol=0)
    spread, expected = (here - opposite).std(0) * in_grid, 0.1 * (4 * a_part + 2) ** 0.5
    torch.testing.assert_close(spread, torch.full((2,), expected), rtol=0.04, atol=0)
    torch.testing.assert_close(warp(places[:9], strength=0), places[:9], rtol=0, atol=1e-5)


def test_a_warp_of_one_colour_keeps_it():
    plain = torch.rand(50, 3, 1, 1).expand(-1, -1, 5, 7)
    torch.testing.assert_close(warp(plain), plain)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_codes_learn_to_leave_out_what_is_changed(digits, small, name):
    """Two views of a tinted digit have codes nearer to each other than two digits have."""
    torch.manual_seed(0)
    tints = 0.2 + 0.8 * np.random.default_rng(0).random((len(digits), 3, 1))
    digits = (tints * digits[:, np.newaxis]).reshape(len(digits), -1)
    images = torch.from_numpy(digits.reshape(-1, 3, 8, 8).astype(np.float32))
    augmentation = resolved(name, images, column_places(digits))
    views = [augmentation(images).flatten(1).numpy() for _ in range(2)]

    def unlikeness(**parameters):
        bigan = small(max_epochs=30, learning_rate=1e-3, sample_shape=(3, 8, 8), **parameters)
        codes = [bigan.fit(digits).transform(view) for view in views]
        return np.square(codes[0] - codes[1]).mean() / np.var(codes[0], axis=0).mean()

    assert unlikeness(augmentation=name) < 0.8 * unlikeness(augmentation=None)


def test_several_are_applied_in_turn():
    x = torch.zeros(4, 3)
    both = resolved([lambda x: x + 1, lambda x: 2 * x], x, None)
    assert both(x).equal(torch.full((4, 3), 2.0))


def test_one_that_needs_places_is_told_them_and_no_other_is():
    x, places = torch.zeros(4, 3), np.ones((3, 1))
    assert resolved(lambda x, places: x + places.item(0), x, places)(x).equal(x + 1)
    own = partial(lambda x, places: x + places, places=7)
    for needs_none in (own, lambda x, places=7: x + places):
        assert resolved(needs_none, x, places)(x).equal(x + 7)
    assert resolved(torch.exp, x, places)(x).equal(x + 1)  # which has no signature to look at


def test_the_encoder_alone_sees_the_augmentation(digits, small):
    """E sees 7 everywhere, D real rows as they are."""
    seen = {"E": [], "D": []}

    class Encoder(nn.Module):
        def __init__(self, sample_shape, latent_dim):
            super().__init__()
            self.linear = nn.Linear(64, latent_dim)

        def forward(self, x):
            if self.training:
                seen["E"].append(x)
            return self.linear(x)

    class Discriminator(nn.Module):
        row_wise = True

        def __init__(self, sample_shape, latent_dim):
            super().__init__()
            self.linear = nn.Linear(64 + latent_dim, 1)

        def forward(self, *, x, z):
            if self.training:
                seen["D"].append(x)
            return self.linear(torch.cat([x, z], 1))

    small(
        encoder=Encoder,
        discriminator=Discriminator,
        augmentation=partial(torch.full_like, fill_value=7.0),
        max_epochs=1,
    ).fit(digits)
    assert seen["E"]
    assert all((x == 7).all() for x in seen["E"])
    assert seen["D"]
    assert not any((x == 7).any() for x in seen["D"])


@pytest.mark.parametrize("consistency_weight", [0.0, 1.0])
def test_reproducible_and_without_part_in_transform(digits, small, consistency_weight):
    parameters = {"augmentation": "swap", "consistency_weight": consistency_weight}
    first, again, plain = (
        small(**p).fit(digits) for p in (parameters, parameters, {"augmentation": None})
    )
    np.testing.assert_array_equal(first.transform(digits), again.transform(digits))
    np.testing.assert_array_equal(first.transform(digits), first.transform(digits))
    assert not np.array_equal(first.transform(digits), plain.transform(digits))


@pytest.mark.parametrize(
    ("augmentation", "consistency_weight", "n_views"),
    [("swap", 1.0, 2), ("swap", 0.0, 1), (None, 1.0, 0), (None, 0.0, 0)],
)
def test_codes_of_two_different_views_are_compared_if_they_have_a_weight(
    digits, small, augmentation, consistency_weight, n_views
):
    """Codes of one view would be alike, and give a consistency of 0."""
    views = []

    def watched(x):
        view = AUGMENTATIONS["swap"](x)
        if len(x) == 100:  # others are trial calls
            views.append(view)
        return view

    bigan = small(
        augmentation=augmentation and watched,
        consistency_weight=consistency_weight,
        batch_size=100,
        max_epochs=1,
    )
    (epoch,) = bigan.fit(digits).history_
    assert len(views) == 4 * n_views
    assert not any(a.equal(b) for a, b in combinations(views, 2))
    if n_views == 2:
        assert epoch["consistency"] > 0
    else:
        assert "consistency" not in epoch


def test_values_are_swapped_and_codes_tied_by_default(digits, small):
    default, told = small().fit(digits), small(augmentation="swap").fit(digits)
    np.testing.assert_array_equal(default.transform(digits), told.transform(digits))
    assert default.history_[-1]["consistency"] > 0


def test_parts_of_a_list_survive_clone_pickle_and_more_training(digits, small):
    bigan = small(augmentation=("swap", partial(swap, probability=0.1)), max_epochs=1)
    bigan = pickle.loads(pickle.dumps(clone(bigan).fit(digits))).partial_fit(digits)
    bigan.set_params(augmentation=None, warm_start=True).fit(digits)
    assert bigan.n_epochs_ == 3


def test_images_are_warped_whatever_their_layout(small):
    images = np.random.default_rng(0).random((40, 8, 8, 3))
    codes = [
        small(augmentation="warp", architecture="conv", hidden_units=(8, 16)).fit(X).transform(X)
        for X in (images, np.moveaxis(images, 3, 1))
    ]
    np.testing.assert_array_equal(*codes)


def test_an_augmentation_that_fails_is_named():
    with pytest.raises(ValueError, match=r"augmentation failed on .*\(3, 5\) on cpu: .*size"):
        resolved(lambda x: x + torch.ones(6), torch.rand(2, 5), places=None)
