# What people and CI run. `make help` lists it; nothing here needs more than Python 3.11 or newer, git and make.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip install --disable-pip-version-check -qq --no-input
UV ?= uv
# Arguments for pytest: make test ARGS="tests/access -k policy"
ARGS ?=
# How many tests run at once: two for each core, since most wait for another process. JOBS= is one after the other.
JOBS ?= $(shell echo $$((2 * $$(getconf _NPROCESSORS_ONLN))))
PYTEST := $(PY) -m pytest $(if $(JOBS),-n $(JOBS) --dist loadfile --no-loadscope-reorder)

# What tests start many times over is compiled once.
export PYTHONDONTWRITEBYTECODE :=

# Stamps live in the environment, so that taking it away takes them away too.
MADE := $(VENV)/.made
LOCKED := $(VENV)/.locked
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## List what can be made
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- use ---

.PHONY: setup
setup: $(RUNTIME) ## Make .venv with what Provisor and its simulators need to run, every file checked against its hash

.PHONY: demo
demo: $(RUNTIME) ## Watch requests being fulfilled, against simulators: no server, no credentials
	@$(VENV)/bin/provisor demo

.PHONY: truth-demo
truth-demo: $(RUNTIME) ## Watch closed tickets being audited, on a simulated site with planted lies; the last line is JSON
	@$(PY) -m demo.truth_demo

.PHONY: test
test: $(DEV) ## Run the tests; PostgreSQL, RabbitMQ and Redis are used where they are installed
	@$(PYTEST) -m "not long" $(ARGS)

# --- work on it ---

.PHONY: test-long
test-long: $(DEV) ## Run the tests that take minutes
	@$(PYTEST) -m long $(ARGS)

.PHONY: coverage
coverage: ## Run the tests and measure how much of the code they reach in their own processes; fails below 90 %
	@$(MAKE) --no-print-directory test ARGS="--cov --cov-report= --cov-fail-under=0 $(ARGS)"
	@$(PY) -m coverage report

.PHONY: bench
bench: $(DEV) ## Measure
	@$(PY) -m benchmarks $(ARGS)

.PHONY: mutants
mutants: $(DEV) ## Break the product in small ways and count what the tests notice, in ten minutes; ARGS=--help says more
	@$(PY) -m checks.mutants $(ARGS)

.PHONY: prove-promises
prove-promises: $(DEV) ## Try hundreds of generated cases against each kind of promise, in ten minutes; ARGS="--seed 2", ARGS=--short
	@$(PY) -m checks.promises $(ARGS)

.PHONY: prove-removals
prove-removals: $(DEV) ## Make ten thousand list answers false, and count what is taken away for it, in ten minutes; ARGS=--short
	@$(PY) -m checks.removals $(ARGS)

.PHONY: prove-tickets
prove-tickets: $(DEV) ## Have 2,000 operations carried out by tickets through lost answers, kills and automation, in ten minutes; ARGS=--short
	@$(PY) -m checks.tickets $(ARGS)

.PHONY: chaos
chaos: $(DEV) ## Storms of real processes, ten minutes each at the most; ARGS="--storm kills", ARGS=--short, ARGS="--seed 2"
	@$(PY) -m checks.storms $(ARGS)

.PHONY: prove-simulation
prove-simulation: $(DEV) ## Live days of several processes in virtual time, killed at every commit and call; ARGS="--seed 2", --planted, --short
	@$(PY) -m checks.simulation $(ARGS)

.PHONY: check
check: $(DEV) ## Check everything a machine can; changes nothing
	@$(PY) -m checks check

.PHONY: fix
fix: $(DEV) ## Format, mend what can be mended, write the generated pages anew
	@$(PY) -m ruff check --fix --quiet . || true
	@$(PY) -m ruff format --quiet .
	@$(PY) -m checks write

.PHONY: sbom
sbom: $(DEV) ## Write what Provisor is made of to dist/provisor.cdx.json: CycloneDX, every file by its hash
	@mkdir -p dist
	@$(VENV)/bin/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml --mc-type application \
		--output-reproducible --output-format JSON --output-file dist/provisor.cdx.json
	@echo "wrote dist/provisor.cdx.json; licences are in docs/licences.md"

.PHONY: audit-dependencies
audit-dependencies: $(DEV) ## Ask the advisory database about every package that is locked to run (needs the internet)
	@$(VENV)/bin/pip-audit --disable-pip --require-hashes --strict --requirement requirements.lock --progress-spinner off

.PHONY: lock
lock: ## Resolve the dependencies anew and write the lock files (needs uv)
	@command -v $(UV) >/dev/null || { echo "make lock needs uv; install it, or name it: make lock UV=path/to/uv" >&2; exit 1; }
	$(UV) $(LOCK) --group build --output-file requirements.lock $(if $(UPGRADE),--upgrade)
	$(UV) $(LOCK) --group build --extra simulator --constraint requirements.lock --output-file requirements-simulator.lock $(if $(UPGRADE),--upgrade)
	$(UV) $(LOCK) --group dev --extra simulator --constraint requirements-simulator.lock --output-file requirements-dev.lock $(if $(UPGRADE),--upgrade)

LOCK := pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate

.PHONY: clean
clean: ## Take away what was made here: the environment, caches, state of the embedded default
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage dist var
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- the environment ---

$(MADE):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Provisor needs Python 3.11 or newer, and $(PYTHON) is not. Name another: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "Making $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(LOCKED): requirements-simulator.lock | $(MADE)
	@echo "Installing what Provisor needs to run (about a minute, once)"
	@$(PIP) --no-deps --require-hashes -r requirements-simulator.lock
	@touch $@

$(RUNTIME): pyproject.toml $(LOCKED)
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): requirements-dev.lock $(RUNTIME)
	@echo "Installing what the tests and checks need (about a minute, once)"
	@$(PIP) --no-deps --require-hashes -r requirements-dev.lock
	@touch $@
