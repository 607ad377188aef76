"""
Draw new rows of a table
========================

`sample` draws rows that are nobody's: each column looks like the original's, and so do the ties
between columns.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier

from sk_bigan import BiGANTransformer
from sk_bigan.columns import ColumnEncoder

# %%
# Take the irises, with their species as a text.

iris = load_iris(as_frame=True)
table = iris.data.assign(species=iris.target_names[iris.target])
train, test = table[::2], table[1::2]

# %%
# Train with the weights that suit samples. Numbers are coded in ten bins each, so that none leaves
# the range of the real ones.

bigan = BiGANTransformer(
    latent_dim=4,
    scaling=ColumnEncoder(numbers="bins", n_bins=10),
    cycle_weight=1,
    consistency_weight=0,
    max_epochs=300,
    random_state=0,
)
drawn = bigan.fit(train).sample(300)
drawn.head()

# %%
# Are the rows of use? A classifier learns species from drawn rows, and is asked about irises that
# neither it nor the networks have seen.

columns = iris.feature_names
forest = RandomForestClassifier(random_state=0)
for name, rows in {"real": train, "drawn": drawn}.items():
    accuracy = forest.fit(rows[columns], rows["species"]).score(test[columns], test["species"])
    print(f"Trained on {name} rows: {accuracy:.2f}")

# %%
# Crosses are drawn, dots are real.

figure, ax = plt.subplots(figsize=(5, 3.5), layout="constrained")
x, y = columns[2:]
for number, species in enumerate(iris.target_names):
    for rows, style in (drawn, {"marker": "+", "alpha": 0.6}), (table, {"s": 16}):
        chosen = rows[rows["species"] == species]
        label = species if rows is table else None
        ax.scatter(chosen[x], chosen[y], color=f"C{number}", label=label, **style)
ax.set(xlabel=x, ylabel=y)
ax.legend()
plt.show()
