"""
See whether a training is healthy
=================================

The losses of a game say little: what one player wins, the other loses. The spread of the samples
says more, and `history_` has it after each epoch.
"""

import warnings

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

from sk_bigan import BiGANTransformer

# %%
# Train with the defaults, and once with more than a hundred times their learning rate and without
# the terms that steady the game.

X, _ = load_digits(return_X_y=True)
healthy = BiGANTransformer(max_epochs=30, random_state=0).fit(X)
collapsed = BiGANTransformer(
    learning_rate=0.05,
    cycle_weight=0,
    consistency_weight=0,
    gradient_penalty=0,
    max_epochs=30,
    random_state=0,
)
with warnings.catch_warnings(record=True) as caught:
    collapsed.fit(X)

# %%
# The second fit has warned, and says what to change.

print(caught[0].message)

# %%
# Healthy samples come to vary nearly as the data do, at 1. Collapsed ones are all alike, at 0. The
# networks are looked at every hundred steps, hence the stairs.

figure, ax = plt.subplots(figsize=(5, 3.5), layout="constrained")
for name, fit in ("healthy", healthy), ("collapsed", collapsed):
    spreads = [epoch["sample_spread"] for epoch in fit.history_]
    ax.plot(range(1, 31), spreads, marker=".", label=name)
ax.set(xlabel="epoch", ylabel="spread of samples / of data", ylim=(-0.05, 1.05))
ax.grid(alpha=0.3)
ax.legend(loc="center right")
plt.show()
