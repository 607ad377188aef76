"""A grid search in two processes, with a bar for every epoch that is going on."""

from sklearn.callback import ProgressBar
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

from sk_bigan import BiGANTransformer

X, y = load_digits(return_X_y=True)
pipe = Pipeline(
    [
        ("bigan", BiGANTransformer(random_state=0)),
        ("clf", LogisticRegression(max_iter=3000)),
    ]
)
search = GridSearchCV(pipe, {"bigan__latent_dim": [8, 16]}, cv=2, n_jobs=2)
search.set_callbacks(ProgressBar(max_propagation_depth=None))
search.fit(X, y)
print(search.best_params_, f"{search.best_score_:.3f}")
