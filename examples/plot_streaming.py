"""
Learn from a stream
===================

`partial_fit` learns from each part of a stream as it comes, and keeps no rows. A stream may be
longer than any memory, and may change on its way.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import IncrementalPCA
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split

from sk_bigan import BiGANTransformer

# %%
# The stream: forty parts of 300 digits from 0 to 4, then forty from 5 to 9.

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
random = np.random.default_rng(0)
first, then = X_train[y_train < 5], X_train[y_train >= 5]
stream = [random.choice(rows, 300) for rows in [first] * 40 + [then] * 40]

# %%
# Learn from each part once. Then rebuild digits of both kinds that are not in the stream.

tests = {"0 to 4": X_test[y_test < 5], "5 to 9": X_test[y_test >= 5]}
models = {"BiGAN": BiGANTransformer(random_state=0), "PCA": IncrementalPCA(16)}
scores = {(model, digits): [] for model in models for digits in tests}
for part in stream:
    for name, model in models.items():
        model.partial_fit(part)
        for digits, test in tests.items():
            rebuilt = model.inverse_transform(model.transform(test))
            share = r2_score(test, rebuilt, multioutput="variance_weighted")
            scores[name, digits].append(share)

# %%
# The networks learn the new digits within ten parts, and lose some of the old ones, since nothing
# but the stream reminds them. PCA learns from its first part, adapts more slowly, and forgets less.

figure, ax = plt.subplots(figsize=(5, 3.5), layout="constrained")
for (name, digits), shares in scores.items():
    style = {"color": "C0" if digits == "0 to 4" else "C1"}
    style["linestyle"] = "-" if name == "BiGAN" else "--"
    ax.plot(range(1, 81), shares, label=f"{name}, {digits}", **style)
ax.axvline(40.5, color="gray", linestyle=":")
ax.set(xlabel="parts learned", ylabel="share that is rebuilt", ylim=(0, 1))
ax.legend()
plt.show()
