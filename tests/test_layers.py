"""Reading codes and hidden layers out of an encoder."""

from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from own_networks import SmallEncoder
from torch import nn
from torch.nn.functional import adaptive_max_pool2d

from sk_bigan.networks.layers import reader

IMAGES = torch.randn(6, 1, 12, 10, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    return SmallEncoder((1, 12, 10), 3).eval()


def test_the_layers_before_a_code(encoder):
    with torch.no_grad():
        first = encoder.body[0](IMAGES)  # (6, 4, 6, 5)
        last = encoder.body(IMAGES)  # (6, 4, 2, 2)
        expected = {
            "latent": {"latent": encoder(IMAGES)},
            "penultimate": {"penultimate": last.flatten(1)},
            "hidden": {
                "body.0": adaptive_max_pool2d(first, 4).flatten(1),
                "body.1": adaptive_max_pool2d(first.relu(), 4).flatten(1),
                "body.2": last.flatten(1),
            },
            ("head", "body.0"): {
                "head": encoder(IMAGES),
                "body.0": adaptive_max_pool2d(first, 4).flatten(1),
            },
        }
        for features, layers in expected.items():
            read = reader(encoder, features)(IMAGES)
            assert [*read] == [*layers]
            for name, values in layers.items():
                assert read[name].equal(values)


def test_a_layer_is_read_before_the_next_works_in_place():
    layers = nn.Sequential(nn.Linear(5, 4), nn.ReLU(inplace=True))
    x = torch.randn(6, 5)
    assert reader(layers, ["0"])(x)["0"].equal(layers[0](x))


@pytest.mark.parametrize("features", ["hidden", ["body.1", "body.3"]])
def test_a_layer_that_is_called_twice_is_two_layers(features):
    def with_activations(first, last):
        body = nn.Sequential(dense[0], first, dense[1], last)
        return nn.Sequential(OrderedDict(body=body, head=dense[2]))

    dense, activation = [nn.Linear(5, 5) for _ in range(3)], nn.ReLU()
    once, twice = with_activations(nn.ReLU(), nn.ReLU()), with_activations(activation, activation)
    x = torch.randn(6, 5)
    expected, got = (reader(encoder, features)(x) for encoder in (once, twice))
    assert [*got] == [*expected]
    for name, values in expected.items():
        assert got[name].equal(values)


class Shared(nn.Module):
    """Calls one activation after two layers, as blocks of torchvision do."""

    def __init__(self):
        super().__init__()
        self.relu, self.first, self.last = nn.ReLU(), nn.Linear(5, 8), nn.Linear(8, 6)

    def forward(self, x):
        return self.relu(self.last(self.relu(self.first(x))))


def test_a_layer_gives_the_outputs_of_all_its_calls():
    network, x = Shared(), torch.randn(7, 5)
    read = reader(network, ["relu"])
    with pytest.raises(RuntimeError):
        read(torch.randn(7, 4))
    calls = network.first(x).relu(), network(x)
    assert read(x)["relu"].equal(torch.cat(calls, dim=1))
    assert read(x)["relu"].shape == (7, 14)


def test_a_layer_named_twice_is_read_once(encoder):
    assert [*reader(encoder, ["head", "body.0", "head"])(IMAGES)] == ["head", "body.0"]


def test_reading_leaves_no_trace_in_the_encoder(encoder):
    reader(encoder, "hidden")(IMAGES)
    assert not any(layer._forward_hooks for layer in encoder.modules())


def test_a_reader_sees_later_weights(encoder):
    read = reader(encoder, ["head"])
    with torch.no_grad():
        encoder.head[1].bias += 1
        assert read(IMAGES)["head"].equal(encoder(IMAGES))


def test_threads_do_not_hear_each_other(encoder):
    def read(seed):
        x = torch.randn(6, 1, 12, 10, generator=torch.Generator().manual_seed(seed))
        with torch.no_grad():
            return torch.cat([*reader(encoder, "hidden")(x).values()], 1)

    alone = [read(seed) for seed in range(40)]
    with ThreadPoolExecutor(8) as pool:
        for expected, values in zip(alone, pool.map(read, range(40)), strict=True):
            assert values.equal(expected)


def test_a_body_without_children_is_one_hidden_layer():
    encoder = SmallEncoder((1, 12, 10), 3)
    encoder.body = nn.Flatten()
    encoder.head = nn.Linear(120, 3)
    assert reader(encoder, "hidden")(IMAGES)["body"].equal(IMAGES.flatten(1))


def test_layers_with_spectral_norm_are_read():
    encoder = SmallEncoder((1, 12, 10), 3).eval()
    torch.nn.utils.spectral_norm(encoder.body[0])
    with torch.no_grad():
        expected = adaptive_max_pool2d(encoder.body[0](IMAGES), 4).flatten(1)
    encoder(IMAGES)  # leaves a tensor that is no weight, and belongs to a graph
    assert reader(encoder, "hidden")(IMAGES)["body.0"].equal(expected)


class WithAside(nn.Module):
    """Has a layer that is not used, and one that gives two tensors."""

    def __init__(self):
        super().__init__()
        self.unused = nn.Linear(5, 5)
        self.recurrent = nn.LSTM(5, 3)

    def forward(self, x):
        return self.recurrent(x)[0]


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ("penultimate", "'penultimate' needs an encoder with a submodule `body`, got WithAside"),
        ("hidden", "'hidden' needs an encoder with a submodule `body`, got WithAside"),
        (["recurrent", "lstm"], r"layers of the encoder.*\['unused', 'recurrent'\]; got 'lstm'"),
        (["unused"], r"take no part in E\(x\): \['unused'\]"),
        (["recurrent"], "one tensor, but 'recurrent' gives tuple"),
    ],
)
def test_layers_that_cannot_be_read(features, message):
    with pytest.raises(ValueError, match=message):
        reader(WithAside(), features)(torch.zeros(2, 5))


def test_hidden_features_of_the_estimator(digits, small):
    """All layers side by side, under names that say which is which; their last is penultimate."""
    bigan = small(architecture="conv", sample_shape=(1, 8, 8), hidden_units=(6, 32)).fit(digits)
    bigan.set_params(features="hidden")
    hidden = bigan.transform(digits)
    names = bigan.get_feature_names_out()
    assert hidden.shape == (len(digits), 6 * 4 * 4 + 32) == (len(digits), len(names))
    assert [*names[:1], *names[-1:]] == [
        "bigantransformer_body.0_0",
        "bigantransformer_body.1_31",
    ]
    penultimate = bigan.set_params(features="penultimate").transform(digits)
    np.testing.assert_array_equal(hidden[:, -32:], penultimate)
    both = bigan.set_params(features=["head", "body.1"]).transform(digits)
    # Layers of these names are read where BatchNorm is not folded.
    np.testing.assert_allclose(both[:, 4:], penultimate, rtol=0, atol=1e-6)
    codes = bigan.set_params(features="latent").transform(digits)
    np.testing.assert_allclose(both[:, :4], codes, rtol=0, atol=1e-6)


def test_frames_of_hidden_features_carry_their_names(digits, small):
    bigan = small(features="hidden", hidden_units=(8, 6)).set_output(transform="polars")
    frame = bigan.fit_transform(digits)
    assert [*frame.columns] == [
        f"bigantransformer_body.{layer}_{i}"
        for layer, width in ((0, 8), (1, 6))
        for i in range(width)
    ]
