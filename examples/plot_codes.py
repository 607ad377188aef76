"""
Turn pictures into sixteen numbers
==================================

Three calls do it. `fit` learns from pictures without labels. `transform` makes 16 numbers of each
picture, and `inverse_transform` makes a picture of 16 numbers.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split

from sk_bigan import BiGANTransformer
from sk_bigan.display import ReconstructionDisplay

# %%
# Load scikit-learn's digits, 64 pixels each, and keep a quarter of them for the end.

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)

# %%
# Train. The estimator scales the pixels by itself.

bigan = BiGANTransformer(latent_dim=16, random_state=0).fit(X_train)

# %%
# Encode digits that the networks have not seen, and decode their codes.

codes = bigan.transform(X_test)
decoded = bigan.inverse_transform(codes)
print(X_test.shape, "->", codes.shape, "->", decoded.shape)

# %%
# `score` is the share of the pixels' variation that has come back. PCA of as many numbers is the
# linear counterpart.

pca = PCA(16).fit(X_train)
missed = ((X_test - pca.inverse_transform(pca.transform(X_test))) ** 2).sum()
total = ((X_test - X_train.mean(axis=0)) ** 2).sum()
print(f"BiGAN: {bigan.score(X_test):.3f}")
print(f"PCA:   {1 - missed / total:.3f}")

# %%
# With 16 numbers the two are nearly level. :ref:`sphx_glr_auto_examples_plot_latent_dim.py` shows
# where they are not. Below, the upper digits are the originals.

figure, ax = plt.subplots(figsize=(5, 2.8), layout="constrained")
digits = [X_test[y_test == digit][0] for digit in range(5)]
ReconstructionDisplay.from_estimator(bigan, digits, n_samples=5, image_shape=(8, 8), ax=ax)
ax.set_title("Digits, and the same from 16 numbers")
plt.show()
