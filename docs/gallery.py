"""The order of the gallery's stories, from the simplest on."""

from pathlib import Path

STORIES = [
    "codes",
    "few_labels",
    "clusters",
    "latent_dim",
    # Tables
    "table",
    "fill_gaps",
    "draw_rows",
    "anomaly",
    "loadings",
    "stability",
    # Pictures and series
    "similar_pictures",
    "images",
    "windows",
    "displaced_columns",
    # Trainings
    "training",
    "displays",
    "explore",
    "grid_search",
    "custom_networks",
    # In use
    "streaming",
    "refit",
    "onnx",
]


def place(name):
    """Return the place of a file in the gallery, or raise ValueError where it has none."""
    return STORIES.index(Path(name).stem.removeprefix("plot_"))
