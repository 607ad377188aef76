"""An augmentation of one's own: the noise of a sensor."""

import torch


def jitter(x, deviation=0.2):
    """What E sees of samples (n, *sample_shape), in the units of the scaler.

    >>> from functools import partial
    >>> from sklearn.datasets import load_wine
    >>> from sk_bigan import BiGANTransformer
    >>> X, _ = load_wine(return_X_y=True)
    >>> noisier = partial(jitter, deviation=0.4)
    >>> parameters = {"latent_dim": 4, "max_epochs": 20, "random_state": 0}
    >>> BiGANTransformer(augmentation=["swap", noisier], **parameters).fit_transform(X).shape
    (178, 4)
    """
    return x + deviation * torch.randn_like(x)
