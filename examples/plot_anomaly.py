"""
Anomalies: a digit that the networks have never seen
====================================================

A BiGAN that has learned from nine digits codes a tenth badly: the code is improbable, or the image
that comes back is another. `BiGANDetector` puts both into one number.
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.ensemble import IsolationForest
from sklearn.metrics import RocCurveDisplay
from sklearn.model_selection import train_test_split
from sklearn.neighbors import LocalOutlierFactor

from sk_bigan import BiGANDetector, ReconstructionDisplay

parser = argparse.ArgumentParser(description="A digit among the others, as an anomaly")
parser.add_argument("--output", type=Path, default=Path("anomaly.png"), help="the picture")
parser.add_argument("--anomaly", type=int, default=6, choices=range(10), help="which digit")
parser.add_argument("--epochs", type=int, default=60)
args = parser.parse_args()

X, y = load_digits(return_X_y=True)
usual, unusual = X[y != args.anomaly], X[y == args.anomaly]
X_train, usual = train_test_split(usual, test_size=0.25, random_state=0)
X_test = np.concatenate([usual, unusual])
is_anomaly = np.arange(len(X_test)) >= len(usual)

# %%
# What is to be learned is known to be usual here, hence the small `contamination`: of the training
# rows, one in a hundred is predicted to be an anomaly.

detector = BiGANDetector(contamination=0.01, max_epochs=args.epochs, random_state=0).fit(X_train)
predicted = detector.predict(X_test) == -1
print(f"Anomalies: {predicted[is_anomaly].mean():.0%} of the {args.anomaly}s, ", end="")
print(f"{predicted[~is_anomaly].mean():.0%} of the other digits")

# %%
# Above, how far the two kinds are from what was learned, and how well three detectors tell them
# apart: by neighbours, where all that is learned is usual, goes very well. Below, the least usual
# images of each kind over what the generator makes of their codes.

figure = plt.figure(figsize=(9, 5.5), layout="constrained")
above, below = figure.subfigures(2, 1, height_ratios=[2.6, 1])
of_scores, of_curves = above.subplots(1, 2)
scores = detector.score_samples(X_test)
bins = np.linspace(*np.quantile(scores, [0.01, 1]), 40)
labels = {False: "the others", True: f"the {args.anomaly}s"}
for kind, label in labels.items():
    of_scores.hist(scores[is_anomaly == kind], bins, density=True, alpha=0.6, label=label)
of_scores.axvline(detector.offset_, color="black", linestyle=":", label="offset_")
of_scores.set(xlabel="score_samples", yticks=[], title="How usual")
of_scores.legend()

rivals = {
    "BiGANDetector": detector,
    "IsolationForest": IsolationForest(random_state=0).fit(X_train),
    "LocalOutlierFactor": LocalOutlierFactor(novelty=True).fit(X_train),
}
for name, rival in rivals.items():
    RocCurveDisplay.from_predictions(
        is_anomaly, -rival.score_samples(X_test), name=name, ax=of_curves
    )
of_curves.set(title=f"The {args.anomaly}s among the others")

for ax, (kind, label) in zip(below.subplots(1, 2), labels.items(), strict=True):
    of_kind = is_anomaly == kind
    least_usual = X_test[of_kind][np.argsort(scores[of_kind])[:8]]
    ReconstructionDisplay.from_estimator(detector, least_usual, image_shape=(8, 8), ax=ax)
    ax.set_title(f"Least usual of {label}")
figure.savefig(args.output, dpi=110)
print(f"Wrote {args.output}")
