"""Kinds of training steps, by the parameters that change which operations a step has."""

import torch
from torch import nn

from sk_bigan import BiGANDetector

IMAGES = {"architecture": "conv", "sample_shape": (1, 8, 8), "hidden_units": (4, 8, 16)}


class NormalizedPairs(nn.Module):
    """A discriminator whose logits depend on the other rows, differentiated for each player."""

    def __init__(self, sample_shape, latent_dim):
        super().__init__()
        size = sample_shape[0] + latent_dim
        self.layers = nn.Sequential(nn.Linear(size, 8), nn.BatchNorm1d(8), nn.Linear(8, 1))

    def forward(self, x, z):
        return self.layers(torch.cat([x, z], 1))


KINDS = {
    "plain": {
        "augmentation": None,
        "consistency_weight": 0.0,
        "cycle_weight": 0.0,
        "gradient_penalty": 0.0,
    },
    "default": {},
    "float32": {"precision": "float32"},
    "bfloat16": {"precision": "bfloat16"},
    "vat": {"vat_weight": 1.0},
    "swap": {"augmentation": "swap"},
    "displace": {"augmentation": "displace"},
    "warp": {**IMAGES, "augmentation": "warp"},
    "hinge": {"objective": "hinge", "prior": "uniform"},
    "minimax": {"objective": "minimax"},
    "relativistic": {"objective": "relativistic"},
    "cycles": {"cls": BiGANDetector, "anomaly_score": "cycle_features"},
    "BatchNorm in D": {"discriminator": NormalizedPairs},
    "second card": {"device": "cuda:1"},
}
