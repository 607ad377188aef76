# Fresh machine: `make demo` shows it, `make test` checks it. Both need Python 3.11 and make alone.
PYTHON ?= python3
VENV ?= .venv
OLDEST ?= .venv-oldest
NEWEST ?= .venv-newest
# A process a core, at most four: each has a torch of its own in memory. Each computes in one thread.
WORKERS = --numprocesses=logical --maxprocesses=4 --dist=worksteal
PYTEST = OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest $(WORKERS)

.PHONY: demo test test-long test-distributed test-cuda test-oldest test-newest coverage lint docs docs-view docs-check dist test-dist clean

# In one thread: networks this small gain nothing by more, which wait for each other on a busy machine.
demo: $(VENV)/.installed
	OMP_NUM_THREADS=1 $(VENV)/bin/python examples/quickstart.py

test: $(VENV)/.installed
	$(PYTEST) sk_bigan tests

# What takes too long for every change: 50 processes killed, 256 trainings with hostile settings.
test-long: $(VENV)/.installed
	$(VENV)/bin/python -m pytest tests -m long --durations=0

# On the engines of other libraries, in several processes; the suite does without their extras.
test-distributed: $(VENV)/.distributed
	$(VENV)/bin/python -m pytest tests/distributed

# The road to CUDA on a machine without a GPU: tests/cuda/README.md.
test-cuda: build/pretend_cuda.so
	OMP_NUM_THREADS=1 PYTHONPATH=tests/cuda $(VENV)/bin/python -m pytest -p pretend_cuda tests/cuda

build/pretend_cuda.so: tests/cuda/pretend_cuda.cpp $(VENV)/.installed
	@command -v $(CXX) > /dev/null || \
		{ echo "make test-cuda needs a compiler of C++20 such as g++, and there is no $(CXX)"; exit 1; }
	mkdir -p build
	torch=$$($(VENV)/bin/python -c "import torch; print(torch.__path__[0])"); \
	$(CXX) -std=c++20 -shared -fPIC -O1 -w -I$$torch/include -I$$torch/include/torch/csrc/api/include \
		$< -o $@ -L$$torch/lib -lc10 -ltorch_cpu -ltorch

coverage: $(VENV)/.installed
	$(PYTEST) sk_bigan tests --cov=sk_bigan --cov-report=term-missing

# Both sets bring torch for CUDA, some GB, where no index has one for the CPU.
test-oldest: $(OLDEST)/.installed
	OMP_NUM_THREADS=1 $(OLDEST)/bin/python -m pytest $(WORKERS) sk_bigan tests

test-newest: $(NEWEST)/.installed
	OMP_NUM_THREADS=1 $(NEWEST)/bin/python -m pytest $(WORKERS) sk_bigan tests

lint: $(VENV)/.installed
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

# The site, with its examples run, the Python of its pages tested and their sentences counted; any
# warning is an error.
docs: $(VENV)/.docs
	$(VENV)/bin/python -m sphinx -W --keep-going -q --jobs=auto docs docs/_build/html
	$(PYTEST) --dist=loadfile docs

docs-view:
	$(PYTHON) -m http.server --bind 127.0.0.1 --directory docs/_build/html

# Links, every page, and the page that `explore` writes, in Chromium: of the system, or playwright's
# (`playwright install chromium`).
docs-check: $(VENV)/.docs
	$(VENV)/bin/pip install --quiet --constraint constraints.txt playwright
	$(VENV)/bin/python docs/check_site.py docs/_build/html
	$(VENV)/bin/python -m pytest tests/browser

# What a release uploads: an sdist, and the wheel that was built from it.
dist: $(VENV)/.installed
	rm -rf dist build *.egg-info
	PIP_CONSTRAINT="$(CURDIR)/constraints.txt" $(VENV)/bin/python -m build
	$(VENV)/bin/twine check --strict dist/*

# The sdist's tests on the installed wheel, in an environment and a folder without this checkout.
# PYTEST_ARGS="tests/test_package.py" runs less.
PYTEST_ARGS ?= --pyargs sk_bigan tests
test-dist: dist
	set -e; folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; unset PYTHONPATH; \
	$(PYTHON) -m venv "$$folder/venv"; python="$$folder/venv/bin/python"; \
	"$$python" -m pip install --quiet --constraint constraints.txt "$$(echo dist/*.whl)[plot,test]"; \
	tar -xzf dist/*.tar.gz -C "$$folder"; cd "$$folder"/sk_bigan-*; rm -r sk_bigan *.egg-info; \
	"$$python" -c 'import sk_bigan, sys; assert sk_bigan.__file__.startswith(sys.prefix)'; \
	"$$python" -m pytest -c pyproject.toml $(PYTEST_ARGS)

$(VENV)/.installed: setup.py constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@

$(VENV)/.docs: $(VENV)/.installed
	$(VENV)/bin/pip install --quiet --constraint constraints.txt --editable ".[docs]"
	touch $@

$(VENV)/.distributed: $(VENV)/.installed
	$(VENV)/bin/pip install --quiet --constraint constraints.txt --editable ".[dask,accelerate]"
	touch $@

$(OLDEST)/.installed: setup.py constraints-oldest.txt
	$(PYTHON) -m venv $(OLDEST)
	$(OLDEST)/bin/pip install --quiet --constraint constraints-oldest.txt --editable ".[plot,test]"
	touch $@

# Without constraints: what a user's pip takes today.
$(NEWEST)/.installed: setup.py
	$(PYTHON) -m venv $(NEWEST)
	$(NEWEST)/bin/pip install --quiet --upgrade --editable ".[plot,test]"
	touch $@

clean:
	rm -rf $(VENV) $(OLDEST) $(NEWEST) *.egg-info build dist docs/_build docs/api docs/auto_examples docs/drawn
