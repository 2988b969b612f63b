# One command each; every one sets itself up. `make` alone lists them.
PYTHON ?= python3
BIN := .venv/bin
SECONDS ?=
# Extra words for pytest: make test T="tests/gateway -k journal"
T ?=
# Extra words for make day, make outage: ARGS="--days 3"
ARGS ?=

.PHONY: help setup demo dev test day outage check network firmware wheel format clean powercut powercut-update torture

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /make \1\t/' | expand -t 16

setup: ## install what the demo needs into .venv
	@$(PYTHON) scripts/setup.py run

demo: setup ## run the whole network on this machine: make demo, or make demo SECONDS=45
	@$(BIN)/dustline demo $(if $(SECONDS),--seconds $(SECONDS))

dev:
	@$(PYTHON) scripts/setup.py dev

# Tests start hundreds of processes: none shall compile what another has compiled.
test: export PYTHONDONTWRITEBYTECODE :=
test: dev ## run all tests
	@$(BIN)/python $(if $(T),-m pytest $(T),scripts/run_tests.py)

day: dev ## 24 simulated hours of a node in 128 KiB, with TLS and a full outbox
	@$(BIN)/python -m bench.day $(ARGS)

outage: dev ## 14 simulated days without a network, then back
	@$(BIN)/python -m bench.outage $(ARGS)

check: dev ## format check, lint, type checks
	@scripts/check.sh

network: dev ## every reading through every bad network: make network, or make network FAST=1
	@$(BIN)/python -m bench.network $(if $(FAST),--fast)

powercut: dev ## cut a node's power at every operation and byte of a day: make powercut, or make powercut FAST=1
	@$(BIN)/python -m tests.firmware.powercut $(if $(FAST),--fast)

powercut-update: dev ## cut a node's power at every operation of an update: make powercut-update, or with FAST=1
	@$(BIN)/python -m tests.firmware.powercut --update $(if $(FAST),--fast)

torture: dev ## kill gateway, broker and database at random, fill the disk: make torture, or make torture FAST=1
	@$(BIN)/python -m tests.torture $(if $(FAST),--fast)

firmware: dev ## compile what goes onto a board into build/firmware
	@$(BIN)/python scripts/firmware.py

wheel: setup ## build the wheel into dist/
	@$(BIN)/hatchling build -t wheel

format: dev ## format the code
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

clean: ## remove what was built or installed here
	rm -rf .venv node_modules build dist gateway/web/static/vendor .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
