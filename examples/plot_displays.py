"""
Displays: what a BiGAN has learned, seen
========================================

Each display of :mod:`sk_bigan.display` takes a fitted estimator and draws one thing: how the
training went, what is left of a row after its code, what the generator draws from the prior, how
codes lie, what is between two of them. Here, of scikit-learn's digits.
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sk_bigan import BiGANTransformer
from sk_bigan.display import (
    InterpolationDisplay,
    LatentDisplay,
    LossCurveDisplay,
    ReconstructionDisplay,
    SampleDisplay,
)

parser = argparse.ArgumentParser(description="All displays of a BiGAN of the digits")
parser.add_argument("--output", type=Path, default=Path("displays.png"), help="the picture")
parser.add_argument("--epochs", type=int, default=60)
args = parser.parse_args()

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)

# %%
# The digits come as flat rows of 64 pixels. With `sample_shape`, the estimator knows that they are
# images, and so do the displays; otherwise, these take ``image_shape=(8, 8)``.

bigan = BiGANTransformer(
    latent_dim=16,
    sample_shape=(1, 8, 8),
    cycle_weight=1,  # with these two weights, samples are better, and codes worse
    consistency_weight=0,
    max_epochs=args.epochs,
    random_state=0,
).fit(X_train)

# %%
# The two players' losses. They do not fall as those of a classifier do: each player's gain is the
# other's loss.

losses = LossCurveDisplay.from_estimator(bigan)

# %%
# Any other number in `history_` can be drawn likewise: here, how many of the encoder's and of the
# generator's pairs the discriminator tells rightly. At one half of both it would be guessing; at
# all of both it would have won, and the others would learn nothing. It is looked at every 100
# steps, and at the end.

shares = LossCurveDisplay.from_estimator(bigan, names=["d_real", "d_fake"])

# %%
# Digits that the networks have never seen, and what the generator makes of their codes of 16
# numbers.

reconstructions = ReconstructionDisplay.from_estimator(bigan, X_test, n_samples=10)

# %%
# Digits that nobody has written: the generator's, from codes drawn from the prior.

samples = SampleDisplay.from_estimator(bigan)

# %%
# The codes of the unseen digits by their first two principal components, coloured by the labels,
# which the training has not seen.

codes = LatentDisplay.from_estimator(bigan, X_test, y_test)

# %%
# The straight way from the code of one digit to that of another.

starts = [X_test[y_test == digit][0] for digit in (0, 2, 3, 9)]
ends = [X_test[y_test == digit][0] for digit in (6, 1, 8, 7)]
walks = InterpolationDisplay.from_estimator(bigan, starts, ends)

# %%
# A display keeps what it has drawn and draws it again with `plot`, here all of them into one
# figure.

figure, axes = plt.subplot_mosaic(
    [
        ["losses", "what D tells", "codes"],
        ["unseen digits", "unseen digits", "samples"],
        ["walks", "walks", "samples"],
    ],
    height_ratios=[5, 2, 4],
    figsize=(15, 11),
    layout="constrained",
)
displays = {
    "losses": losses,
    "what D tells": shares,
    "codes": codes,
    "unseen digits": reconstructions,
    "samples": samples,
    "walks": walks,
}
for title, display in displays.items():
    display.plot(axes[title])
    axes[title].set_title(title)
figure.savefig(args.output, dpi=80)
print(f"Wrote {args.output}")
