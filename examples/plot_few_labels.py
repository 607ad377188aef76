"""
Classify with few labels
========================

Pictures are cheap, labels are not. The networks learn from all training digits without a label, and
a linear classifier then learns from few.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedShuffleSplit, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_bigan import BiGANTransformer

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)

# %%
# Compare codes of 16 numbers. By default the encoder sees some pixels of other digits while it
# learns (`"swap"`). With `"warp"` it also sees each digit a little shifted, turned and bent.

methods = {
    "PCA": PCA(16, random_state=0),
    "BiGAN": BiGANTransformer(latent_dim=16, random_state=0),
    "BiGAN, warp": BiGANTransformer(
        latent_dim=16, sample_shape=(1, 8, 8), augmentation=["warp", "swap"], random_state=0
    ),
}

# %%
# Each point of the figure is the mean of 20 random choices of labelled digits.

counts = [10, 20, 50, 100, 200, 500]
classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
figure, ax = plt.subplots(figsize=(5, 3.5), layout="constrained")
for name, method in methods.items():
    codes = np.concatenate([method.fit(X_train).transform(X_train), method.transform(X_test)])
    labels = np.concatenate([y_train, y_test])
    tested = np.arange(len(X_train), len(codes))
    accuracies = []
    for count in counts:
        choices = StratifiedShuffleSplit(20, train_size=count, random_state=0)
        folds = [(chosen, tested) for chosen, _ in choices.split(X_train, y_train)]
        accuracies.append(cross_val_score(classifier, codes, labels, cv=folds).mean())
    print(f"{name:<12}", *(f"{accuracy:.2f}" for accuracy in accuracies))
    ax.plot(counts, accuracies, marker="o", label=name)
ax.set(xscale="log", xlabel="labelled digits", ylabel="accuracy on other digits")
ax.set_xticks(counts, counts)
ax.minorticks_off()
ax.grid(alpha=0.3)
ax.legend()
plt.show()

# %%
# The fewer labels there are, the more the warps are worth. They tell the encoder what does not
# matter in a digit, which PCA cannot be told.
