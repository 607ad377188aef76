"""One backward pass of D for both players gives what two passes give."""

from collections import Counter
from copy import deepcopy

import pytest
import torch
from torch import nn

from sk_bigan._training.perturbations import most_changing
from sk_bigan._training.step import Game, accumulate_gradients
from sk_bigan.networks import Discriminators, MLPDiscriminator, Players
from sk_bigan.networks.tables import let_gaps_in
from sk_bigan.objectives import OBJECTIVES

GENERATOR = torch.Generator().manual_seed(0)
X = torch.rand(64, 7, generator=GENERATOR) * 2 - 1
Z = torch.randn(64, 3, generator=GENERATOR)


def against_the_mean(real_logits, fake_logits):
    """An objective in which no slope depends on its own logit alone."""
    difference = real_logits - fake_logits.mean()
    return nn.functional.softplus(-difference).mean(), nn.functional.softplus(difference).mean()


@pytest.fixture(scope="module")
def networks(make_networks):
    E, G, D = make_networks()
    with torch.no_grad():  # logits on both sides of hinge's margins, of -2 to 2
        D.logit.weight *= 2000
    return E.train(), G.train(), D


def gradients(networks, D=None, views=(X,), **settings):
    E, G, D = (deepcopy(network) for network in (*networks[:2], D or networks[2]))
    game = Game(**({"objective": OBJECTIVES["non_saturating"]} | settings))
    losses = accumulate_gradients(Players(E, G, D), X, views, Z, game)
    return losses, [p.grad for network in (E, G, D) for p in network.parameters()]


def without_the_promise(D):
    D = deepcopy(D)
    D.row_wise = False
    return D


def test_gaps_count_nothing_in_the_cycle_term_and_tell_d_nothing(make_networks):
    """E sees zeros there, and D what G makes of the code."""
    E, G, D = (network.eval() for network in make_networks())
    let_gaps_in(E)
    seen = []
    D.register_forward_pre_hook(lambda D, args, kwargs: seen.append(kwargs["x"]), with_kwargs=True)
    generator = torch.Generator().manual_seed(0)
    x, z = torch.randn(9, 7, generator=generator), torch.randn(9, 3, generator=generator)
    gaps = torch.rand(9, 7, generator=generator) < 0.3
    given = x.where(~gaps, torch.nan)
    game = Game(OBJECTIVES["non_saturating"], cycle_weight=1.0)
    losses = accumulate_gradients(Players(E, G, D), given, [given], z, game)
    with torch.no_grad():
        reconstructed = G(E(x.where(~gaps, 0)))
    expected = (x - reconstructed).square().where(~gaps, 0).mean()
    torch.testing.assert_close(losses["cycle"], expected)
    torch.testing.assert_close(seen[0][:9], x.where(~gaps, reconstructed))


@pytest.mark.parametrize("gradient_penalty", [0.0, 2.0])
@pytest.mark.parametrize("cycle_weight", [0.0, 0.7])
@pytest.mark.parametrize("objective", [*OBJECTIVES.values(), against_the_mean])
def test_one_pass_of_d_gives_the_gradients_of_two(
    networks, objective, cycle_weight, gradient_penalty
):
    settings = {
        "objective": objective,
        "cycle_weight": cycle_weight,
        "gradient_penalty": gradient_penalty,
    }
    losses, one_pass = gradients(networks, **settings)
    expected_losses, two_passes = gradients(networks, without_the_promise(networks[2]), **settings)
    torch.testing.assert_close(losses, expected_losses)
    torch.testing.assert_close(one_pass, two_passes, rtol=1e-4, atol=1e-7)
    assert all(gradient.any() for gradient in one_pass if gradient.ndim == 2)  # every weight's


@pytest.mark.parametrize("objective", ["hinge", "non_saturating"])
@pytest.mark.parametrize("gradient_penalty", [0.0, 2.0])
def test_e_and_g_learn_from_a_d_whose_own_loss_is_flat(networks, objective, gradient_penalty):
    """Logits up to 2,000: D's loss has no slope at most rows, that of E and G a full one."""
    D = deepcopy(networks[2])
    with torch.no_grad():
        D.logit.weight *= 1000
    settings = {"objective": OBJECTIVES[objective], "gradient_penalty": gradient_penalty}
    _, one_pass = gradients(networks, D, **settings)
    _, two_passes = gradients(networks, without_the_promise(D), **settings)
    largest = max(gradient.abs().max().item() for gradient in two_passes)
    torch.testing.assert_close(one_pass, two_passes, rtol=1e-4, atol=1e-6 * largest)


def test_a_d_whose_rows_see_each_other_gets_two_passes(networks):
    """With BatchNorm a logit's slope at one row reaches all rows: rescaling would be wrong."""

    class Normalized(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.Sequential(
                nn.Linear(10, 16), nn.BatchNorm1d(16), nn.LeakyReLU(0.2), nn.Linear(16, 1)
            )

        def forward(self, *, x, z):
            return self.layers(torch.cat([x, z], 1))

    torch.manual_seed(0)
    D = Normalized()
    E, G = (deepcopy(network) for network in networks[:2])
    codes, generated = E(X), G(Z)
    losses = OBJECTIVES["non_saturating"](
        D(x=X, z=codes).flatten(), deepcopy(D)(x=generated, z=Z).flatten()
    )
    expected = torch.autograd.grad(losses[1], [*E.parameters(), *G.parameters()])
    _, found = gradients(networks, D)
    torch.testing.assert_close(found[: len(expected)], list(expected))


@pytest.mark.parametrize(("gradient_penalty", "passes"), [(0.0, [128]), (1.0, [64, 64])])
def test_d_sees_all_pairs_at_once_unless_r1_wants_the_real_ones_alone(
    networks, gradient_penalty, passes
):
    D, rows = deepcopy(networks[2]), []
    D.logit.register_forward_hook(lambda module, args, output: rows.append(len(output)))
    gradients(networks, D, gradient_penalty=gradient_penalty)
    assert rows == passes


@pytest.mark.parametrize("gradient_penalty", [0.0, 1.0])
def test_a_row_wise_d_may_ignore_an_input(networks, gradient_penalty):
    class OfXAlone(nn.Linear):
        row_wise = True

        def forward(self, *, x, z):
            return super().forward(x)

    _, found = gradients(networks, OfXAlone(7, 1), gradient_penalty=gradient_penalty)
    of_e = list(networks[0].parameters())
    assert all(gradient.abs().sum() == 0 for gradient in found[: len(of_e)])
    assert found[-1].abs().sum() > 0


@pytest.mark.parametrize("gradient_penalty", [0.0, 1.0])
def test_e_sees_the_views_and_d_and_the_cycle_term_see_x(networks, gradient_penalty):
    views = [X + 1, X - 1]
    settings = {"cycle_weight": 0.7, "consistency_weight": 0.3}
    losses, found = gradients(networks, views=views, gradient_penalty=gradient_penalty, **settings)
    E, G, D = (deepcopy(network) for network in networks)
    codes, second_codes = E(torch.cat(views)).chunk(2)
    generated, reconstructed = G(Z), G(codes)
    _, loss_eg = OBJECTIVES["non_saturating"](D(x=X, z=codes), D(x=generated, z=Z))
    cycle = (X - reconstructed).square().mean()
    consistency = (codes - second_codes).square().mean()
    expected = torch.autograd.grad(
        loss_eg + 0.7 * cycle + 0.3 * consistency, [*E.parameters(), *G.parameters()]
    )
    torch.testing.assert_close(found[: len(expected)], list(expected), rtol=1e-4, atol=1e-7)
    for name, loss in {"loss_eg": loss_eg, "cycle": cycle, "consistency": consistency}.items():
        assert losses[name].item() == pytest.approx(loss.item(), rel=1e-5)


@pytest.mark.parametrize("consistency_weight", [0.0, 0.3])
def test_codes_are_tied_to_those_of_the_changes_that_e_reacts_to_most(networks, consistency_weight):
    views = [X + 1, X - 1][: 2 if consistency_weight else 1]
    torch.manual_seed(0)
    losses, found = gradients(
        networks, views=views, vat_weight=0.7, consistency_weight=consistency_weight
    )
    E, G, D = (deepcopy(network) for network in networks)
    torch.manual_seed(0)
    changed = views[0] + most_changing(E, views[0], torch.float32)
    codes, *other_codes = E(torch.cat([*views, changed])).split(len(X))
    _, loss_eg = OBJECTIVES["non_saturating"](D(x=X, z=codes), D(x=G(Z), z=Z))
    vat = (codes - other_codes[-1]).square().mean()
    loss = loss_eg + 0.7 * vat
    if consistency_weight:
        loss = loss + 0.3 * (codes - other_codes[0]).square().mean()
    expected = torch.autograd.grad(loss, [*E.parameters(), *G.parameters()])
    torch.testing.assert_close(found[: len(expected)], list(expected), rtol=1e-4, atol=1e-7)
    assert losses["vat"].item() == pytest.approx(vat.item(), rel=1e-5)
    assert losses["vat"] > 0


@pytest.fixture(scope="module")
def triple(networks):
    """D with discriminators of both cycles, whose logits differ from row to row."""
    torch.manual_seed(1)
    xx, zz = MLPDiscriminator((7,), 7, (16,)), MLPDiscriminator((3,), 3, (16,))
    return Discriminators({"xz": networks[2], "xx": xx, "zz": zz})


@pytest.mark.parametrize("gradient_penalty", [0.0, 2.0])
def test_cycles_are_games_of_what_went_out_and_what_came_back(networks, triple, gradient_penalty):
    losses, found = gradients(networks, triple, cycle_weight=0.7, gradient_penalty=gradient_penalty)
    E, G, D = (deepcopy(network) for network in (*networks[:2], triple))
    codes, generated = E(X), G(Z)
    reconstructed, recoded = G(codes), E(generated)
    objective = OBJECTIVES["non_saturating"]
    games = {
        "": (D["xz"](x=X, z=codes), D["xz"](x=generated, z=Z)),
        "_xx": (D["xx"](x=X, z=X), D["xx"](x=reconstructed, z=X)),
        "_zz": (D["zz"](x=Z, z=Z), D["zz"](x=recoded, z=Z)),
    }
    loss_eg = 0.7 * (X - reconstructed).square().mean()
    loss_d = torch.zeros(())
    for name, logits in games.items():
        its_loss_d, its_loss_eg = objective(*logits)
        assert losses[f"loss_d{name}"].item() == pytest.approx(its_loss_d.item(), rel=1e-5)
        assert losses[f"loss_eg{name}"].item() == pytest.approx(its_loss_eg.item(), rel=1e-5)
        loss_d, loss_eg = loss_d + its_loss_d, loss_eg + its_loss_eg
    learners = [*E.parameters(), *G.parameters()]
    expected = list(torch.autograd.grad(loss_eg, learners, retain_graph=True))
    torch.testing.assert_close(found[: len(expected)], expected, rtol=1e-4, atol=1e-7)
    if gradient_penalty == 0:
        expected = list(torch.autograd.grad(loss_d, list(D.parameters())))
        torch.testing.assert_close(found[len(learners) :], expected, rtol=1e-4, atol=1e-7)
    else:
        assert {"r1", "r1_xx", "r1_zz"} <= losses.keys()


def test_running_statistics_of_e_are_those_of_the_data(networks, triple):
    after = []
    for D in (networks[2], triple):
        E, G = deepcopy(networks[0]), deepcopy(networks[1])
        game = Game(OBJECTIVES["non_saturating"])
        accumulate_gradients(Players(E, G, deepcopy(D)), X, [X], Z, game)
        after.append(dict(E.named_buffers()))
    torch.testing.assert_close(after[1], after[0], rtol=0, atol=0)


def test_the_players_d_is_that_of_samples_and_codes(networks, triple):
    alone, several = Players(*networks), Players(*networks[:2], triple)
    assert alone.D is networks[2]
    assert not alone.cycle_discriminators
    assert several.D is triple["xz"]
    assert dict(several.cycle_discriminators) == {"xx": triple["xx"], "zz": triple["zz"]}


def test_parts_of_a_batch_add_up_to_the_whole():
    """Of networks whose rows do not see each other."""
    torch.manual_seed(0)
    E, G = nn.Linear(7, 3), nn.Linear(3, 7)
    D = MLPDiscriminator((7,), 3, (16,))
    game = Game(
        OBJECTIVES["non_saturating"],
        cycle_weight=0.7,
        consistency_weight=0.3,
        gradient_penalty=2.0,
    )
    rows = X, Z, X + 1, X - 1
    totals = []
    for sizes in ([64], [40, 24]):
        networks = deepcopy(Players(E, G, D))
        losses = Counter()
        for x, z, *views in zip(*(part.split(sizes) for part in rows), strict=True):
            share = len(x) / 64
            losses.update(accumulate_gradients(networks, x, views, z, game, share=share))
        found = [p.grad for network in networks for p in network.parameters()]
        totals.append([*found, *losses.values()])
    torch.testing.assert_close(*totals)
