"""features="summary": principal components of hidden layers, learned with the networks."""

import pickle

import numpy as np
import pytest
import torch
from own_networks import SmallEncoder
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, normalize
from torch import nn

from sk_bigan import BiGANTransformer
from sk_bigan._model.summary import N_ROWS, learn_summary, summary_from_arrays

CONV = {"architecture": "conv", "sample_shape": (1, 8, 8), "hidden_units": (6, 32)}


@pytest.fixture(scope="module", params=[{}, CONV], ids=["mlp", "conv"])
def summarised(request, digits):
    return BiGANTransformer(
        4, **({"hidden_units": (32,)} | request.param), features="summary", max_epochs=2,
        random_state=0,
    ).fit(digits)  # fmt: skip


def test_without_views_it_is_the_principal_components(small, digits):
    bigan = small(features="summary", augmentation=None).fit(digits)
    summary = bigan.transform(digits)
    hidden = bigan.set_params(features="hidden").transform(digits)
    components = make_pipeline(StandardScaler(), PCA(4)).fit_transform(hidden)
    expected = 2 * normalize(components)  # on a sphere of radius sqrt(4)
    signs = np.sign((summary * expected).sum(0))
    np.testing.assert_allclose(summary, signs * expected, atol=0.02)


def test_its_directions_separate_rows_and_not_their_views():
    """Variance that two views of a row do not share counts as noise, however large it is."""
    generator = np.random.default_rng(0)
    shared = generator.normal(size=(500, 2))
    views = [np.hstack([shared, generator.normal(size=(500, 3))]) for _ in range(2)]
    summary = learn_summary(views, 2, seed=0)
    weight = summary.weight.numpy()
    assert np.abs(weight[:, 2:]).max() < 0.1 * np.abs(weight[:, :2]).max()


def test_its_rows_have_one_length(summarised, digits):
    lengths = np.linalg.norm(summarised.transform(digits), axis=1)
    np.testing.assert_allclose(lengths, 2, rtol=1e-5)


def test_it_survives_files_pickles_and_export(summarised, digits, tmp_path):
    summary = summarised.transform(digits)
    summarised.save(tmp_path / "model")
    for again in (
        BiGANTransformer.load(tmp_path / "model"),
        pickle.loads(pickle.dumps(summarised)),
    ):
        np.testing.assert_array_equal(again.transform(digits), summary)
    onnxruntime = pytest.importorskip("onnxruntime")
    summarised.to_onnx(tmp_path / "onnx")
    session = onnxruntime.InferenceSession(tmp_path / "onnx")
    (exported,) = session.run(None, {"X": digits.astype(np.float32)})
    np.testing.assert_allclose(exported, summary, atol=1e-3)


def test_names_and_the_way_back(summarised, digits):
    assert summarised.get_feature_names_out()[-1] == "bigantransformer_summary_3"
    with pytest.raises(ValueError, match="'summary' gives 4 columns, as many as a code has"):
        summarised.inverse_transform(summarised.transform(digits))


def test_a_row_depends_on_no_other(summarised, digits):
    summary = summarised.transform(digits)
    for i in (0, 17, 399):
        np.testing.assert_array_equal(summarised.transform(digits[i : i + 1])[0], summary[i])


def test_it_follows_the_networks(small, digits):
    """Every training learns it anew, and one that does not want it leaves none behind."""
    bigan = small(features="summary").fit(digits)
    before = bigan.model_.summary.weight
    bigan.partial_fit(digits)
    assert not bigan.model_.summary.weight.equal(before)
    bigan.set_params(features="latent").partial_fit(digits)
    with pytest.raises(ValueError, match="'summary' is learned in training"):
        bigan.set_params(features="summary").transform(digits)
    bigan.partial_fit(digits)
    assert bigan.transform(digits).shape == (len(digits), 4)


@pytest.mark.parametrize(("n", "is_kept"), [(2, True), (31, True), (32, False)])
def test_a_part_of_fewer_rows_than_hidden_values_keeps_it(small, digits, n, is_kept):
    bigan = small(features="summary").fit(digits)
    before, codes = bigan.model_.summary, bigan.encoder_(torch.ones(1, 64))
    bigan.partial_fit(digits[:n])
    assert bigan.model_.summary.weight.equal(before.weight) == is_kept
    assert not bigan.encoder_(torch.ones(1, 64)).equal(codes)  # the part has been trained on


def test_a_short_first_part_has_one_of_trained_networks(small, digits):
    bigan = small(features="summary", augmentation=None, learning_rate=0.02)
    with pytest.raises(ValueError, match="at least latent_dim=4 rows.*got 3 rows"):
        bigan.partial_fit(digits[:3])
    summary = bigan.partial_fit(digits[:20]).transform(digits[:20])
    hidden = bigan.set_params(features="hidden").transform(digits[:20])
    expected = 2 * normalize(make_pipeline(StandardScaler(), PCA(4)).fit_transform(hidden))
    signs = np.sign((summary * expected).sum(0))
    np.testing.assert_allclose(summary, signs * expected, atol=0.02)


def test_a_short_warm_start_learns_it_anew(small, digits):
    bigan = small(features="summary", warm_start=True).fit(digits)
    before = bigan.model_.summary.weight
    assert not bigan.fit(digits[:20]).model_.summary.weight.equal(before)


def test_a_fit_with_it_changes_no_code(small, digits):
    codes = small().fit(digits).transform(digits)
    bigan = small(features="summary").fit(digits).set_params(features="latent")
    np.testing.assert_array_equal(bigan.transform(digits), codes)


@pytest.mark.parametrize(
    ("parameters", "n", "message"),
    [
        ({"latent_dim": 33}, 100, "latent_dim=33 rows.*got 100 rows and 32 hidden values"),
        ({"latent_dim": 9}, 8, "latent_dim=9 rows.*got 8 rows and 32 hidden values"),
        ({"encoder": nn.Linear(64, 4)}, 100, "'summary' needs an encoder with a submodule `body`"),
    ],
)
def test_a_fit_refuses_what_cannot_be_summarised(small, digits, parameters, n, message):
    bigan = small(features="summary", **parameters)
    with pytest.raises(ValueError, match=message):
        bigan.fit(digits[:n])
    assert not hasattr(bigan, "model_")


def test_own_networks_and_the_rows_of_a_large_set(small, digits, monkeypatch):
    X = np.tile(digits, (-(-N_ROWS // len(digits)) + 1, 1))
    bigan = small(
        encoder=SmallEncoder, sample_shape=(1, 8, 8), features="summary", max_epochs=1
    ).fit(X)
    assert bigan.transform(X[:5]).shape == (5, 4)


def test_directions_without_variance_are_not_blown_up():
    """Rounding errors in a direction that does not vary must not become features."""
    generator = np.random.default_rng(0)
    varying, rounding = generator.normal(size=(2, 6)), 1e-6 * generator.normal(size=(50, 6))
    shared = generator.normal(size=(50, 2))
    views = [(shared + generator.normal(size=(50, 2))) @ varying for _ in range(2)]
    summary = learn_summary(views, 4, seed=0)
    with torch.no_grad():
        outputs = summary(torch.as_tensor(views[0] + rounding, dtype=torch.float32))
    assert outputs[:, 2:].abs().max() < 0.01


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bias": np.zeros(3)}, "a weight of .2, 5. and a bias"),
        ({"weight": np.zeros((2, 4))}, "a weight of .2, 5. and a bias"),
        ({"weight": np.full((2, 5), np.nan)}, "not finite"),
    ],
)
def test_numbers_that_are_no_summary(change, message):
    arrays = {"weight": np.zeros((2, 5)), "bias": np.zeros(2)} | change
    with pytest.raises(ValueError, match=message):
        summary_from_arrays(arrays, (2, 5))
