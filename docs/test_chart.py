"""Charts say what their tables say."""

from pathlib import Path
from xml.etree import ElementTree

from chart import LABELS, WIDTH, chart, charts, first_tables

SVG = "{http://www.w3.org/2000/svg}"
PAGE = """# Title

## Which?

| right, % | near | far |
|---|---|---|
| other | 90.0 | 1,000 |
| ours | **95.0** | |

| another | table |
|---|---|
| a | 1 |

## No table

## What else?

| | x |
|---|---|
| a | 3 |
"""


def dots(svg):
    return [
        (dot.get("class"), float(dot.get("cx")), float(dot.get("cy")))
        for dot in ElementTree.fromstring(svg).iter(f"{SVG}circle")
    ]


def test_a_section_has_a_chart_of_its_first_table():
    assert first_tables(PAGE) == {
        "Which?": [["right, %", "near", "far"], ["other", "90.0", "1,000"], ["ours", "95.0", ""]],
        "What else?": [["", "x"], ["a", "3"]],
    }
    assert [*charts(PAGE)] == [1, 2]


def test_dots_are_in_the_order_of_the_figures_and_ours_stand_out():
    (_, low, first), (_, _, _), (kind, high, second) = sorted(
        dots(chart("Which?", first_tables(PAGE)["Which?"]))
    )[:3]
    assert len(dots(charts(PAGE)[1])) == 3  # no dot without a figure
    assert kind == "ours"
    assert high > low
    assert second > first


def test_the_charts_of_the_site_have_every_figure_within_their_frame():
    page = (Path(__file__).parent / "benchmarks.md").read_text(encoding="utf-8")
    tables = first_tables(page)
    assert len(tables) == page.count("drawn/chart")
    for number, table in enumerate(tables.values(), 1):
        assert f"drawn/chart{number}.svg" in page
        svg = chart("", table)
        heads, names = table[0][1:], [name for name, *_ in table[1:]]
        assert max(map(len, heads)) * 8 <= (WIDTH - LABELS) / len(heads)
        assert max(map(len, names)) * 8 <= LABELS
        figures = [cell for line in table[1:] for cell in line[1:] if cell]
        words = [text.text for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]
        assert {*figures} <= {*words}
        assert all(0 < x < WIDTH for _, x, _ in dots(svg))
