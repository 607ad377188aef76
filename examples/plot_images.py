"""
Walk from one picture to another
================================

Convolutional networks learn to draw patches of photographs. Between the codes of two patches lie
codes of patches that nobody has taken, and the generator draws them.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.cluster import KMeans
from sklearn.datasets import load_sample_images
from sklearn.feature_extraction.image import extract_patches_2d

from sk_bigan import BiGANTransformer
from sk_bigan.display import InterpolationDisplay

# %%
# Take patches of 16 x 16 pixels of two photographs, in colour.

X = np.concatenate(
    [
        extract_patches_2d(photograph, (16, 16), max_patches=1000, random_state=0)
        for photograph in load_sample_images().images
    ]
)
print(X.shape, X.dtype)

# %%
# That is all the estimator needs to see to know how pixels and colours lie. The networks get as
# deep as the pictures are large.

bigan = BiGANTransformer(latent_dim=32, architecture="conv", max_epochs=10, random_state=0).fit(X)

# %%
# Pick four patches of the temple and four of the flower that differ: those nearest to the middles
# of clusters of codes.

codes = bigan.transform(X)
kmeans = KMeans(4, n_init=3, random_state=0)
temple = X[:1000][kmeans.fit_transform(codes[:1000]).argmin(axis=0)]
flower = X[1000:][kmeans.fit_transform(codes[1000:]).argmin(axis=0)]

# %%
# Walk from one to the other. Both ends are reconstructions, softer than the photographs. Each step
# goes equally far through the codes.

figure, ax = plt.subplots(figsize=(5, 3.2), layout="constrained")
InterpolationDisplay.from_estimator(bigan, temple, flower, n_steps=7, ax=ax)
ax.set(xlabel="from the temple to the flower", xticks=[])
plt.show()
