"""
Choose how many numbers a code has
==================================

A longer code keeps more of a row, and costs more of whatever comes next. This curve shows where
more numbers stop paying.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

from sk_bigan import BiGANTransformer
from sk_bigan.inspection import LatentDimCurveDisplay

# %%
# Train with each length in two folds, and rebuild the rows that were held out. Twenty epochs,
# where the default has fifty, show the curve sooner.

X, _ = load_digits(return_X_y=True)
bigan = BiGANTransformer(max_epochs=20, random_state=0)
figure, ax = plt.subplots(figsize=(5, 3.5), layout="constrained")
display = LatentDimCurveDisplay.from_estimator(
    bigan, X, [2, 4, 8, 16, 32], cv=2, random_state=0, ax=ax
)
ax.grid(alpha=0.3)
plt.show()

# %%
# The share of the variation that is rebuilt, for each length:

for length, ours, pca in zip(
    display.latent_dims, display.scores.mean(1), display.pca_scores.mean(1), strict=True
):
    print(f"{length:>2} numbers: BiGAN {ours:.2f}, PCA {pca:.2f}")

# %%
# Codes of up to 8 numbers keep more than PCA's, and those of 16 as much. With 32 numbers PCA keeps
# more: the pictures have 64 pixels, and half as many numbers hardly need a network.
