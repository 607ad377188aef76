"""Quick start: a pipeline, a grid search, a saved model and a picture, on the digits.

Trains with the default settings, searches over the length of the code, loads the saved pipeline in
a fresh process, compares the codes with PCA's and draws both:

    python examples/quickstart.py [--output quickstart.png]
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import joblib
import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline

from sk_bigan import BiGANTransformer

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--output", type=Path, default=Path("quickstart.png"), help="the picture")
parser.add_argument("--epochs", type=int, help="of each fit; the default's number if not given")
args = parser.parse_args()
bigan = BiGANTransformer(max_epochs=args.epochs or "auto", random_state=0)
start = perf_counter()


def say(message):
    print(f"[{perf_counter() - start:4.0f} s] {message}", flush=True)


# %%
# 1. A pipeline: the encoder's codes, then a classifier. Pixels run from 0 to 16, and the estimator
# scales them itself.

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)

pipe = Pipeline([("bigan", bigan), ("clf", LogisticRegression(max_iter=2000))])
say(f"Training on {len(X_train)} digits, without their labels ...")
pipe.fit(X_train, y_train)
accuracy = pipe.score(X_test, y_test)
say(f"A linear classifier of the codes: {accuracy:.1%} of {len(X_test)} other digits right.")

# %%
# 2. A grid search over the length of the code, of 20 epochs a fit to keep it short.

say("Searching over the length of the code, 4 or 16 numbers ...")
lengths = [4, 16]
search = GridSearchCV(
    clone(pipe).set_params(bigan__max_epochs=args.epochs or 20),
    {"bigan__latent_dim": lengths},
    cv=3,
    refit=False,
).fit(X_train, y_train)
for length, score in zip(lengths, search.cv_results_["mean_test_score"], strict=True):
    say(f"{length:2} numbers: {score:.1%} right in 3 folds.")

# %%
# 3. Save the pipeline, and load it in a process that shares nothing with this one.

PREDICT = """
import sys, joblib, numpy as np
model, rows, predictions = sys.argv[1:]
np.save(predictions, joblib.load(model).predict_proba(np.load(rows)))
"""
with tempfile.TemporaryDirectory() as folder:
    model, rows, predictions = (Path(folder, name) for name in ("pipe.joblib", "X.npy", "p.npy"))
    joblib.dump(pipe, model)
    np.save(rows, X_test)
    subprocess.run([sys.executable, "-c", PREDICT, model, rows, predictions], check=True)
    same = np.array_equal(np.load(predictions), pipe.predict_proba(X_test))
    size = model.stat().st_size / 2**20
say(f"Saved ({size:.1f} MiB) and loaded in a fresh process. The same predictions: {same}.")

# %%
# 4. Codes beside PCA's of the same length, for a linear classifier and for the nearest neighbour.

bigans = {length: clone(bigan).set_params(latent_dim=length).fit(X_train) for length in (2, 4)}
bigans[16] = pipe["bigan"]
pcas = {length: PCA(length, random_state=0).fit(X_train) for length in bigans}


def right(encoder, classifier):
    classifier.fit(encoder.transform(X_train), y_train)
    return f"{classifier.score(encoder.transform(X_test), y_test):.1%}"


def linear_and_neighbour(encoder):
    classifiers = LogisticRegression(max_iter=2000), KNeighborsClassifier(1)
    return [right(encoder, classifier) for classifier in classifiers]


say("Other digits right, by codes of the same length:")
print(f"{'':9} {'linear':^17} {'neighbour':^17}")
print(f"{'numbers':>9} {'BiGAN':>8} {'PCA':>8} {'BiGAN':>8} {'PCA':>8}")
neighbour = {}
for length, fitted in bigans.items():
    linear, neighbour["BiGAN", length] = linear_and_neighbour(fitted)
    pca_linear, neighbour["PCA", length] = linear_and_neighbour(pcas[length])
    shares = linear, pca_linear, neighbour["BiGAN", length], neighbour["PCA", length]
    print(f"{length:9}", *(f"{share:>8}" for share in shares))

# %%
# 5. Digits that the networks have not seen, their codes of 16 numbers, and what the generator makes
# of these; below, codes of 2 numbers beside PCA's.

examples = np.array([X_test[y_test == digit][0] for digit in range(10)])
codes = bigans[16].transform(examples)
strips = {
    "digit": (examples.reshape(-1, 8, 8), {"cmap": "gray_r", "vmin": 0, "vmax": 16}),
    "code": (codes.reshape(-1, 4, 4), {"cmap": "RdBu_r", "vmin": -2.5, "vmax": 2.5}),
    "digit\nfrom code": (
        bigans[16].inverse_transform(codes).reshape(-1, 8, 8),
        {"cmap": "gray_r", "vmin": 0, "vmax": 16},
    ),
}

figure = plt.figure(figsize=(10, 7.5), layout="constrained")
figure.get_layout_engine().set(w_pad=0.12, h_pad=0.08)
above, below = figure.subfigures(2, height_ratios=[3, 4])
above.suptitle("Unseen digits, their codes of 16 numbers, and the digits that G makes of the codes")
for axes, (label, (images, style)) in zip(above.subplots(3, 10), strips.items(), strict=True):
    for ax, image in zip(axes, images, strict=True):
        ax.imshow(image, **style)
        ax.set(xticks=[], yticks=[])
    axes[0].set_ylabel(label, rotation=0, ha="right", va="center")

planes = {"BiGAN": bigans[2], "PCA": pcas[2]}
for ax, (name, encoder) in zip(below.subplots(1, 2), planes.items(), strict=True):
    codes = encoder.transform(X_test)
    for digit in range(10):
        ax.scatter(*codes[y_test == digit].T, marker=f"${digit}$", s=50, linewidths=0.5)
    ax.set(xticks=[], yticks=[])
    ax.set_title(f"{name}, 2 numbers: nearest neighbour {neighbour[name, 2]} right")
figure.savefig(args.output, dpi=80)
say(f"The picture is in {args.output}. Read docs/start.md next: your own table and pictures.")
