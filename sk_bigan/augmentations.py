"""Augmentations: changes of a sample before the encoder sees it in training.

E codes a changed sample a(x), while D and the cycle term see x itself. The pairs are (x, E(a(x)))
and the error is ||x - G(E(a(x)))||^2, as in a denoising autoencoder (Vincent et al. 2008, ICML).
Codes then depend less on what the change alters.

An augmentation maps (n, *sample_shape) to the same shape, with torch's random numbers. Add one by
naming it in `AUGMENTATIONS`, or pass it to the estimator; `functools.partial` sets another
strength. A function with a parameter `places` without a default gets the places of the columns.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import partial, reduce
from math import ceil, prod
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from .displacement import displace, known_places
from .photographs import colour, crop, mirror, require_images

Augmentation = Callable[[Tensor], Tensor]


def swap(x: Tensor, probability: float = 0.25, groups: Tensor | None = None) -> Tensor:
    """Replace each value, with this probability, by that of the sample half a batch before it.

    No column leaves its own distribution, so that this suits any table.

    Parameters
    ----------
    x : Tensor of shape (n, *sample_shape)
    probability : float
        In 256ths, rounded up.
    groups : Tensor of int, of shape (n_columns,), or None
        Numbers of the groups whose columns are swapped together, as those of a category.
    """
    # A batch is in random order, but for streams in order, whose neighbours are alike.
    others = x.roll(max(1, len(x) // 2), dims=0)
    if groups is None:
        draws = _random_bytes(x.shape, x.device)
    else:
        draws = _random_bytes((len(x), int(groups[-1]) + 1), x.device)[:, groups]
    return torch.where(draws < 256.0 * probability, others, x)


def _random_bytes(shape: Sequence[int], device: torch.device) -> Tensor:
    """Return uniform bytes. A CPU takes eight from each number that it draws."""
    if device.type != "cpu":  # not tried on others, whose draws may have fewer bits
        return torch.randint(256, shape, dtype=torch.uint8, device=device)
    n_bytes = prod(shape)
    draws = torch.randint(-(2**63), 2**63 - 1, (ceil(n_bytes / 8),))
    return draws.view(torch.uint8)[:n_bytes].view(*shape)


def warp(x: Tensor, strength: float = 0.1) -> Tensor:
    """Shift, turn, scale, shear and bend images at random, as an unsteady hand does.

    Pixel p of the result, p in [-1, 1]^2, is taken from p + A p + b + u(p), where u is a smooth
    field between 4 by 4 places.

    Parameters
    ----------
    x : Tensor of shape (n, channels, height, width)
    strength : float
        The standard deviation of the numbers in A and b and of u at each of its places.

    Raises
    ------
    ValueError
        If the samples are no images.
    """
    require_images("warp", x)
    identity = torch.eye(2, 3, device=x.device)
    maps = identity + strength * torch.randn(len(x), 2, 3, device=x.device)
    grid = functional.affine_grid(maps, list(x.shape), align_corners=False)  # (n, height, width, 2)
    places = strength * torch.randn(len(x), 2, 4, 4, device=x.device)
    bent = functional.interpolate(places, x.shape[2:], mode="bicubic", align_corners=True)
    grid = grid + bent.permute(0, 2, 3, 1)
    return functional.grid_sample(x, grid, padding_mode="border", align_corners=False)


AUGMENTATIONS: dict[str, Callable[..., Tensor]] = {
    "swap": swap,
    "warp": warp,
    "displace": displace,
    "crop": crop,
    "mirror": mirror,
    "colour": colour,
}


def resolve_augmentation(
    augmentation: str | Augmentation | list[Any] | tuple[Any, ...] | None,
    sample_shape: tuple[int, ...],
    device: torch.device,
    column_places: Callable[[], np.ndarray],
    groups: Tensor | None = None,
) -> Augmentation | None:
    """Return the named augmentation or a user's own, or several in turn, after one trial run.

    Parameters
    ----------
    augmentation : str, callable, list of these or None
    sample_shape : tuple of int
    device : torch.device
    column_places : callable, () -> ndarray of shape (n_columns, n_dimensions)
        Called if an augmentation needs `places`.
    groups : Tensor of int, of shape (n_columns,), or None
        Columns that belong together, as those of a category, which "swap" swaps together.

    Raises
    ------
    ValueError
        If a name is unknown, if samples are no images or have no colour for one that needs it, if
        places cannot be learned, or if a user's own fails, changes its input or does not return
        finite samples of the same shape and dtype.
    """
    if augmentation is None:
        return None
    several = augmentation if isinstance(augmentation, list | tuple) else [augmentation]
    if not several:
        raise ValueError(f"augmentation must name at least one, or be None, got {augmentation!r}")
    if groups is not None:
        several = [partial(swap, groups=groups) if one == "swap" else one for one in several]
    functions = [_resolve_one(one, sample_shape, device, column_places) for one in several]
    return lambda x: reduce(lambda view, function: function(view), functions, x)


def _resolve_one(
    augmentation: Any,
    sample_shape: tuple[int, ...],
    device: torch.device,
    column_places: Callable[[], np.ndarray],
) -> Augmentation:
    function = AUGMENTATIONS.get(augmentation) if isinstance(augmentation, str) else augmentation
    if not callable(function):
        raise ValueError(
            f"augmentation must be one of {sorted(AUGMENTATIONS)}, a function, several of these or "
            f"None, got {augmentation!r}"
        )
    if _needs_places(function):
        function = partial(function, places=column_places())
    if isinstance(function, partial) and function.func is displace:
        # Done once, since it waits for a GPU and would do so in every step.
        places = known_places(function.keywords["places"], sample_shape, device)
        function = partial(function, places=places)
    samples = torch.rand(3, *sample_shape, device=device) * 2 - 1
    before, version = samples.clone(), samples._version  # clamp_ may find nothing to change here
    try:
        with device, torch.no_grad():
            view = function(samples)
    except RuntimeError as error:
        raise ValueError(
            f"augmentation failed on samples of shape {tuple(samples.shape)} on {device}: {error}"
        ) from error
    if samples._version != version or not samples.equal(before):
        raise ValueError(f"augmentation must leave its input as it is, {augmentation!r} changes it")
    if not (
        isinstance(view, Tensor)
        and view.shape == samples.shape
        and view.dtype == samples.dtype
        and view.isfinite().all()
    ):
        raise ValueError(
            "augmentation must map samples to a finite tensor of their shape and dtype, got "
            f"{view!r} for {samples.dtype} of shape {tuple(samples.shape)}"
        )
    return function


def _needs_places(function: Callable[..., Tensor]) -> bool:
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):  # a function of C has no signature
        return False
    return "places" in parameters and parameters["places"].default is inspect.Parameter.empty
