# `make help` lists the targets. The environment is .venv, made from requirements.lock and rebuilt when that file changes.

PYTHON ?= $(shell for each in python3 python3.11 python3.12 python3.13; do \
	"$$each" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$each" && break; done)
BIN := .venv/bin
PIP_INSTALL := pip install --quiet --disable-pip-version-check

# Only values from make's own command line: some shells export a HOST of their own.
said = $(if $(filter command line,$(origin $(1))),$(2) '$($(1))')

.PHONY: help demo chaos kills up down test unit integration lint bench check fmt generate package lock clean .venv

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z.]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv  ## Export a made-up segment into the sandbox and check the outcome, in about 75 s (PROFILES=5000: 20 s)
	@$(BIN)/python -m deploy.local demo $(call said,PROFILES,--profiles)

chaos: .venv  ## Break everything at random for 10 minutes and check that every promise holds (MINUTES=1 SEED=7)
	@$(BIN)/python -m deploy.local chaos $(call said,MINUTES,--minutes) $(call said,SEED,--seed)

kills: .venv  ## Kill everything in a run of 75,000 contacts, again and again
	KILLS_CONTACTS=75000 $(BIN)/pytest tests/end_to_end/test_kills.py

up: .venv  ## Leave the stack running; HOST=acme.api-us1.com KEY_FILE=key.txt: for a real account, without the sandbox
	@$(BIN)/python -m deploy.local up $(call said,HOST,--host) $(call said,KEY_FILE,--key-file) $(call said,CONSENT,--consent)

down: .venv  ## End what `make up` started
	@$(BIN)/python -m deploy.local down

test: .venv  ## Run the tests: unit, integration and end to end, two files at a time (FILE=path: only these, one at a time)
	$(BIN)/pytest $(if $(call said,FILE,),--numprocesses 0 $(FILE),--numprocesses 2 --dist loadfile)

unit: .venv  ## Run the unit tests, in under a minute
	$(BIN)/pytest --numprocesses 2 --dist loadfile tests/unit

integration: .venv  ## Run the integration tests: one part with a real Redis, a real account or a real browser
	$(BIN)/pytest --numprocesses 2 --dist loadfile tests/integration

lint: .venv  ## Check format, lint, types, import contracts, and that no binary is tracked
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest --quiet --numprocesses 0 tests/unit/repository/test_binaries.py

bench: .venv  ## Measure how fast it is, in half an hour and more (ROWS=1,4: only these; SHORT=yes: 3 minutes, judges nothing)
	$(BIN)/python -m tests.bench $(if $(filter yes,$(SHORT)),--short) $(call said,ROWS,--rows)

check: .venv  ## Check everything: lint, all tests, the package, and that the bench works
	$(MAKE) lint
	$(MAKE) test
	$(MAKE) bench SHORT=yes
	$(MAKE) package

fmt: .venv  ## Format the code and fix what ruff can fix
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

generate: .venv  ## Write the files of deploy/ that are generated from code: dashboards, PrometheusRule
	$(BIN)/python -m deploy.generated

package: .venv  ## Build the wheel, install it on its own, import it and run it as user `nobody` from a read-only tree
	rm -rf dist
	$(BIN)/python -m build --no-isolation --wheel
	$(BIN)/python -m deploy.package dist

lock: .venv  ## Pin the newest versions that pyproject.toml allows, with hashes and without addresses
	$(BIN)/uv pip compile pyproject.toml --group dev --group bench --universal --python-version 3.11 --upgrade --generate-hashes \
		--no-emit-index-url --no-header --quiet --output-file requirements.lock

clean:  ## Remove what was built; .local/ stays, since it may hold the record of a real account
	rm -rf .venv .bench dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv: .venv/complete  ## Build the environment

.venv/complete: requirements.lock
	@test -n '$(PYTHON)' || { echo 'Python 3.11 or later is needed, as python3 or python3.11.' >&2; exit 1; }
	'$(PYTHON)' -m venv --clear .venv
	$(BIN)/$(PIP_INSTALL) --require-hashes --requirement requirements.lock
	$(BIN)/$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	touch $@
