"""Sentences of the pages are short, and so are the answers of the FAQ."""

import re

import pytest
from readability import LONGEST, MEDIAN, ROOT, faults, n_words, pages, sentences


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.name)
def test_sentences_are_short(path):
    assert faults(path.read_text(encoding="utf-8")) == []


def test_a_sentence_ends_with_its_mark_paragraph_or_item():
    text = "One. Two three!\n\nNo mark\n\n- an item\n- `1. 2` is 0.5 of Lim et al. 2017, (Eq. 9).\n"
    assert [*map(n_words, sentences(text))] == [1, 2, 2, 2, 10]


@pytest.mark.parametrize(
    "left_out",
    [
        "# A heading",
        "| a | table |\n|---|---|\n| of | cells |",
        "```python\ncode = 1\n```",
        "$$\nx = y\n$$",
        "![a picture](of/it.png)",
        "<!-- a comment -->",
        "## References\n\n- Lim, J. and Ye, J. 2017. Geometric GAN.",
    ],
)
def test_what_is_no_prose_is_left_out(left_out):
    assert sentences(f"Before.\n\n{left_out}\n") == ["Before."]


def test_text_within_a_directive_counts():
    assert sentences(":::{note}\n:class: wide\nAs any.\n:::\n") == ["As any."]


def test_long_sentences_and_a_high_median_are_faults():
    def sentence(n):
        return "word " * (n - 1) + "word."

    assert faults(" ".join(map(sentence, (LONGEST, MEDIAN, 1)))) == []
    assert faults(f"{sentence(LONGEST + 1)} A. B.") == [
        f"{LONGEST + 1} words: {sentence(LONGEST + 1)}"
    ]
    assert faults(sentence(MEDIAN + 1)) == [f"median {MEDIAN + 1} words"]


def test_answers_have_at_most_five_lines():
    faq = (ROOT / "docs" / "faq.md").read_text(encoding="utf-8")
    for answer in re.split(r"^#{1,3} ", faq, flags=re.MULTILINE)[1:]:
        question, _, text = answer.partition("\n")
        text = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
        lines = [line for line in text.splitlines() if line and not line.startswith("|")]
        assert len(lines) <= 5, question
        assert all(len(line) <= 100 for line in lines), question
