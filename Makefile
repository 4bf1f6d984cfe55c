# `make` lists what there is to do. Everything is installed into .venv from the lock file, and for `make unit` one SDK of
# Mailtrap into tests/contract/node/node_modules from its own.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
NODE := tests/contract/node
NODE_STAMP := $(NODE)/node_modules/.installed

.DEFAULT_GOAL := help
.PHONY: help demo dev test check unit simulation e2e simulation-full breaks chaos failovers bench verify format crds chart lock sbom clean
LOCK := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header
ON_SERVERS := tests/chart tests/e2e tests/chaos --numprocesses=auto --dist=loadfile --no-loadscope-reorder
RUNS ?= 2000
KILLS ?= 25
FAILOVERS ?= 100
BENCH ?= burst
N ?= 1000
LATENCY ?= 50ms

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(STAMP) ## tell the whole story on this machine: cluster, remote API, operator
	@$(BIN)/python -m demo

dev: $(STAMP) ## the same set-up, kept running to play with
	@$(BIN)/python -m demo --keep

test: check unit ## everything that must pass: lint, types, architecture, all tests; simulation and e2e fill one run together
	$(BIN)/python -m local_cluster build
	$(BIN)/pytest tests/simulation $(ON_SERVERS)

check: $(STAMP) ## lint, format, types, architecture, Dockerfile
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --num-workers=2
	$(BIN)/lint-imports --no-logo
	$(BIN)/hadolint Dockerfile

unit: $(STAMP) $(NODE_STAMP) ## the tests that need no server of their own; the core's branches are covered to the last
	$(BIN)/pytest tests/unit tests/contract --numprocesses=auto --cov --cov-report=
	$(BIN)/coverage report --skip-covered
	$(BIN)/coverage report --include='operator/mailtrap_operator/core/*' --skip-covered --fail-under=100

simulation: $(STAMP) ## the operator on virtual time: a sample of each kind of trouble, another one with each commit
	$(BIN)/pytest tests/simulation --numprocesses=auto

e2e: $(STAMP) ## the tests on the real API server, and those of the chart with the real Helm
	$(BIN)/python -m local_cluster build
	$(BIN)/pytest $(ON_SERVERS)

simulation-full: $(STAMP) ## everything that the tests sample, whole; RUNS=2000 random histories; the mutants
	$(BIN)/python -m tests.simulation faults
	$(BIN)/python -m tests.simulation preemptions
	$(BIN)/python -m tests.simulation pairs
	$(BIN)/python -m tests.simulation schedules
	$(BIN)/python -m tests.simulation corruption
	$(BIN)/python -m tests.simulation forgeries
	$(BIN)/python -m tests.simulation admissions
	$(BIN)/python -m tests.simulation transitions
	$(BIN)/python -m tests.simulation histories --runs $(RUNS)
	$(BIN)/python -m tests.simulation mutants

breaks: $(STAMP) ## the product broken in one place at a time, to see which test of `make test` notices
	$(BIN)/python -m local_cluster build
	$(BIN)/python -m tests.breaks

chaos: $(STAMP) ## KILLS=25 kills of operators on the real API server, amid faults and users
	$(BIN)/python -m local_cluster build
	$(BIN)/python -m tests.chaos --kills $(KILLS)

failovers: $(STAMP) ## FAILOVERS=100 failovers of two replicas on the real API server, amid faults and users
	$(BIN)/python -m local_cluster build
	$(BIN)/python -m tests.chaos --failovers $(FAILOVERS)

bench: $(STAMP) ## time, processor and memory: BENCH=burst, single, rest or accounts; N=1000 LATENCY=50ms; AGAINST=another checkout
	$(BIN)/python -m local_cluster build
	$(BIN)/python -m tests.bench $(BENCH) --number $(N) --latency $(LATENCY) $(if $(UNLIMITED),--unlimited) $(if $(AGAINST),--against $(AGAINST))

define VERIFY
make verify runs everything whole. Minutes on two idle cores:
  test             check 1, unit 2, simulation and e2e 13; the first time 6 to 15 more to build Kubernetes
  simulation-full  faults 6, preemptions 4, pairs 55, histories 5, corruption 8, transitions 8, admissions 4, schedules 83;
                   forgeries, mutants: not measured alone
  breaks           not measured whole; 5 to 30 seconds each
  chaos            2 for 25 kills
  failovers        15 for 100
Together that is about 210, and what was not measured. It stops at the first failure.
endef
export VERIFY

verify: ## everything, also what `make test` samples, whole: hours; it says at the start how long
	@echo "$$VERIFY"
	$(MAKE) test
	$(MAKE) simulation-full
	$(MAKE) breaks
	$(MAKE) chaos
	$(MAKE) failovers

format: $(STAMP) ## put the code into its form
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

crds: $(STAMP) ## write crds/ from the models
	$(BIN)/python -m mailtrap_operator.api.manifests crds

chart: crds ## write what is generated of the chart and of docs/, and deploy/ from it
	$(BIN)/python -m distribution

lock: $(STAMP) ## renew the lock files; those of the image are parts of requirements.lock
	$(LOCK) --upgrade --group dev --output-file requirements.lock pyproject.toml
	$(LOCK) --constraint requirements.lock --no-annotate --output-file requirements-runtime.lock pyproject.toml
	$(LOCK) --constraint requirements.lock --no-annotate --group build --output-file requirements-build.lock
	$(LOCK) --constraint requirements.lock --no-annotate --group sbom --output-file requirements-sbom.lock
	npm update --prefix $(NODE) --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved

sbom: $(STAMP) ## write dist/mailtrap-operator.cdx.json: the packages of the image, as a CycloneDX bill of materials
	@mkdir -p dist
	$(BIN)/python -W ignore -m cyclonedx_py requirements --pyproject pyproject.toml --output-reproducible \
	  --output-file dist/mailtrap-operator.cdx.json requirements-runtime.lock

clean: ## remove what `make` made here
	rm -rf $(VENV) $(NODE)/node_modules .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(STAMP): requirements.lock pyproject.toml operator/mailtrap_simulator/pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable . --editable operator/mailtrap_simulator
	@touch $@

$(NODE_STAMP): $(NODE)/package.json $(NODE)/package-lock.json
	@node --eval 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null && command -v npm >/dev/null || { \
	  echo "make unit needs Node.js 20 or later and npm: Mailtrap's SDK for Node is a witness in tests/contract" >&2; exit 1; }
	npm ci --prefix $(NODE) --ignore-scripts --no-audit --no-fund
	@touch $@
