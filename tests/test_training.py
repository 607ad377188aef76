"""Laws of the training step: who gets which gradient, from which pair, at which parameters."""

import signal
from copy import deepcopy

import pytest
import torch
from skorch.callbacks import Callback, EarlyStopping
from torch import nn

from sk_bigan import BiGANTransformer
from sk_bigan._machine.interrupts import deferred_interrupts
from sk_bigan._training.engine import BiGANNet, games_of_epoch
from sk_bigan._training.loop import Training
from sk_bigan._training.optimizers import make_optimizers
from sk_bigan._training.step import Game
from sk_bigan.callbacks import set_learning_rates
from sk_bigan.networks import Players
from sk_bigan.objectives import OBJECTIVES, non_saturating
from sk_bigan.priors import Prior

Z = torch.randn(64, 3, generator=torch.Generator().manual_seed(1))
MODULES = ("encoder_", "generator_", "discriminator_")
X = torch.rand(64, 7, generator=torch.Generator().manual_seed(2)) * 2 - 1


class FlatLogit(nn.Module):
    """A D that is sure of itself: the encoder's pairs get +10, the generator's -10."""

    def __init__(self, x):
        super().__init__()
        self.x = x
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, *, x, z):
        sign = 1.0 if torch.equal(x, self.x) else -1.0
        return self.scale * (10 * sign + x.sum(1) + z.sum(1) - (x.sum(1) + z.sum(1)).detach())


@pytest.fixture
def make_net(make_networks):
    """An engine around small networks, always from the same weights and the same z."""

    def make(discriminator=None, objective=non_saturating, freeze=None, **settings):
        E, G, D = make_networks(discriminator)
        for name, network in zip(("encoder", "generator"), (E, G), strict=True):
            network.requires_grad_(name != freeze)
        defaults = {
            "lr": 1e-2,
            "batch_size": 16,
            "max_epochs": 1,
            "to_samples": nn.Identity(),
            "verbose": 0,
        }
        of_game = {name: settings.pop(name) for name in Game._fields if name in settings}
        players = Players(E, G, D)
        net = BiGANNet(
            players=players,
            game=Game(objective, **of_game),
            latent_dim=3,
            prior=Prior(lambda n, k: Z[:n]),
            optimizers=make_optimizers(players),
            **(defaults | settings),
        ).initialize()
        set_learning_rates(net.optimizers_, net.lr)  # for single steps
        net._set_training(True)
        return net

    return make


def step(net):
    return net.train_step(X, net.game)


def gradients(net, module):
    return [p.grad.clone() for p in getattr(net, module + "_").parameters()]


def total(gradients):
    return sum(g.abs().sum().item() for g in gradients)


@pytest.mark.parametrize(
    ("sees", "learns", "rests"),
    [("real", "encoder", "generator"), ("fake", "generator", "encoder")],
)
def test_e_learns_from_the_real_pair_alone_and_g_from_the_generated_one(
    make_net, sees, learns, rests
):
    def objective(real_logits, fake_logits):
        loss = {"real": real_logits, "fake": fake_logits}[sees].mean()
        return real_logits.mean() + fake_logits.mean(), loss

    net = make_net(objective=objective)
    step(net)
    assert total(gradients(net, learns)) > 0
    assert total(gradients(net, rests)) == 0


@pytest.mark.parametrize("name", ["encoder", "generator"])
def test_gradients_do_not_vanish_when_d_wins_by_ten_logits(make_net, name):
    def gradient(objective):
        net = make_net(FlatLogit(X), objective=OBJECTIVES[objective])
        step(net)
        return total(gradients(net, name))

    def unit_slope(real_logits, fake_logits):
        return real_logits.mean(), real_logits.mean() - fake_logits.mean()

    net = make_net(FlatLogit(X), objective=unit_slope)
    step(net)
    full = total(gradients(net, name))
    assert gradient("non_saturating") == pytest.approx(full, rel=1e-3)
    assert gradient("minimax") < 1e-3 * full


@pytest.mark.parametrize("player", ["discriminator", "encoder", "generator"])
def test_each_players_gradient_is_untouched_by_the_others_loss(make_net, player):
    def other_loss_scaled(real_logits, fake_logits):
        loss_d, loss_eg = non_saturating(real_logits, fake_logits)
        return (loss_d, 1e3 * loss_eg) if player == "discriminator" else (1e3 * loss_d, loss_eg)

    plain, scaled = make_net(), make_net(objective=other_loss_scaled)
    step(plain)
    step(scaled)
    torch.testing.assert_close(gradients(plain, player), gradients(scaled, player))


def test_no_gradient_is_left_over_from_the_step_before(make_net):
    net = make_net(lr=0.0)  # so that both steps are taken at the same weights
    step(net)
    first = {name: gradients(net, name) for name in ("encoder", "generator", "discriminator")}
    step(net)
    for name, gradient in first.items():
        torch.testing.assert_close(gradients(net, name), gradient)


@pytest.mark.parametrize("cycle_weight", [0.0, 0.7])
@pytest.mark.parametrize("gradient_penalty", [0.0, 2.0])
def test_both_gradients_are_taken_at_the_parameters_before_the_step(
    make_net, cycle_weight, gradient_penalty
):
    net = make_net(cycle_weight=cycle_weight, gradient_penalty=gradient_penalty)
    E, G, D = (deepcopy(m) for m in (net.encoder_, net.generator_, net.discriminator_))
    step(net)

    codes = E(X)
    loss_eg = non_saturating(D(x=X, z=codes), D(x=G(Z), z=Z))[1]
    loss_eg = loss_eg + cycle_weight * (X - G(codes)).square().mean()
    expected = torch.autograd.grad(loss_eg, [*E.parameters(), *G.parameters()])
    torch.testing.assert_close(
        gradients(net, "encoder") + gradients(net, "generator"), list(expected)
    )

    x, codes = X.clone().requires_grad_(), codes.detach().requires_grad_()
    real_logits = D(x=x, z=codes)
    loss_d = non_saturating(real_logits, D(x=G(Z).detach(), z=Z))[0]
    slopes = torch.autograd.grad(real_logits.sum(), (x, codes), create_graph=True)
    loss_d = loss_d + gradient_penalty / 2 * torch.cat(slopes, 1).square().sum(1).mean()
    torch.testing.assert_close(
        gradients(net, "discriminator"), list(torch.autograd.grad(loss_d, [*D.parameters()]))
    )


def test_a_step_moves_every_network(make_net):
    net = make_net(cycle_weight=1.0, gradient_penalty=1.0)
    before = {name: deepcopy(getattr(net, name).state_dict()) for name in MODULES}
    step(net)
    for name in MODULES:
        weights = [key for key in before[name] if key.endswith("weight")]
        after = getattr(net, name).state_dict()
        assert not any(after[key].equal(before[name][key]) for key in weights)


@pytest.mark.parametrize("n_steps", [1, 2, 7, 8, 9, 16, 100])
def test_an_epoch_has_as_much_r1_as_if_it_were_in_every_step(n_steps):
    games = games_of_epoch(Game(non_saturating, gradient_penalty=0.7, cycle_weight=3.0), n_steps)
    weights = [game.gradient_penalty for game in games]
    assert sum(weights) == pytest.approx(0.7 * n_steps)
    assert [step for step, weight in enumerate(weights) if weight > 0] == [*range(0, n_steps, 8)]
    assert {game.cycle_weight for game in games} == {3.0}


def test_the_history_has_the_mean_r1_of_the_steps_that_have_it(make_net):
    seen = []

    class Watch(Callback):
        def on_batch_end(self, net, r1=None, **kwargs):
            seen.append(r1)

    net = make_net(gradient_penalty=2.0, batch_size=4, callbacks=[Watch()])
    Training(net).run(X)
    assert [r1 is not None for r1 in seen] == [step % 8 == 0 for step in range(16)]
    assert net.history[-1]["r1"] == pytest.approx(float(seen[0] + seen[8]) / 2)


def test_r1_is_taken_at_d_alone_and_not_through_e(make_net):
    class Linear(nn.Module):
        def __init__(self):
            super().__init__()
            self.slope = nn.Parameter(torch.arange(10.0))

        def forward(self, *, x, z):
            return torch.cat([x, z], 1) @ self.slope

    net = make_net(Linear(), gradient_penalty=1.0)
    assert step(net)["r1"].item() == pytest.approx(0.5 * sum(i**2 for i in range(10)))


def test_a_d_that_ignores_z_trains(make_net):
    class Blind(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(7, 1)

        def forward(self, *, x, z):
            return self.linear(x)

    net = make_net(Blind(), gradient_penalty=1.0)
    slope = net.discriminator_.linear.weight.detach().clone()
    assert step(net)["r1"].item() == pytest.approx(0.5 * slope.square().sum().item())


def test_a_frozen_network_stays_as_it_is_while_the_others_learn(make_net):
    net = make_net(freeze="encoder", gradient_penalty=1.0, cycle_weight=1.0)
    before = deepcopy(net.encoder_.state_dict())
    step(net)
    assert all(p.equal(before[name]) for name, p in net.encoder_.named_parameters())
    assert total(gradients(net, "generator")) > 0
    assert total(gradients(net, "discriminator")) > 0


@pytest.mark.parametrize(("cycle_weight", "passes"), [(0.0, 1), (1.0, 2)])
def test_g_runs_only_as_often_as_the_losses_need(make_net, cycle_weight, passes):
    net = make_net(cycle_weight=cycle_weight)
    calls = []
    net.generator_.register_forward_hook(lambda *_: calls.append(1))
    step(net)
    assert len(calls) == passes


def test_history_holds_the_mean_losses_of_each_epoch(make_net):
    class Recorder(Callback):
        def __init__(self):
            self.steps = []

        def on_batch_end(self, net, training=False, **step):
            self.steps.append(step["loss_d"].item())

    recorder = Recorder()
    net = make_net(callbacks=[recorder], max_epochs=2, cycle_weight=1.0, gradient_penalty=1.0)
    Training(net).run(X)
    assert len(recorder.steps) == 2 * 4
    assert net.history[:, "loss_d"] == pytest.approx(
        [sum(recorder.steps[:4]) / 4, sum(recorder.steps[4:]) / 4]
    )
    assert {"epoch", "dur", "loss_d", "loss_eg", "r1", "cycle"} <= set(net.history[-1])


def test_networks_are_in_training_mode_while_they_train_and_in_no_other_time(make_net):
    class Watch(Callback):
        def on_batch_begin(self, net, **kwargs):
            assert all(getattr(net, name).training for name in MODULES)

    net = make_net(callbacks=[Watch()])
    Training(net).run(X)
    assert not any(getattr(net, name).training for name in MODULES)
    assert net.encoder_.body[0][2].num_batches_tracked == 4


def test_objectives_get_flat_logits_from_a_d_that_gives_a_column(make_net):
    class Column(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(10, 1)

        def forward(self, *, x, z):
            return self.linear(torch.cat([x, z], 1))

    shapes = []

    def objective(real_logits, fake_logits):
        shapes.extend([real_logits.shape, fake_logits.shape])
        return non_saturating(real_logits, fake_logits)

    step(make_net(Column(), objective=objective))
    assert shapes == [(64,), (64,)]


def test_learning_rates_fall_linearly_over_the_second_half(make_net):
    class Recorder(Callback):
        def __init__(self):
            self.rates = []

        def on_batch_begin(self, net, **kwargs):
            optimizers = (net.optimizer_d_, net.optimizer_eg_)
            self.rates.append([group["lr"] for o in optimizers for group in o.param_groups])

    recorder = Recorder()
    net = make_net(callbacks=[recorder], max_epochs=4, batch_size=64)
    Training(net).run(X)
    Training(net).run(X)  # a second training starts afresh
    expected = [1e-2, 1e-2, 1e-2, 5e-3] * 2
    assert recorder.rates == [pytest.approx([rate, rate]) for rate in expected]


def test_both_players_have_the_moments_of_the_paper():
    """Donahue et al. 2017, Appendix A."""
    seen = []

    class Recorder(Callback):
        def on_batch_begin(self, net, **kwargs):
            for optimizer in (net.optimizer_d_, net.optimizer_eg_):
                seen.extend(group["betas"] for group in optimizer.param_groups)

    BiGANTransformer(latent_dim=2, max_epochs=1, callbacks=[Recorder()]).fit(X.numpy())
    assert set(seen) == {(0.5, 0.999)}


@pytest.mark.parametrize(("moment", "n_epochs"), [("on_train_begin", 0), ("on_train_end", 2)])
def test_a_callback_can_end_the_training_before_and_after_its_epochs(make_net, moment, n_epochs):
    def stop(self, net, **kwargs):
        raise KeyboardInterrupt

    net = make_net(callbacks=[type("Stop", (Callback,), {moment: stop})()], max_epochs=2)
    with deferred_interrupts() as interrupts:
        Training(net, interrupts=interrupts).run(X)
    assert len(net.history) == n_epochs
    assert not net.encoder_.training


def test_gradients_can_be_watched_before_the_step(make_net):
    class Watch(Callback):
        def on_batch_begin(self, net, **kwargs):
            self.before = [p.clone() for _, p in net.get_all_learnable_params()]

        def on_grad_computed(self, net, named_parameters, **kwargs):
            self.parameters = [p for _, p in named_parameters]
            assert all(p.equal(q) for p, q in zip(self.parameters, self.before, strict=True))
            assert all(p.grad is not None for p in self.parameters)

    watch = Watch()
    net = make_net(callbacks=[watch])
    Training(net).run(X)
    assert len(watch.parameters) == sum(len(list(getattr(net, m).parameters())) for m in MODULES)


def test_a_callback_can_end_the_training_early(make_net):
    stop = EarlyStopping(monitor="loss_d", patience=2, threshold=1e9, sink=lambda *_, **__: None)
    net = make_net(callbacks=[stop], max_epochs=50)
    Training(net).run(X)
    assert len(net.history) < 50
    assert not net.encoder_.training


@pytest.mark.parametrize("moment", ["on_batch_end", "on_epoch_end"])
def test_ctrl_c_comes_through(make_net, moment):
    def interrupt(*args, **kwargs):
        signal.raise_signal(signal.SIGINT)

    ctrl_c = type("CtrlC", (Callback,), {moment: interrupt})
    net = make_net(callbacks=[ctrl_c()])
    with deferred_interrupts() as interrupts, pytest.raises(KeyboardInterrupt):
        Training(net, interrupts=interrupts).run(X)
    assert not net.encoder_.training


@pytest.mark.parametrize("moment", ["on_batch_end", "on_epoch_begin", "on_epoch_end"])
def test_a_callback_can_end_the_training_anywhere_and_through_helpers(make_net, moment):
    def helper(net):
        if len(net.history) == 3:
            raise KeyboardInterrupt

    def stop(self, net, **kwargs):
        helper(net)

    net = make_net(callbacks=[type("Stop", (Callback,), {moment: stop})()], max_epochs=9)
    with deferred_interrupts() as interrupts:
        Training(net, interrupts=interrupts).run(X)
    assert len(net.history) == 3
    assert not net.encoder_.training


def test_bfloat16_computes_the_same_step_within_its_precision(make_net):
    exact = step(make_net(cycle_weight=1.0, gradient_penalty=1.0))
    rough = step(make_net(cycle_weight=1.0, gradient_penalty=1.0, precision=torch.bfloat16))
    assert all(loss.dtype == torch.float32 for loss in rough.values())
    for name in ("loss_d", "loss_eg", "cycle"):
        assert rough[name].item() == pytest.approx(exact[name].item(), rel=2e-2)
        assert rough[name] != exact[name]
