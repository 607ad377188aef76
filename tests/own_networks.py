"""Networks of a user, in a module that other processes can import too."""

from torch import nn


class SmallEncoder(nn.Module):
    """E for images, of a width that can be set."""

    def __init__(self, sample_shape, latent_dim, width=4):
        super().__init__()
        channels = sample_shape[0]
        self.body = nn.Sequential(
            nn.Conv2d(channels, width, 3, stride=2, padding=1),
            nn.ReLU(inplace=True),
            nn.AdaptiveAvgPool2d(2),
        )
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(4 * width, latent_dim))

    def forward(self, x):
        return self.head(self.body(x))
