"""Each prior draws what it says, on the support that it says."""

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from sk_bigan.priors import PRIORS, Prior, resolve_prior


@pytest.mark.parametrize("prior", PRIORS.values(), ids=PRIORS.keys())
def test_draws_follow_the_torch_seed(prior):
    first, again, other = (
        prior.sample(5, 3) for seed in (0, 0, 1) if torch.manual_seed(seed) is not None
    )
    assert first.shape == (5, 3)
    assert first.equal(again)
    assert not first.equal(other)


DISTRIBUTIONS = {"normal": stats.norm(), "uniform": stats.uniform(loc=-1, scale=2)}


@pytest.mark.parametrize("name", PRIORS)
def test_coordinates_are_independent_and_of_the_named_distribution(name):
    torch.manual_seed(1)
    z = PRIORS[name].sample(20_000, 3).double().numpy()
    for column in z.T:
        assert stats.kstest(column, DISTRIBUTIONS[name].cdf).pvalue > 0.01
    correlations = np.corrcoef(np.c_[z, np.square(z)], rowvar=False)
    assert np.abs(correlations - np.eye(6)).max() < 0.03
    assert len(np.unique(z[:, 0])) > 19_900


@pytest.mark.parametrize("name", PRIORS)
def test_codes_reach_the_support_of_the_prior_and_no_further(name):
    low, high = DISTRIBUTIONS[name].support()
    codes = PRIORS[name].code_activation()(torch.linspace(-50, 50, 1001))
    assert low <= codes.min()
    assert codes.max() <= high
    assert codes.min() <= DISTRIBUTIONS[name].ppf(0.001)
    assert codes.max() >= DISTRIBUTIONS[name].ppf(0.999)


def test_own_prior_is_unbounded_unless_it_says_otherwise():
    own = resolve_prior(torch.ones, latent_dim=3)
    assert own.sample(2, 3).equal(torch.ones(2, 3))
    assert own.code_activation is nn.Identity
    bounded = Prior(torch.rand, nn.Sigmoid)
    assert resolve_prior(bounded, latent_dim=3) is bounded
