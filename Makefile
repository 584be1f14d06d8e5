# The commands of this repository. `make help` lists them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# The recipes say what they do themselves, or show the one command that they run.
MAKEFLAGS += --no-print-directory

PY := .venv/bin/python
# Further arguments: `make unit ARGS='-k openpgp'`.
ARGS ?=

# Ansible writes colours and asks for a UTF-8 locale even in a bare container.
export LC_ALL ?= C.UTF-8
# Programs of the environment call one another by name (molecule calls ansible-playbook).
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: help
help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

.PHONY: demo
demo: venv ## Build a throw-away runner host, provision it and show what it is now
	@scripts/demo.sh

.PHONY: demo-shell
demo-shell: venv ## Log in to the demo host
	@$(PY) -m tests.lab ssh demo

.PHONY: demo-down
demo-down: venv ## Remove the demo host and everything that the lab started
	@$(PY) -m tests.lab down --all

.PHONY: test
test: venv ## Run every check there is: lint, types, unit tests, collection, molecule
	@$(PY) scripts/test.py $(ARGS)

.PHONY: lint
lint: venv ## Run the checks that need no host: ruff, mypy, yamllint, ansible-lint, sanity
	@$(PY) scripts/test.py lint

.PHONY: unit
unit: venv ## Run the unit tests
	$(PY) -m pytest $(ARGS)

.PHONY: sanity
sanity: venv ## Run ansible-test's sanity tests
	@$(PY) scripts/sanity.py

.PHONY: collection
collection: venv ## Build the collection, install it elsewhere and use it from there
	$(PY) -m pytest tests/collection $(ARGS)

.PHONY: browser
browser: venv ## Look at the fleet's report in a browser, which is installed when there is none
	@scripts/browser.sh $(ARGS)

.PHONY: molecule
molecule: venv ## Run one scenario: make molecule SCENARIO=name (KEEP=1 leaves its hosts)
	@$(PY) scripts/molecule.py '$(SCENARIO)'

.PHONY: bench
bench: venv ## Measure runs that have nothing to do, fleets, config.toml with 200 runners, and 300 registries
	@$(PY) -m tests.bench $(ARGS)

.PHONY: format
format: venv ## Bring the Python files into shape
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix --exit-zero .

.PHONY: venv
venv: system ## Make .venv from requirements/dev.txt
	@scripts/venv.sh

.PHONY: system
system: ## Install the system packages that are missing (apt, with sudo unless root)
	@scripts/system.sh

.PHONY: requirements
requirements: venv ## Compile requirements/*.txt from pyproject.toml (UPGRADE=1 for newer releases)
	@scripts/requirements.sh

.PHONY: clean
clean: ## Remove .venv and everything that tools left in the checkout
	@scripts/clean.sh
