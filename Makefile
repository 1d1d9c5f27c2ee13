# Everything runs in .venv, which is made from requirements.lock on first use.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DUCKDB2 := .venv-duckdb2
QUERY_ENGINE := build/query_engine
SPARK := .venv-spark
S3 := .venv-s3
ON_DUCKDB2 := $(addprefix tests/,contracts core golden landing making nhanes raw release report statistics terminal)

# the tests start many processes, none of which should have to compile
test: export PYTHONDONTWRITEBYTECODE =

.PHONY: help refresh nhanes ui sql status docs site site-engine pictures test lint coverage bench bench-night bench-peers fuzz soak mutate duckdb2 apache-spark s3-server lock clean

$(VENV)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -m venv $(VENV)
	@$(PYTHON) .ci/set_up.py $(BIN)/python requirements.lock
	@touch $@

help:  ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 12

refresh: $(VENV)/.installed  ## take in deliveries, estimate, publish: the nightly job, now
	$(BIN)/cramp-atlas refresh

nhanes: $(VENV)/.installed  ## download the NHANES files into landing
	$(BIN)/cramp-atlas fetch nhanes

ui: $(VENV)/.installed  ## Dagster on http://127.0.0.1:3000, or the port of CRAMP_ATLAS_PORT
	$(BIN)/cramp-atlas ui

sql: $(VENV)/.installed  ## a read-only SQL prompt on the published warehouse; takes SQL from a pipe too
	@$(BIN)/cramp-atlas sql

status: $(VENV)/.installed  ## what is published and what is held back
	$(BIN)/cramp-atlas status

docs: $(VENV)/.installed  ## the data dictionary, written from the contracts
	$(BIN)/cramp-atlas docs

site: $(VENV)/.installed  ## README and docs/ as a site that opens without a network: build/site/index.html
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

site-engine: $(QUERY_ENGINE)/engine.json  ## what answers SQL on a site of releases (releases site); needs Node.js with npm

# from packages at the versions and hashes of the lock, none of whose scripts is run; 180 MB of them are gone afterwards
$(QUERY_ENGINE)/engine.json: $(wildcard .ci/query_engine/*)
	@rm -rf $(QUERY_ENGINE).packages && mkdir -p $(QUERY_ENGINE).packages && cp $^ $(QUERY_ENGINE).packages
	@echo "fetching DuckDB-Wasm and what reads Parquet beside it"
	@cd $(QUERY_ENGINE).packages && npm ci --silent --ignore-scripts && node build.mjs ../$(notdir $(QUERY_ENGINE))
	@rm -rf $(QUERY_ENGINE).packages
	@echo "$(QUERY_ENGINE) is what cramp-atlas releases site puts on a site"

pictures: refresh  ## the pictures of README and docs, drawn from the current release in Chromium
	$(BIN)/python -m tests.pictures

test: $(VENV)/.installed  ## every test
	$(BIN)/python -m pytest

lint: $(VENV)/.installed  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy pipelines tests
	$(BIN)/lint-imports --no-cache

coverage: $(VENV)/.installed  ## how often the 95 % intervals hold the planted values
	$(BIN)/python -m tests.coverage

bench: $(VENV)/.installed  ## speed and memory, as ratios to the bare scan of the same columns
	$(BIN)/python -m tests.benchmarks

bench-night: $(VENV)/.installed  ## whole nights of N million respondents in WAVES waves, by stage and against one copy: make bench-night N=10
	$(BIN)/python -m tests.benchmarks.night $(or $(N),1) $(or $(WAVES),1)

bench-peers: $(VENV)/.installed  ## the same estimates by svy, R survey and statsmodels, of N million respondents
	$(BIN)/python -m tests.benchmarks.peers $(or $(N),1)

fuzz: $(VENV)/.installed  ## damaged deliveries, ten minutes a reader
	$(BIN)/python -m tests.fuzz

soak: $(VENV)/.installed  ## readers, kills and full disks while the night runs; a thousand nights
	$(BIN)/python -m tests.soak

mutate: $(VENV)/.installed  ## changes of the code that a test must notice: a sample
	$(BIN)/python -m tests.mutation

duckdb2: $(DUCKDB2)/.installed  ## the tests of what talks to DuckDB on the next version of it, in a .venv of their own
	$(DUCKDB2)/bin/python -m pytest $(ON_DUCKDB2)

# only what differs is installed: everything else is that of .venv
$(DUCKDB2)/.installed: $(VENV)/.installed requirements-duckdb2.lock
	@$(PYTHON) -m venv --clear $(DUCKDB2)
	@$(DUCKDB2)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-duckdb2.lock
	@$(DUCKDB2)/bin/python .ci/beside.py $(VENV) $(DUCKDB2)
	@touch $@

apache-spark: $(SPARK)/.installed  ## the server of Apache Spark that tests/spark starts where it finds it; needs Java 17 or 21

$(SPARK)/.installed: requirements-spark.lock
	@echo "installing Apache Spark, once: 450 MB to download, 520 MB of disk"
	@$(PYTHON) -m venv --clear $(SPARK)
	@$(SPARK)/bin/python -m pip install --quiet --disable-pip-version-check --no-cache-dir --require-hashes --no-deps -r $<
	@touch $@

s3-server: $(S3)/.installed  ## the S3-compatible server that tests/spark starts where it finds it

$(S3)/.installed: requirements-s3.lock
	@$(PYTHON) -m venv --clear $(S3)
	@$(S3)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $<
	@touch $@

lock:  ## after a change of pyproject.toml, with the bill of materials; needs uv
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-strip-extras \
	  --extra dev pyproject.toml --output-file requirements.lock
	$(PYTHON) .ci/bill_of_materials.py

clean:  ## remove .venv and Dagster's history (.dagster); deliveries, store and releases stay
	rm -rf $(VENV) $(DUCKDB2) $(SPARK) $(S3) .dagster
