"""
Draw all that a fit has learned
===============================

Each display takes a fitted estimator and draws one thing: how the training went, what is left of a
row after its code, what the generator draws, how codes lie, what is between two of them.
"""

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

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)

# %%
# The digits come as flat rows of 64 pixels. With `sample_shape`, the estimator and the displays
# know that they are pictures. The two weights make better samples than the default's, and worse
# codes.

bigan = BiGANTransformer(
    latent_dim=16,
    sample_shape=(1, 8, 8),
    cycle_weight=1,
    consistency_weight=0,
    max_epochs=60,
    random_state=0,
).fit(X_train)

# %%
# Digits that nobody has written: the generator's, from codes drawn from the prior.

figure, ax = plt.subplots(figsize=(5, 3.5), layout="constrained")
samples = SampleDisplay.from_estimator(bigan, n_samples=25, ax=ax)

# %%
# Digits that the networks have not seen, and what the generator makes of their codes.

reconstructions = ReconstructionDisplay.from_estimator(bigan, X_test, n_samples=10)

# %%
# The losses of both players, and any other number of `history_`: here, the shares of the encoder's
# and of the generator's pairs that the discriminator tells rightly.

losses = LossCurveDisplay.from_estimator(bigan)
shares = LossCurveDisplay.from_estimator(bigan, names=["d_real", "d_fake"])

# %%
# The codes of the unseen digits on their first two principal axes. Training has not seen labels.

codes = LatentDisplay.from_estimator(bigan, X_test, y_test)

# %%
# The straight way from the code of one digit to that of another.

starts = [X_test[y_test == digit][0] for digit in (0, 2, 3, 9)]
ends = [X_test[y_test == digit][0] for digit in (6, 1, 8, 7)]
walks = InterpolationDisplay.from_estimator(bigan, starts, ends)

# %%
# A display keeps what it has drawn, and `plot` draws it again, here all of them into one figure.

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
plt.show()
