"""The diagram of E, G and D on the first page, as SVG in the colours of the theme.

conf.py writes it into the page, so that it follows the switch of light and dark.
"""

WIDTH, HEIGHT = 520, 264
TOP, MIDDLE, BOTTOM = 58, 132, 206  # heights of the encoder's pair, of D, of the generator's pair
DATA, NETWORK, CODE, JUDGE = 62, 178, 290, 436  # centres of the columns

STYLE = """
.players text { fill: var(--pst-color-text-base); font: 20px sans-serif; text-anchor: middle; }
.players .note { fill: var(--pst-color-text-muted); font-size: 15px; }
.players .name { font-weight: bold; }
.players .pair { fill: none; stroke: var(--pst-color-border); stroke-dasharray: 5 4; }
.players .network { fill: var(--pst-color-surface); stroke: var(--pst-color-primary); }
.players .arrow { fill: none; stroke: var(--pst-color-text-muted); stroke-width: 1.5; }
.players .head { fill: var(--pst-color-text-muted); }
"""


def text(x, y, words, kind="plain"):
    return f'<text class="{kind}" x="{x}" y="{y + 6}">{words}</text>'


def pair(y):
    return f'<rect class="pair" x="14" y="{y - 34}" width="326" height="68" rx="10"/>'


def network(x, y, name, left, right):
    """Return a trapezium with a name. `left` and `right` are half the heights of its sides."""
    corners = ((-30, -left), (30, -right), (30, right), (-30, left))
    points = " ".join(f"{x + dx},{y + dy}" for dx, dy in corners)
    return f'<polygon class="network" points="{points}"/>' + text(x, y, name, "name")


def arrow(*points):
    path = " L ".join(f"{x} {y}" for x, y in points)
    return f'<path class="arrow" d="M {path}" marker-end="url(#head)"/>'


def players():
    """Return the SVG: both pairs, and the discriminator that tells them apart."""
    parts = [
        *(pair(TOP), pair(BOTTOM)),
        *(text(DATA, TOP, "x"), text(CODE, TOP, "E(x)")),
        *(text(DATA, BOTTOM, "G(z)"), text(CODE, BOTTOM, "z")),
        network(NETWORK, TOP, "E", 24, 14),
        network(NETWORK, BOTTOM, "G", 24, 14),
        network(JUDGE, MIDDLE, "D", 30, 30),
        *(arrow((DATA + 18, TOP), (144, TOP)), arrow((210, TOP), (CODE - 30, TOP))),
        *(arrow((CODE - 14, BOTTOM), (212, BOTTOM)), arrow((146, BOTTOM), (DATA + 32, BOTTOM))),
        *(arrow((340, TOP), (402, MIDDLE - 16)), arrow((340, BOTTOM), (402, MIDDLE + 16))),
        *(text(DATA, 10, "rows", "note"), text(CODE, 10, "codes", "note")),
        *(
            text(JUDGE, MIDDLE - 52, "which pair", "note"),
            text(JUDGE, MIDDLE + 48, "is it?", "note"),
        ),
        text(CODE, HEIGHT - 11, "drawn from the prior", "note"),
    ]
    head = '<path class="head" d="M 0 0 L 8 4 L 0 8 z"/>'
    return (
        f'<svg class="players" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'xmlns="http://www.w3.org/2000/svg">'
        "<title>E makes a code of a row, G makes a row of a code, "
        "and D tells the pairs (x, E(x)) and (G(z), z) apart</title>"
        f"<style>{STYLE}</style><defs>"
        '<marker id="head" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto">'
        f"{head}</marker></defs>{''.join(parts)}</svg>"
    )
