"""What the encoder sees of a sample in training.

E codes a changed sample a(x), while D and the cycle term hold the code to x itself: the pairs are
(x, E(a(x))) and the error is ||x - G(E(a(x)))||^2, a denoising autoencoder's (Vincent et al. 2008).
So what the change destroys at random cannot be in the code, and two views of a sample get nearly
the same one.

An augmentation maps (n, *sample_shape) to the same shape. Name yours in `AUGMENTATIONS`, or pass
it to the estimator; `functools.partial` sets another strength.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import torch
from torch import Tensor
from torch.nn import functional

Augmentation = Callable[[Tensor], Tensor]


def swap(x: Tensor, probability: float = 0.25) -> Tensor:
    """Each value, with the probability, from the same place of another sample of the batch.

    No column leaves its own distribution, so that this suits any table.
    """
    others = x.roll(1, dims=0)  # a batch is in random order already
    return torch.where(torch.rand_like(x) < probability, others, x)


def warp(x: Tensor, strength: float = 0.1) -> Tensor:
    """Images shifted, turned, scaled, sheared and bent at random, as by a hand that is not steady.

    Pixel p of the result, p in [-1, 1]^2, is taken from p + A p + b + u(p), where u is a smooth
    field between 4 by 4 places.

    Parameters
    ----------
    x : Tensor of shape (n, channels, height, width)
    strength : float
        The standard deviation of the numbers in A and b and of u at each of its places.
    """
    identity = torch.eye(2, 3, device=x.device)
    maps = identity + strength * torch.randn(len(x), 2, 3, device=x.device)
    grid = functional.affine_grid(maps, list(x.shape), align_corners=False)  # (n, height, width, 2)
    places = strength * torch.randn(len(x), 2, 4, 4, device=x.device)
    bent = functional.interpolate(places, x.shape[2:], mode="bicubic", align_corners=True)
    grid = grid + bent.permute(0, 2, 3, 1)
    return functional.grid_sample(x, grid, padding_mode="border", align_corners=False)


AUGMENTATIONS: dict[str, Augmentation] = {"swap": swap, "warp": warp}


def resolve_augmentation(
    augmentation: str
    | Augmentation
    | list[str | Augmentation]
    | tuple[str | Augmentation, ...]
    | None,
    sample_shape: tuple[int, ...],
) -> Augmentation | None:
    """The named augmentation or a user's own, or several in turn, after one trial run.

    Raises
    ------
    ValueError
        If a name is unknown, if "warp" is wanted of samples that are no images, or if a user's own
        does not give finite samples of the shape it gets.
    """
    if augmentation is None:
        return None
    several = list(augmentation) if isinstance(augmentation, list | tuple) else [augmentation]
    if not several:
        raise ValueError("augmentation must name at least one, or be None, got an empty list")
    functions = [_resolve_one(one, sample_shape) for one in several]
    return lambda x: reduce(lambda view, function: function(view), functions, x)


def _resolve_one(augmentation: str | Augmentation, sample_shape: tuple[int, ...]) -> Augmentation:
    function = AUGMENTATIONS.get(augmentation) if isinstance(augmentation, str) else augmentation
    if not callable(function):
        raise ValueError(
            f"augmentation must be one of {sorted(AUGMENTATIONS)}, a function, several of these or "
            f"None, got {augmentation!r}"
        )
    if function is warp and len(sample_shape) != 3:
        raise ValueError(
            f"augmentation='warp' needs images, got samples of shape {sample_shape}: give "
            "sample_shape=(channels, height, width)"
        )
    samples = torch.zeros(2, *sample_shape)
    view = function(samples)
    if not (isinstance(view, Tensor) and view.shape == samples.shape and view.isfinite().all()):
        raise ValueError(
            "augmentation must map samples to a finite tensor of their shape, got "
            f"{view!r} for zeros of shape {tuple(samples.shape)}"
        )
    return function
