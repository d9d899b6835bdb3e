# Everything runs in .venv, which is made on first use; `make help` lists the targets.
# Another interpreter: make test PYTHON=python3.12. Another index: pip's own settings (PIP_INDEX_URL, pip.conf).

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help venv demo test reload-test fuzz check lint bench bench-quality clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

venv: $(STAMP)  ## make .venv and install everything into it

# The stamp is written last, so an install that broke off is taken up again.
$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "dimd needs Python 3.11 or later, but '$(PYTHON)' is missing or older; try: make $(MAKECMDGOALS) PYTHON=python3.11" >&2; \
	  exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
	  echo "'$(PYTHON)' cannot make an environment; install it: apt install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[train,dev]'
	@touch $@

demo: demo/in/creature.mp4  ## render a demo shot, matte it, write demo/contact-sheet.png
	$(BIN)/dimd --config demo/config.yaml --once
	$(BIN)/python -m demo.contact_sheet

# Rendered again when the demo's own code has changed; a result that is there is then followed by creature_v2.
demo/in/creature.mp4: $(STAMP) $(wildcard demo/*.py)
	$(BIN)/python -m demo.make_shot

# One thread to a worker: two pytest workers that each start two would only wait for one another.
test: $(STAMP)  ## run the whole test suite
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

reload-test: N ?= 200
reload-test: $(STAMP)  ## memory over N reloads of weights (200), on torch and on OpenVINO
	OMP_NUM_THREADS=1 DIMD_RELOADS=$(N) $(BIN)/python -m pytest -s tests/daemon/test_reload_memory.py

fuzz: N ?= 2000
fuzz: SEED ?= 1
fuzz: $(STAMP)  ## N damaged stills, videos, settings, configs and weights (2000), drawn by SEED
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.fuzz.run $(N) $(SEED)

check: lint  ## ruff, strict types, the plan's import arrows
	$(BIN)/mypy
	$(BIN)/lint-imports

lint: $(STAMP)  ## ruff alone
	$(BIN)/ruff check

bench: $(STAMP)  ## frames a second at 1080p, end to end and by stage
	$(BIN)/python -m bench.bench

bench-quality: $(STAMP)  ## how good trimap sources and temporal smoothing are, against their bars
	$(BIN)/python -m bench.quality

clean:  ## remove .venv, caches and what the demo made
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	rm -rf demo/in demo/out demo/state demo/truth demo/contact-sheet.png
	find daemon dim_model trainer demo bench tests -name __pycache__ -type d -prune -exec rm -rf {} +
