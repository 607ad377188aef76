"""Quickstart: a bidirectional GAN as a step of a scikit-learn pipeline, on the digits.

Trains, searches over the length of the code, saves the pipeline and loads it in a fresh process,
compares the features with PCA's, and draws what the networks make of the digits:

    python examples/quickstart.py [--output quickstart.png]
"""

import argparse
import subprocess
import sys
import tempfile
from copy import deepcopy
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
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_bigan import BiGANTransformer, LatentDisplay, ReconstructionDisplay

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--output", type=Path, default=Path("quickstart.png"), help="the picture")
output = parser.parse_args().output
start = perf_counter()


def say(message):
    print(f"[{perf_counter() - start:4.0f} s] {message}", flush=True)


# %%
# 1. A pipeline: E's codes, then a classifier. Pixels run from 0 to 16; no scaling is needed.

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)

pipe = Pipeline(
    [("bigan", BiGANTransformer(random_state=0)), ("clf", LogisticRegression(max_iter=2000))]
)
say(f"Training on {len(X_train)} digits ...")
pipe.fit(X_train, y_train)
say(f"Test accuracy of the pipeline: {pipe.score(X_test, y_test):.3f}")

# %%
# 2. A grid search over the length of the code.

search = GridSearchCV(pipe, {"bigan__latent_dim": [8, 16, 32]}, cv=3, verbose=3)
say("Searching over latent_dim ...")
search.fit(X_train, y_train)
pipe = search.best_estimator_
say(f"Best: {search.best_params_}, test accuracy {pipe.score(X_test, y_test):.3f}")

# %%
# 3. Save the pipeline; a process that knows nothing of this one loads it and predicts the same.

with tempfile.TemporaryDirectory() as folder:
    path, rows, predictions = (Path(folder, name) for name in ("pipe.joblib", "X.npy", "y.npy"))
    joblib.dump(pipe, path)
    np.save(rows, X_test)
    code = (
        "import joblib, numpy as np, sys; path, rows, predictions = sys.argv[1:]; "
        "np.save(predictions, joblib.load(path).predict_proba(np.load(rows)))"
    )
    subprocess.run([sys.executable, "-c", code, path, rows, predictions], check=True)
    equal = np.array_equal(np.load(predictions), pipe.predict_proba(X_test))
    say(
        f"Saved ({path.stat().st_size / 2**20:.1f} MiB), loaded in a fresh process: predictions "
        f"{'identical' if equal else 'DIFFERENT'}"
    )

# %%
# 4. The same classifier on other features of the same digits.

bigan = pipe["bigan"]
untrained = clone(bigan).set_params(max_epochs=50, learning_rate=1e-12).fit(X_train)
pca = PCA(bigan.latent_dim, random_state=0).fit(X_train)


def accuracy(features):
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    return classifier.fit(features(X_train), y_train).score(features(X_test), y_test)


def penultimate(fitted):
    return deepcopy(fitted).set_params(features="penultimate")


table = {
    f"BiGAN, code E(x), {bigan.latent_dim}-d": bigan.transform,
    "BiGAN, layer before it": penultimate(bigan).transform,
    "the same layer, untrained": penultimate(untrained).transform,
    f"PCA, {bigan.latent_dim}-d": pca.transform,
    "raw pixels, 64-d": lambda X: X,
}
say("Test accuracy of a logistic regression on these features:")
for name, features in table.items():
    print(f"         {name:<28} {accuracy(features):.3f}")

# %%
# 5. What the networks make of digits that they have not seen.

figure, axes = plt.subplots(2, figsize=(12, 9), layout="constrained", height_ratios=[1, 3])
ReconstructionDisplay.from_estimator(bigan, X_test, n_samples=12, image_shape=(8, 8), ax=axes[0])
LatentDisplay.from_estimator(bigan, X_test, y_test, ax=axes[1])
figure.savefig(output, dpi=100)
say(f"Wrote {output}")
