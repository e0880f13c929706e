# Each target is one line that calls the real tool; the venv is made once and follows pyproject.toml.
PYTHON ?= python3
SPEED ?= 60
PORT ?= 8000
ROW ?=
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test check bench
.DEFAULT_GOAL := test

$(VENV)/.installed: pyproject.toml
	@echo "installing into $(VENV)"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(VENV)/.installed
	@exec $(BIN)/python -m flexhub.demo --speed $(SPEED) --port $(PORT)

test: $(VENV)/.installed
	$(BIN)/pytest $(ARGS)

check: $(VENV)/.installed
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/lint-imports && $(BIN)/mypy . && $(BIN)/python manage.py makemigrations --check --dry-run

bench: $(VENV)/.installed
	$(BIN)/python -m tests.bench $(ROW)
