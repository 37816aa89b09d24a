# Every target sets up what it needs; the second time it is there already.
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo train serve drift build test lint docs bench lock clean

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
TASK ?= sample-reviews
VARIANT ?= onnx-int8
PORT ?= 3000
SET ?=
WEIGHTS ?=
ARGS ?=
BIN := .venv/bin
READY := .venv/ready
OVERRIDES := $(foreach pair,$(SET),--set $(pair))

export BENTOML_DO_NOT_TRACK := True
export DO_NOT_TRACK := 1

help:  ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'
	@echo
	@echo '  TASK=$(TASK) VARIANT=$(VARIANT) PORT=$(PORT) SET="key=value ..." ARGS="..." say on what and how.'

$(READY): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' || \
		{ echo "Python 3.11 or 3.12 is needed, $$($(PYTHON) --version) was found. Give one: make PYTHON=..."; exit 1; }
	@echo "Installing into .venv, one dot a package (about two minutes, once)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --no-input --disable-pip-version-check --progress-bar off \
		-c requirements.lock -e '.[train,monitoring,tracing,dev,docs]' \
		--config-settings editable_mode=compat 2> .venv/install.err | \
		awk '/^ *(Collecting|Using|Downloading|Installing)/ {printf "."; fflush()} END {print ""}' || \
		{ cat .venv/install.err; exit 1; }
	@touch $@

demo: $(READY)  ## train, store, serve, predict, log and watch the sample task, offline, in minutes
	@$(BIN)/python -m bench.demo

train: $(READY)  ## fine-tune TASK and store its variants
	@$(BIN)/python -m train $(TASK) $(OVERRIDES) $(ARGS)

serve: $(READY)  ## serve TASK on PORT until Ctrl-C
	@exec $(BIN)/bentoml serve service:svc --port $(PORT) --arg task=$(TASK) --arg variant=$(VARIANT) $(ARGS)

drift: $(READY)  ## judge the logged requests of TASK against its reference
	@$(BIN)/python -m monitoring $(TASK) $(ARGS)

build: $(READY)  ## pack TASK as a Bento
	@$(BIN)/bentoml build -f $(if $(filter torch,$(VARIANT)),bentofile.gpu.yaml,bentofile.yaml) \
		--arg task=$(TASK) --arg variant=$(VARIANT) $(ARGS)

test: $(READY)  ## the test suite with coverage
	@$(BIN)/pytest -n 2 --cov --cov-report=term $(ARGS)

lint: $(READY)  ## format, lint and types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

docs: $(READY)  ## the documentation into site/, every link checked
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs --quiet build --strict
	@echo "file://$(CURDIR)/site/index.html"

bench: $(READY)  ## our service beside its peers, about an hour; WEIGHTS=folder with a DistilBERT's config and tokenizer
	@$(BIN)/python -m bench.compare $(WEIGHTS) $(ARGS)

lock:  ## renew requirements.lock from the newest versions that pyproject.toml admits
	@$(PYTHON) -m venv .venv-lock
	@.venv-lock/bin/pip install -q torch==2.13.0 && .venv-lock/bin/pip install -q '.[train,monitoring,tracing,dev,docs]'
	@{ head -n 2 requirements.lock; .venv-lock/bin/pip freeze --exclude touchstone | sed 's/+cpu//'; } > .lock.new
	@mv .lock.new requirements.lock && rm -rf .venv-lock

clean:  ## remove the environment, runs, logs and reports (not the model store)
	@rm -rf .venv runs logs reports demo-run site
