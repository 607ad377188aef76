"""The optional packages: which extra brings which, and the error that names the missing ones."""

# As setup.py lists them; a test compares the two.
EXTRAS = {
    "plot": ("matplotlib",),
    "progress": ("rich",),
    "save": ("safetensors",),
    "onnx": ("onnx", "onnxscript", "onnxruntime"),
    "dask": ("dask", "distributed"),
    "accelerate": ("accelerate",),
    "umap": ("umap-learn",),
    "serve": ("fastapi", "uvicorn"),
}


def missing(extra: str, purpose: str) -> ImportError:
    """Return the error for a purpose that needs the packages of an extra.

    It names the packages, since an extra of sk_bigan is installed in one way from a
    checkout and in another from the index.

    Examples
    --------
    >>> from sk_bigan._machine.extras import missing
    >>> print(missing("save", "save"))
    save needs the package safetensors: pip install safetensors
    >>> print(missing("dask", "this"))
    this needs the packages dask, distributed: pip install dask distributed
    """
    packages = EXTRAS[extra]
    noun = "package" if len(packages) == 1 else "packages"
    return ImportError(
        f"{purpose} needs the {noun} {', '.join(packages)}: pip install {' '.join(packages)}"
    )
