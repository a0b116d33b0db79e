# Every target sets up what it needs. Only Python 3.11, pip and make have to be there.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
TORCH_VENV ?= .venv-torch
WBIA_VENV ?= .venv-wbia
RUN := $(VENV)/bin
MODELS := aliked-n16 aliked-lightglue u2netp
TEST_MODELS := $(MODELS) aliked-t16 aliked-n16rot aliked-n32 \
	disk disk-lightglue xfeat xfeat-lighterglue efficientnet-lite0
WBIA_MODELS := $(MODELS) efficientnet-lite0
WBIA_PIP := $(WBIA_VENV)/bin/python -m pip --disable-pip-version-check
PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 $(RUN)/python -m pip

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-desk test-wbia fuzz check contract notebooks parity bench templates lock clean

help:  ## What can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 12

setup: $(VENV)/.core  ## Environment, locked dependencies and weights, without torch

demo: setup  ## Drawn animals: make a catalogue, identify new photos, draw a match picture
	$(RUN)/resight demo --dir demo

test: $(VENV)/.dev  ## The test suite
	$(RUN)/python -m pytest -n 2 --dist loadfile -m "not browser" --hypothesis-profile=ci

fuzz: $(VENV)/.dev  ## The property tests with other examples each time (make test always draws the same)
	$(RUN)/python -m pytest -n 2 --dist loadfile -m "hypothesis and not browser"

test-desk: $(VENV)/.dev  ## The review desk in a browser (needs Chromium: apt-get install chromium)
	@command -v chromium chromium-browser google-chrome || { echo "no Chromium here: apt-get install chromium"; exit 1; }
	$(RUN)/python -m pytest tests/desk

test-wbia: $(WBIA_VENV)/.wbia  ## The plugin for Wildbook-IA in a real one
	$(WBIA_PIP) install -q --force-reinstall --no-deps ./distributions/wbia
	$(WBIA_VENV)/bin/python -m resight.wbia fetch $(WBIA_MODELS)
	$(WBIA_VENV)/bin/python -m pytest -q -c tests/wbia/pytest.ini tests/wbia

check: $(VENV)/.dev  ## Format, lint, types, layers
	$(RUN)/ruff format --check .
	$(RUN)/ruff check .
	$(RUN)/mypy
	$(RUN)/lint-imports

contract: $(VENV)/.dev  ## Hold the review desk to its own OpenAPI description, with made-up requests
	$(RUN)/python -m tools.contract

# What is committed has outputs: make them again by `--to notebook --inplace --ExecutePreprocessor.record_timing=False`.
notebooks: $(VENV)/.dev  ## Run docs/notebooks afresh and write them as pages to build/notebooks
	$(RUN)/jupyter nbconvert --log-level WARN --execute --to html --output-dir build/notebooks \
		docs/notebooks/*.ipynb

parity: $(TORCH_VENV)/.torch  ## Compare with kornia in torch (developers only)
	$(TORCH_VENV)/bin/python -m pytest tests/parity tests/models/test_checkpoint.py -m "torch"

bench: $(TORCH_VENV)/.torch  ## Speed, side by side with kornia in torch in the same run
	$(TORCH_VENV)/bin/python -m benchmarks.pair
	$(TORCH_VENV)/bin/python -m benchmarks.extract

templates: $(TORCH_VENV)/.torch  ## Export the graph templates again
	$(TORCH_VENV)/bin/python -m tools.export_templates

lock: $(VENV)/.dev  ## Lock the newest dependencies
	$(RUN)/pip-compile -q --upgrade $(LOCK) --extra service -o requirements/core.lock pyproject.toml
	$(RUN)/pip-compile -q --upgrade $(LOCK) -c requirements/core.lock -o requirements/dev.lock \
		pyproject.toml requirements/dev.in

LOCK = --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	--generate-hashes --allow-unsafe --no-header

clean:  ## Remove environments and what the demo made
	rm -rf $(VENV) $(TORCH_VENV) $(WBIA_VENV) demo build

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core: pyproject.toml requirements/core.lock | $(VENV)/bin/python
	$(PIP) install -q --require-hashes -r requirements/core.lock
	$(PIP) install -q --no-deps -e .
	$(RUN)/resight models fetch $(MODELS)
	touch $@

$(VENV)/.dev: requirements/dev.lock $(VENV)/.core
	$(PIP) install -q --require-hashes -r requirements/dev.lock
	$(RUN)/resight models fetch $(TEST_MODELS)
	touch $@

$(TORCH_VENV)/.torch: requirements/torch.txt requirements/dev.lock
	$(PYTHON) -m venv $(TORCH_VENV)
	$(TORCH_VENV)/bin/python -m pip install -q --require-hashes -r requirements/dev.lock
	$(TORCH_VENV)/bin/python -m pip install -q -r requirements/torch.txt
	$(TORCH_VENV)/bin/python -m pip install -q --no-deps -e .
	$(TORCH_VENV)/bin/resight models fetch $(TEST_MODELS)
	touch $@

# What is noted before the plugin comes is compared in tests/wbia/test_environment.py.
$(WBIA_VENV)/.wbia: requirements/wbia.txt tools/wbia_environment.py distributions/wbia/pyproject.toml
	$(PYTHON) tools/wbia_environment.py $(WBIA_VENV)
	$(WBIA_PIP) freeze > $(WBIA_VENV)/before-freeze.txt
	$(WBIA_PIP) check > $(WBIA_VENV)/before-check.txt || true
	$(WBIA_PIP) install -q -c $(WBIA_VENV)/before-freeze.txt ./distributions/wbia
	touch $@
