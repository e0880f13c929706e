# Each target is one line that calls the real tool; the venv is made once and follows pyproject.toml.
PYTHON ?= python3
SPEED ?= 60
PORT ?= 8000
HOMES ?= 12
ROW ?=
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
# Type checking and the migration check read the settings but reach no service.
OFFLINE := DEBUG=1 DATABASE_URL=postgresql://nobody@127.0.0.1:1/none REDIS_URL=redis://127.0.0.1:1/0

.PHONY: kernels demo test check bench soak chaos
.DEFAULT_GOAL := test

$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Flexhub needs Python 3.11 or later: make PYTHON=python3.11")'
	@$(PYTHON) -c 'import venv, ensurepip' || { echo "$(PYTHON) cannot make a venv with pip. On Debian or Ubuntu: apt-get install python3-venv"; exit 1; }
	@echo "installing into $(VENV)"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

# Compiles the planners' kernels where they are new: half a minute once, so that not each process does it for itself.
kernels: $(VENV)/.installed
	@echo "compiling the planners' kernels, where they are new"
	@$(BIN)/python -m cem_service.planners.kernels.warm

demo: kernels
	@exec $(BIN)/python -m flexhub.demo --speed $(SPEED) --port $(PORT) --homes $(HOMES)

# Twice as many workers as CI has cores, because much of it waits for processes. A single file runs faster without
# workers: .venv/bin/pytest tests/s2/test_session.py
# Hundreds of processes start in a run: what one has compiled, the others find, also where the machine has it otherwise.
test: export PYTHONDONTWRITEBYTECODE =
test: kernels
	$(BIN)/pytest -n 4 $(ARGS)

check: $(VENV)/.installed
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/lint-imports && $(OFFLINE) $(BIN)/mypy . && $(OFFLINE) $(BIN)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run

bench: kernels
	$(BIN)/python -m tests.bench $(ROW)

soak: kernels
	$(BIN)/python -m tests.soak $(ARGS)

chaos: kernels
	$(BIN)/python -m tests.chaos $(ARGS)
