"""Runs the Python of the pages, top to bottom, as tests: `pytest docs`."""

from doctest import ELLIPSIS, NORMALIZE_WHITESPACE

import matplotlib
import pytest
from sybil import Sybil
from sybil.parsers.myst import PythonCodeBlockParser, SkipParser

matplotlib.use("agg")
collect_ignore_glob = [
    "_build/*",
    "auto_examples/*",
    "terminal/*",
    "conf.py",
    "gallery.py",
    "pictures.py",
    "check_site.py",
]


@pytest.fixture(scope="module")
def in_an_empty_folder(tmp_path_factory):
    """Pages may write files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("page"))
        yield


pytest_collect_file = Sybil(
    parsers=[
        PythonCodeBlockParser(doctest_optionflags=ELLIPSIS | NORMALIZE_WHITESPACE),
        SkipParser(),
    ],
    patterns=["*.md"],
    fixtures=["in_an_empty_folder"],
).pytest()
