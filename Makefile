.DEFAULT_GOAL := help
.PHONY: help install demo test quick check audit format bench

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
INSTALLED = $(VENV)/installed
WORKERS = -n auto --dist loadfile --no-loadscope-reorder

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

install: $(INSTALLED)  ## install nmt into a virtual environment, in the tested versions

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt -e '.[dev,onnx]'
	touch $@

demo: $(INSTALLED)  ## train on the built-in corpus, evaluate, translate, plot: a few minutes
	$(BIN)/nmt train configs/quickstart.yaml --overwrite
	$(BIN)/nmt evaluate
	$(BIN)/nmt translate "I love you" --show-attention
	$(BIN)/nmt plot-attention --output attention.png

test: $(INSTALLED)  ## run all tests
	$(BIN)/python -m pytest $(WORKERS)

quick: $(INSTALLED)  ## run the tests that take milliseconds
	$(BIN)/python -m pytest $(WORKERS) -m 'not slow'

check: $(INSTALLED)  ## check style, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

audit:  ## check the tested versions for known vulnerabilities; needs the network
	$(PYTHON) -m venv .venv-audit
	timeout 300 .venv-audit/bin/python -m pip install --disable-pip-version-check --quiet pip-audit
	timeout 300 .venv-audit/bin/pip-audit --strict --disable-pip --no-deps --requirement constraints.txt

format: $(INSTALLED)  ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(INSTALLED)  ## compare training speed with a plain reference and the machine's limit
	$(BIN)/python benchmarks/training.py configs/luong.yaml data.corpus=phrasebook data.config=null data.fallback=null
