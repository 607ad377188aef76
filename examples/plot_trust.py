"""
Trust: how stable, how real, which columns, how many
====================================================

PCA answers four questions by itself. Would another fit find the same features? Is there any
structure to find? Which columns drive a feature? How many features are enough? The functions of
:mod:`sk_bigan.inspection` answer them for any transformer. Here it learns from chemical analyses of
178 wines of three growers.
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sk_bigan import BiGANDetector, BiGANTransformer
from sk_bigan.inspection import (
    CodeAlignment,
    ConsistencyDisplay,
    LatentDimCurveDisplay,
    LoadingsDisplay,
    evaluate,
    explain,
    shuffled_control,
)

parser = argparse.ArgumentParser(description="Four questions to features of wines")
parser.add_argument("--output", type=Path, default=Path("trust.png"), help="the picture")
parser.add_argument("--epochs", type=int, default=100)
args = parser.parse_args()

X, y = load_wine(return_X_y=True, as_frame=True)
bigan = BiGANTransformer(latent_dim=4, max_epochs=args.epochs, random_state=0)
figure, axes = plt.subplots(2, 2, figsize=(11, 9), layout="constrained")

# %%
# **How stable?** Three refits with other seeds. Each number is the share of the variance of one
# refit's codes that a linear map of another's predicts, in rows that no refit has seen.

ConsistencyDisplay.from_estimator(bigan, X, n_repeats=3, random_state=0, ax=axes[0, 0])
axes[0, 0].set_title("How stable: R2 between refits")

# %%
# **How real?** The same fits on a table in which each column is shuffled. It keeps the values of
# every column, and nothing that columns have in common. Its codes spread evenly over their axes.

control = shuffled_control(bigan, X, n_repeats=3, random_state=0)
for name, width in {"real": -0.4, "shuffled": 0.4}.items():
    spectrum = control[name].spectrum
    numbers = np.arange(1, len(spectrum) + 1)
    axes[0, 1].bar(numbers, spectrum, width, align="edge", label=name)
    print(
        f"{name:<9} explained {control[name].scores.mean():.2f}, "
        f"consistency {control[name].consistency.mean:.2f}"
    )
axes[0, 1].set(xlabel="principal axis of the codes", ylabel="share of their variance")
axes[0, 1].set_xticks(numbers)
axes[0, 1].set_title("How real: beside shuffled columns")
axes[0, 1].legend()

# %%
# **Which columns?** The mean derivative of each code with respect to each column, as PCA's
# loadings, per standard deviation of the column.

bigan.fit(X)
LoadingsDisplay.from_estimator(bigan, X, ax=axes[1, 0])
axes[1, 0].set_title("Which columns: loadings")

# %%
# **How many?** The share of unseen rows that codes of each length explain, beside PCA's. PCA is the
# best linear map for that, and a hard rival on a table of 178 rows.

LatentDimCurveDisplay.from_estimator(bigan, X, [1, 2, 4, 8], random_state=0, ax=axes[1, 1])
axes[1, 1].set_title("How many: explained share")
figure.savefig(args.output, dpi=110)
print(f"Wrote {args.output}")

# %%
# What else codes are good for, by three-fold cross-validation: their neighbours, their clusters,
# and the growers, once from five labels each.

figures = evaluate(bigan, X, y, random_state=0, as_frame=True).table
print(figures.round(3).T.to_string())

# %%
# A detector says why a row is odd. In each of these ten wines another column is shifted by six
# standard deviations; the column that contributes most to the score is named.

detector = BiGANDetector(latent_dim=4, max_epochs=args.epochs, random_state=0).fit(X)
odd = X[:10].copy()
for row, column in enumerate(X.columns[:10]):
    odd.loc[row, column] += 6 * X[column].std()
named = explain(detector, odd, as_frame=True).contributions.idxmax(axis=1)
print(f"Odd columns named: {np.sum(named == X.columns[:10])} of 10")

# %%
# A refit turns the axes of codes, so that yesterday's classifier no longer understands them.
# :class:`~sk_bigan.inspection.CodeAlignment` turns them back.

X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)
old = clone(bigan).fit(X_train)
classifier = LogisticRegression().fit(old.transform(X_train), y_train)
refit = make_pipeline(clone(bigan).set_params(random_state=1), CodeAlignment())
refit.fit(X_train, old.transform(X_train))
for name, codes in {
    "before": old.transform(X_test),
    "refit": refit[0].transform(X_test),
    "refit, aligned": refit.transform(X_test),
}.items():
    print(f"{name:<15} accuracy {classifier.score(codes, y_test):.2f}")
