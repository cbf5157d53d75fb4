# `make help` lists what there is. Needs Python 3.11 or newer and, to install packages, a network.

PYTHON ?= python3
SIDE   ?= left
KEPT   ?= 0
CLIP   ?= samples/webcam.mp4

VENV := .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
DEMO := out/demo

.DEFAULT_GOAL := help
.PHONY: help demo test check bench inputs package parts clean

help: ## list the targets
	@awk -F': .*## ' '/^[a-z]+: .*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.installed ## convert the sample clip into out/demo/ (SIDE=left|right, KEPT=0..1, CLIP=my.mp4)
	@mkdir -p $(DEMO)
	@$(BIN)/afet-video convert "$(CLIP)" $(DEMO)/palsy-$(SIDE).mp4 --side $(SIDE) --movement-kept $(KEPT) \
		--tracks $(DEMO)/palsy-$(SIDE).tracks.parquet --contact-sheet $(DEMO)/palsy-$(SIDE).png --overwrite

test: $(VENV)/.installed-test ## run all tests
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --durations 25

check: $(VENV)/.installed-check ## lint, format, types and import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: $(VENV)/.installed ## print timings of this machine
	$(BIN)/afet-video bench

inputs: $(VENV)/.installed-test ## run the corpus of hostile inputs and write docs/inputs.md
	$(BIN)/python -m tests.hostile --write

package: $(BIN)/python ## build wheel and sdist, install the wheel into an empty environment, convert a file with it
	PYTHON="$(PYTHON)" .ci/package

parts: $(VENV)/.installed-parts ## install what the tests of every optional part need (torch, Ray and more); without, they are skipped

clean: ## remove the environment, caches and what the demo wrote
	rm -rf $(VENV) out dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "afet-video needs Python 3.11 or newer: name one, as in make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
		|| { rm -rf $(VENV); echo "no virtual environments here: on Debian run apt-get install python3-venv"; exit 1; }

# Stamps: an environment is brought up to date when pyproject.toml is newer than its last installation.
$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-test: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-check: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[check]'
	@touch $@ $(VENV)/.installed $(VENV)/.installed-test

# mimic-head is an independent port of LivePortrait's networks, to compare with. What it names as its dependencies (a web
# interface, a GPU runtime) is not needed for that. Where torch comes with CUDA, the processor's build is far smaller:
# PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu
$(VENV)/.installed-parts: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test-parts]' 'torch==2.13.0'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps 'mimic-head==0.1.5'
	@touch $@ $(VENV)/.installed-test $(VENV)/.installed
