"""Files of models and of ONNX are refused for the same reasons, and nothing is written then."""

import os
import sys

import pytest
from sklearn.exceptions import NotFittedError

from sk_bigan import BiGANTransformer

METHODS = {"save": ["safetensors"], "to_onnx": ["onnx", "onnxscript", "onnxruntime"]}


@pytest.mark.parametrize("method", METHODS)
def test_an_unfitted_estimator_is_not_written(small, tmp_path, method):
    with pytest.raises(NotFittedError):
        getattr(small(), method)(tmp_path / "model")
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("method", METHODS)
def test_parameters_that_do_not_fit_the_networks_are_not_written(digits, small, tmp_path, method):
    bigan = small().fit(digits).set_params(latent_dim=5)
    with pytest.raises(ValueError, match="latent_dim changed from 4 to 5 since"):
        getattr(bigan, method)(tmp_path / "model")
    bigan.set_params(latent_dim=0)
    with pytest.raises(ValueError, match="The 'latent_dim' parameter of BiGANTransformer must be"):
        getattr(bigan, method)(tmp_path / "model")
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize(
    ("method", "package"), [(method, one) for method, names in METHODS.items() for one in names]
)
def test_a_missing_package_is_named_with_its_extra(fitted, tmp_path, monkeypatch, method, package):
    blocked = "safetensors.numpy" if package == "safetensors" else package
    monkeypatch.setitem(sys.modules, blocked, None)
    with pytest.raises(ImportError, match=f"pip install {' '.join(METHODS[method])}"):
        getattr(fitted, method)(tmp_path / "model")
    assert not os.listdir(tmp_path)


def test_loading_names_the_missing_package(fitted, tmp_path, monkeypatch):
    fitted.save(tmp_path / "model")
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(ImportError, match="pip install safetensors"):
        BiGANTransformer.load(tmp_path / "model")
