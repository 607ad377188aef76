"""The networks that a user asks for, their own or the built-in ones, and errors about them."""

import pytest
import torch
from torch import nn

from sk_bigan.networks import MLPDiscriminator, Players
from sk_bigan.networks.building import Wanted, build_networks


def build(hidden_units=(16, 8), parameters=None, **own):
    torch.manual_seed(0)
    wanted = {
        name: Wanted(
            own.get(name),
            {
                key.removeprefix(f"{name}__"): value
                for key, value in (parameters or {}).items()
                if key.startswith(name)
            },
        )
        for name in Players._fields
    }
    return build_networks(
        "mlp",
        (7,),
        3,
        hidden_units,
        code_activation=nn.Identity(),
        output=nn.Tanh(),
        wanted=wanted,
    )


class InPlace(nn.Module):
    """A network whose first layer writes into what it is given."""

    def __init__(self, network, argument=None):
        super().__init__()
        self.network = network
        self.argument = argument

    def forward(self, *args, **kwargs):
        (args[0] if args else kwargs[self.argument]).relu_()
        return self.network(*args, **kwargs)


@pytest.mark.parametrize(
    ("name", "argument"),
    [("encoder", None), ("generator", None), ("discriminator", "x"), ("discriminator", "z")],
)
def test_a_network_that_writes_into_its_input_is_refused(name, argument):
    """Otherwise scores compare reconstructions with changed samples, and D sees other codes."""
    own = InPlace(getattr(build(), name), argument)
    with pytest.raises(ValueError, match=f"{name} must leave its input as it is, but InPlace"):
        build(**{name: own})


class Sized(nn.Module):
    """E of the shape that it is told, and of a width that can be set."""

    def __init__(self, sample_shape, latent_dim, width=5):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(*sample_shape, width), nn.Linear(width, latent_dim))

    def forward(self, x):
        return self.layers(x)


def sized(sample_shape, latent_dim, width=5):
    return Sized(sample_shape, latent_dim, width)


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


@pytest.mark.parametrize("own", [Sized, sized])
def test_parameters_reach_a_class_and_a_function(own):
    E, *_ = build(encoder=own)
    assert E.layers[0].out_features == 5
    E, *_ = build(encoder=own, parameters={"encoder__width": 9})
    assert E.layers[0].out_features == 9


def test_a_class_that_asks_for_no_sizes_is_not_told_them():
    E, *_ = build(
        encoder=nn.Linear, parameters={"encoder__in_features": 7, "encoder__out_features": 3}
    )
    assert E.weight.shape == (3, 7)


class Wrapped(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x)


def test_modules_among_the_parameters_are_copied():
    layer = nn.Linear(7, 3)
    E, *_ = build(encoder=Wrapped, parameters={"encoder__layer": layer})
    assert E.layer is not layer
    assert E.layer.weight.equal(layer.weight)


def test_parameters_reach_the_built_in_networks_one_by_one():
    E, G, D = build(parameters={"encoder__hidden_units": (20,)})
    assert E.body[0][1].out_features == 20
    assert G[0].out_features == 8
    assert D.hidden_units == (16, 8)


def test_hidden_units_come_from_the_architecture_if_nobody_says():
    E, *_ = build(hidden_units=None)
    assert E.body[0][1].out_features == 1024


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


@pytest.mark.parametrize(
    ("own", "parameters", "message"),
    [
        (nn.Linear(7, 3), {"encoder__width": 9}, "encoder__width needs encoder to be a class or"),
        (Sized, {"encoder__widht": 9}, r"encoder could not be made: Sized\(.*unexpected.*'widht'"),
        (sized, {"encoder__widht": 9}, r"encoder could not be made: sized\(.*unexpected.*'widht'"),
        (None, {"encoder__width": 9}, r"encoder could not be made: mlp_encoder\(.*'width'"),
        (nn.Linear, {}, r"encoder could not be made: Linear\(\) failed: .*'in_features'"),
        (lambda: None, {}, r"encoder could not be made: .*takes 0 positional arguments"),
        (
            Sized,
            {"encoder__width": "9"},
            r"made: Sized\(sample_shape=\(7,\), latent_dim=3, width='9'\) failed",
        ),
    ],
)
def test_unsuitable_parameters_are_named(own, parameters, message):
    with pytest.raises(ValueError, match=message):
        build(encoder=own, parameters=parameters)


class Spectrum(nn.Linear):
    """Gives complex numbers."""

    def __init__(self, sample_shape, latent_dim):
        super().__init__(sample_shape[0], latent_dim)

    def forward(self, x):
        return torch.fft.fft(super().forward(x))


SHARED = nn.Linear(7, 3)


@pytest.mark.parametrize(
    ("own", "error", "message"),
    [
        (
            {"encoder": nn.Linear(7, 4)},
            ValueError,
            r"encoder must give a tensor of shape \(2, 3\).*got \(2, 4\)",
        ),
        ({"generator": nn.Linear(3, 6)}, ValueError, r"generator must give.* \(2, 7\)"),
        (
            {"encoder": lambda *sizes: nn.LSTM(7, 3)},
            ValueError,
            r"encoder must give a tensor of shape \(2, 3\).*got tuple",
        ),
        ({"encoder": Spectrum}, ValueError, "encoder must give a tensor.*got torch.complex64"),
        ({"generator": nn.Linear(4, 7)}, ValueError, r"generator failed on input of shape"),
        ({"discriminator": nn.Linear(7, 1)}, ValueError, r"discriminator failed.*keyword.*'x'"),
        ({"encoder": lambda shape, k: "E"}, TypeError, r"encoder must be.*made str"),
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
