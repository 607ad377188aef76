"""Laws that hold for any data and any sizes."""

import numpy as np
import pytest
from helpers import same_weights
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sk_bigan import BiGANTransformer

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# A fit takes some 20 ms, and hypothesis would call that slow.
few = settings(
    max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
many = settings(few, max_examples=100)

DTYPES = [np.float32, np.float64, np.float16, np.uint8, np.int32]
sizes = st.integers(1, 12)


@st.composite
def tables(draw, min_rows=2):
    shape = draw(st.tuples(st.integers(min_rows, 40), sizes))
    dtype = draw(st.sampled_from(DTYPES))
    if np.dtype(dtype).kind == "f":
        numbers = st.floats(-1e4, 1e4, width=16)
    else:
        numbers = st.integers(0, 255)
    return draw(arrays(dtype, shape, elements=numbers))


def make(latent_dim=3, **parameters):
    defaults = {"hidden_units": (16,), "max_epochs": 1, "random_state": 0, "precision": "float32"}
    return BiGANTransformer(latent_dim, **(defaults | parameters))


def result_dtype(X):
    return X.dtype if X.dtype.kind == "f" else np.float64


@pytest.mark.filterwarnings("ignore:scaling=None leaves values")
@few
@given(X=tables(), latent_dim=sizes, scaling=st.sampled_from(["auto", "range", "standard", None]))
def test_shapes_and_dtypes(X, latent_dim, scaling):
    bigan = make(latent_dim, scaling=scaling).fit(X)
    codes = bigan.transform(X)
    assert codes.shape == (len(X), latent_dim)
    assert codes.dtype == result_dtype(X)
    rows = bigan.inverse_transform(codes)
    assert rows.shape == X.shape
    assert rows.dtype == np.result_type(codes.dtype, np.float32)
    assert bigan.score_samples(X).shape == (len(X),)
    assert len(bigan.get_feature_names_out()) == latent_dim


@few
@given(
    X=tables(min_rows=4),
    factor=st.sampled_from([2.0**-20, 0.5, 4.0, 2.0**30]),
    scaling=st.sampled_from(["range", "standard"]),
)
def test_units_make_no_difference(X, factor, scaling):
    """Powers of two, so that nothing is rounded. A column that is constant has no unit."""
    X = X.astype(np.float64)
    assume((X.min(axis=0) < X.max(axis=0)).all())
    one, other = make(scaling=scaling).fit(X), make(scaling=scaling).fit(factor * X)
    np.testing.assert_array_equal(one.transform(X), other.transform(factor * X))
    np.testing.assert_array_equal(one.score_samples(X), other.score_samples(factor * X))
    np.testing.assert_allclose(factor * one.sample(5), other.sample(5), rtol=1e-12)


@few
@given(
    X=tables(),
    batch_size=st.integers(2, 50),
    seed=st.integers(0, 2**32 - 1),
    units=st.lists(sizes, min_size=1, max_size=3),
)
def test_the_same_seed_gives_the_same_fit(X, batch_size, seed, units):
    settings = {"batch_size": batch_size, "random_state": seed, "hidden_units": units}
    one, other = (make(**settings).fit(X) for _ in range(2))
    assert same_weights(one, other)
    np.testing.assert_array_equal(one.transform(X), other.transform(X))
    np.testing.assert_array_equal(one.sample(3), other.sample(3))
    assert one.history_[0]["loss_d"] == other.history_[0]["loss_d"]


@few
@given(X=tables(), seed=st.integers(0, 2**32 - 1), latent_dim=sizes)
def test_files_and_pickles_give_back_what_they_got(tmp_path_factory, X, seed, latent_dim):
    bigan = make(latent_dim, random_state=seed).fit(X)
    path = tmp_path_factory.mktemp("saved") / "model"
    bigan.save(path)
    again = BiGANTransformer.load(path)
    np.testing.assert_array_equal(again.transform(X), bigan.transform(X))
    np.testing.assert_array_equal(again.sample(3), bigan.sample(3))
