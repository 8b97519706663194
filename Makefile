# Two commands do all: `make wheel PACKAGE=markupsafe` and `make test`. Each sets up what it needs.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.stamp

.PHONY: help setup wheel test test-repro test-oci check bench clean

help:  ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(STAMP): requirements/dev.lock pyproject.toml
	@$(PYTHON) requirements/check_host.py
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/dev.lock
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

setup: $(STAMP)  ## .venv from the lock, with .venv/bin/manyloong; bubblewrap when root

wheel: $(STAMP)  ## build PACKAGE (name, name==version or path) into ./wheelhouse
	@test -n "$(PACKAGE)" || { echo "usage: make wheel PACKAGE=markupsafe" >&2; exit 2; }
	@$(VENV)/bin/manyloong build $(PACKAGE)

test: $(STAMP)  ## every test, whole builds included
	@if $(PYTHON) requirements/test_host.py; then export REQUIRE_TOOLS=1; fi; \
	 $(VENV)/bin/python -m pytest -q tests --ignore=tests/oci

check: $(STAMP)  ## ruff, mypy and the unit tests
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" $(VENV)/bin/nox -s lint typing unit

test-repro: $(STAMP)  ## roots and images built again from nothing under changed conditions, byte for byte: an hour
	@REQUIRE_TOOLS=1 $(VENV)/bin/python -m pytest -q -m "repro or not repro" tests/repro tests/system/test_rebuild.py $(REPRO)

test-oci: $(STAMP)  ## the images in podman, stock cibuildwheel on them, a registry on loopback; as root; or SAMPLE=N of it
	@$(PYTHON) requirements/test_host.py --oci
	@OCI_SAMPLE="$(SAMPLE)" REQUIRE_TOOLS=1 $(VENV)/bin/python -m pytest -q tests/oci

bench: $(STAMP)  ## the ratios of docs/reference/benchmarks.md, measured here in one run; BENCH="--help" for options
	@$(VENV)/bin/python -m benchmarks.run $(BENCH)

clean:  ## remove what setup made (the cache of roots stays; see `manyloong cache prune`)
	rm -rf $(VENV) .nox .mypy_cache .ruff_cache .pytest_cache
