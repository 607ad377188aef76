"""Priors of one's own: one without bounds, and one on the unit cube."""

import torch
from torch import nn

from sk_bigan.priors import Prior


def laplace(n_samples, latent_dim):
    """Independent coordinates of variance 1, with heavier tails than the normal.

    >>> from sklearn.datasets import load_digits
    >>> from sk_bigan import BiGANTransformer
    >>> X, _ = load_digits(return_X_y=True)
    >>> bigan = BiGANTransformer(prior=laplace, max_epochs=10, random_state=0).fit(X)
    >>> bigan.sample(3).shape
    (3, 64)
    """
    signs = torch.randint(2, (n_samples, latent_dim)) * 2 - 1
    return signs * torch.empty(n_samples, latent_dim).exponential_(2**0.5)


unit_cube = Prior(torch.rand, code_activation=nn.Sigmoid)
"""Codes between 0 and 1, and an encoder that ends in a sigmoid, so that E(x) lies there too."""
