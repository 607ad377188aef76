"""Shapes, the role of z in D, and ranges, of every architecture."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from sk_bigan.networks import ARCHITECTURES, LocalContrast, conv_sizes, conv_units

# architecture, sample_shape, hidden_units
FAMILIES = [
    ("mlp", (7,), (16, 8)),
    ("mlp", (1, 4, 4), (16, 8)),
    ("conv", (3, 9, 12), (4, 6, 16)),
    ("pooled", (3, 9, 12), (4, 6, 16)),
]
WITH_WEIGHTS = nn.Linear | nn.Conv2d


def build(architecture, sample_shape, hidden_units, latent_dim=3, code=None, sample=None):
    torch.manual_seed(0)
    family = ARCHITECTURES[architecture]
    sizes = (sample_shape, latent_dim, hidden_units)
    return (
        family.encoder(*sizes, code or nn.Identity()),
        family.generator(*sizes, sample or nn.Tanh()),
        family.discriminator(*sizes),
    )


@pytest.mark.parametrize("latent_dim", [1, 3, 50])
@pytest.mark.parametrize("family", FAMILIES)
def test_shapes(family, latent_dim):
    E, G, D = build(*family, latent_dim=latent_dim)
    x, z = torch.randn(5, *family[1]), torch.randn(5, latent_dim)
    assert E(x).shape == z.shape
    assert E.body(x).shape == (5, family[2][-1])
    assert len(E.body) == len(family[2])
    assert G(z).shape == x.shape
    assert D(x=x, z=z).shape == (5,)


@pytest.mark.parametrize("architecture", ["conv", "pooled"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(8, 8), (28, 28), (31, 31), (33, 70), (96, 64), (128, 128)])
def test_images_of_any_size(channels, size, architecture):
    shape = (channels, *size)
    E, G, D = build(architecture, shape, conv_units(shape))
    x, z = torch.randn(2, *shape), torch.randn(2, 3)
    assert E(x).shape == z.shape
    assert G(z).shape == x.shape
    assert D(x=x, z=z).shape == (2,)


def test_larger_images_get_more_layers_and_channels():
    units = [conv_units((1, side, side)) for side in (8, 16, 28, 31, 64, 128)]
    assert units == [
        (32, 1024),
        (32, 64, 1024),
        (32, 64, 128, 1024),
        (32, 64, 128, 1024),
        (32, 64, 128, 256, 1024),
        (32, 64, 128, 256, 256, 1024),
    ]
    assert conv_units((1, 96, 30)) == conv_units((1, 30, 30))


def test_hidden_widths_run_from_x_to_z_in_every_network():
    E, G, D = build("mlp", (7,), (16, 8))
    widths = [
        [layer.out_features for layer in network.modules() if isinstance(layer, nn.Linear)]
        for network in (E, G)
    ]
    assert widths == [[16, 8, 3], [8, 16, 7]]
    assert [layer.out_features for layer in D.from_below] == [16, 8]


def test_channels_run_from_x_to_z_in_every_network():
    def widths(network):
        return [layer.weight.shape[:2] for layer in network.modules() if hasattr(layer, "stride")]

    E, G, D = build("conv", (3, 16, 16), (4, 6, 32))
    assert widths(E) == widths(D) == [(4, 3), (6, 4)]
    assert widths(G) == [(4, 6), (3, 4)]
    assert D.dense.out_features == E.body[-1][1].out_features == G[0].out_features == 32


@pytest.mark.parametrize("family", FAMILIES)
def test_d_takes_x_and_z_by_name_alone(family):
    _, _, D = build(*family)
    x, z = torch.randn(5, *family[1]), torch.randn(5, 3)
    with pytest.raises(TypeError):
        D(x, z)
    with pytest.raises(RuntimeError):
        D(x=z, z=x)


@pytest.mark.parametrize("family", FAMILIES)
def test_z_reaches_every_hidden_layer_of_d(family):
    _, _, D = build(*family)
    D(x=torch.randn(5, *family[1]), z=torch.randn(5, 3)).sum().backward()
    for part in D.from_z.weight.grad.split(family[2]):
        assert part.abs().sum() > 0


@pytest.mark.parametrize("family", FAMILIES)
def test_d_acts_row_by_row(family):
    _, _, D = build(*family)
    x, z = torch.randn(64, *family[1]), torch.randn(64, 3)
    torch.testing.assert_close(D(x=x, z=z)[:2], D(x=x[:2], z=z[:2]))


@pytest.mark.parametrize("family", FAMILIES)
def test_every_pixel_reaches_the_code_and_comes_from_it(family):
    E, G, _ = build(*family, sample=nn.Identity())
    x = torch.randn(5, *family[1], requires_grad=True)
    E(x)[0].sum().backward()
    assert (x.grad != 0).any(dim=0).all()
    z = torch.randn(5, 3)
    assert (G(z).std(dim=0) > 0).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_outputs_have_the_range_of_the_data_and_the_support_of_the_prior(family):
    z, x = 1e3 * torch.randn(50, 3), 1e3 * torch.randn(50, *family[1])
    for activation, bounded in ((nn.Tanh(), True), (nn.Identity(), False)):
        E, G, _ = build(*family, code=activation, sample=activation)
        for layer in (*E.modules(), *G.modules()):
            if isinstance(layer, WITH_WEIGHTS):
                nn.init.normal_(layer.weight, std=5)
        assert (E(x).abs().max() <= 1) == bounded
        assert (G(z).abs().max() <= 1) == bounded


@pytest.mark.parametrize("family", FAMILIES)
def test_no_layer_has_a_bias_that_batch_norm_takes_away(family):
    for network in build(*family)[:2]:
        layers = [layer for layer in network.modules() if not [*layer.children()]]
        layers = [layer for layer in layers if not isinstance(layer, nn.Flatten | nn.Unflatten)]
        for layer, above in pairwise(layers):
            if isinstance(layer, WITH_WEIGHTS):
                normalized = isinstance(above, nn.BatchNorm1d | nn.BatchNorm2d)
                assert (layer.bias is None) == normalized


@pytest.mark.parametrize(
    ("sample_shape", "hidden_units", "message"),
    [
        ((64,), (4, 16), r"'pooled' needs images, got samples of shape \(64,\): give sample_shape"),
        ((8, 8), (4, 16), r"'conv' or 'pooled' needs images, got samples of shape \(8, 8\)"),
        ((1, 8, 8), (16,), r"at least one layer that halves.*\(16,\), of which.* asks for 0"),
        ((1, 8, 30), (4, 4, 4, 4, 16), "can halve 8 x 30 pixels 3 times; .* asks for 4"),
    ],
)
def test_what_cannot_be_convolved(sample_shape, hidden_units, message):
    with pytest.raises(ValueError, match=message):
        conv_sizes(sample_shape, hidden_units)


@pytest.fixture
def photographs():
    return torch.rand(4, 3, 20, 30, generator=torch.Generator().manual_seed(0)) * 2 - 1


def contrast_of(x):
    kept, contrast = LocalContrast()(x).split(x.shape[1], dim=1)
    assert kept.equal(x)
    return contrast


def test_local_contrast_does_not_depend_on_light_and_hardly_on_its_strength(photographs):
    contrast = contrast_of(photographs)
    shades = torch.tensor([0.5, -1, 2])[:, None, None]  # of each channel
    torch.testing.assert_close(contrast_of(photographs + shades), contrast)
    torch.testing.assert_close(contrast_of(5 * photographs), contrast, rtol=0.05, atol=0.01)
    assert contrast_of(torch.full_like(photographs, 0.7)).abs().max() < 1e-5
    assert contrast_of(photographs / 1000).std() < 0.01  # noise is not blown up


def test_local_contrast_is_of_the_square_around_a_pixel(photographs):
    differing = photographs.clone()
    differing[:, :, 5, 5] += 1
    mean = photographs[:, :, 1:10, 1:10].mean((2, 3))
    numerator = photographs[:, :, 5, 5] - mean
    contrast = contrast_of(photographs)
    scale = numerator / contrast[:, :, 5, 5]
    torch.testing.assert_close(scale, scale[:, :1].expand(-1, 3))  # one for all channels
    changed = (contrast_of(differing) != contrast).any(0).any(0)
    assert changed.nonzero().amax(0).tolist() == [13, 13]  # two windows of nine, one after another
    assert changed.nonzero().amin(0).tolist() == [0, 0]


@pytest.mark.parametrize("channels", [1, 3])
def test_layers_with_pooling_have_the_shapes_of_strided_ones(channels):
    shape = (channels, 17, 16)
    maps = [torch.randn(2, *shape)] * 2
    encoders = [build(name, shape, (4, 6, 32))[0] for name in ("conv", "pooled")]
    for layers in zip(*(E.body for E in encoders), strict=True):
        maps = [layer(x) for layer, x in zip(layers, maps, strict=True)]
        assert maps[0].shape == maps[1].shape
