"""
Find groups without labels
==========================

k-means finds groups of codes, and the generator draws what each group has in common.
"""

import matplotlib.pyplot as plt
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score

from sk_bigan import BiGANTransformer

# %%
# Learn codes in which a digit stays where it is when it is a little shifted, turned or bent.

X, y = load_digits(return_X_y=True)
bigan = BiGANTransformer(
    latent_dim=16, sample_shape=(1, 8, 8), augmentation=["warp", "swap"], random_state=0
)
codes = bigan.fit_transform(X)

# %%
# Find ten groups, among the codes and among PCA's. The labels only judge the result: 1 means that
# groups and digits agree, 0 is chance.

kmeans = KMeans(10, n_init=10, random_state=0)
print(f"PCA:   {adjusted_rand_score(y, kmeans.fit_predict(PCA(16).fit_transform(X))):.2f}")
print(f"BiGAN: {adjusted_rand_score(y, kmeans.fit_predict(codes)):.2f}")

# %%
# The middle of a group is a code, which the generator turns into a picture. A digit that appears
# twice has been split, and one that is missing shares a group with another.

figure, axes = plt.subplots(2, 5, figsize=(5, 2.4), layout="constrained")
for ax, middle in zip(axes.flat, bigan.inverse_transform(kmeans.cluster_centers_), strict=True):
    ax.imshow(middle.reshape(8, 8), cmap="gray_r")
    ax.set_axis_off()
figure.suptitle("The middles of ten groups of digits")
plt.show()
