"""A step starts kernels and waits for none of them."""

from statistics import mean

import pytest
from helpers import AtStep
from kinds import KINDS
from watching import Watch

from sk_bigan._machine.plain import all_finite
from sk_bigan._training.engine import BiGANNet

# Launches of a step with the optimizers, mean of the eight of which one has R1: a limit that an
# accident would break.
MOST_LAUNCHES = {"plain": 135, "float32": 160, "bfloat16": 200, "displace": 255}


@pytest.fixture
def watched_steps(monkeypatch):
    """Return the operations of each step, for all trainings."""
    step, watches = BiGANNet.train_step, []

    def watched(net, batch, game):
        with Watch() as watch:
            losses = step(net, batch, game)
        watches.append(watch)
        return losses

    monkeypatch.setattr(BiGANNet, "train_step", watched)
    return watches


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_inside_a_step_waits_for_the_device(rows, make, kind, watched_steps):
    make(**{"max_epochs": 1, **KINDS[kind]}).fit(rows)
    assert len(watched_steps) == 4
    assert [watch.waits for watch in watched_steps] == [[]] * 4
    assert [watch.copies for watch in watched_steps] == [[]] * 4


@pytest.mark.parametrize("kind", MOST_LAUNCHES)
def test_a_step_has_few_launches(rows, make, kind, watched_steps):
    make(**{"max_epochs": 1, "batch_size": 40, **KINDS[kind]}).fit(rows)
    launches = [watch.launches.total() for watch in watched_steps[1:9]]  # the first sets up Adam
    assert mean(launches) <= MOST_LAUNCHES[kind]


@pytest.mark.parametrize("device", ["cuda", "cpu"])
def test_a_check_of_all_numbers_waits_once(rows, make, device):
    checked = []

    def check(net):
        with Watch() as watch:
            checked.append(all_finite(net.training_state()))
        checked.append(len(watch.waits))

    make(max_epochs=1, device=device, callbacks=[AtStep(2, check)]).fit(rows)
    assert checked == [True, int(device == "cuda")]
