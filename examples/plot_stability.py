"""
Check whether features are stable
=================================

Another seed gives another training. Does it find the same features? `consistency` refits and says
how well one fit's codes predict another's, on rows that no refit has seen.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_wine
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_bigan import BiGANTransformer
from sk_bigan.inspection import consistency

X, _ = load_wine(return_X_y=True, as_frame=True)
bigan = BiGANTransformer(latent_dim=4, random_state=0)
pca = make_pipeline(StandardScaler(), PCA(4))

# %%
# What would unstable features look like? Shuffle each column by itself, so that columns have
# nothing in common and there is nothing to find.

random = np.random.default_rng(0)
shuffled = X.apply(lambda column: random.permutation(column))

# %%
# Refit four times, with other seeds and on other halves of the wines.

settings = {"n_repeats": 4, "resample": True, "random_state": 0}
agreements = {
    "PCA": consistency(pca, X, **settings),
    "BiGAN": consistency(bigan, X, **settings),
    "PCA,\nshuffled": consistency(pca, shuffled, **settings),
    "BiGAN,\nshuffled": consistency(bigan, shuffled, **settings),
}

# %%
# At 1, a linear map turns the codes of one refit into those of any other. PCA has no seed, and
# agrees most. The networks come near it, and far above columns in which there is nothing to find.

figure, ax = plt.subplots(figsize=(5, 3.2), layout="constrained")
bars = ax.bar(list(agreements), [agreement.mean for agreement in agreements.values()])
ax.bar_label(bars, fmt="%.2f")
ax.set(ylabel="agreement of refits (R²)", ylim=(0, 1.1))
plt.show()
