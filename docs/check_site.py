"""Every link, and every page in a browser: python docs/check_site.py docs/_build/html."""

import shutil
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from bs4 import BeautifulSoup
from playwright.sync_api import TimeoutError as NothingCame
from playwright.sync_api import sync_playwright

SEARCHED = "cycle_weight"
WIDTHS = (390, 1280)  # of a phone and of a screen
TOO_WIDE = """["html", "body", "article"].filter(
    name => [...document.querySelectorAll(name)].some(part => part.scrollWidth > part.clientWidth)
)"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


def broken_links(site, paths):
    """Links within the site whose page, or whose place on it, is not there."""
    pages = {path: BeautifulSoup(path.read_bytes(), "html.parser") for path in paths}
    anchors = {
        path: {tag[key] for key in ("id", "name") for tag in page.find_all(attrs={key: True})}
        for path, page in pages.items()
    }
    for path, page in pages.items():
        for key in ("href", "src"):
            for tag in page.find_all(attrs={key: True}):
                link, anchor = urldefrag(urljoin(path.as_uri(), tag[key]))
                target = Path(unquote(urlsplit(link).path))
                if urlsplit(link).scheme == "file" and not target.exists():
                    yield f"{path}: no file for {tag[key]}"
                elif anchor and target in anchors and unquote(anchor) not in anchors[target]:
                    yield f"{path}: no such place as {tag[key]}"


def broken_pages(site, paths, address):
    """What a browser that reaches nothing else finds wrong."""
    with sync_playwright() as playwright:
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page, faults = browser.new_page(), []
        page.route(lambda url: not url.startswith(address), lambda route: route.abort("failed"))
        page.on("console", lambda m: m.type == "error" and faults.append(f"console: {m.text}"))
        page.on("pageerror", lambda error: faults.append(f"script: {error}"))
        # Aborted is what the next page leaves unfinished.
        page.on("requestfailed", lambda r: "ABORT" in r.failure or faults.append(f"no {r.url}"))
        page.on("response", lambda r: r.status >= 400 and faults.append(f"{r.status}: {r.url}"))
        for name in (path.relative_to(site).as_posix() for path in paths):
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 900})
                page.goto(f"{address}/{name}", wait_until="load")
                faults += [f"{part} wider than {width} pixels" for part in page.evaluate(TOO_WIDE)]
            yield from (f"{name}: {fault}" for fault in dict.fromkeys(faults))
            faults.clear()
        try:
            page.goto(f"{address}/search.html?q={SEARCHED}")
            page.wait_for_selector("#search-results li a", timeout=10_000)
        except NothingCame:
            yield f"search does not find {SEARCHED}"


if __name__ == "__main__":
    site = Path(sys.argv[1]).resolve()
    paths = sorted(p for p in site.rglob("*.html") if "_static" not in p.parts)  # not the theme's
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    faults = broken_pages(site, paths, f"http://127.0.0.1:{server.server_port}")
    sys.exit("\n".join([*broken_links(site, paths), *faults]) or None)
