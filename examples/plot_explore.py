"""
Explore: codes in a browser, and a training as a film
=====================================================

A picture of codes raises questions that only a closer look answers. Which row lies between the
clusters? What would G draw in the gap? :func:`sk_bigan.inspection.explore` writes a page that
answers them under the pointer. :class:`sk_bigan.display.TrainingDisplay` shows how the codes came
to lie there. Both are shown here for scikit-learn's digits, with codes of two numbers.

The site has `the page of this example <../pages/plot_explore.html>`_.
"""

import argparse
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.neighbors import NearestNeighbors

from sk_bigan import BiGANTransformer
from sk_bigan.display import TrainingDisplay
from sk_bigan.inspection import explore

parser = argparse.ArgumentParser(description="A page and a film of codes of the digits")
parser.add_argument("--output", type=Path, default=Path("explore.png"), help="the picture")
parser.add_argument("--epochs", type=int, default=40)
args = parser.parse_args()

X, y = load_digits(return_X_y=True)
bigan = BiGANTransformer(
    latent_dim=2, sample_shape=(1, 8, 8), max_epochs=args.epochs, random_state=0
)

# %%
# The display fits a clone and records it after each epoch: codes of a thousand rows, and what G
# draws from the same z. The picture is the last epoch; the film has all.

film = TrainingDisplay.from_estimator(bigan, X, y)
film.figure_.savefig(args.output, dpi=110)
film.save(args.output.with_suffix(".gif"))

# %%
# All points begin in the middle. E pulls the digits apart as soon as G can draw them.

spreads = film.points.std(axis=1).mean(axis=1)
for epoch in np.unique(np.linspace(1, len(spreads), 5).astype(int)):
    print(f"epoch {epoch:>2}: standard deviation of the codes {spreads[epoch - 1]:.2f}")

# %%
# The page is one file, which needs neither a network nor Python. Point at a row to see it beside
# its reconstruction. Click on it to move the sliders to its code, then drag them.

fitted = film.estimator_
page = explore(fitted, X, y, args.output.with_suffix(".html"))
print(f"Wrote {page.name}, {page.stat().st_size / 1e6:.1f} MB")

# %%
# Rows worth pointing at: those whose neighbours in the map are other digits.

codes = fitted.transform(X)
neighbours = NearestNeighbors(n_neighbors=15).fit(codes).kneighbors(return_distance=False)
strangers = (y[neighbours] != y[:, np.newaxis]).mean(axis=1)
print("Rows among strangers:", *np.argsort(-strangers, kind="stable")[:10])
