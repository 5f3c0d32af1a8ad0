# Every target makes .venv by itself on a machine that has python3 (3.11 or newer) and make, and does nothing twice.
.DEFAULT_GOAL := help
.PHONY: help setup quickstart test test-all lint clean

PYTHON ?= python3
unexport PYTHONDONTWRITEBYTECODE  # without its cache, Python compiles torch and lightning anew at each start
BIN := .venv/bin
READY := .venv/.ready

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "gan-bench needs Python 3.11 or newer; name one with: make setup PYTHON=/path/to/python" >&2; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt uv
	@$(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt -e '.[dev]'
	@touch $@

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(READY)  ## Make .venv with everything pinned in constraints.txt

quickstart: $(READY)  ## Train and judge several models on bundled photographs, then show the leaderboard
	@$(BIN)/python train.py experiment=quickstart

test: $(READY)  ## The tests, under ten minutes on two cores
	@$(BIN)/python -m pytest -n 2 --dist worksteal -m 'not full'

test-all: $(READY)  ## All tests: full products, every kill point, several processes
	@$(BIN)/python -m pytest -n 2 --dist worksteal

lint: $(READY)  ## Style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

clean:  ## Remove .venv and caches; runs stay
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache build dist
