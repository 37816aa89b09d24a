# Every target sets up what it needs; the second time it is there already.
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo train serve drift build containerize test lint screenshots audit docs bench lock release clean

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
TASK ?= sample-reviews
VARIANT ?= onnx-int8
PORT ?= 3000
SET ?=
WEIGHTS ?=
IMAGE ?= registry.example.org/touchstone-service$(if $(filter torch,$(VARIANT)),-gpu):0.1.0
ARGS ?=
BIN := .venv/bin
SERVING := deploy/service
READY := .venv/ready
OVERRIDES := $(foreach pair,$(SET),--set $(pair))
BUILD = $(BIN)/bentoml build -f $(if $(filter torch,$(VARIANT)),bentofile.gpu.yaml,bentofile.yaml) \
	--arg task=$(TASK) --arg variant=$(VARIANT) $(ARGS)
COMPILE = .venv-lock/bin/uv pip compile -q --upgrade pyproject.toml -c requirements.lock --python-version 3.11 \
	--python-platform linux --generate-hashes --no-annotate --custom-compile-command 'make lock'

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
	@$(BUILD)

containerize: $(READY)  ## pack TASK and make its image, IMAGE, with docker, podman or buildah
	@tag=$$($(BUILD) -o tag) && $(BIN)/python -m deploy.containerize "$${tag##*__tag__:}" $(IMAGE)

test: $(READY)  ## the test suite with coverage
	@$(BIN)/pytest -n 2 --cov --cov-report=term $(ARGS)

screenshots: $(READY)  ## pictures of the page for docs/pictures, of the sample task as it is trained
	@TOUCHSTONE_SCREENSHOTS=docs/pictures $(BIN)/pytest tests/test_page_pictures.py $(ARGS)

lint: $(READY)  ## format, lint and types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

audit: $(READY)  ## known vulnerabilities of what goes into the images; fails too where the index cannot tell
	@$(BIN)/pip-audit --strict --disable-pip --require-hashes $(foreach kind,txt gpu.txt,-r $(SERVING)/requirements.$(kind))

docs: $(READY)  ## the documentation into site/, every link checked
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs --quiet build --strict
	@echo "file://$(CURDIR)/site/index.html"

bench: $(READY)  ## our service beside its peers, about an hour; WEIGHTS=folder with a DistilBERT's config and tokenizer
	@$(BIN)/python -m bench.compare $(WEIGHTS) $(ARGS)

lock:  ## renew requirements.lock from the newest versions that pyproject.toml admits, then what goes into the images
	@$(PYTHON) -m venv .venv-lock
	@.venv-lock/bin/pip install -q torch==2.13.0 && .venv-lock/bin/pip install -q '.[train,monitoring,tracing,dev,docs]'
	@{ head -n 2 requirements.lock; .venv-lock/bin/pip freeze --exclude touchstone | sed 's/+cpu//'; } > .lock.new
	@mv .lock.new requirements.lock
	@$(COMPILE) --excludes <(echo huggingface-hub) -o $(SERVING)/requirements.txt  # tokenizers would download by it
	@printf 'torch\ntransformers\n' | $(COMPILE) - --excludes <(echo onnxruntime) -o $(SERVING)/requirements.gpu.txt
	@$(PYTHON) -m venv --without-pip .venv-lock/serving
	@.venv-lock/bin/pip -q --python .venv-lock/serving/bin/python install --require-hashes --no-deps -r $(SERVING)/requirements.txt
	@.venv-lock/bin/cyclonedx-py environment --output-reproducible -o $(SERVING)/sbom.cdx.json .venv-lock/serving/bin/python
	@.venv-lock/bin/python -m deploy.licences > docs/licences.md && rm -rf .venv-lock

release:  ## what stands between this commit and a release; with VERSION=... its tag
	@.ci/release $(VERSION)

clean:  ## remove the environment, runs, logs and reports (not the model store)
	@rm -rf .venv runs logs reports demo-run site
