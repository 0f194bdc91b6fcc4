# Each target does all of its own set-up, and none that was done before: the stamps under .venv/
# are older than pyproject.toml or the lock when a set-up is due again.

PYTHON ?= python3
INVENTORY ?= inventories/local.yaml
FUZZ_SECONDS ?= 3600
# Tests of a file run one after another. They wait for hosts half of their time: two workers a core.
WORKERS ?= $(shell cores=$$(nproc 2>/dev/null || echo 2); echo $$((cores > 4 ? 8 : 2 * cores)))
# Those of `make quick` compute.
CORES ?= auto
QUICK ?= tests/unit tests/cases tests/plugin tests/report
# Of the sysctl that a new rule judges, and two of its values.
SYSCTL ?= net.ipv4.tcp_rfc1337
GOOD ?= 1
BAD ?= 0

VENV := .venv
BIN := $(VENV)/bin
RUN_STAMP := $(VENV)/.nethygiene-run
DEV_STAMP := $(VENV)/.nethygiene-dev
FUZZ_STAMP := $(VENV)/.nethygiene-fuzz
UV_STAMP := $(VENV)/.nethygiene-uv
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# What is installed is what was tested: each file by its hash, from requirements/ alone.
INSTALL_LOCKED := $(PIP_INSTALL) --require-hashes --requirement
# The backend that builds it is locked with the rest, so nothing is fetched for it.
INSTALL_PROJECT := $(PIP_INSTALL) --no-deps --no-index --no-build-isolation --editable .

# The tests' lab: command:Debian package.
LAB := ip:iproute2 ss:iproute2 sshd:openssh-server ssh:openssh-client nft:nftables \
	iptables:iptables ipset:ipset sudo:sudo busybox:busybox sysctl:procps strace:strace chromium:chromium \
	keepalived:keepalived arping:iputils-arping

# A variable that nobody reads would be a wish that nobody hears: `make audit inventory=hosts.yaml`
# would audit this machine.
SETTINGS := PYTHON INVENTORY WORKERS CORES QUICK ARGS NAME SYSCTL GOOD BAD VERSION FUZZ_SECONDS FUZZ_TARGETS VENV SHELL
UNKNOWN := $(filter-out $(SETTINGS),$(foreach one,$(.VARIABLES),$(if $(filter command,$(origin $(one))),$(one))))
ifneq ($(UNKNOWN),)
$(error There is no variable $(UNKNOWN) (capitals count): give some of $(SETTINGS))
endif

.DEFAULT_GOAL := help
.PHONY: help audit quick rule release test test-newest test-oldest truth load fuzz lint lock docs screenshots bench lab sights
.SILENT:
MAKEFLAGS += --no-print-directory

help:
	echo 'make audit   audit this machine, or the hosts of INVENTORY=FILE; report in reports/'
	echo 'make quick   run the tests that take a minute and no root, for while you edit'
	echo 'make rule NAME=...   begin a new rule: its check, its cases and its line in the changelog'
	echo 'make test    run the tests; as root it installs the Debian packages of their lab'
	echo 'make truth   compare the model of the packet filter with the kernel, at length; as root'
	echo 'make load    audit 2,000 hosts, some of them faulty, and measure it; as root'
	echo 'make fuzz    look for inputs that crash or hang a parser, for FUZZ_SECONDS=3600'
	echo 'make sights  audit hosts under every partial sight, not the sample alone; as root'
	echo 'make lint    ruff, mypy and shellcheck'
	echo 'make lock    renew requirements/: the versions and hashes of all that make installs'
	echo 'make test-newest, make test-oldest'
	echo '             run the tests with the newest of all packages, or the oldest that are allowed'
	echo 'make docs    generate docs/rules/, docs/probes.md and the JSON Schemas from the code'
	echo 'make screenshots   draw the report of a healthy host, of broken ones and of a fleet'
	echo 'make release VERSION=...   give what is unreleased a version, as RELEASING.md says'
	echo 'make bench   measure speed against its bars'

# Exit status: the audit's, told by make as "Error 1" or "Error 10"; make itself then exits with 2.
audit: $(RUN_STAMP)
	$(BIN)/python -m pytest checks --inventory='$(INVENTORY)' --results=reports/audit.json \
		--html=reports/audit.html --self-contained-html; status=$$?; \
	case $$status in \
		0|1|3|10|11) echo 'Report: reports/audit.html   Results: reports/audit.json';; \
	esac; exit $$status

# For the loop of editing. A test of more than a second or two of work is marked slow, and left out.
quick: $(DEV_STAMP)
	echo 'Left out, and run by make test: the lab, the browser, packaging, fuzzing, and what is marked slow.'
	$(BIN)/python -m pytest --numprocesses=$(CORES) --dist=worksteal -m 'not slow' --quiet $(QUICK) $(ARGS)

rule: $(DEV_STAMP)
	[ -n '$(NAME)' ] || { echo 'make rule NAME=tcp-rfc1337-enabled SYSCTL=net.ipv4.tcp_rfc1337 GOOD=1 BAD=0'; exit 4; }
	$(BIN)/python -m tests.new_rule '$(NAME)' '$(SYSCTL)' '$(GOOD)' '$(BAD)'

test: $(DEV_STAMP) lab
	$(BIN)/python -m pytest --numprocesses=$(WORKERS) --dist=loadfile $(ARGS)

# Every dependency at its newest, or at the oldest that pyproject.toml allows, in an environment of
# its own that is made anew: what was the newest yesterday may not be so today.
test-newest: RESOLUTION := highest
test-oldest: RESOLUTION := lowest-direct
test-newest test-oldest: $(UV_STAMP) lab
	environment=.venv-$(@:test-%=%); \
	$(BIN)/python -m venv --clear $$environment; \
	$(BIN)/uv pip install --quiet --python $$environment/bin/python --upgrade --resolution $(RESOLUTION) \
		--editable '.[dev]'; \
	$(BIN)/uv pip list --python $$environment/bin/python; \
	$$environment/bin/python -m pytest --numprocesses=$(WORKERS) --dist=loadfile $(ARGS)

# More random rulesets against the kernel, those of ufw, firewalld, Shorewall and Docker, installed,
# and every scenario of two ends and of VRRP.
truth: $(DEV_STAMP) lab
	NETHYGIENE_TRUTH=1 $(BIN)/python -m pytest -rP tests/lab/test_firewall_truth.py \
		tests/lab/test_firewall_crossings.py tests/lab/test_firewall_frontends.py \
		tests/lab/failover/test_vrrp_frontends.py tests/lab/failover/test_vrrp.py \
		tests/lab/test_upstreams.py $(ARGS)

# 2,000 hosts, 5 % of them faulty at random: one audit against plain paramiko; four minutes.
load: $(DEV_STAMP) lab
	NETHYGIENE_LOAD=1 $(BIN)/python -m pytest -rP tests/lab/load $(ARGS)

# Coverage-guided, all targets in turn; FUZZ_TARGETS='nft frames' for some. Exit status 1: found some.
fuzz: $(FUZZ_STAMP)
	$(BIN)/python -m tests.fuzz --seconds $(FUZZ_SECONDS) $(FUZZ_TARGETS)

# Every way in which a host shows less than all of itself: some 65 of them, on two hosts each.
sights: LAB += locale-gen:locales
sights: $(DEV_STAMP) lab
	NETHYGIENE_SIGHTS=1 $(BIN)/python -m pytest tests/lab/test_sights.py $(ARGS)

lint: $(DEV_STAMP)
	$(BIN)/python -m ruff check
	$(BIN)/python -m ruff format --check --quiet || \
		{ echo 'lint: the files above are not formatted: run .venv/bin/ruff format'; exit 1; }
	$(BIN)/python -m mypy src checks tests conftest.py
	PATH="$(BIN):$$PATH"; command -v shellcheck >/dev/null || \
		{ echo 'lint: shellcheck is missing, and PyPI has none for this machine: install it'; exit 1; }; \
	find src -name '*.sh' -exec shellcheck {} +

# Universal: the markers in it hold for every Python and processor that the project supports. What
# runs an audit has the versions that the tests ran with.
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade --generate-hashes \
	--custom-compile-command 'make lock'
lock: $(UV_STAMP)
	$(LOCK) pyproject.toml --group build --extra dev --output-file requirements/dev.txt
	$(LOCK) pyproject.toml --group build --constraint requirements/dev.txt --output-file requirements/run.txt
	$(LOCK) pyproject.toml --extra fuzz --constraint requirements/dev.txt --output-file requirements/fuzz.txt
	$(LOCK) --group lock --output-file requirements/uv.txt

release: $(DEV_STAMP)
	[ -n '$(VERSION)' ] || { echo 'make release VERSION=0.2.0'; exit 4; }
	$(BIN)/python -m tests.release '$(VERSION)'

docs: $(DEV_STAMP)
	$(BIN)/python -m nethygiene.docgen

screenshots: $(DEV_STAMP) lab
	$(BIN)/python -m tests.report.screenshots

bench: $(DEV_STAMP) lab
	$(BIN)/python -m tests.benchmarks

lab:
	PATH="$$PATH:/usr/sbin:/sbin"; missing=; \
	for pair in $(LAB); do \
		command -v "$${pair%%:*}" >/dev/null || missing="$$missing $${pair#*:}"; \
	done; \
	if [ "$$(id -u)" -ne 0 ]; then \
		echo "The lab's tests need root$${missing:+, and these packages:$$missing}: as this user they cannot run."; \
	elif [ -n "$$missing" ] && command -v apt-get >/dev/null; then \
		echo "Installing for the lab:$$missing"; \
		export DEBIAN_FRONTEND=noninteractive; \
		apt-get -qq update && \
			apt-get -qq -y --no-install-recommends install $$missing </dev/null >/dev/null; \
	elif [ -n "$$missing" ]; then \
		echo "The lab's tests need tools that are not here; their Debian packages are:$$missing"; \
	fi

$(RUN_STAMP): pyproject.toml requirements/run.txt $(BIN)/python
	echo 'Installing nethygiene into $(VENV)'
	$(INSTALL_LOCKED) requirements/run.txt
	$(INSTALL_PROJECT)
	touch $@

$(DEV_STAMP): pyproject.toml requirements/dev.txt $(BIN)/python
	echo 'Installing nethygiene and the tools of its developers into $(VENV)'
	$(INSTALL_LOCKED) requirements/dev.txt
	$(INSTALL_PROJECT)
	touch $(RUN_STAMP) $@

$(FUZZ_STAMP): requirements/fuzz.txt $(DEV_STAMP)
	echo 'Installing the fuzzer into $(VENV)'
	$(INSTALL_LOCKED) requirements/fuzz.txt
	touch $@

$(UV_STAMP): requirements/uv.txt $(BIN)/python
	$(INSTALL_LOCKED) requirements/uv.txt
	touch $@

# Debian keeps ensurepip, without which there is no pip in a venv, in a package of its own.
$(BIN)/python:
	command -v $(PYTHON) >/dev/null || \
		{ echo '$(PYTHON) is not there: install Python 3.11 or later, or name it: make PYTHON=python3.12'; exit 1; }
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "nethygiene needs Python 3.11 or later, and $(PYTHON) is $$($(PYTHON) --version): name another: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
		package=python$$($(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv; \
		if [ "$$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then \
			echo "Installing $$package"; \
			export DEBIAN_FRONTEND=noninteractive; \
			apt-get -qq update && apt-get -qq -y --no-install-recommends install $$package </dev/null >/dev/null; \
		else \
			echo "$(PYTHON) cannot make virtual environments: as root, apt-get install $$package"; exit 1; \
		fi; }
	$(PYTHON) -m venv $(VENV)
