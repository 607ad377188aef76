"""
Find where a time series changes
================================

Windows of a series are rows. A detector that has learned the windows of a quiet time says where the
series no longer behaves so.
"""

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.cbook import get_sample_data
from sklearn.decomposition import PCA

from sk_bigan import BiGANDetector

# %%
# Read the voltage of a nerve cell, a recording that matplotlib brings along.

with get_sample_data("membrane.dat") as file:
    voltage = np.fromfile(file, np.float32)

# %%
# Cut windows of 300 points, one every ten points. NumPy does so without a copy.

windows = np.lib.stride_tricks.sliding_window_view(voltage, 300)[::10]
starts = 10 * np.arange(len(windows))
print(windows.shape)

# %%
# Learn from the time in which the cell fires at an even pace. Then judge all windows.

even = (starts >= 2000) & (starts < 5000)
detector = BiGANDetector(latent_dim=8, contamination=0.01, random_state=0).fit(windows[even])
odd = detector.predict(windows) == -1

# %%
# Compare with what PCA of as many numbers misses, at a threshold of as many false alarms.

pca = PCA(8).fit(windows[even])
missed = ((windows - pca.inverse_transform(pca.transform(windows))) ** 2).sum(axis=1)
odd_by_pca = missed > np.quantile(missed[even], 0.99)
for start, end in pairwise([0, 700, 2000, 5000, 6700, 7500, 10700]):
    between = (starts >= start) & (starts < end)
    print(
        f"windows from {start:>4} to {end:>5}: "
        f"{odd[between].mean():4.0%} odd, {odd_by_pca[between].mean():4.0%} by PCA"
    )

# %%
# Both find the silence at the ends, and both find that the pace breaks after point 7,000, which the
# detector had no example of. Most of the time before point 2,000 is odd to both. Times that were
# learned from are blue, odd ones are orange.

figure, ax = plt.subplots(figsize=(5, 3.2), layout="constrained")
ax.plot(voltage, color="black", linewidth=0.5)
bottom_to_top = {"y1": 0, "y2": 1, "transform": ax.get_xaxis_transform(), "alpha": 0.35}
ax.fill_between(starts + 150, where=even, color="C0", label="learned", **bottom_to_top)
ax.fill_between(starts + 150, where=odd, color="C1", label="odd", **bottom_to_top)
ax.set(xlabel="time (points)", ylabel="voltage", ylim=(-0.75, 0.35))
ax.legend(loc="upper center", ncols=2)
plt.show()
