# `make` lists what there is. Everything runs from .venv, which the first target that needs it creates.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
STAMP := .venv/.installed

# Attention maps this small are slower on many threads, and pytest runs two processes.
export OMP_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help install demo test test-slow lint format screenshots bench studies sprites clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(STAMP)  ## the package, editable, and its tools into .venv

$(STAMP): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[dev]"
	@touch $@

demo: install  ## record the shipped pair, sweep λ, show what was measured (minutes; no download, no GPU)
	$(BIN)/probe record --prompts docs/prompts/sprites.txt --out runs/demo
	$(BIN)/probe intervene runs/demo --lam=-1,1,2,4
	$(BIN)/probe metrics runs/demo
	$(BIN)/probe info runs/demo
	$(BIN)/probe report runs/demo
	@echo "to look at it in a browser: $(BIN)/probe dashboard runs"

test: install  ## everyday tests
	$(BIN)/python -m pytest -m "not slow" -n 2

test-slow: install  ## faults, processes, compilers
	$(BIN)/python -m pytest -m slow

lint: install  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy dashboards/*.py dashboards/app_pages/*.py

format: install  ## what ruff can mend by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

screenshots: install  ## every page of the dashboard as a picture, and a page to leaf through, into runs/screenshots
	SCREENSHOTS=runs/screenshots $(BIN)/python -m pytest -q -m slow tests/dashboards/browser/test_screenshots.py
	@echo "to leaf through them: runs/screenshots/index.html; the README's are dashboard-*.png beside it"

bench: install  ## time the kernels against plain attention on this machine
	$(BIN)/probe bench kernels

studies: install  ## the paper's figures and tables on the shipped pair (under an hour, resumable)
	$(BIN)/python -m studies --workers 2

sprites: install  ## train and evaluate the sprites pair on two cores (about two hours, resumable)
	$(BIN)/torchrun --nproc-per-node 2 -m studies.sprites

clean:  ## caches and builds; keeps .venv and runs/
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +
