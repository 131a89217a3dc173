# Every target makes what it needs; nothing but Python 3.11 or newer, its pip and make has to be there.
PYTHON ?= python3
VENV   := .venv
DEMO   := .venv-demo
BIN    := $(VENV)/bin

# Without it Python compiles every module anew in each of the many processes that the tests start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help test check format demo test-all test-deep bench bench-short bench-against soak soak-short fuzz fuzz-short reference clean

help:
	@echo "make test        the fast test suite"
	@echo "make demo        conversations with real servers on loopback"
	@echo "make check       ruff, ruff format, mypy --strict, how much has a type, and whether the reference is up to date"
	@echo "make test-all    the fast suite on every Python from 3.11 to 3.13 that is found"
	@echo "make test-deep   the property tests with many more examples, 10,000 openings of a terminal in every pattern"
	@echo "make bench       benchmarks beside a floor and socat (minutes); bench-short for a look"
	@echo "make bench-against BASE=PATH   benchmarks beside another version: a checkout, or an interpreter that has it"
	@echo "make soak        modems under random use for SECONDS (600), with a SEED where one is to be seen again; soak-short for ten"
	@echo "make fuzz        changed bytes to every reader, likewise; fuzz-short for ten"
	@echo "make reference   write docs/reference.md, docs/reference/, the man page and the shell completion anew"
	@echo "make format      format the sources"

$(VENV)/.made: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("vmodem needs Python 3.11 or newer, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@

$(DEMO)/.made: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("vmodem needs Python 3.11 or newer, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(DEMO)
	$(DEMO)/bin/pip install --quiet --disable-pip-version-check -e .
	touch $@

test: $(VENV)/.made
	$(BIN)/pytest -n 4

check: $(VENV)/.made
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python tools/typed.py
	$(BIN)/python tools/reference.py --check
	$(BIN)/python tools/share.py --check

format: $(VENV)/.made
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

demo: $(DEMO)/.made
	$(DEMO)/bin/python -m demo

test-all:
	sh tools/test-all

test-deep: $(VENV)/.made
	HYPOTHESIS_PROFILE=deep $(BIN)/pytest -n 2 --timeout 600 tests/properties tests/test_transcripts.py

bench: $(VENV)/.made
	$(BIN)/python -m benchmarks

bench-short: $(VENV)/.made
	$(BIN)/python -m benchmarks --short

bench-against: $(VENV)/.made
	$(BIN)/python -m benchmarks --against '$(or $(BASE),$(error BASE is missing: make bench-against BASE=../before))'

SECONDS ?= 600
soak: $(VENV)/.made
	$(BIN)/python -m tests.endurance.soak --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

soak-short:
	$(MAKE) soak SECONDS=10

fuzz: $(VENV)/.made
	$(BIN)/python -m tests.endurance.fuzz --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

fuzz-short:
	$(MAKE) fuzz SECONDS=10

reference: $(VENV)/.made
	$(BIN)/python tools/reference.py
	$(BIN)/python tools/share.py

clean:
	rm -rf $(VENV) $(DEMO) .venv-3.* .mbedtls .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
