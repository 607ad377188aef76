"""The gradients of one adversarial step, for D and for E and G, all at the same parameters.

D judges copies of E's and G's outputs that are cut off from their graphs. So neither player's
backward pass runs into the other's networks: D's loss goes back as far as D's weights, and the
gradients that reach the copies are all that E and G need to know of D.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .objectives import Objective, input_gradients, r1_penalty

# D's loss may be flat where the other player's is steep (hinge, beyond its margin). A slope this
# small in place of none is nothing to D's weights and, being a power of two, costs no digit.
LEAST_SLOPE = 2.0**-60


def accumulate_gradients(
    E: nn.Module,
    G: nn.Module,
    D: nn.Module,
    x: Tensor,
    z: Tensor,
    *,
    objective: Objective,
    cycle_weight: float,
    gradient_penalty: float,
    precision: torch.dtype,
) -> dict[str, Tensor]:
    """Add to every parameter's `grad` the gradient of what its player descends.

    Parameters
    ----------
    E, G, D : nn.Module
        x -> z, z -> x, and (x=, z=) -> logits of shape (n,) or (n, 1).
    x : Tensor of shape (n, *sample_shape)
    z : Tensor of shape (n, latent_dim)
        Draws from the prior.
    objective : callable, (real_logits, fake_logits) -> (loss_d, loss_eg)
    cycle_weight : float
        Weight of mean (x - G(E(x)))^2 in the loss of E and G.
    gradient_penalty : float
        Weight of R1 in the loss of D.
    precision : torch.dtype
        What matrix products are computed in.

    Returns
    -------
    dict of scalar Tensors
        The objective's loss_d and loss_eg, and the unweighted r1 and cycle where in use.
    """
    with _autocast(x, precision):
        codes, generated = E(x).float(), G(z).float()
        cycle = (x - G(codes).float()).square().mean() if cycle_weight > 0 else None

    losses, to_codes, to_generated = _accumulate_gradients_of_d(
        D, x, codes.detach(), generated.detach(), z, objective, gradient_penalty, precision
    )
    outputs, gradients = [codes, generated], [to_codes, to_generated]
    if cycle is not None:
        losses["cycle"] = cycle
        outputs.append(cycle)
        gradients.append(torch.full_like(cycle, cycle_weight))
    learning = [i for i, output in enumerate(outputs) if output.requires_grad]  # not the frozen
    torch.autograd.backward([outputs[i] for i in learning], [gradients[i] for i in learning])
    return {name: loss.detach() for name, loss in losses.items()}


def _accumulate_gradients_of_d(
    D: nn.Module,
    x: Tensor,
    codes: Tensor,
    generated: Tensor,
    z: Tensor,
    objective: Objective,
    gradient_penalty: float,
    precision: torch.dtype,
) -> tuple[dict[str, Tensor], Tensor, Tensor]:
    """The losses, and the gradients of loss_eg at `codes` and at `generated`.

    Where D acts row by row, one backward pass serves both players (FusedProp, arXiv 2004.03335):
    at D's inputs, the gradients of the two losses differ by a factor a row, the ratio of the
    losses' slopes at that row's logit. D promises this by a true attribute `row_wise`. Of any other
    D, such as one with BatchNorm, each player's gradient is taken by itself.
    """
    row_wise = getattr(D, "row_wise", False)
    x = x.detach().requires_grad_(gradient_penalty > 0)
    codes, generated = codes.requires_grad_(), generated.requires_grad_()
    with _autocast(x, precision):
        if row_wise and gradient_penalty == 0:
            logits = D(x=torch.cat([x, generated]), z=torch.cat([codes, z])).float().flatten()
            real_logits, fake_logits = logits.chunk(2)  # (n,) each
        else:  # R1 wants the gradient at the real pairs alone
            real_logits = D(x=x, z=codes).float().flatten()  # (n,)
            fake_logits = D(x=generated, z=z).float().flatten()  # (n,)
        if gradient_penalty > 0:
            of_real_logits = input_gradients(real_logits, x, codes)
    losses, slopes_d, slopes_eg = _losses_and_slopes(objective, real_logits, fake_logits)

    descended, weights = [real_logits, fake_logits], [*slopes_d]
    if gradient_penalty > 0:
        losses["r1"] = r1_penalty(*of_real_logits)
        descended.append(losses["r1"])
        weights.append(torch.full_like(losses["r1"], gradient_penalty))
    parameters = [parameter for parameter in D.parameters() if parameter.requires_grad]
    if not row_wise:
        to_codes, to_generated = torch.autograd.grad(
            (real_logits, fake_logits),
            (codes, generated),
            slopes_eg,
            retain_graph=True,
            materialize_grads=True,
        )
        torch.autograd.backward(descended, weights, inputs=parameters)
        return losses, to_codes, to_generated

    shared = [generated] if gradient_penalty > 0 else [codes, generated]
    torch.autograd.backward(descended, weights, inputs=[*parameters, *shared])
    to_real, to_fake = (eg / d for eg, d in zip(slopes_eg, slopes_d, strict=True))
    to_generated = _rescaled(generated, to_fake)
    if gradient_penalty > 0:  # the gradient that R1 took, before R1's own came to it
        return losses, of_real_logits[1].detach() * slopes_eg[0][:, None], to_generated
    return losses, _rescaled(codes, to_real), to_generated


def _autocast(x: Tensor, precision: torch.dtype) -> torch.autocast:
    return torch.autocast(x.device.type, precision, precision != torch.float32)


def _losses_and_slopes(
    objective: Objective, real_logits: Tensor, fake_logits: Tensor
) -> tuple[dict[str, Tensor], Sequence[Tensor], Sequence[Tensor]]:
    """Both losses, and the slopes of loss_d and of loss_eg at the real and the fake logits."""
    logits = [real_logits.detach().requires_grad_(), fake_logits.detach().requires_grad_()]
    loss_d, loss_eg = objective(*logits)
    of_d, of_eg = (
        torch.autograd.grad(loss, logits, retain_graph=True, materialize_grads=True)
        for loss in (loss_d, loss_eg)
    )
    of_d_not_flat = [slope.where(slope.abs() > LEAST_SLOPE, LEAST_SLOPE) for slope in of_d]
    return {"loss_d": loss_d, "loss_eg": loss_eg}, of_d_not_flat, of_eg


def _rescaled(copy: Tensor, factors: Tensor) -> Tensor:
    """The gradient at a copy, each row times its factor; zero if D ignores the copy."""
    if copy.grad is None:
        return torch.zeros_like(copy)
    return copy.grad * factors.view(-1, *[1] * (copy.ndim - 1))
