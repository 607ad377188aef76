"""
Networks of your own, and a search over their parameters
========================================================

E becomes a convolutional network written here, G and D stay built-in. The class's own parameter is
a parameter of the estimator, so a grid search tries its values. Then one network that was trained
already is handed over as an instance.
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from torch import nn

from sk_bigan import BiGANTransformer

parser = argparse.ArgumentParser(description="Networks of one's own, in a grid search")
parser.add_argument("--output", type=Path, default=Path("custom_networks.png"), help="the picture")
parser.add_argument("--epochs", type=int, default=20)
args = parser.parse_args()

# %%
# E for images of any size. It asks for `sample_shape` and `latent_dim` and is told them; `width`
# is its own affair. Its `body` is what ``features="penultimate"`` gives.


class MyEncoder(nn.Module):
    def __init__(self, sample_shape, latent_dim, width=32):
        super().__init__()
        channels, *_ = sample_shape
        self.body = nn.Sequential(
            nn.Conv2d(channels, width, kernel_size=3, stride=2, padding=1),
            nn.BatchNorm2d(width),
            nn.LeakyReLU(0.2),
            nn.AdaptiveAvgPool2d(4),
            nn.Flatten(),
        )
        self.head = nn.Linear(4 * 4 * width, latent_dim)

    def forward(self, x):
        return self.head(self.body(x))


# %%
# Rows of 64 pixels go through the pipeline; `sample_shape` has E see them as images.

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)

bigan = BiGANTransformer(
    encoder=MyEncoder, sample_shape=(1, 8, 8), max_epochs=args.epochs, random_state=0
)
pipe = Pipeline([("bigan", bigan), ("clf", LogisticRegression(max_iter=2000))])
grid = {"bigan__encoder__width": [8, 16, 32], "bigan__features": ["latent", "penultimate"]}
search = GridSearchCV(pipe, grid, cv=3).fit(X_train, y_train)
for params, score in zip(
    search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
):
    print(f"{params}: {score:.3f}")
print(f"best: {search.best_params_}, test accuracy {search.score(X_test, y_test):.3f}")

# %%
# An instance keeps its weights: here E starts from where the search ended, beside a new G and D.
# It is copied, so that the search's result stays as it is.

best = search.best_estimator_["bigan"]
again = BiGANTransformer(
    encoder=best.encoder_, sample_shape=(1, 8, 8), max_epochs=args.epochs, random_state=1
).fit(X_train)

# %%
# Both reconstruct digits that they have not seen.

n = 12
pictures = {
    "originals x": X_test[:n],
    "reconstructions by the best": best.set_params(features="latent").inverse_transform(
        best.transform(X_test[:n])
    ),
    "reconstructions from its encoder, trained on": again.inverse_transform(
        again.transform(X_test[:n])
    ),
}
figure, axes = plt.subplots(3, n, figsize=(n, 3.9), layout="constrained")
for row, (title, images) in zip(axes, pictures.items(), strict=True):
    for ax, image in zip(row, images, strict=True):
        ax.imshow(image.reshape(8, 8), cmap="gray_r", vmin=0, vmax=16)
        ax.set(xticks=[], yticks=[])
    row[0].set_title(title, loc="left", fontsize=11)
figure.savefig(args.output, dpi=100)
