"""
Explore codes in a browser
==========================

A map of codes raises questions. Which row lies between the groups? What would the generator draw in
the gap? `explore` writes a page that answers them under the pointer. The site has
`the page of this story <../pages/digits.html>`_.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.neighbors import NearestNeighbors

from sk_bigan import BiGANTransformer
from sk_bigan.display import LatentDisplay
from sk_bigan.inspection import explore

# %%
# Learn codes of two numbers, which need no projection onto a map.

X, y = load_digits(return_X_y=True)
bigan = BiGANTransformer(latent_dim=2, sample_shape=(1, 8, 8), random_state=0).fit(X)
figure, ax = plt.subplots(figsize=(5, 3.6), layout="constrained")
LatentDisplay.from_estimator(bigan, X, y, ax=ax, s=8)
ax.set_title("1,797 digits by codes of two numbers")
plt.show()

# %%
# Write the page, one file that needs neither a network nor Python. Point at a row to see it beside
# its reconstruction. Click on it to move the sliders to its code, then drag them.

page = explore(bigan, X, y, "digits.html")
print(f"{page.stat().st_size / 1e6:.1f} MB")

# %%
# Rows worth pointing at are those whose neighbours on the map are other digits.

codes = bigan.transform(X)
neighbours = NearestNeighbors(n_neighbors=15).fit(codes).kneighbors(return_distance=False)
strangers = (y[neighbours] != y[:, np.newaxis]).mean(axis=1)
print("Rows among strangers:", *np.argsort(-strangers, kind="stable")[:10])
