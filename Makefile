# Fresh machine: `make demo` shows it, `make test` checks it. Both need Python 3.11 and make alone.
PYTHON ?= python3
VENV ?= .venv
OLDEST ?= .venv-oldest

.PHONY: demo test test-long test-oldest coverage lint clean

demo: $(VENV)/.installed
	$(VENV)/bin/python examples/quickstart.py

test: $(VENV)/.installed
	$(VENV)/bin/python -m pytest sk_bigan tests

# What takes too long for every change: 50 processes killed, 256 trainings with hostile settings.
test-long: $(VENV)/.installed
	$(VENV)/bin/python -m pytest tests -m long --durations=0

coverage: $(VENV)/.installed
	$(VENV)/bin/python -m pytest sk_bigan tests --cov=sk_bigan --cov-report=term-missing

test-oldest: $(OLDEST)/.installed
	$(OLDEST)/bin/python -m pytest sk_bigan tests

lint: $(VENV)/.installed
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

$(VENV)/.installed: setup.py constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@

$(OLDEST)/.installed: setup.py constraints-oldest.txt
	$(PYTHON) -m venv $(OLDEST)
	$(OLDEST)/bin/pip install --quiet --constraint constraints-oldest.txt --editable ".[plot,test]"
	touch $@

clean:
	rm -rf $(VENV) $(OLDEST) *.egg-info build dist
