# `make` lists the commands. Options go through ARGS: make demo ARGS="--seats 12 --seed 7"
.DEFAULT_GOAL := help
# A Python that answers (the shim of a version manager may not). It only starts the set-up, which finds the best one.
PYTHON = $(shell for each in python3 python /usr/bin/python3 $$HOME/.pyenv/versions/3.*/bin/python3; do \
	"$$each" -c "" 2>/dev/null && echo "$$each" && break; done)
BOOTSTRAP = $(or $(PYTHON),$(error Python >= 3.11 is missing: install Python 3.13)) tools/bootstrap.py
BIN := .venv/bin
ARGS ?=

.PHONY: help
help: ## List the commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo '  Options: make demo ARGS="--seats 12 --seed 7"'

.PHONY: demo
demo: setup ## Watch a whole game on the local stack, through the death of its leader
	@$(BIN)/firemesh demo $(ARGS)

.PHONY: test
test: test-setup lint ## Run every check and every test
	@$(BIN)/pytest --numprocesses 2 $(ARGS)

.PHONY: e2e
e2e: test-setup ## Run the tests in a real browser alone
	@$(BIN)/pytest tests/browser $(ARGS)

.PHONY: check
check: lint ## Check style, format, types, layering and lock files
	@$(BIN)/pytest -q tests/repo

.PHONY: lint
lint: setup
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/mypy
	@node_modules/.bin/tsc -p .

.PHONY: web
web: setup ## Build the site into web_worker/dist, and say how large it is
	@node web_worker/build.mjs

.PHONY: simulate
simulate: setup ## Run the seeded simulation: ARGS="--seeds 1000" or ARGS="--seed 42" to replay one
	@$(BIN)/python -m tests.simulation $(ARGS)

.PHONY: rules-coverage
rules-coverage: setup ## Say which security rules the tests have seen deny and allow
	@$(BIN)/python tools/rules_coverage.py

.PHONY: deploy-check
deploy-check: setup ## Judge what would be deployed, without the network
	@$(BIN)/firemesh deploy-check $(ARGS)

.PHONY: bench
bench: setup ## Measure speed, cost and failover: ARGS="cold-start" or ARGS="--without soak"
	@$(BIN)/firemesh bench $(ARGS)

.PHONY: bench-peers
bench-peers: setup ## Measure the mesh beside etcd, ZooKeeper, NATS and Redis, and draw it
	@$(BIN)/firemesh bench-peers $(ARGS)

.PHONY: up
up: setup ## Start the local stack and keep it until Ctrl-C
	@$(BIN)/firemesh up $(ARGS)

.PHONY: doctor
doctor: ## Say what this machine lacks and how to mend it
	@$(BOOTSTRAP) doctor

.PHONY: setup
setup: ## Install what is missing (every command that needs it does so by itself)
	@$(BOOTSTRAP) setup

.PHONY: test-setup
test-setup:
	@$(BOOTSTRAP) test-setup

.PHONY: lock
lock: setup ## Pin the newest allowed versions of all packages anew
	@$(BIN)/python tools/lock.py

.PHONY: clean
clean: ## Remove all that was installed and made here
	@$(BOOTSTRAP) clean
