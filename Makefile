# Every command makes .venv itself; continuous integration calls these and nothing else.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Says each package as it comes; once something is wrong, everything that pip says.
INSTALL = $(BIN)/python -u -m pip install --disable-pip-version-check --constraint constraints.txt --editable '.[$(1)]' 2>&1 | awk \
  'wrong || /^ *(ERROR|error)/ { wrong = 1; print; next } \
  /^(Collecting|Processing) / { n = split($$2, path, "/"); split(path[n], name, /[-=<>~!\[;]/); printf " %s", name[1] } \
  /^Installing collected/ { print "\nglidepath: unpacking them, the longer half" } { fflush() }'
WORKERS ?= 2
RECIPE := pyproject.toml constraints.txt
COMMA := ,
QUICK := $(addprefix tests/,core/test_vectors.py core/test_text.py core/test_codec.py core/test_errors.py plan feedback \
  dialects/test_golden.py torch/test_attach.py test_imports.py) --deselect tests/feedback/test_peers.py

# One thread a process: the tests and the trainings run side by side instead.
export OMP_NUM_THREADS := 1
export MKL_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
export NUMEXPR_NUM_THREADS := 1
export XLA_FLAGS := --xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1
export KERAS_BACKEND ?= jax
export TOKENIZERS_PARALLELISM := false

# The demo needs less than the tests: where everything is installed already, it installs nothing more.
DEMO_READY := $(firstword $(wildcard $(VENV)/ready-dev) $(VENV)/ready-demo)

.PHONY: help demo test quick soak check format mutate bench reproduce docs page vectors browser clean

help: ## this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18

demo: $(DEMO_READY) ## train real models under several schedules and write a report (about 3 minutes)
	@$(BIN)/glidepath demo $(ARGS)

test: $(VENV)/ready-dev browser ## the whole test suite
	@echo "glidepath: testing with $(WORKERS) workers"
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -q $(ARGS)

quick: $(VENV)/ready-dev ## in between: the core, plans, feedback, other libraries' calls, one optimizer (under a minute)
	@$(BIN)/ruff check --quiet . && $(BIN)/python -m pytest -n $(WORKERS) -q -x $(QUICK) $(ARGS)

soak: $(VENV)/ready-dev browser ## the tests that take minutes to an hour: long laws, fuzzing, kill loops (a part with ARGS="-k fuzz")
	@echo "glidepath: soaking with $(WORKERS) workers"
	@$(BIN)/python -m pytest -m soak -n $(WORKERS) --dist worksteal --timeout 14400 -q $(ARGS)

check: $(VENV)/ready-dev ## lint, format, types, and the arrows between the rooms
	@echo "glidepath: ruff check"       && $(BIN)/ruff check --quiet .
	@echo "glidepath: ruff format"      && $(BIN)/ruff format --quiet --check . || { echo "  run: make format"; exit 1; }
	@echo "glidepath: pyright"          && $(BIN)/pyright
	@echo "glidepath: import contracts" && $(BIN)/lint-imports --no-logo
	@echo "glidepath: all checks passed"

format: $(VENV)/ready-dev ## write the formatting and the safe fixes
	@$(BIN)/ruff check --quiet --fix-only . && $(BIN)/ruff format --quiet .

mutate: $(VENV)/ready-dev ## break the code in many small ways: each time a test must fail (some with ARGS="dropin StepLR")
	@$(BIN)/python tests/mutate.py $(ARGS)

bench: $(VENV)/ready-dev ## side-by-side measurements
	@$(BIN)/python -m bench $(ARGS)

reproduce: $(DEMO_READY) ## try published claims on fresh seeds, into docs/claims.md (half an hour of processor time)
	@$(BIN)/python -m bench.claims all --page docs/claims.md $(ARGS)

docs: $(VENV)/ready-dev ## the documentation, into site/
	@echo "glidepath: drawing the pages from the code"
	@$(BIN)/python docs/generate.py
	@echo "glidepath: building site/"
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict
	@if command -v npm >/dev/null; then $(MAKE) page; else echo "glidepath: no npm on the path: site/play/ is left out"; fi
	@echo "glidepath: open site/index.html, or with the search: $(BIN)/python -m http.server -b 127.0.0.1 -d site"

page: $(VENV)/ready-dev ## the page as plain files for any static host, into site/play/ (needs node and npm)
	@$(BIN)/python docs/page.py

vectors: $(VENV)/ready-dev ## write spec/ anew from the code; read the difference before you commit it
	@$(BIN)/python spec/generate.py
	@git --no-pager diff --stat -- spec 2>/dev/null || true

clean: ## remove everything that the commands made, .venv too
	@rm -rf $(VENV) site runs build dist docs/schedules docs/img bench/results
	@rm -rf .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "glidepath: clean"

$(BIN)/python:
	@echo "glidepath: making $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "glidepath needs Python 3.11 or newer: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/ready-demo: $(RECIPE) | $(BIN)/python
	@echo "glidepath: installing what the demo needs (PyTorch among it; once, about two minutes)"
	@$(call INSTALL,lab$(COMMA)play)
	@touch $@

$(VENV)/ready-dev: $(RECIPE) | $(BIN)/python
	@echo "glidepath: installing what the tests need (PyTorch, JAX and Keras among it; once, a few minutes)"
	@$(call INSTALL,dev)
	@echo "glidepath: and timm, without torchvision: its schedulers need none"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --no-deps timm
	@touch $@

# Tests marked `browser` drive Debian's Chromium. Elsewhere, or without the right to install it, they need a `chromium` on the path.
browser:
	@if grep -rqsE --include='test_*.py' 'mark\.browser' tests && ! command -v chromium >/dev/null; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "glidepath: installing chromium for the browser tests"; \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium >/dev/null; \
	  else \
	    echo "glidepath: no chromium on the path: the browser tests will be skipped"; \
	  fi; \
	fi
