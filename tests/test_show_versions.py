"""Show_versions prints what is installed, and texts name the packages to install."""

import re
from importlib.metadata import requires, version
from pathlib import Path

import pytest
import torch
from packaging.requirements import Requirement

import sk_bigan
from sk_bigan._machine.extras import EXTRAS, missing


def packages_of(extra):
    """Return the packages of an extra in the metadata, as ``pip install`` would name them."""
    requirements = [Requirement(line) for line in requires("sk_bigan")]
    of_the_extra = [
        requirement
        for requirement in requirements
        if requirement.marker and requirement.marker.evaluate({"extra": extra})
    ]
    return {name for one in of_the_extra for name in (one.name, *one.extras)}


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_error_names_the_packages_that_setup_lists_under_the_extra(extra):
    text = str(missing(extra, "this"))
    named = re.search(r"pip install (.+)$", text)[1].split()
    assert set(named) == packages_of(extra)
    assert set(re.search(r"packages? (.+):", text)[1].split(", ")) == packages_of(extra)


def test_versions_devices_and_packages_are_printed(capsys):
    sk_bigan.show_versions()
    printed = capsys.readouterr().out
    lines = dict(line.strip().split(": ", 1) for line in printed.splitlines() if ": " in line)
    assert lines["sk_bigan"] == sk_bigan.__version__
    for name in ("torch", "scikit-learn", "numpy", "joblib", "skorch", "safetensors"):
        assert lines[name] == version(name)
    assert lines["build"] == torch.__version__
    assert lines["devices"].startswith("cpu")
    assert lines["threads"].startswith(str(torch.get_num_threads()))
    assert {package for packages in EXTRAS.values() for package in packages} <= lines.keys()


def test_a_package_that_is_not_there_is_said_to_be_missing(capsys, monkeypatch):
    monkeypatch.setitem(EXTRAS, "plot", ("no-such-package",))
    sk_bigan.show_versions()
    assert "no-such-package: not installed" in capsys.readouterr().out


def test_no_text_of_the_package_asks_for_an_extra_of_the_index():
    sources = Path(sk_bigan.__file__).parent.rglob("*.py")
    assert not [path for path in sources if re.search(r"sk_bigan\[[a-z]", path.read_text("utf-8"))]
