"""Pictures of the pages, made from fits of the digits: python docs/pictures.py FOLDER.

The site's build runs this once. It takes under a minute in one thread.
"""

import sys
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from sk_bigan import BiGANTransformer
from sk_bigan.augmentations import swap, warp
from sk_bigan.displacement import column_places, displace
from sk_bigan.display import TrainingDisplay

X, X_test, y, y_test = train_test_split(*load_digits(return_X_y=True), random_state=0)


def fitted(**parameters):
    """Fit a small model, for the sake of the build."""
    return BiGANTransformer(hidden_units=(256,), random_state=0, **parameters).fit(X)


def rebuilt(bigan, n_rows=6):
    return bigan.inverse_transform(bigan.transform(X_test[:n_rows]))


def figures(bigan):
    """Return the share explained, and the share of codes that a linear classifier gets right."""
    classifier = LogisticRegression(max_iter=2000).fit(bigan.transform(X), y)
    right = classifier.score(bigan.transform(X_test), y_test)
    return f"{bigan.score(X_test):.0%} explained\n{right:.0%} right"


def strips(lines, titles):
    """Draw lines of digits, each with its name before it and a note behind it."""
    figure, all_axes = plt.subplots(
        *(len(lines), len(titles)),
        figsize=(7, 0.7 * len(lines) + 0.3),
        squeeze=False,
        layout="constrained",
    )
    for axes, (name, (*parts, note)) in zip(all_axes, lines.items(), strict=True):
        for ax, digits in zip(axes, parts, strict=True):
            ax.imshow(np.hstack(np.reshape(digits, (-1, 8, 8))), cmap="gray_r", vmin=0, vmax=16)
            ax.set(xticks=[], yticks=[])
        axes[0].set_ylabel(name, rotation=0, ha="right", va="center")
        axes[-1].annotate(note, (1.03, 0.5), xycoords="axes fraction", va="center")
    for ax, title in zip(all_axes[0], titles, strict=True):
        ax.set_title(title)
    return figure


def latent_dim():
    lines = {"x": (X_test[:10], "")}
    for length in (1, 2, 4, 8, 16, 32):
        bigan = fitted(latent_dim=length)
        lines[f"{length}"] = (rebuilt(bigan, 10), figures(bigan))
    return strips(lines, ["G(E(x))"])


def rebuilt_and_drawn(fits):
    lines = {"x": (X_test[:6], X_test[6:12], "")}
    for name, bigan in fits.items():
        lines[name] = (rebuilt(bigan), bigan.sample(6, random_state=0), figures(bigan))
    return strips(lines, ["G(E(x))", "G(z)"])


def cycle_weight():
    weights = (0, 1, 10, 100, 1000)
    return rebuilt_and_drawn(
        {f"{weight}": fitted(cycle_weight=weight, consistency_weight=0) for weight in weights}
    )


def max_epochs():
    return rebuilt_and_drawn({f"{n}": fitted(max_epochs=n) for n in (1, 3, 10, 30, 100)})


def warp_rows(x):
    return warp(x.reshape(-1, 1, 8, 8)).reshape(-1, 64)


def augmentation():
    changes = {
        "None": None,
        '"swap"': swap,
        '"warp"': warp_rows,
        '"displace"': partial(displace, places=column_places(X)),
    }
    batch = torch.tensor(X_test[:256] / 8 - 1, dtype=torch.float32)  # on [-1, 1], as E sees it
    lines = {}
    for name, change in changes.items():
        torch.manual_seed(0)
        seen = batch if change is None else change(batch)
        bigan = fitted(augmentation=change)
        lines[name] = (8 * seen[:6].numpy() + 8, rebuilt(bigan), figures(bigan))
    return strips(lines, ["a(x)", "G(E(x))"])


def training(path):
    """Write the film of a training."""
    bigan = BiGANTransformer(latent_dim=2, hidden_units=(256,), max_epochs=16, random_state=0)
    film = TrainingDisplay.from_estimator(bigan, X, y, image_shape=(8, 8))
    film.save(path, fps=4, dpi=50)
    plt.close(film.figure_)


def draw_all(folder):
    folder.mkdir(parents=True, exist_ok=True)
    training(folder / "training.gif")
    for draw in (latent_dim, cycle_weight, augmentation, max_epochs):
        with torch.random.fork_rng():
            figure = draw()
        figure.savefig(folder / f"{draw.__name__}.png", dpi=120)
        plt.close(figure)


if __name__ == "__main__":
    draw_all(Path(sys.argv[1]))
