# Everything runs in .venv, which is made on first use; `make help` lists the targets.
# Another interpreter: make test PYTHON=python3.12. Another index: pip's own settings (PIP_INDEX_URL, pip.conf).

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help venv demo test reload-test crash-test crowd-test flood-test soak-test fuzz check lint bench bench-quality install uninstall lock audit clean

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
	@# What is done is done again only where it changed: so too where its result was taken away.
	@[ -n "$$(ls -d demo/out/creature* demo/out/.creature* 2>/dev/null)" ] || touch demo/in/creature.mp4
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

crash-test: N ?= 300
crash-test: $(STAMP)  ## N=300 rounds of kills and power cuts over mixed work; each clip once, the same bytes
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.e2e.crashing $(N)

CLIPS ?= 500
crowd-test: $(STAMP)  ## two, then four daemons on one folder of CLIPS=500, one killed and one stopped
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.e2e.crowding $(CLIPS)

flood-test: FILES ?= 100000
flood-test: $(STAMP)  ## FILES=100000 dropped at once: each clip taken up once and whole, and how soon
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.e2e.flooding $(FILES)

HOURS ?= 3
soak-test: $(STAMP)  ## HOURS=3 of mixed clips: memory within 3 %, no file or thread more
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.e2e.soaking $(HOURS)

fuzz: N ?= 2000
fuzz: SEED ?= 1
fuzz: $(STAMP)  ## N damaged stills, videos, settings, configs and weights (2000), drawn by SEED
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.fuzz.run $(N) $(SEED)

check: lint  ## ruff, strict types, the plan's import arrows
	$(BIN)/mypy
	$(BIN)/lint-imports

lint: $(STAMP)  ## ruff alone
	$(BIN)/ruff check

bench: $(STAMP)  ## how fast it is, beside the same job without matting and what else a user could run
	$(BIN)/python -m bench.bench

bench-quality: $(STAMP)  ## how good trimap sources and temporal smoothing are, against their bars
	$(BIN)/python -m bench.quality

# As a system service, by root: make install PREFIX=/opt/dimd. Packagers give DESTDIR, under which all is laid and
# nothing is started. PREFIX is a folder of dimd's own: an environment of Python, with all that it needs.
PREFIX  ?= /opt/dimd
DESTDIR ?=
UNITDIR ?= /etc/systemd/system
BINDIR  ?= /usr/local/bin
UNITS   := dimd.service dimd@.service dim-train.service dim-train.timer
COMMANDS := dimd dim-train
HOME_DIR = $(DESTDIR)$(PREFIX)
OURS     = $(HOME_DIR)/.dimd
# The versions that the tests ran with; PIP_FLAGS= takes the newest that pyproject.toml allows.
PIP_FLAGS ?= --constraint requirements.lock
# train: what dim-train needs beside, some 200 MB.
EXTRAS  ?=

install:  ## as a system service: PREFIX=/opt/dimd, EXTRAS=train, DESTDIR for packagers
	@case "$(PREFIX)" in /*/*) ;; *) echo "PREFIX=$(PREFIX) must be a folder of dimd's own, such as /opt/dimd." >&2; exit 1;; esac
	@[ ! -e "$(HOME_DIR)" ] || [ -e "$(OURS)" ] || { \
	  echo "$(HOME_DIR) is there and not dimd's; give another PREFIX." >&2; exit 1; }
	mkdir -p "$(HOME_DIR)" && touch "$(OURS)"
	$(PYTHON) -m venv "$(HOME_DIR)"
	"$(HOME_DIR)/bin/python" -m pip install --quiet $(PIP_FLAGS) ".$(if $(EXTRAS),[$(EXTRAS)])"
	@# Scripts name the Python that wrote them, which at the end lies elsewhere.
	[ -z "$(DESTDIR)" ] || sed -i 's|$(HOME_DIR)|$(PREFIX)|g' "$(HOME_DIR)/pyvenv.cfg" \
	  $$(grep -lsI '$(HOME_DIR)' "$(HOME_DIR)"/bin/*)
	@# Who types a command finds it, sudo too. What another has put there stays.
	install -d "$(DESTDIR)$(BINDIR)"
	for name in $(COMMANDS); do \
	  link="$(DESTDIR)$(BINDIR)/$$name"; \
	  [ -e "$$link" ] || [ -L "$$link" ] || ln -s "$(PREFIX)/bin/$$name" "$$link" || exit 1; done
	install -d "$(DESTDIR)$(UNITDIR)"
	for unit in $(UNITS); do \
	  sed 's|/opt/dimd|$(PREFIX)|g' systemd/$$unit > "$(DESTDIR)$(UNITDIR)/$$unit" || exit 1; \
	  chmod 644 "$(DESTDIR)$(UNITDIR)/$$unit"; done
	install -D -m 644 systemd/dimd.sysusers "$(DESTDIR)/etc/sysusers.d/dimd.conf"
	install -D -m 644 systemd/dimd.tmpfiles "$(DESTDIR)/etc/tmpfiles.d/dimd.conf"
	@# What an operator has changed stays.
	[ -e "$(DESTDIR)/etc/dimd/config.yaml" ] || install -D -m 644 systemd/config.yaml "$(DESTDIR)/etc/dimd/config.yaml"
	install -D -m 644 systemd/train.env "$(DESTDIR)/etc/dimd/train.env.example"
	@[ -n "$(DESTDIR)" ] || { systemd-sysusers && systemd-tmpfiles --create dimd.conf; }
	@[ -n "$(DESTDIR)" ] || [ ! -d /run/systemd/system ] || systemctl daemon-reload
	@echo "dimd is in $(HOME_DIR).$(if $(DESTDIR),, Start it: systemctl enable --now dimd)"

uninstall:  ## take it away again; config, clips, results and ledger stay
	@[ ! -e "$(HOME_DIR)" ] || [ -e "$(OURS)" ] || { \
	  echo "$(HOME_DIR) is not what make install made; nothing is removed." >&2; exit 1; }
	@[ -n "$(DESTDIR)" ] || [ ! -d /run/systemd/system ] || \
	  systemctl disable --now dimd.service 'dimd@*.service' dim-train.timer dim-train.service || true
	cd "$(DESTDIR)$(UNITDIR)" && rm -f $(UNITS)
	for name in $(COMMANDS); do \
	  link="$(DESTDIR)$(BINDIR)/$$name"; \
	  [ "$$(readlink "$$link")" != "$(PREFIX)/bin/$$name" ] || rm -f "$$link"; done
	rm -f "$(DESTDIR)/etc/sysusers.d/dimd.conf" "$(DESTDIR)/etc/tmpfiles.d/dimd.conf" "$(DESTDIR)/etc/dimd/train.env.example"
	[ ! -e "$(OURS)" ] || rm -rf "$(HOME_DIR)"
	@[ -n "$(DESTDIR)" ] || [ ! -d /run/systemd/system ] || systemctl daemon-reload
	@echo "dimd is gone; /etc/dimd, /srv/dimd, /var/lib/dimd and the user dimd stay."

lock: $(STAMP)  ## write requirements.lock anew, of what .venv has
	$(PYTHON) -m venv build/lock && build/lock/bin/python -m pip install --quiet pip-tools
	$(BIN)/python -m pip freeze --exclude-editable > build/lock/installed.txt
	build/lock/bin/pip-compile --quiet --extra train --extra dev --strip-extras --no-header --annotate \
	  --annotation-style line --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options \
	  --constraint build/lock/installed.txt --output-file build/lock/found.txt pyproject.toml
	{ head -1 requirements.lock; sed -n 's/ *#.*//; /==/p' build/lock/found.txt; } > build/lock/requirements.lock
	mv build/lock/requirements.lock requirements.lock

audit: requirements.lock  ## known faults of the versions in requirements.lock, where pip-audit's source can be reached
	$(PYTHON) -m venv build/audit && build/audit/bin/python -m pip install --quiet pip-audit
	build/audit/bin/pip-audit --requirement requirements.lock --no-deps --disable-pip --strict

clean:  ## remove .venv, caches and what the demo made
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	rm -rf demo/in demo/out demo/state demo/truth demo/contact-sheet.png
	find daemon dim_model trainer demo bench tests -name __pycache__ -type d -prune -exec rm -rf {} +
