"""Laws of the objectives, which see D's logits alone."""

from math import log

import pytest
import torch

from sk_bigan.objectives import (
    OBJECTIVES,
    input_gradients,
    minimax,
    non_saturating,
    r1_penalty,
    relativistic,
    resolve_objective,
)

LOGITS = torch.linspace(-3, 3, 8)


def gradients(objective, player, real_logit, fake_logit, n=8):
    """Of a player's loss, at logits that are all equal: (to real_logits, to fake_logits)."""
    real_logits = torch.full((n,), float(real_logit), requires_grad=True)
    fake_logits = torch.full((n,), float(fake_logit), requires_grad=True)
    loss = objective(real_logits, fake_logits)[player]
    return torch.autograd.grad(loss, (real_logits, fake_logits), materialize_grads=True)


@pytest.mark.parametrize("objective", [minimax, non_saturating])
def test_loss_d_is_log_4_where_d_cannot_tell(objective):
    loss_d, _ = objective(torch.zeros(8), torch.zeros(8))
    assert loss_d.item() == pytest.approx(log(4))


@pytest.mark.parametrize("objective", [minimax, non_saturating])
def test_loss_d_is_the_cross_entropy_of_the_labels(objective):
    loss_d, _ = objective(LOGITS, LOGITS.flip(0) - 1)
    expected = -torch.log(torch.sigmoid(LOGITS)).mean()
    expected -= torch.log(1 - torch.sigmoid(LOGITS.flip(0) - 1)).mean()
    assert loss_d.item() == pytest.approx(expected.item(), rel=1e-5)


def test_minimax_is_a_zero_sum_game():
    loss_d, loss_eg = minimax(LOGITS, LOGITS.roll(3))
    assert loss_eg == -loss_d


def test_non_saturating_flips_the_labels_of_one_player_only():
    loss_d, loss_eg = non_saturating(LOGITS, LOGITS - 2)
    flipped, _ = non_saturating(LOGITS - 2, LOGITS)
    assert loss_eg == flipped
    assert loss_eg != loss_d


def test_relativistic_losses_are_those_of_which_of_two_is_real():
    real, fake = LOGITS, LOGITS.flip(0) - 1
    loss_d, loss_eg = relativistic(real, fake)
    right = torch.sigmoid(real - fake)  # how sure D is
    torch.testing.assert_close(loss_d, -right.log().mean())
    torch.testing.assert_close(loss_eg, -(1 - right).log().mean())
    torch.testing.assert_close(relativistic(real + 7, fake + 7), (loss_d, loss_eg))


@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES.keys())
def test_players_pull_every_logit_in_opposite_directions(objective):
    to_real, to_fake = gradients(objective, 0, 0.5, -0.5)
    assert (to_real < 0).all()  # D raises the encoder's pairs: their label is 1
    assert (to_fake > 0).all()
    to_real, to_fake = gradients(objective, 1, 0.5, -0.5)
    assert (to_real > 0).all()
    assert (to_fake < 0).all()


@pytest.mark.parametrize("name", ["non_saturating", "hinge", "relativistic"])
def test_e_and_g_get_a_gradient_of_order_one_when_d_wins_by_ten_logits(name):
    to_real, to_fake = gradients(OBJECTIVES[name], 1, 10, -10)
    assert to_real.sum().item() == pytest.approx(1, abs=1e-3)
    assert to_fake.sum().item() == pytest.approx(-1, abs=1e-3)


def test_minimax_saturates_when_d_wins():
    to_real, _ = gradients(minimax, 1, 10, -10)
    assert 0 < to_real.sum().item() < 1e-4


@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES.keys())
def test_losses_stay_finite_and_grow_linearly_at_huge_logits(objective):
    loss_d, loss_eg = objective(torch.full((4,), -1e4), torch.full((4,), 1e4))
    assert loss_d.item() == pytest.approx(2e4, rel=1e-3)
    assert torch.isfinite(loss_eg)


@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES.keys())
def test_losses_are_means_over_the_batch(objective):
    once = objective(LOGITS, LOGITS - 1)
    twice = objective(LOGITS.repeat(2), (LOGITS - 1).repeat(2))
    torch.testing.assert_close(once, twice)


def test_r1_of_a_linear_d_is_half_its_squared_slope():
    x = torch.randn(5, 2, 3, requires_grad=True)
    z = torch.randn(5, 4, requires_grad=True)
    slope_x, slope_z = torch.randn(2, 3), torch.randn(4)
    logits = (x * slope_x).sum((1, 2)) + z @ slope_z
    expected = 0.5 * (slope_x.square().sum() + slope_z.square().sum())
    torch.testing.assert_close(r1_penalty(*input_gradients(logits, x, z)), expected)


def test_r1_can_be_descended():
    x = torch.randn(5, 3, requires_grad=True)
    z = torch.randn(5, 2, requires_grad=True)
    slope = torch.tensor(2.0, requires_grad=True)
    penalty = r1_penalty(*input_gradients(slope * x.sum(1) + z.sum(1), x, z))
    (gradient,) = torch.autograd.grad(penalty, slope)
    assert gradient.item() == pytest.approx(3 * 2.0)  # d/ds of (3 s^2 + 2) / 2


def test_own_objective_passes_through():
    def own(real_logits, fake_logits):
        return fake_logits.mean() - real_logits.mean(), real_logits.mean() - fake_logits.mean()

    assert resolve_objective(own) is own


def test_an_objective_that_fails_is_named():
    with pytest.raises(ValueError, match=r"objective failed on logits .*\(2,\) on cpu: .*size"):
        resolve_objective(lambda real, fake: ((real + torch.ones(3)).mean(), fake.mean()))
