# make run          set up what is missing, run the OCR subnet, write its report
# make test         set up what tests need, run them all
# make run CONFIG=configs/other.toml

CONFIG ?= configs/ocr.toml
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

.PHONY: run test lint setup clean

run: setup
	$(BIN)/subnetlab run $(CONFIG)

test: $(VENV)/.test
	$(BIN)/python -m pytest

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

setup: $(VENV)/.run

# Stamps: what they stand for is done again only when pyproject.toml changes.
$(VENV)/.run: $(VENV)/.system pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/.test: $(VENV)/.run
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev,tesserocr]'
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
	rm -rf $(VENV)
