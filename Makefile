# Two commands do everything on a machine with Python >= 3.11, git and make:
#   make repro   run the whole pipeline at the scale of params.yaml
#   make test    lint, and run the tests
.PHONY: setup repro test lint lock

PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

setup: $(READY)

$(READY): requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "netclaims needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --disable-pip-version-check -r requirements.txt
	$(VENV)/bin/pip install --disable-pip-version-check --no-deps -e .
	touch $(READY)

repro: $(READY)
	dvc repro

test: lint
	pytest

lint: $(READY)
	ruff check
	ruff format --check

lock: $(READY)  # write requirements.txt anew from pyproject.toml
	pip install --disable-pip-version-check uv
	uv pip compile --universal --python-version 3.11 --extra dev pyproject.toml -o requirements.txt
