"""The page of `explore` in Chromium: `make docs-check` runs these."""

import shutil

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import sync_playwright
from sklearn.datasets import load_wine
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_bigan.inspection import explore

RED = """canvas => [...canvas.getContext("2d")
    .getImageData(0, 0, canvas.width, canvas.height).data].filter((_, i) => i % 4 == 0)"""
TOO_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def chromium():
    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium, tmp_path):
    """Explore and open the page, which must report no error and request nothing but itself."""
    page, faults, requests = chromium.new_page(), [], []
    page.on("console", lambda m: m.type == "error" and faults.append(m.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("dialog", lambda dialog: faults.append(dialog.message))
    page.on("request", lambda request: requests.append(request.url))

    def of(*args, **kwargs):
        path = explore(*args, path=tmp_path / "codes.html", **kwargs)
        page.goto(path.as_uri())
        return page

    yield of
    assert faults == []
    assert requests == [(tmp_path / "codes.html").as_uri()]
    page.close()


@pytest.fixture(scope="module")
def wine():
    return load_wine(as_frame=True).data


@pytest.fixture(scope="module")
def able(digits, small):
    """Fitted until its drawings differ."""
    return small(learning_rate=2e-3, max_epochs=60).fit(digits)


def grey(rows):
    return np.rint(np.clip(rows / 16, 0, 1) * 255).reshape(-1)


def pixels(page, slot):
    return np.array(page.locator("figure canvas").nth(slot).evaluate(RED))


def texts(page, column):
    return page.locator(f"tr td:nth-child({column + 2})").all_inner_texts()


def to_row(page, i):
    """Move the pointer to a row that no other row covers."""
    x, y = page.evaluate(f"place(pointOf({i}))")
    box = page.locator("#marks").bounding_box()
    page.mouse.move(box["x"] + x, box["y"] + y)
    return box["x"] + x, box["y"] + y


def outermost(page):
    """Return the row furthest to the right."""
    return page.evaluate(
        "[...Array(nRows).keys()].reduce((a, b) => points[2*a] > points[2*b] ? a : b)"
    )


def move(page, i, value):
    slider = page.locator("#sliders input").nth(i)
    slider.evaluate("(s, v) => { s.value = v; s.dispatchEvent(new Event('input')) }", value)
    return slider.evaluate("slider => slider.valueAsNumber")


# A generator in the page


@pytest.mark.parametrize("name", ["range", "standard", "pipeline", "pca", "colour"])
def test_the_pages_generator_equals_torchs(opened, small, digits, wine, name):
    colour = np.random.default_rng(0).integers(256, size=(40, 6, 5, 3), dtype=np.uint8)
    estimator, X = {
        "range": (small(), digits),
        "standard": (small(), wine),
        "pipeline": (make_pipeline(StandardScaler(), small()), wine),
        "pca": (PCA(4), digits),
        "colour": (small(), colour),
    }[name]
    codes = estimator.fit(X).transform(X)[:9]
    page = opened(estimator, X)
    drawn = page.evaluate("codes => codes.map(code => [...generate(code)])", codes.tolist())
    expected = estimator.inverse_transform(codes).reshape(9, -1)
    scale = np.maximum(1, np.abs(expected).max(axis=0))
    np.testing.assert_allclose(drawn / scale, expected / scale, atol=1e-4)


def test_the_row_at_the_pointer_is_shown_beside_its_reconstruction(opened, able, digits):
    y = np.where(digits[:, 20] > 8, "dark", "light")
    page = opened(able, digits, y, image_shape=(8, 8))
    i = outermost(page)
    assert page.locator("#row").input_value() == "0"
    to_row(page, i)
    assert page.locator("#row").input_value() == str(i)
    assert page.locator("#label").inner_text() == y[i]
    np.testing.assert_array_equal(pixels(page, 0), grey(digits[i]))
    codes = able.transform(digits[i : i + 1])
    np.testing.assert_allclose(pixels(page, 1), grey(able.inverse_transform(codes)), atol=1)
    page.fill("#row", "7")
    np.testing.assert_array_equal(pixels(page, 0), grey(digits[7]))
    page.fill("#row", "9999")
    assert page.locator("#row").input_value() == "399"
    assert page.locator("#legend span").all_inner_texts() == ["dark", "light"]


def test_points_have_their_places_and_the_colours_of_the_legend(opened, able, digits):
    y = np.arange(400) % 13
    page = opened(able, digits, y)
    points = page.evaluate("[...points]")
    x, up = np.reshape(points, (-1, 2)).T
    places = np.array(page.evaluate("[...Array(nRows).keys()].map(i => place(pointOf(i)))"))
    width, height = page.evaluate("[part('plane').clientWidth, part('plane').clientHeight]")
    assert places[x.argmin(), 0] == pytest.approx(12, abs=1e-3)
    assert places[x.argmax(), 0] == pytest.approx(width - 12, abs=1e-3)
    assert places[up.argmax(), 1] == pytest.approx(12, abs=1e-3)
    assert places[up.argmin(), 1] == pytest.approx(height - 12, abs=1e-3)
    i = outermost(page)
    at = "([x, y]) => [...part('points').getContext('2d').getImageData(x, y, 1, 1).data]"
    drawn = page.evaluate(at, [round(coordinate) for coordinate in places[i].tolist()])
    sign = page.locator("#legend i").nth(int(y[i]))
    legend = sign.evaluate("sign => getComputedStyle(sign).backgroundColor")
    expected = [int(number) for number in legend.removeprefix("rgb(").rstrip(")").split(",")]
    np.testing.assert_allclose(drawn[:3], expected, atol=2)


def test_outliers_lie_on_the_edge(opened):
    codes = np.random.default_rng(0).normal(size=(50, 2))
    codes[3] = 1e6, 0
    page = opened(StandardScaler(with_mean=False, with_std=False).fit(codes), codes)
    places = np.array(page.evaluate("[...Array(nRows).keys()].map(i => place(pointOf(i)))"))
    assert np.ptp(np.delete(places, 3, axis=0), axis=0).min() > 200
    to_row(page, 3)
    assert texts(page, 0) == ["1e+06", "0"]


def test_sliders_draw_what_the_generator_makes_of_their_code(opened, able, digits):
    page = opened(able, digits, image_shape=(8, 8))
    codes = able.transform(digits)
    z = codes.mean(axis=0)
    np.testing.assert_allclose(pixels(page, 2), grey(able.inverse_transform([z])), atol=1)
    marks = page.locator("#marks")
    cross = marks.screenshot()
    for i, value in ((2, codes[:, 2].max()), (0, codes[:, 0].min())):  # the second joins the first
        before = pixels(page, 2)
        z[i] = move(page, i, value)
        np.testing.assert_allclose(z[i], value, atol=np.ptp(codes[:, i]) / 200)
        assert np.abs(pixels(page, 2) - before).max() > 9
        np.testing.assert_allclose(pixels(page, 2), grey(able.inverse_transform([z])), atol=1)
        assert page.locator("#sliders output").nth(i).inner_text() == f"{z[i]:.2f}"
    assert marks.screenshot() != cross
    page.click("#reset")
    mean = able.inverse_transform(codes.mean(axis=0, keepdims=True))
    np.testing.assert_allclose(pixels(page, 2), grey(mean), atol=1)


def test_a_click_moves_the_sliders_to_the_rows_code(opened, able, digits):
    page = opened(able, digits, image_shape=(8, 8))
    i = outermost(page)
    page.mouse.click(*to_row(page, i))
    np.testing.assert_array_equal(pixels(page, 2), pixels(page, 1))
    shown = page.locator("#sliders output").all_inner_texts()
    assert shown == [f"{value:.2f}" for value in able.transform(digits)[i]]


def test_a_table_of_numbers(opened, small, wine):
    bigan = small(latent_dim=2).fit(wine)
    page = opened(bigan, wine, wine["hue"])
    i = outermost(page)
    to_row(page, i)
    assert page.locator("tr th:first-child").all_inner_texts()[1:] == [*wine.columns]
    np.testing.assert_allclose([*map(float, texts(page, 0))], wine.iloc[i], rtol=1e-4)
    codes = bigan.transform(wine)
    rebuilt = bigan.inverse_transform(codes[i : i + 1])[0]
    np.testing.assert_allclose([*map(float, texts(page, 1))], rebuilt, rtol=1e-4)
    np.testing.assert_allclose(float(page.locator("#label").inner_text()), wine["hue"][i])
    ends = page.locator("#legend span").inner_text()
    assert ends == f"{wine['hue'].min():.5g} to {wine['hue'].max():.5g}"


# Drawings made beforehand


def test_sliders_of_drawings_move_one_at_a_time(opened, small, digits):
    images = digits.reshape(-1, 8, 8)
    conv = small(architecture="conv", hidden_units=(8, 16), learning_rate=2e-3, max_epochs=30).fit(
        images
    )
    page = opened(conv, images)
    codes = conv.transform(images)
    i = outermost(page)
    to_row(page, i)
    np.testing.assert_array_equal(pixels(page, 0), grey(digits[i]))
    np.testing.assert_allclose(
        pixels(page, 1), grey(conv.inverse_transform(codes[i : i + 1])), atol=1
    )
    for j, end, value in ((0, 14, codes[:, 0].max()), (2, 0, codes[:, 2].min())):
        z = codes.mean(axis=0)
        z[j] = value
        before = pixels(page, 2)
        move(page, j, end)
        assert np.abs(pixels(page, 2) - before).max() > 9
        np.testing.assert_allclose(pixels(page, 2), grey(conv.inverse_transform([z])), atol=1)
        shown = page.locator("#sliders output").all_inner_texts()
        assert shown == [f"{part:.2f}" for part in z]
    page.click("#reset")
    mean = conv.inverse_transform(codes.mean(axis=0, keepdims=True))
    np.testing.assert_allclose(pixels(page, 2), grey(mean), atol=1)


def test_names_of_the_user_are_texts(opened, small):
    hostile = "</script><img src=x onerror=alert(1)><b>&amp;"
    X = pd.DataFrame({hostile: [hostile, "b"] * 20, "y": np.arange(40) / 7})
    bigan = small(latent_dim=2).fit(X)
    page = opened(bigan, X, X[hostile])
    assert page.locator("tr th:first-child").nth(1).inner_text() == hostile
    assert texts(page, 0) == [hostile, "0"]
    assert page.locator("#label").inner_text() == hostile
    assert page.locator("#legend span").all_inner_texts() == [hostile, "b"]
    decoded = bigan.inverse_transform(bigan.transform(X[:1])).iloc[0]
    assert texts(page, 1) == [decoded.iloc[0], f"{decoded.iloc[1]:.5g}"]


def test_without_an_inverse_there_are_no_sliders(opened, digits):
    class Encoder(PCA):
        inverse_transform = property()

    page = opened(Encoder(2).fit(digits), digits, image_shape=(8, 8))
    assert page.locator("figure").count() == 1
    assert page.locator("#codes").is_hidden()


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_fits_phones_and_screens(opened, small, wine, width):
    bigan = small(latent_dim=16).fit(wine)
    page = opened(bigan, wine, wine["hue"])
    page.set_viewport_size({"width": width, "height": 900})
    assert not page.evaluate(TOO_WIDE)
    i = outermost(page)  # the points have moved with the width
    to_row(page, i)
    assert page.locator("#row").input_value() == str(i)
