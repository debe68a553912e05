# `make demo` and `make test` work from a fresh checkout; everything lands in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
# Readers and codecs that the tests compare with; the package itself needs none of them.
DEBIAN := libimage-exiftool-perl exiv2 libturbojpeg0 libjpeg-turbo-progs ffmpeg mediainfo \
  libreoffice-writer-nogui libreoffice-calc-nogui libreoffice-impress-nogui chromium fonts-noto-cjk
export PYTHONUTF8 := 1

.PHONY: demo test proof bench lint deps fixtures reference clean

demo: $(STAMP)
	$(BIN)/provenance demo $(MEDIA) $(DEMO)

test: deps lint
	$(BIN)/python -m pytest --cov --cov-report=term $(TESTS)
	$(BIN)/python tests/install_check.py

# The same properties over every file, every seed and every kill round; minutes, not seconds.
proof: deps
	PROVENANCE_PROOF=full $(BIN)/python -m pytest $(TESTS)

bench: $(STAMP)
	$(BIN)/python benchmarks/run.py

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fixtures: $(STAMP)
	$(BIN)/python fixtures/generate.py

# Every page and list that is generated; the tests say when one is stale.
reference: deps
	$(BIN)/python fixtures/schemas.py
	$(BIN)/python fixtures/coverage.py
	$(BIN)/python fixtures/reference.py

deps: $(STAMP)
	@missing=""; for package in $(DEBIAN); do dpkg -s $$package >/dev/null 2>&1 || missing="$$missing $$package"; done; \
	if [ -n "$$missing" ]; then $(SUDO) apt-get update -q && $(SUDO) apt-get install -qy --no-install-recommends $$missing; fi

$(STAMP): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) provenance-demo* .coverage* .pytest_cache .mypy_cache .ruff_cache
