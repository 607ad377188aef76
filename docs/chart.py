"""Charts of the benchmarks page, as SVG in the colours of the theme.

A chart shows the first table of a section, so that it cannot say anything else: a panel for each
column of figures, a dot for each line. Lines whose name begins with "ours" have the theme's colour.
"""

import re
from html import escape

WIDTH, LABELS, LINE, TOP = 806, 276, 26, 52
SPACE = 70  # right of a panel, for the text of its last dot

STYLE = """
.chart text { fill: var(--pst-color-text-base); font: 14px sans-serif; dominant-baseline: middle; }
.chart .name { text-anchor: end; }
.chart .head { font-weight: bold; }
.chart .line { stroke: var(--pst-color-border); }
.chart .dot { fill: var(--pst-color-text-muted); }
.chart .ours { fill: var(--pst-color-primary); }
"""


def first_tables(page):
    """Return the first table of each section of a page: its cells, by the section's heading."""
    tables = {}
    for section in re.split(r"^## ", page, flags=re.MULTILINE)[1:]:
        heading, _, text = section.partition("\n")
        if table := re.search(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
            lines = table[0].strip().splitlines()
            cells = [[cell.strip(" *") for cell in line.strip("|").split("|")] for line in lines]
            tables[heading] = [cells[0], *cells[2:]]
    return tables


def number(cell):
    """Return a cell as a number, None where it has none."""
    try:
        return float(cell.replace(",", ""))
    except ValueError:
        return None


def chart(heading, table):
    """Return a table as an SVG."""
    (_, *columns), *lines = table
    panel = (WIDTH - LABELS) / len(columns)
    parts = []
    for row, (name, *_) in enumerate(lines):
        y = TOP + row * LINE
        parts.append(f'<text class="name" x="{LABELS - 12}" y="{y}">{escape(name)}</text>')
    for place, column in enumerate(columns):
        left = LABELS + place * panel
        cells = [line[place + 1] for line in lines]
        figures = [figure for figure in map(number, cells) if figure is not None]
        low, high = min(figures), max(figures)
        parts.append(f'<text class="head" x="{left}" y="18">{escape(column)}</text>')
        for row, ((name, *_), cell) in enumerate(zip(lines, cells, strict=True)):
            y = TOP + row * LINE
            right = left + panel - SPACE
            parts.append(f'<path class="line" d="M {left:.0f} {y} H {right:.0f}"/>')
            if (figure := number(cell)) is None:
                continue
            x = left + (right - left) * (figure - low) / ((high - low) or 1)
            kind = "ours" if name.startswith("ours") else "dot"
            parts.append(
                f'<circle class="{kind}" cx="{x:.1f}" cy="{y}" r="5"/>'
                f'<text x="{x + 9:.1f}" y="{y}">{escape(cell)}</text>'
            )
    height = TOP + len(lines) * LINE
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {height}" role="img" '
        'xmlns="http://www.w3.org/2000/svg">'
        f"<title>{escape(heading)} The table below has these figures.</title>"
        f"<style>{STYLE}</style>{''.join(parts)}</svg>"
    )


def charts(page):
    """Return charts of a page by their places among its sections, from 1 on."""
    return {n: chart(*item) for n, item in enumerate(first_tables(page).items(), 1)}
