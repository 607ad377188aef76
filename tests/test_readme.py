"""Both READMEs: their Python runs after ``pip install .``, and they can be read in a minute."""

import re
import subprocess
import sys
from importlib.metadata import distribution, packages_distributions
from itertools import zip_longest
from pathlib import Path
from statistics import median

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
READMES = ("README.md", "README.zh-CN.md")
CODE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PRINTED = re.compile(r"^print\(.*\)  # (.+)$", re.MULTILINE)
NUMBER = re.compile(r"\d*\.\d+")
LINK = re.compile(r"\]\(([^)\s]+)\)")

# Another machine or number of threads adds in another order, which moves an accuracy this much.
TOLERANCE = 0.03

# Run before the blocks, in a process of their own: it finds nothing that `pip install .` lacks.
REFUSE = """
import sys
from importlib.machinery import PathFinder

class Brought(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        refused = name.partition(".")[0] in REFUSED
        return None if refused else super().find_spec(name, path, target)

REFUSED = set(sys.argv[1].split(","))
sys.meta_path = [Brought if finder is PathFinder else finder for finder in sys.meta_path]
"""


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def brought_by_pip():
    """Return the distributions that ``pip install .`` brings: sk_bigan and all it requires."""
    found, wanted = set(), {("sk-bigan", frozenset())}
    while wanted:
        found |= wanted
        wanted = {one for name, extras in wanted for one in required_by(name, extras)} - found
    return {name for name, _ in found}


def required_by(name, extras):
    cases = [{"extra": extra} for extra in ("", *extras)]
    for one in map(Requirement, distribution(name).requires or []):
        if one.marker is None or any(one.marker.evaluate(case) for case in cases):
            yield canonicalize_name(one.name), frozenset(one.extras)


def refused_modules():
    """Return the top-level modules of all installed distributions that ``pip install .`` lacks."""
    brought = brought_by_pip()
    return {
        module
        for module, owners in packages_distributions().items()
        if not brought & {canonicalize_name(owner) for owner in owners}
    }


def run(code, folder):
    command = [sys.executable, "-W", "error", "-c", REFUSE + code, ",".join(refused_modules())]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def prose(text):
    """Return the sentences outside code, tables, headings and items of lists."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"!?\[([^]]*)\]\([^)]*\)", r"\1", text)
    paragraphs = []
    for paragraph in re.split(r"\n\s*\n|\n(?=- )", text):
        lines = [line for line in paragraph.splitlines() if not line.startswith(("#", "|"))]
        paragraphs.append(" ".join(lines))
    return [
        sentence
        for paragraph in paragraphs
        for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z`])", paragraph)
        if sentence.strip()
    ]


def test_what_pip_brings_is_known():
    brought, refused = brought_by_pip(), refused_modules()
    assert {"sk-bigan", "torch", "scikit-learn", "numpy", "scipy", "joblib", "skorch"} <= brought
    assert {"pytest", "safetensors", "matplotlib", "pandas", "onnx", "rich"} <= refused
    assert not {"torch", "sklearn", "numpy", "joblib", "skorch", "sk_bigan", "tqdm"} & refused


@pytest.mark.parametrize("module", ["safetensors", "matplotlib"])
def test_other_packages_are_refused(module, tmp_path):
    refused = run(f"import {module}", tmp_path)
    assert f"ModuleNotFoundError: No module named '{module}'" in refused.stderr


@pytest.mark.parametrize("name", READMES)
def test_the_python_runs_with_nothing_but_the_package(name, tmp_path):
    code = "\n".join(CODE.findall(read(name)))
    expected = PRINTED.findall(code)
    assert expected
    assert code.count("print(") == len(expected)
    result = run(code, tmp_path)
    assert result.returncode == 0, result.stderr
    for wanted, printed in zip_longest(expected, result.stdout.splitlines(), fillvalue=""):
        assert NUMBER.sub("#", printed) == NUMBER.sub("#", wanted)
        numbers = [[float(number) for number in NUMBER.findall(text)] for text in (printed, wanted)]
        assert numbers[0] == pytest.approx(numbers[1], abs=TOLERANCE)


def test_both_readmes_run_the_same_code():
    english, chinese = ("".join(CODE.findall(read(name))) for name in READMES)
    assert re.sub("#.*", "", english) == re.sub("#.*", "", chinese)


def test_the_chinese_readme_has_the_sections_tables_and_links_of_the_english():
    english, chinese = map(read, READMES)
    for pattern in (r"^#+ ", r"^\|", r"^- "):
        counts = [len(re.findall(pattern, text, re.MULTILINE)) for text in (english, chinese)]
        assert counts[0] == counts[1], pattern
    assert sorted(NUMBER.findall(english)) == sorted(NUMBER.findall(chinese))
    others = {"README.md", "README.zh-CN.md", "docs/bigan_zh.md"}
    assert {*LINK.findall(english)} - others == {*LINK.findall(chinese)} - others


def test_the_readme_is_read_in_a_minute():
    text = read("README.md")
    assert len(text.splitlines()) <= 80
    assert len(text.split()) <= 900
    lengths = [len(sentence.split()) for sentence in prose(text)]
    assert lengths
    assert max(lengths) <= 35
    assert median(lengths) <= 16


def test_the_reading_order_takes_ten_minutes():
    section = read("README.md").split("## Reading the code")[1]
    files = re.findall(r"`(sk_bigan/\S+\.py)`", section)
    assert files
    assert sum(len(read(file).split()) for file in files) <= 2800


def test_lines_of_prose_are_wrapped():
    lines = [line for line in read("README.md").splitlines() if not line.startswith(("|", "!"))]
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize("name", READMES)
def test_links_and_pictures_lead_somewhere(name):
    targets = [link for link in LINK.findall(read(name)) if not link.startswith("https://")]
    assert any(target.endswith(".png") for target in targets)
    for target in targets:
        path, _, anchor = target.partition("#")
        assert (ROOT / path).is_file(), target
        headings = re.findall(r"^#+ (.+)$", read(path), re.MULTILINE) if anchor else []
        anchors = [re.sub(r"[^\w -]", "", text).lower().replace(" ", "-") for text in headings]
        assert not anchor or anchor in anchors, target


def test_pictures_are_small():
    pictures = [link for name in READMES for link in LINK.findall(read(name)) if ".png" in link]
    assert all((ROOT / picture).stat().st_size < 150_000 for picture in pictures)
