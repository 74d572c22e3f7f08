# Two commands are enough: `make run` starts the service, `make test` tries everything.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.complete
KERNELS := $(shell find trimming/engine -path '*/kernels/*.py') trimming/engine/compiling.py
# captures and the oracle that development machines have beside the repository; tests skip without
SHARED ?= ../shared
export PKTMASK_SHARED := $(abspath $(SHARED))

.DEFAULT_GOAL := help
.PHONY: help setup run demo trim command test test-unit test-cluster test-long fuzz lint bench requirements audit sbom clean tools screenshots messages

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

setup: $(STAMP) $(VENV)/.warm ## Make .venv with all that is needed, pinned and hashed

$(STAMP): requirements/base.txt requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name one with PYTHON=..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python requirements/dev.txt
	@# the command `pktmask`, from this folder
	$(BIN)/uv pip install --quiet --no-deps --python $(BIN)/python --editable .
	@touch $@

# everything is compiled before it is started; of kernels only what changed
$(VENV)/.warm: $(STAMP) $(KERNELS)
	@$(BIN)/python -m compileall -q config migration monitoring pktmask pktmask_site trimming
	@$(BIN)/python -m trimming.engine.warm
	@touch $@

run: setup ## Start the service: web server, workers and monitor; Ctrl-C stops it
	@exec $(BIN)/python manage.py up

demo: setup ## Watch a whole rollout on data of its own, with faults to switch on; Ctrl-C stops it
	@mkdir -p var/demo
	@PKTMASK_ENVIRONMENT=demo PKTMASK_WORKERS=$${PKTMASK_WORKERS:-4} \
		PKTMASK_DATA_DIR=$${PKTMASK_DATA_DIR:-var/demo} exec $(BIN)/python manage.py demo

trim: setup ## Trim one capture: make trim IN=capture.pcap OUT=trimmed.pcap
	@$(BIN)/python manage.py trim "$(IN)" "$(OUT)"

command: setup ## Write var/pktmask: the command for other machines, one file that needs Python alone
	@rm -rf var/command && mkdir -p var/command/pktmask
	@cp pktmask/*.py var/command/pktmask
	@$(BIN)/python -m zipapp var/command --main pktmask.command:script --python '/usr/bin/env python3' --output var/pktmask
	@rm -rf var/command
	@echo "var/pktmask: copy it to where it is used."

tools: ## Install tshark, Prometheus and a browser through the system's packages, where that is allowed
	@bash .ci/tools

test: setup ## Lint, types, and the tests of everything but several processes and machines
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target tools lint
	$(call tried,$(SPREAD),-m "not long" --cov --cov-report= $(IN_PROCESS) tests,--cov-append)
	$(BIN)/coverage report --fail-under=95 --include='trimming/engine/*'
	$(BIN)/coverage report --fail-under=100 --show-missing --include='$(PURE)'
	$(BIN)/coverage report --fail-under=100 --show-missing --omit='trimming/engine/*'

# What fails beside everything else is tried once more by itself, and both are shown: browsers and real
# processes on a shared machine may come late.  What fails twice is broken.
define tried
$(BIN)/python -m pytest $(1) $(2) || { test $$? = 1 && echo "Tried once more, by themselves:" \
	&& $(BIN)/python -m pytest --last-failed --last-failed-no-failures none $(2) $(3); }
endef

# those of browsers run in one process; of all others each file in one
SPREAD := -n 3 --dist loadscope --no-loadscope-reorder
# what starts whole services and machines is tried by `make test-cluster`
IN_PROCESS := --ignore=tests/services --ignore=tests/cluster

# decisions of the engine without effects: every branch of them is tried
PURE := trimming/engine/byte_classes.py,trimming/engine/checksums.py,trimming/engine/options.py,trimming/engine/plan.py,trimming/engine/timeline.py,trimming/engine/strategies/legacy/framing.py,trimming/engine/strategies/legacy/redaction.py,trimming/engine/strategies/legacy/tls.py

test-unit: setup ## Only the fast tests
	$(BIN)/python -m pytest $(SPREAD) -m "not long and not slow" $(IN_PROCESS) tests

test-cluster: setup tools ## Whole services and machines, with real PostgreSQL, Redis, S3 server and proxy
	$(call tried,-n 2 --dist loadscope --no-loadscope-reorder,-m "not long" tests/cluster tests/services)

test-long: setup tools ## The full figures: fuzzing with 20,000 cases and more
	PKTMASK_CASES=searching $(BIN)/python -m pytest -m long tests

# what it finds is kept in var/fuzzing
SECONDS ?= 120
fuzz: setup ## Fuzz readers and strategies, guided by coverage: make fuzz SECONDS=1800
	@for target in reader legacy scanning; do \
		$(BIN)/python -m tests.fuzzing.fuzz $$target --seconds $(SECONDS) || exit 1; done

# what is new stands there without a translation; a test holds that nothing does
messages: setup ## Gather texts into locale/, and compile their translations (needs gettext)
	$(BIN)/python manage.py makemessages --locale zh_Hans --no-obsolete --no-location --no-wrap \
		$(foreach each,.venv benchmarks docs tests var,--ignore $(each))
	sed -i '/^"POT-Creation-Date/d; /^"Report-Msgid-Bugs-To/d' locale/zh_Hans/LC_MESSAGES/django.po
	$(BIN)/python manage.py compilemessages --locale zh_Hans --ignore .venv

screenshots: setup tools ## Pictures of every page in var/screenshots, small ones in docs/images, and what pages measure
	$(BIN)/python -m benchmarks.pages --pictures var/screenshots --sheets docs/images/pages --docs docs/images

lint: setup ## ruff, mypy, import rules, Django's checks, documents to review
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python manage.py check
	$(BIN)/python manage.py makemigrations --check --dry-run
	PKTMASK_ENVIRONMENT=production $(BIN)/python manage.py check --deploy --fail-level WARNING --settings tests.lint_settings
	@# what should be read anew is said, and fails nothing
	$(BIN)/python manage.py check_documents

bench: setup ## Measure strategies and peers within ten minutes: see docs/performance.md
	@bash .ci/tools bench
	$(BIN)/python -m benchmarks.measure --json var/bench/result.json --pictures var/bench

requirements: setup ## Pin the requirements anew from pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
		pyproject.toml -o requirements/base.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
		--extra dev --extra scale \
		-c requirements/base.txt pyproject.toml -o requirements/dev.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
		--extra scale -c requirements/base.txt pyproject.toml -o requirements/scale.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
		requirements/audit.in -o requirements/audit.txt

# their pins are their own, so they have an environment of their own
AUDIT := $(VENV)/audit
$(AUDIT)/.complete: requirements/audit.txt $(STAMP)
	$(PYTHON) -m venv --without-pip $(AUDIT)
	$(BIN)/uv pip sync --quiet --require-hashes --python $(AUDIT)/bin/python $<
	@touch $@

# what a secret looks like in a test is in the baseline; names like "password" say nothing here
SCAN := --disable-plugin KeywordDetector --no-verify
audit: $(AUDIT)/.complete ## Known vulnerabilities of what is pinned, and secrets in the files
	$(AUDIT)/bin/python .ci/dependencies.py $(AUDIT)/bin/pip-audit requirements/scale.txt requirements/dev.txt
	@mkdir -p var && cp .secrets.baseline var/secrets.baseline
	@# 3 says that what it knows stands in other lines now
	git ls-files -z ':!.secrets.baseline' | xargs -0 sh -c \
		'$(AUDIT)/bin/detect-secrets-hook --baseline var/secrets.baseline $(SCAN) "$$@" || test $$? = 3' scan

sbom: $(AUDIT)/.complete ## The bill of materials, as CycloneDX, in var/sbom.json
	@mkdir -p var
	$(AUDIT)/bin/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible --of JSON \
		-o var/sbom.json requirements/scale.txt

clean: ## Remove what setup and tests made
	rm -rf $(VENV) .mypy_cache .ruff_cache .hypothesis .coverage
