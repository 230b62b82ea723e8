# make demo   a reel from the example storyboard, in the sandbox: no key, no cost
# make test   the test suite
# make deployments  tests of a Prefect server with a worker and its UI; then PostgreSQL, S3 and the workers of two machines
# make chaos  a thousand schedules of trouble: N=1000 SEED=1 draws them, ONLY=17 plays one of them again
# make check  formatting, lint, types, import directions, generated files
# make docs   the documentation as a site, in site/; nothing is downloaded
.PHONY: demo test deployments chaos check docs setup clean

PYTHON ?= python3
BIN := .venv/bin
# As pip does: companies and CI machines have certificates of their own.
export UV_SYSTEM_CERTS = 1

demo: setup
	@$(BIN)/storyboard demo

test: setup
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder --ignore=tests/deployments --ignore=tests/machines --cov --cov-report=term:skip-covered --cov-fail-under=95 $(ARGS)

deployments: setup
	$(BIN)/pytest tests/deployments tests/machines $(ARGS)

N ?= 1000
SEED ?= 1
chaos: setup
	$(BIN)/python -m tests.chaos --schedules $(N) --seed $(SEED) $(if $(ONLY),--only $(ONLY))

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m prefect_storyboard.storyboards.schema --check
	$(BIN)/python -m prefect_storyboard.providers.listing --check docs/models.md
	$(BIN)/python -m prefect_storyboard.providers.fields_page --check docs/gateway-parameters.md
	$(BIN)/python -m prefect_storyboard.series.given_page --check docs/what-you-can-give.md
	$(BIN)/python -m prefect_storyboard.cli.listing --check docs/command-line.md
	$(BIN)/python -m prefect_storyboard.parameters --check docs/parameters.md
	$(BIN)/python -m prefect_storyboard.blocks.listing --check docs/blocks.md

docs: setup
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# uv makes the environment from the lock file, and links new source files; it is quick when nothing has changed.
setup: $(BIN)/uv
	@$(BIN)/uv sync --frozen --quiet

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "setting up .venv (once, about a minute)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check uv

clean:
	rm -rf .venv build dist site *.egg-info storyboard-demo test-artifacts .coverage
