"""Each prior draws what it says, on the support that it says."""

import pytest
import torch
from torch import nn

from sk_bigan.priors import PRIORS, Prior, normal, resolve_prior, uniform


@pytest.mark.parametrize("prior", PRIORS.values(), ids=PRIORS.keys())
def test_draws_follow_the_torch_seed(prior):
    first, again, other = (
        prior.sample(5, 3) for seed in (0, 0, 1) if torch.manual_seed(seed) is not None
    )
    assert first.shape == (5, 3)
    assert first.equal(again)
    assert not first.equal(other)


@pytest.mark.parametrize("prior", PRIORS.values(), ids=PRIORS.keys())
def test_code_activation_maps_onto_the_support(prior):
    codes = prior.code_activation()(torch.linspace(-50, 50, 1001))
    z = prior.sample(10_000, 1)
    assert codes.min() <= z.min()
    assert codes.max() >= z.max()


def test_codes_for_the_uniform_prior_are_bounded_as_it_is():
    codes = PRIORS["uniform"].code_activation()(torch.linspace(-50, 50, 1001))
    assert codes.abs().max() <= 1


def test_moments():
    torch.manual_seed(0)
    z = normal(100_000, 1)
    assert z.mean().item() == pytest.approx(0, abs=0.02)
    assert z.var().item() == pytest.approx(1, abs=0.02)
    z = uniform(100_000, 1)
    assert z.abs().max() <= 1
    assert z.mean().item() == pytest.approx(0, abs=0.02)
    assert z.var().item() == pytest.approx(1 / 3, abs=0.01)


def test_own_prior_is_unbounded_unless_it_says_otherwise():
    own = resolve_prior(torch.ones, latent_dim=3)
    assert own.sample(2, 3).equal(torch.ones(2, 3))
    assert own.code_activation is nn.Identity
    bounded = Prior(torch.rand, nn.Sigmoid)
    assert resolve_prior(bounded, latent_dim=3) is bounded
