"""
Search a grid, with progress bars
=================================

Parameters of the networks are parameters of a pipeline, so a grid search tries them together with
those of the classifier.
"""

import matplotlib.pyplot as plt
from sklearn.callback import ProgressBar
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

from sk_bigan import BiGANTransformer

# %%
# Search over the length of the code and the width of the hidden layer.

X, y = load_digits(return_X_y=True)
bigan = BiGANTransformer(max_epochs=15, random_state=0)
pipe = Pipeline([("bigan", bigan), ("clf", LogisticRegression(max_iter=2000))])
grid = {"bigan__latent_dim": [4, 8, 16], "bigan__hidden_units": [(64,), (1024,)]}
search = GridSearchCV(pipe, grid, cv=2, refit=False)

# %%
# Bars of scikit-learn 1.9 show how far the search is. `max_propagation_depth=None` adds bars for
# each fit, down to the epochs of our networks.

search.set_callbacks(ProgressBar(max_propagation_depth=1))
search.fit(X, y)

# %%
# A longer code is better here, and so is a wider layer, most of all for short codes.

scores = search.cv_results_["mean_test_score"].reshape(2, 3)  # a row for each hidden layer
figure, ax = plt.subplots(figsize=(5, 3.5), layout="constrained")
for (width,), accuracies in zip(grid["bigan__hidden_units"], scores, strict=True):
    ax.plot(grid["bigan__latent_dim"], accuracies, marker="o", label=f"{width:,} hidden units")
ax.set(xlabel="numbers in a code", ylabel="accuracy in two folds")
ax.set_xticks(grid["bigan__latent_dim"])
ax.grid(alpha=0.3)
ax.legend()
plt.show()
