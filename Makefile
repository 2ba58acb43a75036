# Every command a person or CI runs. Bare `make` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r

# Where an engine cannot be had, the tests say at their end what did not run on it.
TRY_ENGINES := scripts/install-peers engines; $(BIN)/python -m deploy.engines install || true

.PHONY: help
help:  ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

# --- install ----------------------------------------------------------------------------------------------------------
$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Radstream needs Python 3.11 or newer; none was found." >&2; exit 1; }
	$(PYTHON) -m venv .venv

.venv/.runtime: requirements/runtime.lock pyproject.toml | $(BIN)/python
	$(INSTALL) requirements/runtime.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: requirements/dev.lock .venv/.runtime
	$(INSTALL) requirements/dev.lock
	@touch $@

.PHONY: install
install: .venv/.runtime  ## make .venv with what Radstream needs to run

.PHONY: lock
lock: .venv/.dev  ## pin every dependency anew, with hashes
	cd requirements && for name in runtime cluster dev; do ../$(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
		--upgrade --generate-hashes --no-emit-index-url --no-header $$name.in --output-file $$name.lock; done
	cd requirements && ../$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-deps --upgrade \
		--generate-hashes --no-emit-index-url --no-header engines.in --output-file engines.lock

# --- run --------------------------------------------------------------------------------------------------------------
.PHONY: up
up: .venv/.runtime  ## run the whole system on this machine (ARGS="--home DIR --http-port N --dimse-port N")
	@! command -v npm >/dev/null || $(MAKE) --no-print-directory workstation || echo "Going on without the workstation." >&2
	@exec $(BIN)/radstream up $(ARGS)

.PHONY: demo
demo: .venv/.runtime  ## send four simulated studies, print their QIDO answer and where to look at them
	@exec $(BIN)/python -m services.command demo $(ARGS)

.PHONY: engines
engines: .venv/.dev  ## install Kafka, an S3 server and MongoDB; then: python -m deploy.engines start|stop|status
	@scripts/install-peers engines
	$(BIN)/python -m deploy.engines install

.PHONY: cluster
cluster: engines  ## run every service as processes of its own on engines that end with it (ARGS as for up)
	@set -ef; engines="$(BIN)/python -m deploy.engines"; trap "$$engines stop" EXIT; settings=$$($$engines start); \
		env $$settings $(BIN)/radstream cluster $(ARGS)

.PHONY: ohif
ohif: .venv/.runtime  ## get OHIF, the viewer, by npm; a running Radstream shows it at /ohif/
	@$(BIN)/python -m deploy.ohif $(ARGS)

PAGES := workstation/dist/index.html
PAGE_SOURCES := $(shell find workstation/src workstation/scripts workstation/*.ts workstation/*.json workstation/*.html -type f)
workstation/node_modules/.package-lock.json: workstation/package-lock.json
	@command -v npm >/dev/null || { echo "The workstation is built by Node.js 20.19 or newer with npm; none was found." >&2; exit 1; }
	cd workstation && npm ci --silent --ignore-scripts
	@touch $@

$(PAGES): workstation/node_modules/.package-lock.json $(PAGE_SOURCES)
	cd workstation && npm run --silent build

.PHONY: workstation
workstation: $(PAGES)  ## build the web pages: study list, viewer, operations (needs Node.js)

# --- check ------------------------------------------------------------------------------------------------------------
.PHONY: fmt
fmt: .venv/.dev  ## format the code
	$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

.PHONY: check
check: .venv/.dev  ## style, types, architecture
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: test
test: check peers manifests  ## set up everything and run the tests; those of the ports on real engines too
	$(BIN)/pytest -n 2 --dist loadgroup tests/unit tests/contract tests/architecture
	@$(TRY_ENGINES)
	RADSTREAM_TEST_ENGINES=1 $(BIN)/pytest tests/ports
	$(BIN)/pytest tests/e2e tests/faults

.PHONY: test-search
test-search: .venv/.dev  ## run the unit tests with other examples than the last time: what fails prints how to have it again
	$(BIN)/pytest -n 2 --dist loadgroup --hypothesis-profile=search tests/unit $(ARGS)

.PHONY: test-cluster
test-cluster: .venv/.dev peers  ## run the end-to-end tests on the cluster: real engines, each service its own processes
	@$(TRY_ENGINES)
	RADSTREAM_TEST_CLUSTER=1 $(BIN)/pytest tests/e2e

.PHONY: test-engines
test-engines: .venv/.dev  ## hold every adapter to its port on real engines, and kill the engines again and again
	@$(TRY_ENGINES)
	RADSTREAM_TEST_ENGINES=1 $(BIN)/pytest tests/ports
	$(BIN)/pytest -m engines tests/faults

.PHONY: test-ohif
test-ohif: .venv/.dev  ## open every file of pydicom in OHIF, in Chromium: list, read, measure, save (ten minutes)
	@scripts/install-peers browser
	@[ -d build/ohif ] || $(BIN)/python -m deploy.ohif || true
	@$(MAKE) --no-print-directory workstation/node_modules/.package-lock.json || true
	$(BIN)/pytest tests/ohif $(ARGS)

.PHONY: test-faults
test-faults: .venv/.dev  ## kill everything of a cluster 20 times each, keep engines away for two minutes (half an hour)
	@$(TRY_ENGINES)
	RADSTREAM_TEST_KILLS=20 RADSTREAM_TEST_OUTAGE_S=120 $(BIN)/pytest -s -m engines tests/faults/test_cluster_*.py

.PHONY: test-workstation
test-workstation: workstation/node_modules/.package-lock.json  ## check the types of the web pages, and test their logic
	cd workstation && npm run --silent check

.PHONY: test-browser
test-browser: .venv/.runtime  ## try the web pages in a real browser (needs Node.js and Chromium)
	@command -v npm >/dev/null || { echo "DID NOT RUN: the pages in a browser, for want of Node.js with npm." >&2; exit 0; }; \
	command -v $${CHROMIUM:-chromium} >/dev/null || { echo "DID NOT RUN: the pages in a browser, for want of Chromium." >&2; exit 0; }; \
	$(MAKE) --no-print-directory workstation && cd workstation && npx vitest run --config e2e/vitest.config.ts $(ARGS)

.PHONY: bench-workstation
bench-workstation: .venv/.runtime  ## measure the pages beside OHIF in a browser; prints Markdown (ARGS="-t planes" for a part)
	@[ -d build/ohif ] || $(BIN)/python -m deploy.ohif
	@$(MAKE) --no-print-directory workstation && cd workstation && npx vitest run --config bench/vitest.config.ts $(ARGS)

.PHONY: screenshots
screenshots:  ## make the pictures in docs/images anew, in a browser, from simulated studies
	@RADSTREAM_DOCUMENT=1 $(MAKE) --no-print-directory test-browser ARGS="e2e/documented"

.PHONY: test-openapi
test-openapi: .venv/.dev  ## make 50,000 requests of the description of the web doors to a running system
	RADSTREAM_TEST_CASES=50000 $(BIN)/pytest -s tests/e2e/test_openapi.py

.PHONY: peers
peers: .venv/.dev  ## install the peers that the tests talk to (DCMTK), where this machine allows it
	@scripts/install-peers dcmtk

.PHONY: manifests
manifests:  ## have something that builds deploy/k8s: kubectl, or kustomize
	@scripts/install-kustomize

.PHONY: bench
bench: .venv/.dev  ## measure beside Orthanc and DCMTK in one run; prints ratios
	@scripts/install-peers dcmtk orthanc
	$(BIN)/python -m bench $(ARGS)

.PHONY: bench-receive
bench-receive: .venv/.dev  ## measure receiving beside Orthanc, DCMTK and pynetdicom in one run; prints Markdown
	@scripts/install-peers dcmtk orthanc
	$(BIN)/python -m bench.receive $(ARGS)

.PHONY: bench-dicomweb
bench-dicomweb: .venv/.dev  ## measure DICOMweb beside Orthanc in one run; prints Markdown (ARGS=--quick for a short one)
	@scripts/install-peers orthanc
	$(BIN)/python -m bench.dicomweb $(ARGS)

.PHONY: bench-pixels
bench-pixels: .venv/.dev  ## measure pictures beside Orthanc in one run; prints Markdown (ARGS=--quick for a short one)
	@scripts/install-peers orthanc
	$(BIN)/python -m bench.pixels $(ARGS)

.PHONY: contact-sheet
contact-sheet: .venv/.dev  ## make docs/enhancement.jpg anew: real images after each enhancement
	$(BIN)/python docs/contact_sheet.py

.PHONY: bench-planes
bench-planes: .venv/.dev  ## measure planes through a CT series, slabs and enhancements; prints Markdown
	$(BIN)/python -m bench.planes $(ARGS)

.PHONY: clean
clean:  ## remove what these commands made
	rm -rf .venv build dist workstation/dist workstation/node_modules *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
