"""
See which columns a code reads
==============================

PCA's loadings say which columns a component is made of. `loadings` says the same of codes: how far
each moves, on average, when a column grows by a standard deviation.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_wine

from sk_bigan import BiGANTransformer
from sk_bigan.inspection import LoadingsDisplay

# %%
# Learn three numbers for each of 178 wines, of which 13 things have been measured.

X, y = load_wine(return_X_y=True, as_frame=True)
bigan = BiGANTransformer(latent_dim=3, random_state=0).fit(X)

# %%
# Draw a line for each column and a field for each code.

figure, ax = plt.subplots(figsize=(5, 3.5), layout="constrained")
LoadingsDisplay.from_estimator(bigan, X, ax=ax)
ax.set(xlabel="number of the code", ylabel=None)
ax.set_xticks(range(3), range(3), rotation=0)
plt.show()

# %%
# Red columns push a code up, blue ones down. As with PCA's loadings, signs are arbitrary. Another
# seed turns the codes, so that they mix the same columns otherwise.
