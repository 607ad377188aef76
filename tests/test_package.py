"""The files beside the package say the same as its metadata and its version."""

import re
import runpy
import tomllib
from importlib.metadata import metadata, requires
from importlib.resources import files
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import sk_bigan

ROOT = Path(__file__).parents[1]
CONDA_NAMES = {"torch": "pytorch"}  # where they are not PyPI's


def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


def read_yaml(path):
    return yaml.safe_load(read(path))


def requirements():
    return [Requirement(line) for line in requires("sk_bigan")]


def pins(path):
    pairs = re.findall(r"^([\w.-]+)==(\S+)$", read(path), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in pairs}


def test_the_version_has_one_source():
    assert metadata("sk_bigan")["Version"] == sk_bigan.__version__
    assert read_yaml("CITATION.cff")["version"] == sk_bigan.__version__
    assert read_yaml("conda/recipe.yaml")["context"]["version"] == sk_bigan.__version__
    changes = re.findall(r"^## ([^\s,]+)", read("CHANGELOG.md"), re.MULTILINE)
    assert changes[0] == sk_bigan.__version__


def test_the_license_is_the_same_everywhere():
    license_expression = metadata("sk_bigan")["License-Expression"]
    assert license_expression == "BSD-3-Clause"
    assert read_yaml("CITATION.cff")["license"] == license_expression
    assert read_yaml("conda/recipe.yaml")["about"]["license"] == license_expression


@pytest.mark.skipif(not (ROOT / "sk_bigan").is_dir(), reason="setup.py reads the sources")
def test_the_long_description_works_off_the_repository(monkeypatch):
    settings = {}
    monkeypatch.setattr("setuptools.setup", settings.update)
    off_the_repository = runpy.run_path(str(ROOT / "setup.py"))["off_the_repository"]

    text = "a [page](docs/a.md#b) and a [site](https://example.org)\n"
    assert off_the_repository(text) == "a page and a [site](https://example.org)\n"
    assert off_the_repository(f"![Codes](docs/codes.png)\n[中文](zh.md)\n{text[0]}") == text[0]

    readme, description = read("README.md"), settings["long_description"]
    targets = re.findall(r"\]\((.*?)\)", description)
    assert targets
    assert all(target.startswith("https://") for target in targets)
    assert "![" not in description
    code = re.compile("^```.*?^```$", re.MULTILINE | re.DOTALL)
    assert code.findall(description) == code.findall(readme)
    assert description.count("\n|") == readme.count("\n|")


def test_types_are_shipped():
    assert files("sk_bigan").joinpath("py.typed").is_file()


@pytest.mark.parametrize("name", ["page.html", "page.css", "page.js"])
def test_the_page_to_explore_is_shipped(name):
    assert files("sk_bigan.inspection").joinpath("page", name).is_file()


def test_the_conda_recipe_requires_what_the_package_requires():
    recipe = read_yaml("conda/recipe.yaml")
    ours = {
        f"{CONDA_NAMES.get(requirement.name, requirement.name)} {requirement.specifier}"
        for requirement in requirements()
        if requirement.marker is None
    }
    ours.add("python >=${{ python_min }}")
    assert set(recipe["requirements"]["run"]) == ours
    assert metadata("sk_bigan")["Requires-Python"] == f">={recipe['context']['python_min']}"
    assert recipe["about"]["summary"] == metadata("sk_bigan")["Summary"]


def test_the_conda_recipe_builds_with_what_the_package_builds_with():
    build_system = tomllib.loads(read("pyproject.toml"))["build-system"]
    ours = {re.sub(r"(\w)([<>=])", r"\1 \2", line) for line in build_system["requires"]}
    host = set(read_yaml("conda/recipe.yaml")["requirements"]["host"])
    assert host == ours | {"python ${{ python_min }}.*", "pip"}


@pytest.mark.parametrize("path", ["constraints.txt", "constraints-oldest.txt"])
def test_pinned_versions_are_supported_ones(path):
    pinned = pins(path)
    for requirement in requirements():
        version = pinned.get(canonicalize_name(requirement.name))
        assert version is None or version in requirement.specifier, requirement


def test_every_requirement_is_pinned():
    names = {canonicalize_name(requirement.name) for requirement in requirements()}
    assert names <= pins("constraints.txt").keys()
