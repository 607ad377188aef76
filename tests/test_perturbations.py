"""The change of a sample that its code reacts to most."""

from copy import deepcopy

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors
from torch import nn

from sk_bigan._training.perturbations import REACH, most_changing
from sk_bigan._training.step import Game, accumulate_gradients
from sk_bigan.networks.players import Players
from sk_bigan.objectives import OBJECTIVES

GENERATOR = torch.Generator().manual_seed(0)
X = torch.rand(64, 7, generator=GENERATOR) * 2 - 1


def test_a_code_of_one_direction_changes_most_along_it():
    E = nn.Linear(7, 1)
    along = E.weight.detach() / E.weight.detach().norm()
    r = most_changing(E, X, torch.float32)
    of_unit = r / r.norm(dim=1, keepdim=True)
    torch.testing.assert_close((of_unit @ along.T).abs(), torch.ones(64, 1))


def test_one_iteration_brings_a_random_direction_nearer_to_the_first_singular_vector():
    E = nn.Linear(7, 5, bias=False)
    _, singular_values, V = torch.linalg.svd(E.weight.detach())
    torch.manual_seed(0)
    d = torch.randn_like(X)
    torch.manual_seed(0)
    r = most_changing(E, X, torch.float32)
    expected = (d @ V.T)[:, :5] * singular_values**2  # W'W d, in singular vectors
    expected /= expected.norm(dim=1, keepdim=True)
    found = r @ V.T / r.norm(dim=1, keepdim=True)
    torch.testing.assert_close(found[:, :5], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [(7,), (1, 7), (1, 1, 7)])
def test_it_is_as_long_as_a_share_of_the_way_to_the_nearest_row(shape):
    E = nn.Sequential(nn.Flatten(), nn.Linear(7, 3))
    r = most_changing(E, X.view(64, *shape), torch.float32)
    assert r.shape == (64, *shape)
    distances, _ = NearestNeighbors(n_neighbors=2).fit(X).kneighbors()
    np.testing.assert_allclose(r.flatten(1).norm(dim=1), REACH * distances[:, 0], rtol=1e-4)


def test_there_is_none_where_nothing_is_between_rows_or_nothing_changes():
    E = nn.Linear(7, 3)
    twice = X[[0, 0, 1]]
    r = most_changing(E, twice, torch.float32)
    assert not r[:2].any()
    assert r[2].any()
    assert not most_changing(E, X[:1], torch.float32).any()  # a row by itself
    nn.init.zeros_(E.weight)
    assert not most_changing(E, X, torch.float32).any()


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_it_changes_codes_more_than_other_directions_do(make_networks, precision):
    E = make_networks()[0].train()
    before = deepcopy(E.state_dict())
    r = most_changing(E, X, precision)
    torch.testing.assert_close(E.state_dict(), before, rtol=0, atol=0)  # running statistics too
    assert all(parameter.grad is None for parameter in E.parameters())
    E.eval()
    with torch.no_grad():
        of_most = (E(X + r) - E(X)).square().sum()
        for seed in range(5):
            other = torch.randn(r.shape, generator=torch.Generator().manual_seed(seed))
            other *= r.norm(dim=1, keepdim=True) / other.norm(dim=1, keepdim=True)
            assert of_most > 1.5 * (E(X + other) - E(X)).square().sum()


def test_dropout_is_no_change_of_the_code(make_networks):
    """An encoder that ignores its input, but for dropout, resists every change."""
    E, G, D = make_networks()
    E = nn.Sequential(nn.Linear(7, 3), nn.Dropout(0.5)).train()
    nn.init.zeros_(E[0].weight)
    assert not most_changing(E, X, torch.float32).any()
    assert E[1].training
    z = torch.randn(64, 3, generator=GENERATOR)
    losses = accumulate_gradients(
        Players(E, G, D), X, [X], z, Game(OBJECTIVES["non_saturating"], vat_weight=1.0)
    )
    assert losses["vat"] == 0
