"""
Find odd rows, and say why
==========================

A detector learns what is usual. For a row that is odd, `explain` says which columns make it so.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_bigan import BiGANDetector
from sk_bigan.inspection import explain

# %%
# Learn from benign tumours alone. `validation_fraction` keeps some of them aside, so that fresh
# ones give one false alarm in twenty.

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
malignant, benign = X[y == 0], X[y == 1]
usual, fresh = train_test_split(benign, test_size=0.3, random_state=0)
detector = BiGANDetector(contamination=0.05, validation_fraction=0.3, random_state=0).fit(usual)
print(f"False alarms: {np.mean(detector.predict(fresh) == -1):.0%} of fresh benign tumours")
print(f"Found: {np.mean(detector.predict(malignant) == -1):.0%} of malignant tumours")

# %%
# Compare how well detectors rank malignant tumours above benign ones. 1 is perfect, 0.5 is chance.

rivals = {
    "BiGANDetector": detector,
    "LocalOutlierFactor": make_pipeline(StandardScaler(), LocalOutlierFactor(novelty=True)),
    "IsolationForest": IsolationForest(random_state=0),
}
rivals["LocalOutlierFactor"].fit(usual)
rivals["IsolationForest"].fit(usual)
tumours = pd.concat([fresh, malignant])
for name, rival in rivals.items():
    area = roc_auc_score(y[tumours.index], rival.score_samples(tumours))
    print(f"{name:<19} area under the ROC curve {area:.3f}")

# %%
# IsolationForest ranks these tumours best. It does not say what is odd about one, and `explain`
# does. The contributions of all columns add up to the score.

oddest = malignant.iloc[[np.argmin(detector.score_samples(malignant))]]
reasons = explain(detector, oddest, as_frame=True).contributions.iloc[0].nlargest(5)
multiples = oddest[reasons.index].iloc[0] / usual[reasons.index].mean()
print(multiples.round(1).to_string())

# %%
# The numbers are multiples of the mean of benign tumours. The bars of the figure are contributions:
# the score has squared errors, so that the first column outweighs the others.

figure, ax = plt.subplots(figsize=(5, 3.2), layout="constrained")
ax.barh(reasons.index[::-1], reasons[::-1])
ax.set(xlabel="contribution to the score", title="Why this tumour is odd")
plt.show()
