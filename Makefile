# simple-registry: run, test, build. `make help` lists the targets.

# The one runtime that everything here is tested with. `make DENO=/path/to/deno ...` takes another one.
DENO_VERSION := 2.9.8
PINNED := $(CURDIR)/.tools/deno-$(DENO_VERSION)/bin/deno
DENO ?= $(shell case "$$(deno --version 2>/dev/null)" in ("deno $(DENO_VERSION) "*) command -v deno;; (*) echo "$(PINNED)";; esac)

# Registries behind a proxy with an authority of its own are reached as well, as by every other client of the machine.
export DENO_TLS_CA_STORE ?= mozilla,system
# Real clients that were installed for this tree come first (.ci/run puts them there).
export PATH := $(CURDIR)/.tools/bin:$(PATH)

# What the task "compile" of deno.json makes; the flags of the program stand there and in "start" only.
BINARY := build/simple-registry

# Tests write to temporary folders, start the registry and real clients, talk to loopback only, and look into /proc for
# leaks, which Deno gives to nobody with less than everything.
TEST := test --allow-all
LAYER_TEST := tests/layers_test.ts

# Fetched before the tests start it: what it says on its first start is not what they compare.
PROGRAM := main.ts $(wildcard src/cli/threads/*_thread.ts)

.DEFAULT_GOAL := help
.PHONY: help run test soak check binary dist test-binary bench fmt clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1#\2/p' Makefile | awk -F'#' '{ printf "%-18s %s\n", $$1, $$2 }'

run: $(DENO) ## start the registry; make run ARGS="-c FILE" for a configuration of yours
	$(DENO) task start $(ARGS)

test: $(DENO) ## run every test; those of clients that are not installed are ignored by name
	@$(DENO) cache --quiet $(PROGRAM)
	$(DENO) $(TEST) tests/

soak: $(DENO) ## run the long forms of the tests, one after the other; takes hours
	@set -e; for script in tests/soak/*.ts; do echo "== $$script"; $(DENO) run --allow-all "$$script"; done

check: $(DENO) ## format, lint, types, layers
	$(DENO) fmt --check
	$(DENO) lint
	$(DENO) check main.ts src/ tests/ .ci/
	$(DENO) $(TEST) $(LAYER_TEST)

binary: $(DENO) ## compile build/simple-registry; DENORT_BIN names a base runtime at hand
	$(DENO) task compile

dist: binary ## pack the binary for others: dist/simple-registry-VERSION-linux-ARCH.tar.gz and its SHA256SUMS
	.ci/make_dist $(DENO)

test-binary: $(DENO) ## run the end-to-end and the mTLS tests against build/simple-registry
	SIMPLE_REGISTRY_BINARY=$(or $(SIMPLE_REGISTRY_BINARY),$(BINARY)) $(DENO) $(TEST) tests/e2e/ tests/mtls/

bench: $(DENO) ## measure this registry beside a peer; ARGS=--help lists the options
	$(DENO) run --allow-all tests/bench/run_bench.ts $(ARGS)

fmt: $(DENO) ## format the code
	$(DENO) fmt

clean: ## remove what was built and downloaded, not the data
	rm -rf build dist coverage .tools

# PyPI first (a virtual environment, else the bare wheel); npm is behind by a version or two but new enough.
$(PINNED):
	@echo "getting Deno $(DENO_VERSION) into .tools/"; set -e; \
	home=$(abspath $(@D)/..); rm -rf "$$home"; mkdir -p "$(@D)"; \
	if python3 -m venv "$$home" >/dev/null 2>&1 && "$$home/bin/pip" install --quiet deno==$(DENO_VERSION); then :; \
	elif python3 -m pip download --quiet --no-deps --dest "$$home/wheel" deno==$(DENO_VERSION); then \
	  python3 -m zipfile -e "$$home"/wheel/*.whl "$$home/wheel"; \
	  install -m 755 "$$home"/wheel/deno-*.data/scripts/deno "$@"; \
	elif npm install --silent --prefix "$$home/npm" deno@2.9.6; then \
	  install -m 755 "$$home"/npm/node_modules/@deno/*/deno "$@"; \
	else \
	  echo "Cannot get Deno: python3 with pip, or npm, is needed. Or install Deno $(DENO_VERSION) yourself." >&2; exit 1; \
	fi; "$@" --version | head -n 1
