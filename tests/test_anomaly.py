"""Scores of anomalies are what their formulas say, on networks that can be worked out by hand."""

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal, norm
from torch import nn

from sk_bigan.anomaly import SCORES, Density, codes_and_errors

GENERATOR = torch.Generator().manual_seed(0)
X = torch.randn(40, 5, generator=GENERATOR)
TO_CODE = torch.randn(5, 2, generator=GENERATOR)
TO_X = torch.randn(2, 5, generator=GENERATOR)
TO_HIDDEN = torch.randn(10, 3, generator=GENERATOR)


class Judge(nn.Module):
    """A D whose last hidden layer is linear in x and z, of which it takes what there is."""

    def forward(self, *, x, z):
        return self.last_hidden(x=x, z=z).sum(1, keepdim=True)

    def last_hidden(self, *, x, z):
        both = torch.cat([x, z], 1)
        return both @ TO_HIDDEN[: both.shape[1]]


class Judges(Judge):
    def __init__(self, xx=None):
        super().__init__()
        self.xx = xx or Judge()


def E(x):
    return x @ TO_CODE


def G(z):
    return z @ TO_X


def scores(name):
    return SCORES[name](E, G, Judges(), X)


def test_each_score_is_its_formula():
    codes = X @ TO_CODE
    back = codes @ TO_X
    expected = {
        "reconstruction": (X - back).square().sum(1),
        "code": codes.square().sum(1),
        "logit": -(torch.cat([X, codes], 1) @ TO_HIDDEN[:7]).sum(1),
        "features": ((X - back) @ TO_HIDDEN[:5]).abs().sum(1),
        "cycle_features": ((X - back) @ TO_HIDDEN[:5]).abs().sum(1),
    }
    assert expected.keys() == SCORES.keys()
    for name, values in expected.items():
        torch.testing.assert_close(scores(name), values, msg=name)


def test_the_discriminator_of_cycles_sees_what_came_back_beside_what_went_out():
    class Differences(Judge):
        def last_hidden(self, *, x, z):
            return x - z  # zero for (x, x)

    D = Judges(Differences())
    expected = (G(E(X)) - X).abs().sum(1)
    torch.testing.assert_close(SCORES["cycle_features"](E, G, D, X), expected)


def test_distances_in_d_need_its_last_hidden_layer():
    class Plain(nn.Module):
        def forward(self, *, x, z):
            return x.sum(1)

    with pytest.raises(ValueError, match="needs a discriminator with a method last_hidden.*Plain"):
        SCORES["features"](E, G, Plain(), X)


def test_codes_and_errors_are_those_of_the_reconstruction():
    both = codes_and_errors(E, G, X)
    torch.testing.assert_close(both[:, :2], X @ TO_CODE)
    torch.testing.assert_close(both[:, 2], scores("reconstruction"))


def test_the_density_is_that_of_two_normal_distributions():
    codes, residuals = np.random.default_rng(0).normal(size=(2, 30, 4))
    covariance = np.diag([1.0, 2.0, 3.0, 4.0]) + 0.5
    density = Density(np.arange(4.0), np.linalg.inv(covariance), noise_variance=0.3)
    expected = multivariate_normal(np.arange(4.0), covariance).logpdf(codes)
    expected += norm(scale=np.sqrt(0.3)).logpdf(residuals).sum(1)
    constant = expected - density.log(codes, np.square(residuals).sum(1))
    np.testing.assert_allclose(constant, constant[0])


@pytest.mark.parametrize("far", ["codes", "errors", "both"])
def test_outliers_do_not_move_the_density(far):
    random = np.random.default_rng(0)
    codes, errors = random.normal(size=(2000, 3)), random.chisquare(5, size=2000)
    clean = Density.fit(codes, errors, 5, outliers=0.01)
    if far != "errors":
        codes[:200] += 30
    if far != "codes":
        errors[:200] += 300
    density = Density.fit(codes, errors, 5, outliers=0.1)
    np.testing.assert_allclose(density.location, clean.location, atol=0.1)
    np.testing.assert_allclose(density.precision, clean.precision, atol=0.2)
    assert density.noise_variance == pytest.approx(clean.noise_variance, rel=0.1)
    lowest = np.argsort(density.log(codes, errors))[:200]
    assert set(lowest) == set(range(200))


def test_a_density_of_clean_data_finds_their_moments():
    random = np.random.default_rng(0)
    codes = random.normal(size=(20_000, 2)) @ [[2.0, 0.0], [1.0, 1.0]] + [5.0, -5.0]
    errors = 0.7 * random.chisquare(8, size=20_000)
    density = Density.fit(codes, errors, 8, outliers=1e-4)
    np.testing.assert_allclose(density.location, [5.0, -5.0], atol=0.05)
    np.testing.assert_allclose(np.linalg.inv(density.precision), np.cov(codes.T), rtol=0.02)
    assert density.noise_variance == pytest.approx(0.7, rel=0.02)


def test_rows_with_gaps_are_as_dense_as_whole_rows():
    random = np.random.default_rng(0)
    codes, n_gaps = random.normal(size=(20_000, 2)), random.integers(0, 8, size=20_000)
    errors = 0.7 * random.chisquare(8 - n_gaps)
    density = Density.fit(codes, errors, 8, 1e-4, n_gaps)
    assert density.noise_variance == pytest.approx(0.7, rel=0.02)
    log_densities = density.log(codes, errors, n_gaps)
    assert log_densities[n_gaps > 4].mean() == pytest.approx(log_densities.mean(), abs=0.1)


@pytest.mark.parametrize("n_rows", [2, 3])
def test_a_density_of_few_or_equal_rows_is_finite(n_rows):
    density = Density.fit(np.ones((n_rows, 3)), np.zeros(n_rows), 5, outliers=0.5)
    assert np.isfinite(density.log(np.zeros((4, 3)), np.arange(4.0))).all()
