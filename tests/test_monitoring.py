"""Health checks report what their documentation says."""

import numpy as np
import pytest
import torch
from torch import nn

from sk_bigan._training.monitoring import Health, Monitor
from sk_bigan.networks import Players

GENERATOR = torch.Generator().manual_seed(0)
X = torch.randn(64, 5, generator=GENERATOR) @ torch.randn(5, 5, generator=GENERATOR) + 3
Z = 0.2 * torch.randn(64, 3, generator=GENERATOR) @ torch.randn(3, 3, generator=GENERATOR)


class Judge(nn.Module):
    """A D with logits of both signs in both batches."""

    def __init__(self):
        super().__init__()
        self.of_x, self.of_z = nn.Linear(5, 1, bias=False), nn.Linear(3, 1, bias=False)

    def forward(self, *, x, z):
        return self.of_x(x) - self.of_x(x).mean() + 3 * self.of_z(z)


@pytest.fixture(scope="module")
def players():
    torch.manual_seed(0)
    return Players(nn.Linear(5, 3), nn.Linear(3, 5), Judge())


def rms_covariance(values):
    covariances = np.cov(values.T, bias=True)
    return np.sqrt(np.mean(covariances[~np.eye(len(covariances), dtype=bool)] ** 2))


def test_every_entry_is_computed_as_documented(players):
    E, G, D = players
    with torch.no_grad():
        codes, samples = E(X), G(Z)
        real_logits = D(x=X, z=codes).flatten().numpy()
        fake_logits = D(x=samples, z=Z).flatten().numpy()
        errors = (X - G(codes)).numpy()
    x, z, codes, samples = (values.numpy() for values in (X, Z, codes, samples))
    expected = Health(
        d_real=np.mean(real_logits > 0),
        d_fake=np.mean(fake_logits <= 0),
        d_spread=np.std(np.concatenate([real_logits, fake_logits])),
        code_spread=codes.std(0).mean() / z.std(0).mean(),
        code_covariance=rms_covariance(codes) / rms_covariance(z),
        sample_spread=samples.std(0).mean() / x.std(0).mean(),
        score=1 - np.square(errors).sum() / np.square(x - x.mean(0)).sum(),
    )
    assert 0 < expected.d_real < 1
    assert 0 < expected.d_fake < 1
    assert Monitor(players, X, Z).look() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("factor", [0.1, 10.0])
def test_spreads_and_covariances_have_the_units_of_the_prior_and_of_the_data(players, factor):
    """Codes spread as the prior's draws, and samples as the data, whatever their units."""
    E, G, D = players

    class Scaled(nn.Module):
        def __init__(self, network):
            super().__init__()
            self.network = network

        def forward(self, values):
            return factor * self.network(values / factor)

    plain = Monitor(players, X, Z).look()
    scaled = Monitor(Players(Scaled(E), Scaled(G), D), factor * X, factor * Z).look()
    for name in ("code_spread", "code_covariance", "sample_spread", "score"):
        assert getattr(scaled, name) == pytest.approx(getattr(plain, name), rel=1e-4)
