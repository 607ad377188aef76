"""Crops, mirrors and changes of colour alter what they say, by as much as they say."""

from functools import partial

import numpy as np
import pytest
import torch

from sk_bigan.photographs import colour, crop, mirror

N = 4000


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


@pytest.fixture
def places():
    """Images of two channels in which each pixel shows where it is."""
    line = (2 * torch.arange(32) + 1) / 32 - 1  # centres of pixels, edges at -1 and 1
    rows, columns = torch.meshgrid(line, line, indexing="ij")
    return torch.stack([columns, rows]).expand(N, 2, 32, 32)


@pytest.fixture
def photographs():
    return torch.rand(N, 3, 4, 5) * 2 - 1


def sizes_of(parts):
    """Width and height of what each image shows, as shares of the whole, from inner pixels."""
    inner = parts[:, :, 8:24, 8:24]
    width = (inner[:, 0, :, -1] - inner[:, 0, :, 0]).mean(1)
    height = (inner[:, 1, -1] - inner[:, 1, 0]).mean(1)
    return width / (2 * 15 / 32), height / (2 * 15 / 32)


def test_areas_of_crops_are_uniform_from_the_least_to_the_whole(places):
    width, height = sizes_of(crop(places, least=0.2))
    small = width * height < 0.7  # beyond, wide and tall crops end at the image's border
    areas = (width * height)[small]
    assert areas.min() == pytest.approx(0.2, abs=0.01)
    assert small.float().mean() == pytest.approx(0.5 / 0.8, abs=0.03)
    assert areas.mean() == pytest.approx(0.45, abs=0.01)


def test_crops_are_as_often_wide_as_tall_within_four_to_three(places):
    width, height = sizes_of(crop(places, least=0.2))
    aspect = (width / height).log()
    assert aspect.abs().max() == pytest.approx(np.log(4 / 3), abs=0.01)
    assert aspect.mean() == pytest.approx(0, abs=0.01)


def test_crops_lie_anywhere_inside_the_image(places):
    parts = crop(places, least=0.2)
    assert parts.min() >= places.min()
    assert parts.max() <= places.max()
    width, height = sizes_of(parts)
    for channel, size in ((0, width), (1, height)):
        centre = parts[:, channel, 15:17, 15:17].mean((1, 2))
        room = 1 - size  # on either side of the centre
        where = (centre / room)[room > 0.3]
        assert where.std() == pytest.approx(3**-0.5, abs=0.02)  # uniform on [-1, 1]
        assert where.abs().max() == pytest.approx(1, abs=0.03)


def test_the_whole_image_is_a_crop(places):
    """With an area of 1, an image is stretched by its aspect alone, which its borders cut off."""
    width, height = sizes_of(crop(places, least=1))
    torch.testing.assert_close(torch.maximum(width, height), torch.ones(N))


def test_half_of_the_images_are_mirrored_left_to_right(photographs):
    view = mirror(photographs)
    as_they_were = (view == photographs).flatten(1).all(1)
    mirrored = (view == photographs.flip(3)).flatten(1).all(1)
    assert (as_they_were ^ mirrored).all()
    assert mirrored.float().mean() == pytest.approx(0.5, abs=0.03)


def test_a_change_of_colour_is_one_of_saturation_contrast_and_brightness(photographs):
    """Each is found again: brightness in the mean, contrast in the grey, saturation in the rest."""

    def grey(x):
        return x.mean(1, keepdim=True)

    def mean(x):
        return x.mean((1, 2, 3), keepdim=True)

    def factor(after, before):
        """Of each image; the residual shows that it is one factor."""
        factors = (after * before).sum((1, 2, 3)) / before.square().sum((1, 2, 3))
        torch.testing.assert_close(after, factors[:, None, None, None] * before)
        return factors

    view = colour(photographs, strength=0.3)
    brightness = (mean(view) - mean(photographs)).flatten()
    contrast = factor(grey(view) - mean(view), grey(photographs) - mean(photographs))
    saturation = factor(view - grey(view), photographs - grey(photographs)) / contrast
    for numbers, centre, reach in ((brightness, 0, 0.3), (contrast, 1, 0.3), (saturation, 1, 0.6)):
        assert (numbers - centre).abs().max() == pytest.approx(reach, rel=0.02)
        assert numbers.std() == pytest.approx(reach / 3**0.5, rel=0.05)
        assert numbers.mean() == pytest.approx(centre, abs=0.02)
    draws = torch.stack([brightness, contrast, saturation])
    assert (torch.corrcoef(draws) - torch.eye(3)).abs().max() < 0.06


def test_saturation_never_turns_colours_into_their_opposites(photographs):
    view = colour(photographs, strength=0.9)
    before, after = (x - x.mean(1, keepdim=True) for x in (photographs, view))
    assert (before * after).sum((1, 2, 3)).min() > -1e-4


@pytest.mark.parametrize("name", [crop, mirror, colour])
def test_samples_that_are_no_images_are_refused(name):
    with pytest.raises(
        ValueError, match=rf"augmentation='{name.__name__}' needs images, got.*\(5,"
    ):
        name(torch.rand(3, 5))


def test_grey_images_have_no_colour_to_change():
    with pytest.raises(ValueError, match=r"'colour' needs.*several channels.*\(1, 4, 5\)"):
        colour(torch.rand(3, 1, 4, 5))


@pytest.mark.parametrize("least", [0, -0.5, 1.5, float("nan")])
def test_parts_larger_than_the_image_or_of_no_area_are_refused(least):
    with pytest.raises(ValueError, match=rf"least must be in \(0, 1\].*got {least}"):
        crop(torch.rand(3, 1, 4, 5), least=least)


def test_a_fit_refuses_them_and_learns_nothing(small):
    grey = np.random.default_rng(0).random((20, 8, 8))
    for bad in ("colour", partial(crop, least=2)):
        bigan = small(augmentation=bad)
        with pytest.raises(ValueError, match="'colour' needs images of|least must be in"):
            bigan.fit(grey)
        assert not hasattr(bigan, "encoder_")
