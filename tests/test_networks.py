"""Shapes, the role of z in D, and errors about networks of one's own."""

import pytest
import torch
from torch import nn

from sk_bigan.networks import ARCHITECTURES, MLPDiscriminator, build_networks

SHAPES = [((7,), 3), ((1, 4, 4), 2), ((5,), 9)]


def build(sample_shape=(7,), latent_dim=3, bounded=True, code_activation=None, **own):
    torch.manual_seed(0)
    own = {"encoder": None, "generator": None, "discriminator": None} | own
    return build_networks(
        "mlp",
        sample_shape,
        latent_dim,
        (16, 8),
        code_activation=code_activation or nn.Identity(),
        bounded=bounded,
        own=own,
    )


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize(("sample_shape", "latent_dim"), SHAPES)
def test_shapes(architecture, sample_shape, latent_dim):
    E, G, D = build_networks(
        architecture,
        sample_shape,
        latent_dim,
        (16, 8),
        code_activation=nn.Identity(),
        bounded=True,
        own=dict.fromkeys(("encoder", "generator", "discriminator")),
    )
    x, z = torch.randn(5, *sample_shape), torch.randn(5, latent_dim)
    assert E(x).shape == z.shape
    assert E.body(x).shape == (5, 8)
    assert G(z).shape == x.shape
    assert D(x=x, z=z).shape == (5,)


def test_hidden_widths_run_from_x_to_z_in_every_network():
    E, G, D = build()
    widths = [
        [layer.out_features for layer in network.modules() if isinstance(layer, nn.Linear)]
        for network in (E, G)
    ]
    assert widths == [[16, 8, 3], [8, 16, 7]]
    assert [layer.out_features for layer in D.from_below] == [16, 8]


def test_d_takes_x_and_z_by_name_alone():
    _, _, D = build()
    x, z = torch.randn(5, 7), torch.randn(5, 3)
    with pytest.raises(TypeError):
        D(x, z)
    with pytest.raises(RuntimeError, match="shape"):
        D(x=z, z=x)


def test_z_reaches_every_hidden_layer_of_d():
    _, _, D = build()
    D(x=torch.randn(5, 7), z=torch.randn(5, 3)).sum().backward()
    for part in D.from_z.weight.grad.split(D.hidden_units):
        assert part.abs().sum() > 0


def test_d_acts_row_by_row():
    _, _, D = build()
    x, z = torch.randn(64, 7), torch.randn(64, 3)
    torch.testing.assert_close(D(x=x, z=z)[:2], D(x=x[:2], z=z[:2]))


def test_outputs_have_the_range_of_the_data_and_the_support_of_the_prior():
    z, x = 1e3 * torch.randn(50, 3), 1e3 * torch.randn(50, 7)
    E, G, _ = build(bounded=True, code_activation=nn.Tanh())
    for layer in (*E.modules(), *G.modules()):
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=5)
    assert E(x).abs().max() <= 1
    assert G(z).abs().max() <= 1
    E, G, _ = build(bounded=False)
    for layer in (*E.modules(), *G.modules()):
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=5)
    assert E(x).abs().max() > 1
    assert G(z).abs().max() > 1


def test_own_module_is_copied_and_own_factory_is_called_with_the_sizes():
    own = nn.Linear(7, 3)
    sizes = []

    def factory(sample_shape, latent_dim):
        sizes.append((sample_shape, latent_dim))
        return nn.Linear(latent_dim, *sample_shape)

    E, G, _ = build(encoder=own, generator=factory)
    assert E is not own
    assert E.weight.equal(own.weight)
    assert sizes == [((7,), 3)]
    assert G.out_features == 7


def test_the_trial_run_teaches_a_network_nothing():
    own = nn.Sequential(nn.BatchNorm1d(7, momentum=1.0), nn.Linear(7, 3))
    nn.init.constant_(own[0].running_mean, 5.0)
    E, _, _ = build(encoder=own)
    assert E[0].running_mean.equal(torch.full((7,), 5.0))


def test_weights_start_small():
    for network in build():
        for layer in network.modules():
            if isinstance(layer, nn.Linear):
                assert 0.01 < layer.weight.std() < 0.03
                assert layer.bias is None or not layer.bias.any()


class Normalized(MLPDiscriminator):
    """Inherits a promise that its BatchNorm breaks."""

    def __init__(self, sample_shape, latent_dim):
        super().__init__(sample_shape, latent_dim, (16,))
        self.normalize = nn.BatchNorm1d(7)

    def forward(self, *, x, z):
        return super().forward(x=self.normalize(x), z=z)


class OfTheSameWeights(nn.Module):
    """Sees x through the encoder of the pair."""

    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder

    def forward(self, *, x, z):
        return (self.encoder(x) * z).sum(1)


SHARED = nn.Linear(7, 3)


@pytest.mark.parametrize(
    ("own", "error", "message"),
    [
        (
            {"encoder": nn.Linear(7, 4)},
            ValueError,
            r"encoder must give shape \(2, 3\).*got \(2, 4\)",
        ),
        ({"generator": nn.Linear(3, 6)}, ValueError, r"generator must give shape \(2, 7\)"),
        ({"generator": nn.Linear(4, 7)}, ValueError, r"generator failed on input of shape"),
        ({"discriminator": nn.Linear(7, 1)}, ValueError, r"discriminator failed.*keyword.*'x'"),
        ({"encoder": lambda shape, k: "E"}, TypeError, r"encoder must be.*returned str"),
        ({"discriminator": Normalized}, ValueError, r"row_wise=True.*Normalized"),
        (
            {
                "encoder": lambda *sizes: SHARED,
                "discriminator": lambda *sizes: OfTheSameWeights(SHARED),
            },
            ValueError,
            r"discriminator must not share parameters",
        ),
    ],
)
def test_unsuitable_networks_are_named(own, error, message):
    with pytest.raises(error, match=message):
        build(**own)
