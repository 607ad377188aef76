"""Metadata of the package; settings of the tools are in pyproject.toml."""

import re
from pathlib import Path

from setuptools import find_packages, setup

here = Path(__file__).parent
version = re.search(r'__version__ = "(.+)"', (here / "sk_bigan" / "_version.py").read_text())

RELATIVE_LINK = r"\[([^]]*)\]\((?!https://)[^)]*\)"


def off_the_repository(readme):
    """Return the README for an index, where relative links and pictures lead nowhere.

    Pictures, and lines that are a relative link, are left out. Other links become their text.
    """
    without = re.sub(rf"^!?{RELATIVE_LINK}\n", "", readme, flags=re.MULTILINE)
    return re.sub(RELATIVE_LINK, r"\1", without)


plot = ["matplotlib>=3.9"]
save = ["safetensors>=0.4.5"]
progress = ["rich>=14.1"]  # as scikit-learn's bars need it
onnx = ["onnx>=1.17", "onnxscript>=0.7", "onnxruntime>=1.20"]  # as torch 2.13 exports
dask = ["dask[distributed]>=2026.1"]
accelerate = ["accelerate>=1.10"]
umap = ["umap-learn>=0.5.12"]
serve = ["fastapi>=0.115", "uvicorn>=0.30"]  # of what `to_onnx` writes
test = [
    *progress,
    *save,
    *onnx,
    *umap,
    *serve,
    "skl2onnx>=1.20",
    "pytest>=8.0",
    "pytest-cov>=6.0",
    "pytest-xdist>=3.6",
    "hypothesis>=6.100",
    "skops>=0.11",
    "pandas>=2.2",
    "polars>=1.34",
    "pyarrow>=17.0",
    "numpydoc>=1.7",
    "pillow>=10.0",
    "pyyaml>=6.0",
]
lint = ["ruff>=0.9", "mypy>=1.13", "import-linter>=2.9", "pre-commit>=4.0", "pre-commit-hooks>=5.0"]
release = ["build>=1.2", "twine>=6.1"]
docs = [
    *plot,
    *dask,
    *test,
    "Sphinx>=9.0",
    "myst-parser>=5.0",
    "pydata-sphinx-theme>=0.24",
    "sphinx-copybutton>=0.5.2",
    "sphinx-design>=0.8",
    "sphinx-gallery>=0.22",
    "sybil>=10.0",
]

setup(
    name="sk_bigan",
    version=version[1],
    description="Features learned by bidirectional GANs, as a scikit-learn transformer",
    long_description=off_the_repository((here / "README.md").read_text(encoding="utf-8")),
    long_description_content_type="text/markdown",
    author="The sk_bigan developers",
    license_expression="BSD-3-Clause",
    license_files=["LICENSE"],
    keywords=[
        "BiGAN",
        "GAN",
        "feature extraction",
        "representation learning",
        "unsupervised learning",
        "scikit-learn",
        "PyTorch",
    ],
    packages=find_packages(include=["sk_bigan", "sk_bigan.*"]),
    package_data={"sk_bigan": ["py.typed"], "sk_bigan.inspection": ["page/*"]},
    python_requires=">=3.11",
    install_requires=[
        "torch>=2.10",
        "scikit-learn>=1.6",
        "numpy>=2.0",
        "joblib>=1.4",
        "skorch>=1.1",
    ],
    extras_require={
        "plot": plot,
        "progress": progress,
        "save": save,
        "onnx": onnx,
        "dask": dask,
        "accelerate": accelerate,
        "umap": umap,
        "serve": serve,
        "test": test,
        "lint": lint,
        "docs": docs,
        "release": release,
        "dev": plot + test + lint + release,
    },
    classifiers=[
        "Development Status :: 4 - Beta",
        "Intended Audience :: Science/Research",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Typing :: Typed",
    ],
)
