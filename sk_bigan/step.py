"""The gradients of one adversarial step, for D and for E and G, all at the same parameters.

D judges copies of E's and G's outputs that are cut off from their graphs. So neither player's
backward pass runs into the other's networks: D's loss goes back as far as D's weights, and the
gradients that reach the copies are all that E and G need to know of D.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.func import functional_call

from .networks import CycleDiscriminators
from .objectives import Objective, input_gradients, r1_penalty
from .perturbations import most_changing
from .ranks import ALONE, Ranks

# D's loss may be flat where the other player's is steep (hinge, beyond its margin). A slope this
# small in place of none is nothing to D's weights and, being a power of two, costs no digit.
LEAST_SLOPE = 2.0**-60


def accumulate_gradients(
    E: nn.Module,
    G: nn.Module,
    D: nn.Module,
    x: Tensor,
    views: Sequence[Tensor],
    z: Tensor,
    *,
    objective: Objective,
    cycle_weight: float,
    consistency_weight: float,
    vat_weight: float,
    gradient_penalty: float,
    precision: torch.dtype,
    ranks: Ranks = ALONE,
    share: float = 1.0,
) -> dict[str, Tensor]:
    """Add to every parameter's `grad` the gradient of what its player descends.

    Parameters
    ----------
    E, G, D : nn.Module
        x -> z, z -> x, and (x=, z=) -> logits of shape (n,) or (n, 1). `CycleDiscriminators` play
        two more games of the same objective.
    x : Tensor of shape (n, *sample_shape)
    views : one or two Tensors of shape (n, *sample_shape)
        What E sees of x: x itself, or an augmentation; with consistency, also a second one.
    z : Tensor of shape (n, latent_dim)
        Draws from the prior.
    objective : callable, (real_logits, fake_logits) -> (loss_d, loss_eg)
    cycle_weight : float
        Weight of mean (x - G(E(view)))^2 in the loss of E and G.
    consistency_weight : float
        Weight of mean (E(view) - E(second view))^2 in the loss of E.
    vat_weight : float
        Weight of mean (E(view) - E(view + r))^2 in the loss of E, r being the small change that
        E reacts to most.
    gradient_penalty : float
        Weight of R1 in the loss of D.
    precision : torch.dtype
        What matrix products are computed in.
    ranks : Ranks
        The processes whose rows these are among. What is added is these rows' share of the gradient
        at the rows of all.
    share : float
        Of the whole batch that these rows are, together with those of the other processes.

    Returns
    -------
    dict of scalar Tensors
        The objective's loss_d and loss_eg, and the unweighted r1, cycle, consistency and vat where
        in use; those of the cycles' games as loss_d_xx, loss_d_zz and so on. All are shares of
        those of the batch, which they add up to.
    """
    cycles: dict[str, tuple[nn.Module, Tensor, Tensor]] = {}
    seen = [*views]
    if vat_weight > 0:
        seen.append(views[0] + most_changing(E, views[0], precision))
    with _autocast(x, precision):
        codes, *other_codes = E(torch.cat(seen)).float().chunk(len(seen))  # (n, latent_dim) each
        generated = G(z).float()
        if cycle_weight > 0 or isinstance(D, CycleDiscriminators):
            reconstructed = G(codes).float()
        if isinstance(D, CycleDiscriminators):
            # E's running statistics are those of the data, and not to see what is generated.
            statistics = {name: buffer.clone() for name, buffer in E.named_buffers()}
            recoded = functional_call(E, statistics, (generated,)).float()
            cycles = {"xx": (D.xx, x, reconstructed), "zz": (D.zz, z, recoded)}
    weighted = {}
    if cycle_weight > 0:
        weighted["cycle"] = (x - reconstructed).square().mean(), cycle_weight
    if len(views) == 2:
        weighted["consistency"] = (codes - other_codes[0]).square().mean(), consistency_weight
    if vat_weight > 0:
        weighted["vat"] = (codes - other_codes[-1]).square().mean(), vat_weight

    play = partial(
        _accumulate_gradients_of_d,
        objective=objective,
        gradient_penalty=gradient_penalty,
        precision=precision,
        ranks=ranks,
        share=share,
    )
    losses, at_codes, at_generated = play(D, x, codes, generated, z)
    outputs, gradients = [codes, generated], [at_codes, at_generated]
    for cycle, (discriminator, sent, returned) in cycles.items():
        z_sent = sent.flatten(1)
        its_losses, _, at_returned = play(discriminator, sent, z_sent, returned, z_sent)
        losses |= {f"{name}_{cycle}": loss for name, loss in its_losses.items()}
        outputs.append(returned)
        gradients.append(at_returned)
    for name, (loss, weight) in weighted.items():
        losses[name] = share / ranks.n * loss
        outputs.append(losses[name])
        gradients.append(torch.full_like(loss, weight))
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
    ranks: Ranks,
    share: float,
) -> tuple[dict[str, Tensor], Tensor, Tensor]:
    """The losses, and the gradients of loss_eg at `codes` and at `generated`, which are copied.

    Where D acts row by row, one backward pass serves both players (FusedProp, arXiv 2004.03335):
    at D's inputs, the gradients of the two losses differ by a factor a row, the ratio of the
    losses' slopes at that row's logit. D promises this by a true attribute `row_wise`. Of any other
    D, such as one with BatchNorm, each player's gradient is taken by itself.
    """
    row_wise = getattr(D, "row_wise", False)
    x = x.detach().requires_grad_(gradient_penalty > 0)
    codes, generated = codes.detach().requires_grad_(), generated.detach().requires_grad_()
    with _autocast(x, precision):
        if row_wise and gradient_penalty == 0:
            logits = D(x=torch.cat([x, generated]), z=torch.cat([codes, z])).float().flatten()
            real_logits, fake_logits = logits.chunk(2)  # (n,) each
        else:  # R1 wants the gradient at the real pairs alone
            real_logits = D(x=x, z=codes).float().flatten()  # (n,)
            fake_logits = D(x=generated, z=z).float().flatten()  # (n,)
    losses, slopes_d, slopes_eg = _losses_and_slopes(
        objective, real_logits, fake_logits, ranks, share
    )
    if gradient_penalty > 0:
        gradients_of_real_logits = input_gradients(real_logits, x, codes)
        losses["r1"] = share / ranks.n * r1_penalty(*gradients_of_real_logits)

    def backward_d(slopes: Iterable[Tensor], copies: list[Tensor]) -> None:
        """D's loss, back to its weights and to these copies."""
        outputs, gradients = [real_logits, fake_logits], [*slopes]
        if gradient_penalty > 0:
            outputs.append(losses["r1"])
            gradients.append(torch.full_like(losses["r1"], gradient_penalty))
        weights = [parameter for parameter in D.parameters() if parameter.requires_grad]
        torch.autograd.backward(outputs, gradients, inputs=weights + copies)

    if not row_wise:
        at_codes, at_generated = torch.autograd.grad(
            (real_logits, fake_logits),
            (codes, generated),
            slopes_eg,
            retain_graph=True,
            materialize_grads=True,
        )
        backward_d(slopes_d, [])
        return losses, at_codes, at_generated

    slopes_d = [slope.where(slope.abs() > LEAST_SLOPE, LEAST_SLOPE) for slope in slopes_d]
    if gradient_penalty > 0:  # which has taken a gradient at the codes, and would add its own there
        backward_d(slopes_d, [generated])
        at_codes = _times(gradients_of_real_logits[1].detach(), slopes_eg[0])
    else:
        backward_d(slopes_d, [codes, generated])
        at_codes = _times(_gradient(codes), slopes_eg[0] / slopes_d[0])
    return losses, at_codes, _times(_gradient(generated), slopes_eg[1] / slopes_d[1])


def _autocast(x: Tensor, precision: torch.dtype) -> torch.autocast:
    return torch.autocast(x.device.type, precision, precision != torch.float32)


def _losses_and_slopes(
    objective: Objective, real_logits: Tensor, fake_logits: Tensor, ranks: Ranks, share: float
) -> tuple[dict[str, Tensor], Sequence[Tensor], Sequence[Tensor]]:
    """This process's share of both losses, and their slopes at its real and its fake logits."""
    own = torch.stack([real_logits, fake_logits]).detach()
    logits = [of_all.requires_grad_() for of_all in ranks.gathered(own).unbind()]
    loss_d, loss_eg = objective(*logits)
    slopes_d, slopes_eg = (
        [share * ranks.own(slope) for slope in slopes]
        for slopes in (
            torch.autograd.grad(loss, logits, retain_graph=True, materialize_grads=True)
            for loss in (loss_d, loss_eg)
        )
    )
    losses = {"loss_d": share / ranks.n * loss_d, "loss_eg": share / ranks.n * loss_eg}
    return losses, slopes_d, slopes_eg


def _times(gradient: Tensor, factors: Tensor) -> Tensor:
    """Every row of the gradient, times its factor."""
    return gradient * factors.view(-1, *[1] * (gradient.ndim - 1))


def _gradient(copy: Tensor) -> Tensor:
    """What has come to a copy: zero if D ignores it."""
    return torch.zeros_like(copy) if copy.grad is None else copy.grad
