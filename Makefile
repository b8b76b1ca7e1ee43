# What people and CI do. Each target sets up what it needs, in .venv alone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SCRIPTS := bin/audit bin/check-readme bin/fetch-datasets bin/run bin/vendor-assets
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Python keeps what it compiles at the first import: the installer compiles nothing.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help run test test-fast install prepare chromium screenshots format check audit up down \
    bench bench-serving reproduce soak fuzz load abuse lock
.NOTPARALLEL:

help:
	@echo "make run        start Redis, one worker and the API on this machine, until Ctrl-C"
	@echo "make test       run the whole suite    make test-fast  what takes under a minute"
	@echo "make up, down   start and stop the same in containers"
	@echo "make check      lint, types, import rules    make format   put the code in form"
	@echo "make audit      compare the locked dependencies with known vulnerabilities"
	@echo "make reproduce  train the published runs in full    make bench   measure the speed"
	@echo "make bench-serving  compare /predict with other model servers (half an hour; needs wrk)"
	@echo "make soak       fifteen minutes of kills and pauses over many jobs, and a report"
	@echo "make fuzz       thousands of requests made up from the OpenAPI document (some minutes)"
	@echo "make load       a minute of 64 busy connections while trainings run: speed and memory"
	@echo "make abuse      what hostile clients cost, and what others see of it (some minutes)"
	@echo "make screenshots  photograph every page, light and dark, wide and narrow"
	@echo "make lock       resolve requirements/*.txt anew from pyproject.toml"

run: $(VENV)/local.stamp prepare
	@$(BIN)/python bin/run

# More processes than cores: servers under test are waited for.
test: $(VENV)/tests.stamp prepare chromium
	$(BIN)/pytest -n 3

# No server and no browser, nothing that takes long: for the inner loop of development.
test-fast: $(VENV)/tests.stamp prepare
	$(BIN)/pytest -n 2 -m 'not server and not slow'

install: $(VENV)/tests.stamp prepare chromium

# The data sets, what the pages load from npm, and the compiled kernel; each but once.
prepare: $(BIN)/python
	@$(BIN)/python bin/fetch-datasets
	@$(BIN)/python bin/vendor-assets
	@$(BIN)/python -m stepbox.training.compile_ahead

# Chromium without a window does the same for a third of the time.
CHROMIUM := chromium-headless-shell fonts-urw-base35 fonts-texgyre-math fonts-noto-core
chromium:
	@command -v chromium-headless-shell >/dev/null || \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update && apt-get install --yes --no-install-recommends $(CHROMIUM); \
	elif ! command -v chromium >/dev/null; then \
	    echo "The tests in a browser need Debian's: apt-get install $(CHROMIUM), as root"; \
	fi

screenshots: $(VENV)/tests.stamp prepare chromium
	$(BIN)/python -m tests.browser.screenshots $(or $(FOLDER),.run/screenshots)

format: $(VENV)/tests.stamp
	$(BIN)/ruff check --fix . $(SCRIPTS)
	$(BIN)/ruff format . $(SCRIPTS)

check: $(VENV)/tests.stamp
	$(BIN)/ruff check . $(SCRIPTS)
	$(BIN)/ruff format --check . $(SCRIPTS)
	$(BIN)/mypy
	$(BIN)/mypy --scripts-are-modules $(SCRIPTS)
	$(BIN)/lint-imports

# OPTIONS=--if-reachable where it may be that no database of vulnerabilities can be reached.
audit: $(BIN)/python
	@$(BIN)/python bin/audit $(OPTIONS)

up:
	docker compose up --build --wait

down:
	docker compose down

# OPTIONS=--quick to try it.
bench: $(VENV)/local.stamp prepare
	$(BIN)/python -m benchmarks $(OPTIONS)

# In turns with each peer in an environment of its own; OPTIONS=--quick to try it.
bench-serving: $(VENV)/local.stamp prepare
	$(BIN)/python -m benchmarks.serving $(OPTIONS)
	$(BIN)/python -m benchmarks.serving.bulk $(if $(findstring --quick,$(OPTIONS)),--quick)
	$(BIN)/python -m benchmarks.serving.streams $(if $(findstring --quick,$(OPTIONS)),--quick)

# OPTIONS=mnist-numpy-record for the figures of another recipe.
reproduce: $(VENV)/local.stamp prepare
	$(BIN)/python -m benchmarks.reproduce $(OPTIONS)

soak: $(VENV)/tests.stamp prepare
	$(BIN)/python -m tests.faults.storm --seconds $(or $(SECONDS),900)

# OPTIONS="--examples 500 --seed 7" for more and others.
fuzz: $(VENV)/tests.stamp prepare
	$(BIN)/python -m tests.contract.fuzz $(OPTIONS)

load: $(VENV)/tests.stamp prepare
	$(BIN)/python -m tests.faults.load --seconds $(or $(SECONDS),60)

# OPTIONS="slow_bodies pipeline" for some of them.
abuse: $(VENV)/tests.stamp prepare
	$(BIN)/python -m tests.faults.abuse $(OPTIONS)

LOCK := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
    --no-annotate --quiet
UV := $(BIN)/uv pip compile $(LOCK)
lock: $(BIN)/uv
	$(UV) --group installer --output-file requirements/uv.txt
	$(UV) --group tests --output-file requirements/tests.txt
	for group in local service worker; do $(UV) --group $$group \
	    --constraints requirements/tests.txt --output-file requirements/$$group.txt || exit 1; done

# One environment: what the tests need contains what `make run` needs, in the same versions.
$(VENV)/%.stamp: requirements/%.txt | $(BIN)/uv
	$(BIN)/uv pip install --python $(BIN)/python --require-hashes --requirement $<
	@touch $@

$(BIN)/uv: requirements/uv.txt | $(BIN)/python
	$(BIN)/pip install --disable-pip-version-check --require-hashes --requirement $<

$(BIN)/python:
	@$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info[:2] <= (3, 13) or sys.exit( \
	    "Stepbox needs Python 3.11 to 3.13; name one: make PYTHON=python3.13 ...")'
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); false; }
