"""
Read a CSV with texts and gaps
==============================

A table goes in as it is: no encoding of texts, no filling of gaps and no scaling comes first. The
codes serve a classifier, or a map of the rows.
"""

import io

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_wine
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sk_bigan import BiGANTransformer
from sk_bigan.display import LatentDisplay

# %%
# Make a CSV file of scikit-learn's wines: the colour becomes a text, and a tenth of the cells is
# lost.

wine = load_wine(as_frame=True)
table = wine.data.copy()
table["colour"] = np.where(table.pop("color_intensity") > 5, "dark", "light")
lost = np.random.default_rng(0).random(table.shape) < 0.1
csv = io.StringIO(table.mask(lost).to_csv(index=False))

# %%
# Read it.

X = pd.read_csv(csv)
X[["alcohol", "magnesium", "proline", "colour"]].head()

# %%
# Classify wines by their grower, from five numbers each.

bigan = BiGANTransformer(latent_dim=5, random_state=0)
pipe = make_pipeline(bigan, LogisticRegression())
print(f"BiGAN: {cross_val_score(pipe, X, wine.target, cv=5).mean():.3f}")

# %%
# PCA is as good on a table this small, after some lines of preparation.

prepared = make_column_transformer(
    (OneHotEncoder(), make_column_selector(pattern="colour")),
    (
        make_pipeline(SimpleImputer(), StandardScaler()),
        make_column_selector(dtype_include="number"),
    ),
)
pipe = make_pipeline(prepared, PCA(5), LogisticRegression())
print(f"PCA:   {cross_val_score(pipe, X, wine.target, cv=5).mean():.3f}")

# %%
# Draw a map of the codes. Training has not seen the growers.

figure, ax = plt.subplots(figsize=(5, 3.5), layout="constrained")
growers = np.array(["A", "B", "C"])[wine.target]
LatentDisplay.from_estimator(bigan.fit(X), X, growers, ax=ax, s=20)
ax.set(title="178 wines by their codes", xlabel="first axis", ylabel="second axis")
ax.get_legend().set_title("grower")
plt.show()
