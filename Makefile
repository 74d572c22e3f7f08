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
.PHONY: help setup run trim test test-unit test-long lint bench requirements clean tools screenshots

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

setup: $(STAMP) $(VENV)/.warm ## Make .venv with all that is needed, pinned and hashed

$(STAMP): requirements/base.txt requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name one with PYTHON=..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python requirements/dev.txt
	@touch $@

# everything is compiled before it is started; of kernels only what changed
$(VENV)/.warm: $(STAMP) $(KERNELS)
	@$(BIN)/python -m compileall -q config migration monitoring pktmask_site trimming
	@$(BIN)/python -m trimming.engine.warm
	@touch $@

run: setup ## Start the service: web server, workers and monitor; Ctrl-C stops it
	@exec $(BIN)/python manage.py up

trim: setup ## Trim one capture: make trim IN=capture.pcap OUT=trimmed.pcap
	@$(BIN)/python manage.py trim "$(IN)" "$(OUT)"

tools: ## Install tshark through the system's packages, where that is allowed
	@bash .ci/tools

test: setup tools lint ## Lint, types, and the whole test suite
	$(BIN)/python -m pytest $(SPREAD) -m "not long" --cov --cov-report= tests
	$(BIN)/coverage report --include='trimming/engine/*' --fail-under=95
	$(BIN)/coverage report --omit='trimming/engine/*' --fail-under=90
	$(BIN)/coverage report --fail-under=100 --show-missing --include='$(PURE)'

# tests run in two processes; those that start the whole service stay together in one
SPREAD := -n 2 --dist loadgroup

# decisions without effects: every branch of them is tried
PURE := config/comparison.py,config/edits.py,config/environment.py,config/layers.py,config/reference.py,config/sections.py,config/setting_rows.py,config/spread.py,config/typed_values.py,config/yaml_layer.py,migration/decision.py,migration/estimates.py,migration/gates/conditions.py,migration/gates/evidence.py,migration/gates/harm.py,migration/gates/results.py,migration/gates/table.py,migration/gates/tally.py,migration/moves.py,migration/texts.py,monitoring/eprocesses.py,monitoring/health/advice.py,monitoring/health/findings.py,monitoring/health/inputs.py,monitoring/health/parts.py,monitoring/health/rules.py,monitoring/metrics/forecast.py,monitoring/metrics/histograms.py,monitoring/pulse.py,monitoring/statistics.py,trimming/ab_test/draw.py,trimming/ab_test/judging.py,trimming/ab_test/shown.py,trimming/ab_test/statistics.py,trimming/ab_test/summary.py,trimming/archive_names.py,trimming/breaker_rules.py,trimming/byte_bar.py,trimming/capture_report.py,trimming/comparison_views.py,trimming/engine/byte_classes.py,trimming/engine/checksums.py,trimming/engine/options.py,trimming/engine/plan.py,trimming/engine/strategies/legacy/framing.py,trimming/engine/strategies/legacy/redaction.py,trimming/engine/strategies/legacy/tls.py,trimming/job_rules.py,trimming/load/schedule.py,trimming/moves.py,trimming/names.py,trimming/quantities.py,trimming/routing.py,trimming/routing_words.py,trimming/shadow_report.py,trimming/shadow_rules.py,trimming/throttle.py

test-unit: setup ## Only the fast tests
	$(BIN)/python -m pytest $(SPREAD) -m "not long and not slow" tests

test-long: setup tools ## The full figures: fuzzing with 20,000 cases and more
	$(BIN)/python -m pytest -m long tests

screenshots: setup tools ## Make the picture of the README anew, by the browser test
	@mkdir -p var/screenshots docs/images
	PKTMASK_SCREENSHOTS=$(CURDIR)/var/screenshots $(BIN)/python -m pytest tests/browser/test_screens.py
	cp var/screenshots/captures-1440-light.png docs/images/captures.png

lint: setup ## ruff, mypy, import rules, Django's checks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python manage.py check
	$(BIN)/python manage.py makemigrations --check --dry-run
	PKTMASK_ENVIRONMENT=production $(BIN)/python manage.py check --deploy --fail-level WARNING

bench: setup ## Measure strategies and peers within ten minutes: see docs/performance.md
	@bash .ci/tools bench
	$(BIN)/python -m benchmarks.measure --json var/bench/result.json --pictures var/bench

requirements: setup ## Pin the requirements anew from pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
		pyproject.toml -o requirements/base.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
		--extra dev --extra scale \
		-c requirements/base.txt pyproject.toml -o requirements/dev.txt

clean: ## Remove what setup and tests made
	rm -rf $(VENV) .mypy_cache .ruff_cache .hypothesis .coverage
