"""Each prior draws what it says, on the support that it says."""

import numpy as np
import pytest
import torch
from scipy.stats import kstest, norm
from scipy.stats import uniform as between
from torch import nn

from sk_bigan.priors import PRIORS, Prior, resolve_prior

DISTRIBUTIONS = {"normal": norm(0, 1), "uniform": between(-1, 2)}


@pytest.mark.parametrize("prior", PRIORS.values(), ids=PRIORS.keys())
def test_draws_follow_the_torch_seed(prior):
    first, again, other = (
        prior.sample(5, 3) for seed in (0, 0, 1) if torch.manual_seed(seed) is not None
    )
    assert first.shape == (5, 3)
    assert first.equal(again)
    assert not first.equal(other)


@pytest.mark.parametrize("name", PRIORS)
def test_coordinates_have_the_named_distribution(name):
    """40,000 draws of each coordinate; a wrong law is off by more than 0.01 somewhere."""
    torch.manual_seed(0)
    z = PRIORS[name].sample(40_000, 3).double().numpy()
    for coordinate in z.T:
        assert kstest(coordinate, DISTRIBUTIONS[name].cdf).statistic < 0.01
        low, high = DISTRIBUTIONS[name].ppf([0.001, 0.999])
        assert coordinate.min() < low
        assert coordinate.max() > high
    low, high = DISTRIBUTIONS[name].support()
    assert low <= z.min()
    assert z.max() <= high


@pytest.mark.parametrize("name", PRIORS)
def test_coordinates_and_draws_are_independent(name):
    """Neither values nor their sizes say anything of the next coordinate or of the next draw."""
    torch.manual_seed(1)
    z = PRIORS[name].sample(40_000, 3).double().numpy()
    for values in (z, np.abs(z)):
        between_coordinates = np.corrcoef(values, rowvar=False)[np.triu_indices(3, 1)]
        between_draws = [np.corrcoef(v[1:], v[:-1])[0, 1] for v in values.T]
        np.testing.assert_allclose(between_coordinates, 0, atol=0.025)  # 5 standard errors
        np.testing.assert_allclose(between_draws, 0, atol=0.025)


@pytest.mark.parametrize("name", PRIORS)
def test_moments(name):
    torch.manual_seed(0)
    z = PRIORS[name].sample(100_000, 1)
    assert z.mean().item() == pytest.approx(0, abs=0.02)
    assert z.var().item() == pytest.approx(DISTRIBUTIONS[name].var(), abs=0.02)


@pytest.mark.parametrize("name", PRIORS)
def test_code_activation_maps_the_real_line_onto_the_support_in_order(name):
    reals = torch.linspace(-50, 50, 1001)
    codes = PRIORS[name].code_activation()(reals)
    low, high = np.clip(DISTRIBUTIONS[name].support(), -50, 50)
    assert codes.diff().min() >= 0
    assert codes.diff()[490:510].min() > 0
    assert (codes[0].item(), codes[-1].item()) == pytest.approx((low, high))


@pytest.mark.filterwarnings("ignore:.*other units")
@pytest.mark.parametrize("name", PRIORS)
def test_codes_stay_in_the_support_and_use_both_of_its_sides(digits, small, name):
    """Rows far beyond those of the training push codes outwards, and no further than the ends."""
    bigan = small(prior=name).fit(digits)
    low, high = DISTRIBUTIONS[name].support()
    for X in (digits, 1e3 * digits, -1e3 * digits):
        codes = bigan.transform(X)
        assert np.isfinite(codes).all()
        assert low <= codes.min() < 0 < codes.max() <= high
    if np.isinf(high):
        assert np.abs(bigan.transform(1e3 * digits)).max() > 1


def test_own_prior_is_unbounded_unless_it_says_otherwise():
    own = resolve_prior(torch.ones, latent_dim=3)
    assert own.sample(2, 3).equal(torch.ones(2, 3))
    assert own.code_activation is nn.Identity
    bounded = Prior(torch.rand, nn.Sigmoid)
    assert resolve_prior(bounded, latent_dim=3) is bounded


def test_a_prior_that_fails_is_named():
    with pytest.raises(ValueError, match=r"prior failed to draw \(2, 3\) on cpu: .*size"):
        resolve_prior(lambda n, d: torch.randn(n, d) + torch.ones(d + 1), latent_dim=3)
