"""Lengths of the sentences of pages in Markdown: python docs/readability.py prints the long ones.

A sentence ends with a mark of punctuation, or with its paragraph or item of a list. A piece of
code or a formula counts as one word. Headings, tables, blocks of code and formulas, pictures and
sections of references are left out.
"""

import re
import sys
from pathlib import Path
from statistics import median

from markdown_it import MarkdownIt
from mdit_py_plugins.colon_fence import colon_fence_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin

LONGEST, MEDIAN = 40, 18  # words

ROOT = Path(__file__).parents[1]
# Logs, lists of names, pages that include a file below, and one in a language without spaces.
APPENDICES = {
    *("api.md", "bigan_zh.md", "changelog.md", "contributing.md", "features_log.md", "figures.md"),
    "security.md",
}

MARKDOWN = MarkdownIt().enable("table").use(dollarmath_plugin).use(colon_fence_plugin)
REFERENCES = "References"
SPACES = {"softbreak": " ", "hardbreak": " ", "code_inline": "Code", "math_inline": "Code"}
ABBREVIATED = r"(?<!\bal\.)(?<!\bEq\.)(?<!\bvs\.)(?<!\be\.g\.)(?<!\bi\.e\.)"
END = re.compile(rf"(?<=[.!?]){ABBREVIATED}\s+|(?<=[.!?][\")'])\s+")


def pages():
    """Return the files that the rule holds for."""
    files = [*sorted((ROOT / "docs").glob("*.md"))]
    files += [
        ROOT / name
        for name in ("README.md", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "SECURITY.md")
    ]
    return [path for path in files if path.name not in APPENDICES]


def sentences(text):
    """Return the sentences of a page."""
    found, inside, section = [], None, ""
    for token in MARKDOWN.parse(text):
        if token.type in ("table_open", "heading_open"):
            inside = token.type
        elif token.type in ("table_close", "heading_close"):
            inside = None
        elif token.type == "colon_fence" and "toctree" not in token.info:
            found += sentences(re.sub(r"^:.*$", "", token.content, flags=re.MULTILINE))
        elif token.type == "inline" and inside == "heading_open":
            section = token.content
        elif token.type == "inline" and inside is None and section != REFERENCES:
            found += [part for part in END.split(words_of(token)) if n_words(part)]
    return found


def words_of(paragraph):
    return "".join(
        part.content if part.type == "text" else SPACES.get(part.type, "")
        for part in paragraph.children
    )


def n_words(sentence):
    return sum(any(map(str.isalnum, word)) for word in sentence.split())


def faults(text, longest=LONGEST):
    """Return what is too long on a page, a line each."""
    counted = [(n_words(sentence), sentence) for sentence in sentences(text)]
    found = [f"{n} words: {sentence}" for n, sentence in counted if n > longest]
    middle = median(n for n, _ in counted)
    return found + [f"median {middle:g} words"] * (middle > MEDIAN)


if __name__ == "__main__":
    sys.exit(
        "\n".join(
            f"{path.relative_to(ROOT)}: {fault}"
            for path in pages()
            for fault in faults(path.read_text(encoding="utf-8"), *map(int, sys.argv[1:]))
        )
        or None
    )
