"""The losses of D, and of E and G together, as functions of D's logits.

D gives one logit a pair. The encoder's pair (x, E(x)) is labelled 1, the generator's pair
(G(z), z) is labelled 0. An objective maps the two batches of logits to the losses of both players.
Add one by writing such a function and naming it in `OBJECTIVES`.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import relu, softplus

Objective = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""(real_logits, fake_logits), each of shape (n,) -> (loss_d, loss_eg), both scalars."""


def minimax(real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor, Tensor]:
    """Return losses of which one is minus the other: Donahue et al. 2017 (1605.09782), Eq. 2.

    The gradient of E and G vanishes as D wins; `non_saturating` avoids that.
    """
    # -log sigmoid(l) = softplus(-l) and -log(1 - sigmoid(l)) = softplus(l), without overflow.
    loss_d = softplus(-real_logits).mean() + softplus(fake_logits).mean()
    return loss_d, -loss_d


def non_saturating(real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor, Tensor]:
    """Return D's loss, and the same with labels flipped: Donahue et al. 2017, Section 3.4."""
    loss_d = softplus(-real_logits).mean() + softplus(fake_logits).mean()
    loss_eg = softplus(real_logits).mean() + softplus(-fake_logits).mean()
    return loss_d, loss_eg


def hinge(real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor, Tensor]:
    """Return a loss of D with a margin of one, and plain logits: Lim & Ye 2017 (1705.02894)."""
    loss_d = relu(1 - real_logits).mean() + relu(1 + fake_logits).mean()
    loss_eg = real_logits.mean() - fake_logits.mean()
    return loss_d, loss_eg


def relativistic(real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor, Tensor]:
    """Return losses of the difference of two logits: Jolicoeur-Martineau 2018 (1807.00734), 4.1.

    D tells which of two pairs is the encoder's, and learns nothing from one alone.
    """
    loss_d = softplus(fake_logits - real_logits).mean()
    loss_eg = softplus(real_logits - fake_logits).mean()
    return loss_d, loss_eg


OBJECTIVES: dict[str, Objective] = {
    "non_saturating": non_saturating,
    "minimax": minimax,
    "hinge": hinge,
    "relativistic": relativistic,
}


def input_gradients(logits: Tensor, x: Tensor, z: Tensor) -> tuple[Tensor, ...]:
    """Return the gradients of D's logits at D's inputs, row by row, as parts of the graph.

    Parameters
    ----------
    logits : Tensor of shape (n,)
        D(x, z); row i must depend on row i of `x` and `z` alone.
    x : Tensor of shape (n, *sample_shape)
    z : Tensor of shape (n, latent_dim)

    Returns
    -------
    tuple of Tensors, shaped as x and as z
    """
    return torch.autograd.grad(logits.sum(), (x, z), create_graph=True, materialize_grads=True)


def r1_penalty(*gradients: Tensor) -> Tensor:
    """Return half the mean squared gradient of D at the encoder's pairs.

    This is R1 of Mescheder et al. 2018 (arXiv 1801.04406), Eq. 9, without its weight gamma. It
    keeps D flat around the data, so that the game can converge.

    Parameters
    ----------
    *gradients : Tensors of shape (n, ...)
        Gradients at the encoder's pairs, from `input_gradients`.
    """
    squares = [g.float().flatten(1).square().sum(1) for g in gradients]  # each (n,)
    return 0.5 * torch.stack(squares).sum(0).mean()


def resolve_objective(objective: str | Objective, device: torch.device | str = "cpu") -> Objective:
    """Return the named objective, or a user's own after one trial run on the device.

    Raises
    ------
    ValueError
        If the user's own fails or does not turn logits of shape (n,) into two scalar tensors.
    """
    if isinstance(objective, str):
        return OBJECTIVES[objective]
    logits = torch.ones(2, device=device, requires_grad=True) - 1
    try:
        losses = objective(logits, logits.clone())
    except RuntimeError as error:
        raise ValueError(
            f"objective failed on logits of shape (2,) on {device}: {error}"
        ) from error
    if not (
        isinstance(losses, tuple | list)
        and len(losses) == 2
        and all(isinstance(loss, Tensor) and loss.ndim == 0 for loss in losses)
        and all(loss.requires_grad for loss in losses)
    ):
        raise ValueError(
            "objective must map (real_logits, fake_logits), tensors of shape (n,), to a pair of "
            f"scalar tensors (loss_d, loss_eg) that depend on these, got {losses!r}"
        )
    return objective
