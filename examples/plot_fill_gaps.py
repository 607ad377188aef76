"""
Fill gaps in a table
====================

`impute` fills each gap with what the generator makes of the rest of its row, and keeps the values
that are there.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer, SimpleImputer

from sk_bigan import BiGANTransformer

# %%
# Take 30 measurements of each of 569 tumours, and lose a fifth of them.

complete = load_breast_cancer(as_frame=True).data
lost = np.random.default_rng(0).random(complete.shape) < 0.2
X = complete.mask(lost)

# %%
# Learn from the table with its gaps, and fill them.

bigan = BiGANTransformer(latent_dim=10, random_state=0).fit(X)
filled = bigan.impute(X)

# %%
# Compare with imputers of scikit-learn: errors in standard deviations of a column.

spread = X.std().to_numpy()
guesses = {
    "column's mean": SimpleImputer().fit_transform(X),
    "neighbours": KNNImputer().fit_transform(X / spread) * spread,
    "regressions": IterativeImputer(random_state=0).fit_transform(X / spread) * spread,
    "BiGAN": filled.to_numpy(),
}
for name, guess in guesses.items():
    errors = ((guess - complete.to_numpy()) / spread)[lost]
    print(f"{name:<14} {np.sqrt((errors**2).mean()):.2f}")

# %%
# The regressions predict each column from all others, and are better on measurements as closely
# tied as these. `impute` takes texts and dates too, and fills each row in one pass.
#
# Draw one column: each point is a value that was lost.

figure, ax = plt.subplots(figsize=(5, 3.5), layout="constrained")
name = "mean concavity"
true, guess = complete[name][lost[:, 6]], filled[name][lost[:, 6]]
ax.scatter(true, guess, s=16, label="BiGAN")
ax.axhline(X[name].mean(), color="C1", linestyle="--", label="column's mean")
ax.axline((0, 0), slope=1, color="gray", linewidth=1)
ax.set(xlabel=f"{name}, as it was", ylabel="as it was filled")
ax.legend()
plt.show()
