"""What the gallery tells the examples: where their pictures go."""

from pathlib import Path


def arguments(gallery_conf, script_vars):
    """The command line of an example, which would otherwise write beside its own file."""
    pictures = Path(gallery_conf["src_dir"]) / "_build" / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    return ["--output", str(pictures / f"{Path(script_vars['src_file']).stem}.png")]
