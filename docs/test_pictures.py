"""The diagram of the first page is sound. The pictures from fits are made by the site's build."""

from xml.etree import ElementTree

from diagram import HEIGHT, WIDTH, players

SVG = "{http://www.w3.org/2000/svg}"


def test_the_diagram_names_the_players_and_both_pairs():
    words = [text.text for text in ElementTree.fromstring(players()).iter(f"{SVG}text")]
    assert {"E", "G", "D", "x", "E(x)", "z", "G(z)"} <= set(words)


def test_words_lie_within_the_diagram():
    for text in ElementTree.fromstring(players()).iter(f"{SVG}text"):
        margin = 5 * len(text.text)
        assert margin <= float(text.get("x")) <= WIDTH - margin, text.text
        assert 10 <= float(text.get("y")) <= HEIGHT - 4, text.text


def test_the_diagram_has_no_colours_of_its_own():
    styles = ElementTree.fromstring(players()).find(f"{SVG}style").text
    colours = [
        part.split(":")[1] for part in styles.replace("{", ";").split(";") if "fill:" in part
    ]
    assert colours
    assert all(colour.strip().startswith(("var(--pst", "none")) for colour in colours)
