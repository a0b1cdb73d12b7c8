# Everything a person types. Works with GNU make 3.81 and any POSIX shell; nothing is installed outside .venv.
#
#   make run [PORT=1112] [TORCH=auto|cpu|cuda]   install what is missing, then load, embed, train and serve
#   make test                                    every test, with the services it needs
#   make help                                    the rest

PORT ?= 1111
TORCH ?= auto
VENV ?= .venv
BIN := $(VENV)/bin
SOURCES := marquee core_api recommender_api embedding_generator indexer service_kit
LOCK := pyproject.toml requirements/install.py $(wildcard requirements/*.txt)
RUN_READY := $(VENV)/.run-$(TORCH)
DEV_READY := $(VENV)/.dev-$(TORCH)
PARALLEL := -n 2 --dist loadfile  # two workers, a file's tests in one: they share what they start
INSTALL = python=$$(PYTHON="$(PYTHON)" sh requirements/find-python) && "$$python" requirements/install.py --torch $(TORCH) --venv $(VENV)

.DEFAULT_GOAL := help
.PHONY: help run test test-fast check format bench screenshots init_model config lock up down clean

help:  ## this list
	@sed -n 's/^\([a-z_-]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 20

run: $(RUN_READY)  ## install, load, embed, train, serve on port $(PORT)
	@exec $(BIN)/marquee up --port $(PORT)

test: $(DEV_READY)  ## every test; starts the services they need and stops them
	@exec $(BIN)/python -m pytest $(PARALLEL) $(PYTEST_ARGS)

test-fast: $(DEV_READY)  ## the tests that need no service, under a minute
	@exec $(BIN)/python -m pytest $(PARALLEL) -m "not elasticsearch and not browser and not e2e and not slow" $(PYTEST_ARGS)

check: $(DEV_READY)  ## style, types, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: $(DEV_READY)  ## mend style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(DEV_READY)  ## the benchmarks; prints the tables behind the README's figures
	@exec $(BIN)/python -m benchmarks $(BENCH_ARGS)

screenshots: $(DEV_READY)  ## pictures of the page into docs/images, in the system's Chromium
	@exec $(BIN)/python docs/screenshots.py $(SHOTS)

init_model: $(RUN_READY)  ## fetch the embedding model ahead of time (MODEL=name, REVISION=commit)
	@exec $(BIN)/marquee models pull-embedding $(MODEL) $(if $(REVISION),--revision $(REVISION))

config: $(DEV_READY)  ## write .env.example and docs/configuration.md from the settings
	$(BIN)/marquee config --env > .env.example
	$(BIN)/marquee config --markdown > docs/configuration.md

lock: $(DEV_READY)  ## resolve every dependency anew into requirements/
	$(BIN)/python requirements/lock.py

up:  ## the whole stack in containers, on 127.0.0.1:$(PORT)
	@grep -qs '^ELASTIC_PASSWORD=.' .env || { umask 077; echo "writing a new password for Elasticsearch to .env"; \
	[ -z "$$(tail -c 1 .env 2>/dev/null)" ] || echo >> .env; \
	printf 'ELASTIC_PASSWORD=%s\n' "$$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')" >> .env; }
	MARQUEE_PORT=$(PORT) docker compose up --build --detach --wait
	@echo "http://127.0.0.1:$(PORT)"

down:  ## stop the containers; their data stays
	docker compose down

clean:  ## remove the environment and caches; loaded data stays
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUN_READY): $(LOCK)
	@$(INSTALL) run
	@touch $@

$(DEV_READY): $(LOCK)
	@$(INSTALL) dev
	@touch $@
