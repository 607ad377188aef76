"""How Sphinx builds this site: `make docs`."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from docutils.nodes import SkipNode
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging

from sk_bigan import __version__

HERE = Path(__file__).parent
DRAWN = HERE / "drawn"
sys.path.insert(0, str(HERE))  # for chart.py, diagram.py and gallery.py
UNESCAPED = re.compile(r"(?<=, )(\*)(?=sample_shape)|(?<=n_features_in)(_)(?=[,)])")

project = "sk_bigan"
copyright = "the sk_bigan developers"
version = release = __version__
language = "en"
default_role = "literal"

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = [
    "_build",
    "code",
    "drawn",
    "terminal",
    "auto_examples/**.py",
    "auto_examples/**.md5",
]
templates_path = ["_templates"]

myst_enable_extensions = ["amsmath", "colon_fence", "dollarmath"]
myst_heading_anchors = 3
html_math_renderer = "mathml"

autosummary_generate = True
autodoc_typehints = "none"  # numpydoc has them in words
autodoc_member_order = "bysource"
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False  # the templates list them
nitpicky = True
# Other projects' names: their inventories would have to be fetched.
nitpick_ignore_regex = [("py:.*", r"(matplotlib|mlflow|numpy|sklearn|skorch|torch)\..*")]

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"plot_[^/\\]*\.py$",
    "ignore_pattern": r"(^|[/\\])(?!plot_)[^/\\]*\.py$",
    "within_subsection_order": "gallery.place",
    "backreferences_dir": "auto_examples/backreferences",
    "doc_module": ("sk_bigan",),
    "parallel": True,  # in as many processes as Sphinx has
    "show_memory": False,
    "write_computation_times": False,  # their page would fetch scripts from elsewhere
    "abort_on_example_error": True,
}

html_theme = "pydata_sphinx_theme"
html_context = {"default_mode": "auto"}
html_favicon = "_static/favicon.svg"
html_title = f"sk_bigan {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_use_index = False
html_theme_options = {
    "navbar_center": [],
    "navbar_end": ["language", "theme-switcher"],
    "show_prev_next": True,
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
    "secondary_sidebar_items": ["page-toc"],
}
copybutton_exclude = ".linenos, .gp, .go"


def inline_equation(translator, node):
    translator.body.append(mathml(node, as_block=False))
    raise SkipNode


def equation(translator, node):
    translator.body.append(f'<div class="equation">{mathml(node, as_block=True)}</div>')
    raise SkipNode


def mathml(node, as_block):
    """By docutils' own converter: browsers draw MathML without a script or a font."""
    try:
        return tex2mathml(node.astext(), as_block=as_block)
    except MathError as error:
        logging.getLogger(__name__).warning("equation: %s", error, location=node)
        return ""


def draw(app):
    """Draw the pictures of the pages. Those from fits wait for a change of their script."""
    from chart import charts
    from diagram import players

    DRAWN.mkdir(exist_ok=True)
    (DRAWN / "players.svg").write_text(players(), encoding="utf-8")
    for number, chart in charts((HERE / "benchmarks.md").read_text(encoding="utf-8")).items():
        (DRAWN / f"chart{number}.svg").write_text(chart, encoding="utf-8")
    script, last = HERE / "pictures.py", DRAWN / "max_epochs.png"
    if not last.exists() or last.stat().st_mtime < script.stat().st_mtime:
        alone = {"OMP_NUM_THREADS": "1", "MPLBACKEND": "agg"}  # one thread: networks are small
        subprocess.run([sys.executable, script, DRAWN], check=True, env=os.environ | alone)


def link_inside_the_site(app, docname, source):
    """The log lies outside this folder, where links in the repository lead; here it is a page."""
    source[0] = source[0].replace("](../benchmarks/features_log.md)", "](features_log.md)")


def copy_pages(app, error):
    """Pages that stories wrote beside themselves lie in the site, which links to them."""
    written = HERE / "_build" / "pages"  # stays: a story that has not changed is not run again
    written.mkdir(parents=True, exist_ok=True)
    for page in (HERE.parent / "examples").glob("*.html"):
        page.replace(written / page.name)
    shutil.copytree(written, Path(app.outdir) / "pages", dirs_exist_ok=True)


def escape_names(app, what, name, obj, options, lines):
    """Shapes in docstrings are meant as they stand, where reST sees a link or an emphasis."""
    for i, line in enumerate(lines):
        lines[i] = UNESCAPED.sub(r"\\\1\2", line)


def setup(app):
    app.add_html_math_renderer("mathml", (inline_equation, None), (equation, None))
    app.connect("builder-inited", draw)
    app.connect("autodoc-process-docstring", escape_names)
    app.connect("source-read", link_inside_the_site)
    app.connect("build-finished", copy_pages)
