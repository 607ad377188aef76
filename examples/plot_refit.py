"""
Refit without a new classifier
==============================

A refit on newer rows turns the axes of the codes, so that whatever was trained on the old codes no
longer understands them. `CodeAlignment` turns them back.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sk_bigan import BiGANTransformer
from sk_bigan.inspection import CodeAlignment

# %%
# Yesterday, networks learned from half of the digits, and a classifier from their codes.

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
half = len(X_train) // 2
old = BiGANTransformer(random_state=0).fit(X_train[:half])
classifier = LogisticRegression(max_iter=2000).fit(old.transform(X_train[:half]), y_train[:half])

# %%
# Today, new networks learn from all, and their codes are turned onto the old ones of these rows.

new = make_pipeline(BiGANTransformer(random_state=1), CodeAlignment())
new.fit(X_train, old.transform(X_train))

# %%
# The classifier is still yesterday's. The new codes tell it nothing, until they are aligned.

codes = {
    "old codes": old.transform(X_test),
    "new codes": new[0].transform(X_test),
    "new codes,\naligned": new.transform(X_test),
}
accuracies = [classifier.score(of_test, y_test) for of_test in codes.values()]
figure, ax = plt.subplots(figsize=(5, 3.2), layout="constrained")
bars = ax.bar(list(codes), accuracies)
ax.bar_label(bars, fmt="%.2f")
ax.set(ylabel="accuracy of the old classifier", ylim=(0, 1.1))
plt.show()
