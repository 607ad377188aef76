"""An architecture of one's own: perceptrons whose hidden layers add to what they get."""

from math import prod

from torch import nn

from sk_bigan.networks import Encoder


class Residual(nn.Module):
    """h + f(h), for h of shape (n, width)."""

    def __init__(self, width):
        super().__init__()
        self.f = nn.Sequential(
            nn.BatchNorm1d(width), nn.LeakyReLU(0.2), nn.Linear(width, width, bias=False)
        )

    def forward(self, h):
        return h + self.f(h)


def small_weights(network):
    """Weights from N(0, 0.02), as those of the built-in networks; biases zero."""
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return network


def residual_encoder(sample_shape, latent_dim, width=256, depth=2):
    """E. Its `body` is the penultimate layer, and each child of it a hidden one."""
    into = nn.Sequential(nn.Flatten(), nn.Linear(prod(sample_shape), width))
    out = nn.Sequential(nn.BatchNorm1d(width), nn.LeakyReLU(0.2), nn.Linear(width, latent_dim))
    body = nn.Sequential(into, *(Residual(width) for _ in range(depth)))
    return small_weights(Encoder(body, out))


def residual_generator(sample_shape, latent_dim, width=256, depth=2):
    """G for samples on [-1, 1]; for standardised columns, leave out the last Tanh.

    >>> from sklearn.datasets import load_digits
    >>> from sk_bigan import BiGANTransformer
    >>> X, _ = load_digits(return_X_y=True)
    >>> bigan = BiGANTransformer(
    ...     encoder=residual_encoder,
    ...     encoder__depth=3,
    ...     generator=residual_generator,
    ...     features="hidden",
    ...     max_epochs=10,
    ...     random_state=0,
    ... )
    >>> bigan.fit_transform(X).shape  # the layer that x goes into, and three residual ones
    (1797, 1024)
    """
    layers = [nn.Linear(latent_dim, width), *(Residual(width) for _ in range(depth))]
    layers += [nn.BatchNorm1d(width), nn.ReLU(), nn.Linear(width, prod(sample_shape)), nn.Tanh()]
    return small_weights(nn.Sequential(*layers, nn.Unflatten(1, sample_shape)))
