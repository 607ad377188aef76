"""
A table as it is: texts, dates and gaps
=======================================

A CSV file goes in without any preparation. The codes serve a classifier, gaps are filled, and new
rows are drawn.
"""

import argparse
import io
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from sk_bigan import BiGANTransformer

parser = argparse.ArgumentParser(description="A table with texts and gaps, as it is")
parser.add_argument("--output", type=Path, default=Path("table.png"), help="the picture")
parser.add_argument("--epochs", type=int, default=100)
args = parser.parse_args()
settings = {"latent_dim": 5, "max_epochs": args.epochs, "random_state": 0}

# %%
# scikit-learn's wines as somebody might have noted them: with a text, a date, and a tenth of the
# cells missing.

wine = load_wine(as_frame=True)
table = wine.data.copy()
table["colour"] = np.where(table.pop("color_intensity") > 5, "dark", "light")
table["tasted"] = pd.Timestamp("2026-01-01") + pd.to_timedelta(table.index, unit="D")
gaps = np.random.default_rng(0).random(table.shape) < 0.1
csv = io.StringIO(table.mask(gaps).to_csv(index=False))

noted = pd.read_csv(csv, parse_dates=["tasted"])
noted.head()

# %%
# Codes for a classifier. The date is left out, since the wines are sorted by their kind.

X = noted.drop(columns="tasted")
pipe = make_pipeline(BiGANTransformer(**settings), LogisticRegression())
scores = cross_val_score(pipe, X, wine.target, cv=5)
print(f"right: {scores.mean():.0%} of wines, from five numbers each")

# %%
# Filled gaps, beside the values that were taken away.

bigan = BiGANTransformer(**settings).fit(X)
filled = bigan.impute(X)
name = "flavanoids"
missing = X[name].isna()
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
left.scatter(table[name][missing], filled[name][missing], label="filled by G(E(x))")
left.axhline(X[name].mean(), color="gray", linestyle=":", label="mean")
left.axline((2, 2), slope=1, color="gray")
left.set(xlabel=f"{name}, as measured", ylabel="as filled")
left.legend()

# %%
# New rows have the columns and texts of the table.

drawn = bigan.sample(200)
for rows, label in ((filled, "noted"), (drawn, "drawn")):
    right.scatter(rows[name], rows["alcohol"], s=12, alpha=0.6, label=label)
right.set(xlabel=name, ylabel="alcohol")
right.legend()
print(drawn.head(3))
figure.savefig(args.output)
print(f"The picture is in {args.output}.")
