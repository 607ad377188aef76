"""
Bring a network of your own
===========================

E, G and D may be modules of torch. Here E becomes a convolutional network written for the purpose,
while G and D stay built-in.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from torch import nn

from sk_bigan import BiGANTransformer

# %%
# A class that asks for `sample_shape` and `latent_dim` gets them. `width` is a parameter of its
# own.


class MyEncoder(nn.Module):
    def __init__(self, sample_shape, latent_dim, width=32):
        super().__init__()
        channels, *_ = sample_shape
        self.convolution = nn.Conv2d(channels, width, kernel_size=5, padding=2)
        self.rest = nn.Sequential(
            nn.BatchNorm2d(width),
            nn.LeakyReLU(0.2),
            nn.AdaptiveMaxPool2d(4),
            nn.Flatten(),
            nn.Linear(width * 4 * 4, latent_dim),
        )

    def forward(self, x):
        return self.rest(self.convolution(x))


# %%
# The estimator makes it, and passes `width` on. A grid search could try several.

own = BiGANTransformer(
    encoder=MyEncoder, encoder__width=12, sample_shape=(1, 8, 8), max_epochs=30, random_state=0
)

# %%
# Compare with the built-in perceptron: how many digits are like their nearest neighbour?

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
for name, bigan in {
    "own": own,
    "built-in": BiGANTransformer(max_epochs=30, random_state=0),
}.items():
    pipe = make_pipeline(bigan, KNeighborsClassifier(1)).fit(X_train, y_train)
    weights = sum(weight.numel() for weight in bigan.encoder_.parameters())
    print(f"{name:<9} {pipe.score(X_test, y_test):.3f}, {weights:>6,} weights")

# %%
# The two are nearly level, and the own network is much smaller. After training it is `encoder_`.
# Look at what its twelve filters respond to: red pixels excite a filter, blue ones calm it.

filters = own.encoder_.convolution.weight.detach().numpy()
figure, axes = plt.subplots(3, 4, figsize=(5, 3.8), layout="constrained")
for ax, kernel in zip(axes.flat, filters[:, 0], strict=True):
    ax.imshow(kernel, cmap="RdBu_r", vmin=-0.4, vmax=0.4)
    ax.set_axis_off()
figure.suptitle("Filters of a network of one's own")
plt.show()
