"""The gradients of one adversarial step, for D and for E and G, all at the same parameters.

D judges copies of E's and G's outputs that are cut off from their graphs, so that neither player's
backward pass runs into the other's networks. D's loss goes back to D's weights and to the copies.
The gradients at the copies are all that E and G need of D.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .._machine.backward import backward
from .._machine.devices import products_in
from .._machine.processes import ALONE, Processes
from ..networks.players import Players
from ..networks.tables import filled, gaps_filled, takes_gaps
from ..objectives import Objective, input_gradients, r1_penalty
from .perturbations import dropout_layers, most_changing, statistics_kept, without_dropout

# D's loss may be flat where the other player's is steep (hinge, beyond its margin). A slope this
# small in place of 0 does not move D's weights and, being a power of two, costs no digit.
LEAST_SLOPE = 2.0**-60


class Game(NamedTuple):
    """The losses of a game, as one value.

    Parameters
    ----------
    objective : callable, (real_logits, fake_logits) -> (loss_d, loss_eg)
    gradient_penalty : float
        Weight of R1 in the loss of D.
    cycle_weight : float
        Weight of mean (x - G(E(view)))^2 in the loss of E and G.
    consistency_weight : float
        Weight of mean (E(view) - E(second view))^2 in the loss of E.
    vat_weight : float
        Weight of mean (E(view) - E(view + r))^2 in the loss of E, r the change it reacts to most.
    precision : torch.dtype
        Dtype of matrix products; weights stay in float32.
    """

    objective: Objective
    gradient_penalty: float = 0.0
    cycle_weight: float = 0.0
    consistency_weight: float = 0.0
    vat_weight: float = 0.0
    precision: torch.dtype = torch.float32

    def autocast(self, x: Tensor) -> AbstractContextManager[None]:
        """Compute matrix products in `precision` inside."""
        return products_in(self.precision, x.device)


class Pair(NamedTuple):
    """A batch of samples x beside a batch of codes z, row by row."""

    x: Tensor  # (n, *sample_shape)
    z: Tensor  # (n, latent_dim)


class Contest(NamedTuple):
    """A discriminator, and the two batches that it is to tell apart.

    Parameters
    ----------
    D : nn.Module, (x=, z=) -> logits of shape (n,) or (n, 1)
    real, fake : Pair
        Labelled 1 and 0. Gradients flow back to `real.z` and to `fake.x`.
    """

    D: nn.Module
    real: Pair
    fake: Pair


def accumulate_gradients(
    players: Players,
    x: Tensor,
    views: Sequence[Tensor],
    z: Tensor,
    game: Game,
    processes: Processes = ALONE,
    share: float = 1.0,
) -> dict[str, Tensor]:
    """Add to every parameter's `grad` the gradient of its player's loss.

    Parameters
    ----------
    players : Players
        Discriminators of cycles play further contests of the same objective.
    x : Tensor of shape (n, *sample_shape)
    views : one or two Tensors of shape (n, *sample_shape)
        Input of E: x itself or an augmentation of it; with consistency, also a second one.
    z : Tensor of shape (n, latent_dim)
        Draws from the prior.
    game : Game
    processes : Processes
        The processes that share the rows. Each adds its own rows' part of the gradient for all.
    share : float
        Share of the whole batch that these rows make up, together with those of other processes.

    Returns
    -------
    dict of scalar Tensors
        The objective's loss_d and loss_eg, and the unweighted r1, cycle, consistency and vat where
        in use; contests of cycles add loss_d_xx, loss_d_zz and so on. Parts of a batch add up.
    """
    E, G, _ = players
    cycles, gaps = players.cycle_discriminators, takes_gaps(E)
    views = [gaps_filled(E, view) for view in views]
    seen = dict(zip(("view", "second view"), views, strict=False))
    without_dropout_codes = ()
    if game.vat_weight > 0:
        changed = views[0] + most_changing(E, views[0], game.precision)
        if dropout_layers(E):  # it would drop other values of each
            with game.autocast(x), without_dropout(E):
                without_dropout_codes = E(torch.cat([views[0], changed])).float().chunk(2)
        else:
            seen["changed view"] = changed
    with game.autocast(x):
        codes_of_all = E(torch.cat([*seen.values()])).float().chunk(len(seen))
        codes_of = dict(zip(seen, codes_of_all, strict=True))
        codes = codes_of["view"]  # (n, latent_dim)
        generated = G(z).float()
        if game.cycle_weight > 0 or cycles or gaps:
            reconstructed = G(codes).float()
        if gaps:  # which must not tell D the real rows, and count nothing in the cycle term
            x = filled(x, reconstructed.detach())
        if cycles:
            # E's running statistics are those of the data, and must not see what is generated.
            recoded = statistics_kept(E, generated).float()
    contests = {"": Contest(players.D, Pair(x, codes), Pair(generated, z))}
    if cycles:
        for name, sent, returned in (("xx", x, reconstructed), ("zz", z, recoded)):
            flat = sent.flatten(1)
            contests[f"_{name}"] = Contest(cycles[name], Pair(sent, flat), Pair(returned, flat))
    weighted = {}
    if game.cycle_weight > 0:
        weighted["cycle"] = (x - reconstructed).square().mean(), game.cycle_weight
    if "second view" in seen:
        difference = codes - codes_of["second view"]
        weighted["consistency"] = difference.square().mean(), game.consistency_weight
    if game.vat_weight > 0:
        before, after = without_dropout_codes or (codes, codes_of["changed view"])
        weighted["vat"] = (before - after).square().mean(), game.vat_weight

    losses: dict[str, Tensor] = {}
    outputs, gradients = [], []
    for name, contest in contests.items():
        its_losses, at_real_z, at_fake_x = _accumulate_gradients_of_d(
            contest, game, processes, share
        )
        losses |= {f"{loss}{name}": value for loss, value in its_losses.items()}
        outputs += [contest.real.z, contest.fake.x]
        gradients += [at_real_z, at_fake_x]
    for name, (loss, weight) in weighted.items():
        losses[name] = share / processes.n * loss
        outputs.append(losses[name])
        gradients.append(torch.full_like(loss, weight))
    learning = [i for i, output in enumerate(outputs) if output.requires_grad]  # not the frozen
    backward([outputs[i] for i in learning], [gradients[i] for i in learning])
    return {name: loss.detach() for name, loss in losses.items()}


def _accumulate_gradients_of_d(
    contest: Contest, game: Game, processes: Processes, share: float
) -> tuple[dict[str, Tensor], Tensor, Tensor]:
    """Return the losses, and the gradients of loss_eg at copies of `real.z` and of `fake.x`.

    Where each logit depends on its own row alone (`row_wise`), the gradient of loss_eg at a copy is
    that of loss_d times the ratio of the two losses' slopes at the row's logit (FusedProp, arXiv
    2004.03335). In another D, each player's gradient is computed by itself.
    """
    D, (x, codes), (generated, z) = contest
    row_wise = getattr(D, "row_wise", False)
    x = x.detach().requires_grad_(game.gradient_penalty > 0)
    codes, generated = codes.detach().requires_grad_(), generated.detach().requires_grad_()
    with game.autocast(x):
        if row_wise and game.gradient_penalty == 0:
            logits = D(x=torch.cat([x, generated]), z=torch.cat([codes, z])).float().flatten()
            real_logits, fake_logits = logits.chunk(2)  # (n,) each
        else:  # R1 wants the gradient at the real pairs alone
            real_logits = D(x=x, z=codes).float().flatten()  # (n,)
            fake_logits = D(x=generated, z=z).float().flatten()  # (n,)
    losses, slopes_d, slopes_eg = _losses_and_slopes(
        game.objective, real_logits, fake_logits, processes, share
    )
    if game.gradient_penalty > 0:
        gradients_of_real_logits = input_gradients(real_logits, x, codes)
        losses["r1"] = share / processes.n * r1_penalty(*gradients_of_real_logits)

    def backward_d(slopes: Iterable[Tensor], copies: list[Tensor]) -> None:
        """Propagate D's loss back to its weights and to these copies."""
        outputs, gradients = [real_logits, fake_logits], [*slopes]
        if game.gradient_penalty > 0:
            outputs.append(losses["r1"])
            gradients.append(torch.full_like(losses["r1"], game.gradient_penalty))
        weights = [parameter for parameter in D.parameters() if parameter.requires_grad]
        backward(outputs, gradients, inputs=weights + copies)

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
    if game.gradient_penalty > 0:  # R1's own gradient at the codes must not be added there
        backward_d(slopes_d, [generated])
        at_codes = _times(gradients_of_real_logits[1].detach(), slopes_eg[0])
    else:
        backward_d(slopes_d, [codes, generated])
        at_codes = _times(_gradient(codes), slopes_eg[0] / slopes_d[0])
    return losses, at_codes, _times(_gradient(generated), slopes_eg[1] / slopes_d[1])


def _losses_and_slopes(
    objective: Objective,
    real_logits: Tensor,
    fake_logits: Tensor,
    processes: Processes,
    share: float,
) -> tuple[dict[str, Tensor], Sequence[Tensor], Sequence[Tensor]]:
    """Return this process's share of both losses, and their slopes at its real and fake logits."""
    shards = torch.stack([real_logits, fake_logits]).detach()
    logits = [of_all.requires_grad_() for of_all in processes.all_gather(shards).unbind()]
    loss_d, loss_eg = objective(*logits)
    slopes_d, slopes_eg = (
        [share * processes.shard(slope) for slope in slopes]
        for slopes in (
            torch.autograd.grad(loss, logits, retain_graph=True, materialize_grads=True)
            for loss in (loss_d, loss_eg)
        )
    )
    losses = {"loss_d": share / processes.n * loss_d, "loss_eg": share / processes.n * loss_eg}
    return losses, slopes_d, slopes_eg


def _times(gradient: Tensor, factors: Tensor) -> Tensor:
    """Multiply every row of the gradient by its factor."""
    return gradient * factors.view(-1, *[1] * (gradient.ndim - 1))


def _gradient(copy: Tensor) -> Tensor:
    """Return the gradient at a copy: zero if D ignores it."""
    return torch.zeros_like(copy) if copy.grad is None else copy.grad
