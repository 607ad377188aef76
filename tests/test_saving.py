"""A fitted estimator travels: pickles, files that run no code, and what opens them."""

import io
import json
import os
import pickle
import pickletools
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
import torch
from helpers import same_weights, weights
from own_networks import SmallEncoder
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from torch import nn
from torch.nn.utils import parametrizations

from sk_bigan import BiGANTransformer
from sk_bigan._model.format import scaler_from_arrays, scaler_to_arrays
from sk_bigan.priors import Prior

HERE = Path(__file__).parent


class Orthogonal(nn.Linear):
    """An encoder with a parametrization, which torch does not pickle."""

    def __init__(self, sample_shape, latent_dim):
        super().__init__(sample_shape[0], latent_dim)
        parametrizations.weight_norm(self)


def linear(sample_shape, latent_dim, scale):
    layer = nn.Linear(latent_dim, sample_shape[0])
    nn.init.normal_(layer.weight, std=scale)
    return layer


def cube(n_samples, latent_dim):
    return torch.rand(n_samples, latent_dim)


def blurred(x):
    return 0.9 * x


def hinge_at_two(real_logits, fake_logits):
    return (2 - real_logits).relu().mean() + (2 + fake_logits).relu().mean(), -real_logits.mean()


IMAGES = {"sample_shape": (1, 8, 8)}
CONV = {"architecture": "conv", "hidden_units": (4, 8), **IMAGES}
BUILT_IN = {
    "mlp": {},
    "conv": CONV,
    "pooled": CONV | {"architecture": "pooled"},
    "standard": {"scaling": "standard", "prior": "uniform"},
    "given scaling": {"scaling": FrozenEstimator(StandardScaler().fit(load_digits().data))},
    "not scaled": {"scaling": None, "augmentation": None},
    "other networks": {"encoder__hidden_units": (24, 8), "features": "hidden"},
    "lists": {"augmentation": ["warp", "swap"], "features": ["body.0"], **IMAGES},
    "no seed": {"random_state": None},
    "device": {"device": torch.device("cpu")},
    "NumPy's numbers": {"latent_dim": np.int64(3), "cycle_weight": np.float32(0.5)},
    "NumPy's arrays": {"hidden_units": np.array([24, 8]), "sample_shape": np.array([1, 8, 8])},
}
OWN = {
    "class": {"encoder": SmallEncoder, "encoder__width": 3, **IMAGES},
    "function": {"generator": linear, "generator__scale": 0.1, "scaling": "standard"},
    "instance": {"encoder": nn.Linear(64, 4)},
    "parametrization": {"encoder": Orthogonal},
    "prior": {"prior": Prior(cube, nn.Sigmoid)},
    "function for a prior": {"prior": cube},
    "training": {"objective": hinge_at_two, "augmentation": blurred},
}


def by_pickle(bigan, folder):
    return pickle.loads(pickle.dumps(bigan))


def by_joblib(bigan, folder):
    joblib.dump(bigan, folder / "model.joblib")
    return joblib.load(folder / "model.joblib", mmap_mode="r")


def by_skops(bigan, folder):
    dumped = skops.io.dumps(bigan)
    trusted = skops.io.get_untrusted_types(data=dumped)
    assert len(trusted) <= 1 + isinstance(bigan.device, torch.device)
    return skops.io.loads(dumped, trusted=trusted)


def by_file(bigan, folder):
    bigan.save(folder / "model.safetensors")
    return BiGANTransformer.load(folder / "model.safetensors")


@pytest.fixture(scope="module")
def saved(digits, small):
    """A function that fits one estimator of each kind."""
    fitted = {}

    def get(kind):
        if kind not in fitted:
            fitted[kind] = small(**(BUILT_IN | OWN)[kind]).fit(digits)
        return fitted[kind]

    return get


def assert_same(a, b, X):
    np.testing.assert_array_equal(a.transform(X), b.transform(X))
    codes = np.zeros((3, a.encoder_(a_sample(a)).shape[1]))
    np.testing.assert_array_equal(a.inverse_transform(codes), b.inverse_transform(codes))
    np.testing.assert_array_equal(a.score_samples(X), b.score_samples(X))
    np.testing.assert_array_equal(a.get_feature_names_out(), b.get_feature_names_out())
    assert a.history_ == b.history_
    assert same_weights(a, b)
    if a.random_state is not None:
        np.testing.assert_array_equal(a.sample(3), b.sample(3))


def a_sample(bigan):
    return torch.zeros(1, *bigan.model_.layout.sample_shape, device=bigan.device_)


@pytest.mark.parametrize("way", [by_pickle, by_joblib, by_file, by_skops])
@pytest.mark.parametrize("kind", BUILT_IN)
def test_what_comes_back_is_what_went(digits, saved, tmp_path, kind, way):
    bigan = saved(kind)
    assert_same(bigan, way(bigan, tmp_path), digits[:50])


def test_arrays_that_are_mapped_into_memory_are_no_cause_for_a_warning(digits, small, tmp_path):
    """In a process of its own, because torch warns of them once in each."""
    joblib.dump(small(scaling="standard").fit(digits), tmp_path / "model.joblib")
    np.save(tmp_path / "X.npy", digits)
    script = """
import joblib, numpy as np
bigan, X = joblib.load("model.joblib", mmap_mode="r"), np.load("X.npy")
bigan.inverse_transform(bigan.transform(X))
bigan.partial_fit(X).to_onnx("encoder")
"""
    arguments = ["-W", "error:The given NumPy array is not writable", "-c", script]
    subprocess.run([sys.executable, *arguments], cwd=tmp_path, check=True)


@pytest.mark.parametrize("way", [by_pickle, by_joblib])
@pytest.mark.parametrize("kind", OWN)
def test_own_networks_and_functions_come_back_too(digits, saved, tmp_path, kind, way):
    bigan = saved(kind)
    assert_same(bigan, way(bigan, tmp_path), digits[:50])


@pytest.mark.parametrize("kind", OWN)
def test_a_file_opens_with_what_it_cannot_hold(digits, saved, tmp_path, kind):
    bigan, path = saved(kind), tmp_path / "model.safetensors"
    bigan.save(path)
    own = {
        name: value
        for name, value in OWN[kind].items()
        if callable(value) or isinstance(value, Prior)
    }
    assert_same(bigan, BiGANTransformer.load(path, **own), digits[:50])
    expected = ".*".join(f"{name}=" for name in sorted(own))
    with pytest.raises(TypeError, match=f"parameters that no file can hold.*{expected}"):
        BiGANTransformer.load(path)


@pytest.mark.parametrize("way", [by_pickle, by_file])
def test_it_trains_on(digits, small, tmp_path, way):
    bigan = small().fit(digits)
    again = way(bigan, tmp_path).partial_fit(digits)
    assert again.n_epochs_ == 3
    assert not same_weights(again, bigan)


def test_with_its_optimizers_it_trains_on_as_if_nothing_had_happened(digits, small, tmp_path):
    bigan, path = small().fit(digits), tmp_path / "model.safetensors"
    bigan.save(path, optimizers=True)
    with_optimizers = BiGANTransformer.load(path).partial_fit(digits)
    without = by_file(bigan, tmp_path).partial_fit(digits)
    bigan.partial_fit(digits)
    assert same_weights(bigan, with_optimizers)
    assert not same_weights(bigan, without)


def test_size(digits, tmp_path):
    bigan = BiGANTransformer(max_epochs=1, random_state=0).fit(digits)
    size = sum(w.nbytes for w in weights(bigan))
    bigan.save(tmp_path / "model")
    bigan.save(tmp_path / "with_optimizers", optimizers=True)
    dumped = io.BytesIO()
    joblib.dump(bigan, dumped)
    assert len(pickle.dumps(bigan)) <= 1.05 * size
    assert dumped.tell() <= 1.05 * size
    assert (tmp_path / "model").stat().st_size <= 1.05 * size
    assert (tmp_path / "with_optimizers").stat().st_size > 2.9 * size


def test_a_pickle_holds_nothing_of_torch(saved):
    """So that it opens whatever it was trained on, and whatever becomes of torch's classes."""
    dumped = pickle.dumps(saved("conv"), protocol=2)
    classes = [text for code, text, _ in pickletools.genops(dumped) if code.name == "GLOBAL"]
    assert len(classes) > 2
    assert not [name for name in classes if name.startswith(("torch", "skorch"))]


def test_pickling_changes_nothing(digits, small):
    bigan = small().fit(digits)
    before = dict(vars(bigan))
    pickle.dumps(bigan)
    assert vars(bigan) == before


def test_copies_share_no_memory(digits, saved):
    bigan = saved("mlp")
    before = weights(bigan)
    by_pickle(bigan, None).partial_fit(digits)
    assert all(a.equal(b) for a, b in zip(before, weights(bigan), strict=True))


def test_opening_leaves_the_global_generators_alone(saved):
    dumped = pickle.dumps(saved("function"))
    before = torch.get_rng_state()
    pickle.loads(dumped)
    assert torch.get_rng_state().equal(before)


def test_parameters_that_have_changed_since_the_fit_come_back_as_they_are(digits, small):
    bigan = small().fit(digits).set_params(hidden_units=(8,), prior="uniform", latent_dim=9)
    again = pickle.loads(pickle.dumps(bigan))
    assert again.get_params() == bigan.get_params()
    np.testing.assert_array_equal(again.transform(digits), bigan.transform(digits))


def test_another_version_is_named(saved, monkeypatch, tmp_path):
    with monkeypatch.context() as patch:
        patch.setattr("sk_bigan._estimator.saving.__version__", "0.0.9")
        dumped = pickle.dumps(saved("mlp"))
        saved("mlp").save(tmp_path / "model")
    with pytest.warns(UserWarning, match="was saved by sk_bigan 0.0.9 and is opened by 0.1.0"):
        pickle.loads(dumped)
    with pytest.warns(UserWarning, match="was saved by sk_bigan 0.0.9 and is opened by 0.1.0"):
        BiGANTransformer.load(tmp_path / "model")


@pytest.mark.parametrize("dtype", [np.int64, np.float64])
def test_a_file_of_another_scikit_learn_opens(dtype):
    """Version 1.6 counts the rows that a scaler has seen in integers, and 1.9 in floats."""
    scaler = StandardScaler().fit(np.arange(6.0).reshape(3, 2))
    name, arrays = scaler_to_arrays(scaler)
    arrays["n_samples_seen_"] = arrays["n_samples_seen_"].astype(dtype)
    opened = scaler_from_arrays(name, arrays, 2)
    assert opened.n_samples_seen_ == 3
    assert type(opened.n_samples_seen_) is type(scaler.n_samples_seen_.item())


def test_names_of_columns_come_back(digits, small, tmp_path):
    frame = pd.DataFrame(digits, columns=[f"pixel{i}" for i in range(64)])
    again = by_file(small().fit(frame), tmp_path)
    assert [*again.feature_names_in_] == [*frame.columns]
    with pytest.raises(ValueError, match="feature names should match"):
        again.transform(frame.rename(columns={"pixel0": "other"}))


def test_a_pipeline_opens_in_a_fresh_process(digits, small, tmp_path):
    pipe = make_pipeline(MinMaxScaler(), small(**CONV)).fit(digits)
    joblib.dump(pipe, tmp_path / "pipe.joblib")
    pipe[-1].save(tmp_path / "model")
    np.save(tmp_path / "X.npy", digits)
    script = (
        "import sys, joblib, numpy as np\n"
        "X = np.load('X.npy')\n"
        "pipe = joblib.load('pipe.joblib')\n"
        "from sk_bigan import BiGANTransformer\n"
        "model = BiGANTransformer.load('model')\n"
        "np.save('codes.npy', [pipe.transform(X), model.transform(pipe[0].transform(X))])\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    for codes in np.load(tmp_path / "codes.npy"):
        np.testing.assert_array_equal(codes, pipe.transform(digits))


def test_an_estimator_from_a_lost_device_opens_on_the_cpu(saved, digits):
    bigan = pickle.loads(pickle.dumps(saved("mlp"))).set_params(device="cuda:99")
    again = pickle.loads(pickle.dumps(bigan))
    assert again.device_ == torch.device("cpu")
    np.testing.assert_array_equal(again.transform(digits), bigan.transform(digits))


# Files


def test_a_file_is_plain_to_read(saved, tmp_path):
    saved("mlp").save(tmp_path / "model")
    arrays = load_file(tmp_path / "model")
    np.testing.assert_array_equal(
        arrays["encoder_.head.0.weight"], saved("mlp").encoder_.head[0].weight.numpy(force=True)
    )
    with safe_open(tmp_path / "model", "numpy") as file:
        description = json.loads(file.metadata()["sk_bigan"])
    assert description["parameters"]["latent_dim"] == 4
    assert description["estimator"] == "BiGANTransformer"


def test_callbacks_and_generators_are_left_out(digits, small, tmp_path):
    bigan = small(random_state=np.random.RandomState(0), callbacks=[]).fit(digits)
    again = by_file(bigan, tmp_path)
    assert again.random_state is None
    assert again.set_params(random_state=1).sample(2).shape == (2, 64)


def test_a_file_that_cannot_be_written_leaves_the_one_before(saved, tmp_path):
    """On a disk that is full: a process whose files may not be larger than 1000 bytes."""
    saved("mlp").save(tmp_path / "model")
    before = (tmp_path / "model").read_bytes()
    script = (
        "import resource\n"
        "from sk_bigan import BiGANTransformer\n"
        "model = BiGANTransformer.load('model')\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n"
        "    model.save('model')\n"
        "except OSError as error:\n"
        "    raise SystemExit(7)\n"
    )
    run = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=False)
    assert run.returncode == 7
    assert os.listdir(tmp_path) == ["model"]
    assert (tmp_path / "model").read_bytes() == before


def test_a_file_of_another_class_is_refused(saved, tmp_path):
    class Other(BiGANTransformer):
        pass

    saved("mlp").save(tmp_path / "model")
    with pytest.raises(ValueError, match="holds a BiGANTransformer, to be opened by that class"):
        Other.load(tmp_path / "model")


def test_another_file_of_safetensors_is_refused(tmp_path):
    save_file({"weight": np.zeros(3)}, tmp_path / "model")
    with pytest.raises(ValueError, match="not one that sk_bigan has written"):
        BiGANTransformer.load(tmp_path / "model")


def test_a_network_with_a_state_that_no_file_holds_is_not_saved(digits, small, tmp_path):
    bigan = small(encoder=WithExtraState()).fit(digits)
    assert pickle.loads(pickle.dumps(bigan)).encoder_.told == "told"
    with pytest.raises(ValueError, match="encoder_ has a state that is not of tensors"):
        bigan.save(tmp_path / "model")


class Lazy(nn.LazyLinear):
    def __init__(self, latent_dim):
        super().__init__(latent_dim)


def test_networks_that_learn_their_sizes_from_data_come_back(digits, small):
    bigan = small(encoder=Lazy).fit(digits)
    again = pickle.loads(pickle.dumps(bigan))
    np.testing.assert_array_equal(again.transform(digits), bigan.transform(digits))


class Halved(nn.Module):
    """With a number that is in no state_dict."""

    def __init__(self):
        super().__init__()
        self.register_buffer("factor", torch.tensor(0.5), persistent=False)

    def forward(self, x):
        return self.factor * x


def test_what_no_state_holds_comes_back_from_the_class(digits, small):
    bigan = small(prior=Prior(torch.randn, Halved)).fit(digits)
    again = pickle.loads(pickle.dumps(bigan))
    np.testing.assert_array_equal(again.transform(digits), bigan.transform(digits))


def test_the_authors_folders_stay_where_they_are(digits, small, tmp_path):
    bigan = small(checkpoint_dir=str(tmp_path / "private")).fit(digits)
    bigan.save(tmp_path / "model")
    assert b"private" not in (tmp_path / "model").read_bytes()
    assert BiGANTransformer.load(tmp_path / "model").checkpoint_dir is None


class WithExtraState(nn.Linear):
    def __init__(self):
        super().__init__(64, 4)
        self.told = None

    def get_extra_state(self):
        return "told"

    def set_extra_state(self, state):
        self.told = state
