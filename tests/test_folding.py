"""Networks for inference: BatchNorm folded, the same numbers, and no change that goes unseen."""

import pickle
import threading
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import spectral_norm as old_spectral_norm

from sk_bigan.networks.building import build_networks
from sk_bigan.networks.folding import prepared

SHAPES = {"mlp": (7,), "conv": (1, 8, 8)}
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


def trained_statistics(network, shape):
    """Give the network statistics and scales of BatchNorm that are not those it begins with."""
    torch.manual_seed(0)
    for layer in network.modules():
        if isinstance(layer, NORMS):
            nn.init.uniform_(layer.weight, 0.5, 2)
            nn.init.normal_(layer.bias)
    for _ in range(20):
        network(3 * torch.randn(16, *shape) + 1)
    return network.eval()


def n_norms(network):
    return sum(isinstance(layer, NORMS) for layer in network.modules())


@pytest.fixture(params=[(kind, name) for kind in SHAPES for name in ("encoder", "generator")])
def network_and_shape(request):
    architecture, name = request.param
    shape = SHAPES[architecture]
    networks = build_networks(
        architecture,
        shape,
        3,
        (16, 16),
        code_activation=nn.Identity(),
        output=nn.Tanh(),
        wanted={},
    )
    network = networks[0] if name == "encoder" else networks[1]
    shape = shape if name == "encoder" else (3,)
    return trained_statistics(network, shape), shape


@pytest.fixture
def network():
    layers = [nn.Linear(7, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 3)]
    return trained_statistics(nn.Sequential(*layers), (7,))


def test_a_prepared_network_computes_the_same_without_batch_norm(network_and_shape):
    network, shape = network_and_shape
    folded = prepared(network, shape).network
    x = torch.randn(40, *shape)
    with torch.no_grad():
        torch.testing.assert_close(folded(x), network(x), rtol=1e-4, atol=1e-5)
    assert n_norms(network) > 0
    # G of images has one after a change of shape, which stays.
    assert n_norms(folded) == sum(
        isinstance(before, nn.Unflatten) and isinstance(after, NORMS)
        for before, after in pairwise(folded.children())
    )
    assert prepared(network, shape).network is folded


def test_a_few_rows_have_the_bits_that_they_have_among_others(network_and_shape):
    network, shape = network_and_shape
    folded, batching, _ = prepared(network, shape)
    x = torch.randn(64, *shape)
    with torch.inference_mode():
        apart = torch.cat([folded(block) for block in x.split(batching.few_rows)])
        assert torch.equal(apart, folded(x))


def test_a_chain_of_layers_computes_what_the_network_does(network_and_shape):
    network, shape = network_and_shape
    folded, _, straight = prepared(network, shape)
    x = torch.randn(40, *shape)
    with torch.inference_mode():
        assert torch.equal(straight(x), folded(x))


def test_a_network_that_is_more_than_a_chain_has_none():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.Sequential(nn.Linear(7, 16), nn.BatchNorm1d(16), nn.Linear(16, 7))

        def forward(self, x):
            return self.layers(x) + x

    network = trained_statistics(Twice(), (7,))
    assert prepared(network, (7,)).network is not network
    assert prepared(network, (7,)).straight is None


def test_the_widest_layer_is_known(network_and_shape):
    network, shape = network_and_shape
    folded, batching, _ = prepared(network, shape)
    widths = []
    for layer in folded.modules():
        layer.register_forward_hook(lambda layer, args, output: widths.append(output[0].numel()))
    folded(torch.zeros(32, *shape))
    assert batching.width == max(widths)


CHANGES = {
    "a weight": lambda network: nn.init.ones_(network[0].weight),
    "statistics": lambda network: network[1].running_mean.add_(1),
    "all weights": lambda network: network.load_state_dict(
        {name: value * 0 for name, value in network.state_dict().items()}
    ),
    "memory of a weight": lambda network: setattr(
        network[3].weight, "data", torch.zeros_like(network[3].weight)
    ),
    "a layer": lambda network: setattr(network, "3", nn.Linear(16, 3)),
    "training": lambda network: network[1].train(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_the_network_is_seen(network, change):
    before = prepared(network, (7,)).network
    with torch.no_grad():
        CHANGES[change](network)
        after = prepared(network, (7,)).network
        assert after is not before
        x = torch.randn(40, 7)
        torch.testing.assert_close(after(x), network(x), rtol=1e-4, atol=1e-5)


def test_a_hook_that_comes_later_is_called(network):
    prepared(network, (7,))
    seen = []
    network[2].register_forward_hook(lambda layer, args, output: seen.append(len(output)))
    folded, _, straight = prepared(network, (7,))
    seen.clear()
    folded(torch.randn(5, 7))
    straight(torch.randn(6, 7))
    assert seen == [5, 6]


def test_a_layer_with_a_hook_is_not_folded(network):
    network[0].register_forward_hook(lambda layer, args, output: 2 * output)
    x = torch.randn(40, 7)
    with torch.no_grad():
        torch.testing.assert_close(prepared(network, (7,)).network(x), network(x))


def test_a_hook_sees_the_outputs_of_its_own_layer(network):
    seen = []
    network[0].register_forward_hook(lambda layer, args, output: seen.append(output.clone()))
    x = torch.randn(40, 7)
    with torch.no_grad():
        folded = prepared(network, (7,)).network
        seen.clear()
        folded(x)
        torch.testing.assert_close(seen[0], network[0](x))


@pytest.mark.parametrize("size", [1, 4])
def test_a_smaller_batch_is_taken_only_if_it_keeps_the_bits(network, size, monkeypatch):
    monkeypatch.setattr("sk_bigan.networks.folding.SMALLER_BLOCKS", (size,))
    folded, (few_rows, _), _ = prepared(network, (7,))
    x = torch.arange(32 * 7.0).sin().view(32, 7)
    with torch.inference_mode():
        alike = torch.equal(torch.cat([folded(rows) for rows in x.split(size)]), folded(x))
    assert few_rows == (size if alike else 32)


def test_outputs_along_another_axis_than_batch_norm_are_left_alone():
    # (n, 5, 7) -> (n, 5, 5), of which BatchNorm takes the first 5 and the layer the second.
    layers = nn.Sequential(nn.Linear(7, 5), nn.BatchNorm1d(5), nn.Flatten(), nn.Linear(25, 3))
    network = trained_statistics(layers, (5, 7))
    assert prepared(network, (5, 7)).network is network


class Indexed(nn.Module):
    """Calls its layers by their numbers, which folding changes."""

    def __init__(self, layer):
        super().__init__()
        self.net = nn.Sequential(layer, nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))

    def forward(self, x):
        return self.net[3](self.net[:3](x))


class Locked(Indexed):
    """Cannot be copied."""

    def __init__(self, layer):
        super().__init__(layer)
        self.lock = threading.Lock()


@pytest.mark.parametrize("kind", [Indexed, Locked])
@pytest.mark.parametrize("wrap", [lambda layer: layer, old_spectral_norm], ids=["plain", "norm"])
def test_networks_that_cannot_be_folded_are_taken_as_they_are(kind, wrap):
    network = kind(wrap(nn.Linear(5, 8)))
    network(torch.randn(9, 5)).sum().backward()  # spectral norm has left a tensor of the graph
    network.eval()
    x = torch.randn(32, 5)
    torch.testing.assert_close(prepared(network, (5,)).network(x), network(x))


def test_tensors_that_count_no_changes_are_left_alone():
    with torch.inference_mode():
        network = nn.Sequential(nn.Linear(7, 5), nn.BatchNorm1d(5)).eval()
    assert prepared(network, (7,)).network is network


def test_files_do_not_grow_by_what_is_prepared(fitted, digits):
    before = len(pickle.dumps(fitted))
    fitted.inverse_transform(fitted.transform(digits))
    assert len(pickle.dumps(fitted)) == before


def test_features_follow_weights_that_the_user_changes(small, digits):
    bigan = small().fit(digits)
    bigan.transform(digits)
    with torch.no_grad():
        bigan.encoder_.head[0].weight.zero_()
        bigan.encoder_.head[0].bias.fill_(2.5)
    np.testing.assert_array_equal(bigan.transform(digits), 2.5)
