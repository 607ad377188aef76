"""Augmentations of photographs: what the camera decides, and what it shows does not depend on.

The three of SimCLR that matter on small pictures (Chen et al. 2020, arXiv 2002.05709, Section 3 and
Appendix A), each with its own random numbers for every image of the batch.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

MOST_ASPECT = 4 / 3  # of width to height of a crop, and the other way round


def crop(x: Tensor, least: float = 0.25) -> Tensor:
    """Cut out a part of each image at random, and enlarge it to the whole size.

    Parameters
    ----------
    x : Tensor of shape (n, channels, height, width)
    least : float in (0, 1]
        The smallest area of a part, as a share of the image's. Areas are uniform from it to 1.

    Raises
    ------
    ValueError
        If the samples are no images, or `least` is not in (0, 1].
    """
    require_images("crop", x)
    if not 0 < least <= 1:
        raise ValueError(f"least must be in (0, 1], the share of an image's area, got {least!r}")
    side = _uniform(x, least, 1).sqrt()  # (n, 1)
    stretch = (math.log(MOST_ASPECT) / 2 * _uniform(x, -1, 1)).exp()
    size = torch.cat([side * stretch, side / stretch], 1).clamp(max=1)  # (n, 2)
    place = (1 - size) * _uniform(x, -1, 1, 2)
    maps = torch.cat([size.diag_embed(), place[:, :, None]], 2)  # (n, 2, 3)
    grid = functional.affine_grid(maps, list(x.shape), align_corners=False)
    return functional.grid_sample(x, grid, padding_mode="border", align_corners=False)


def mirror(x: Tensor) -> Tensor:
    """Swap left and right in half of the images.

    Parameters
    ----------
    x : Tensor of shape (n, channels, height, width)

    Raises
    ------
    ValueError
        If the samples are no images.
    """
    require_images("mirror", x)
    return torch.where(_of_each_image(x, 0, 1) < 0.5, x.flip(-1), x)


def colour(x: Tensor, strength: float = 0.4) -> Tensor:
    """Change saturation, contrast and brightness of each image.

    Colours are moved away from the grey of their pixel or towards it, and values from the mean of
    their image. All of an image is then made lighter or darker.

    Parameters
    ----------
    x : Tensor of shape (n, 3, height, width)
    strength : float
        Saturation is multiplied by up to 1 ± 2 `strength`, contrast by up to 1 ± `strength`. The
        brightness changes by up to `strength`, where black to white is 2.

    Raises
    ------
    ValueError
        If the samples are no images of several channels.
    """
    require_images("colour", x)
    if x.shape[1] == 1:
        raise ValueError(
            "augmentation='colour' needs images of several channels, got grey ones of shape "
            f"{tuple(x.shape[1:])}"
        )
    saturation = 1 + 2 * strength * _of_each_image(x, -1, 1)
    contrast = 1 + strength * _of_each_image(x, -1, 1)
    brightness = strength * _of_each_image(x, -1, 1)
    grey = x.mean(1, keepdim=True)
    x = grey + saturation.clamp(min=0) * (x - grey)
    mean = x.mean((1, 2, 3), keepdim=True)
    return mean + contrast * (x - mean) + brightness


def require_images(name: str, x: Tensor) -> None:
    """Raise a ValueError that names the augmentation if the samples are no images."""
    if x.ndim != 4:
        raise ValueError(
            f"augmentation={name!r} needs images, got samples of shape {tuple(x.shape[1:])}: give "
            "sample_shape=(channels, height, width)"
        )


def _uniform(x: Tensor, low: float, high: float, k: int = 1) -> Tensor:
    """Draw k numbers for each sample, (n, k)."""
    return low + (high - low) * torch.rand(len(x), k, device=x.device)


def _of_each_image(x: Tensor, low: float, high: float) -> Tensor:
    """Draw one number for each image, (n, 1, 1, 1)."""
    return _uniform(x, low, high)[:, :, None, None]
