"""The notebook's view of a fitted estimator: networks, sizes, and the end of the training."""

from __future__ import annotations

from typing import Any

from .._training.observers import SHOWN


def visual_block(estimator: Any) -> Any:
    """Return the block for scikit-learn's HTML, in pipelines too."""
    try:
        from sklearn.utils._repr_html.estimator import _VisualBlock
    except ImportError:  # scikit-learn before 1.7
        from sklearn.utils._estimator_html_repr import _VisualBlock
    name = type(estimator).__name__
    if not hasattr(estimator, "model_"):
        return _VisualBlock("single", estimator, names=name, name_details=str(estimator))

    def box(title: str, caption: str, details: str) -> Any:
        return _VisualBlock(
            "single", title, names=title, name_caption=caption, name_details=details
        )

    model = estimator.model_
    x, z = model.layout.sample_shape, (model.latent_dim,)
    maps = {
        "encoder": f"E: {x} → {z}",
        "generator": f"G: {z} → {x}",
        "discriminator": f"D: {x}, {z} → logit",
    }
    boxes = []
    for network, caption in maps.items():
        module = getattr(model.players, network)
        size = sum(parameter.numel() for parameter in module.parameters())
        boxes.append(box(f"{network}, {size:,} weights", caption, repr(module)))
    networks = _VisualBlock("parallel", boxes, dash_wrapped=False)
    last = estimator.history_[-1] if estimator.history_ else {}  # stopped in the first epoch
    training = box(
        f"{estimator.n_epochs_} epochs, on {model.device}",
        ", ".join(f"{key} {last[key]:.3f}" for key in SHOWN if key in last),
        "\n".join(f"{key:<16}{_short(value)}" for key, value in last.items()),
    )
    return _VisualBlock("serial", [networks, training])


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
