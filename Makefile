# make demo   a reel from the example storyboard, in the sandbox: no key, no cost
# make test   the quick tests: rooms, wire contracts, sandbox, and the flows that pay; 95 % of the branches of what money rests on
# make test-flows  every flow and example on the sandbox, with Prefect's engine: about eleven minutes
# make test-all  all tests, those of make deployments too
# make test-lowest, make test-newest  with the lowest and the newest versions of the dependencies; Python 3.11 to 3.13
# make deployments  tests of a Prefect server with a worker and its UI; then PostgreSQL, S3 and the workers of two machines
# make chaos  a thousand schedules of trouble: N=1000 SEED=1 draws them, ONLY=17 plays one of them again, STILLS=1 has stills on all boards
# make check  formatting, lint, types, import directions, generated files
# make bench  our overhead beside other clients, Prefect's floor, aws, ffmpeg and empty libraries: a table and a plot, in half an hour
# make docs   the documentation as a site, in site/; nothing is downloaded
.PHONY: demo test test-flows test-rest test-fuzz test-all test-lowest test-newest deployments chaos bench check docs setup clean

PYTHON ?= python3
BIN := .venv/bin
PYTEST = $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder
OTHERS = --ignore=tests/deployments --ignore=tests/machines
# As pip does: companies and CI machines have certificates of their own.
export UV_SYSTEM_CERTS = 1
# Images for containers often set it: then each of the many processes that the tests start compiles Prefect again, in 10 s.
export PYTHONDONTWRITEBYTECODE =

demo: setup
	@$(BIN)/storyboard demo

QUICK = tests/unit tests/contract tests/sandbox tests/flows/test_pay_once.py tests/flows/test_nodes.py
test: setup
	$(PYTEST) -m "not slow and not fuzz" $(QUICK) --cov --cov-report=term:skip-covered --cov-fail-under=95 $(ARGS)

test-flows: setup
	$(PYTEST) -m "not slow and not fuzz" tests/flows $(ARGS)

# The command line, hostile input, chaos, kills, a browser, the wheel, a real S3 server.
test-rest: setup
	$(PYTEST) -m "not fuzz" $(OTHERS) --ignore=tests/unit --ignore=tests/contract --ignore=tests/sandbox --ignore=tests/flows $(ARGS)
	$(PYTEST) -m "slow and not fuzz" tests/unit tests/contract tests/sandbox tests/flows $(ARGS)

# 100,000 inputs for the parsers of what strangers write.
test-fuzz: setup
	$(BIN)/pytest tests/hostile/test_fuzz.py -m fuzz $(ARGS)

test-all: test test-flows test-rest test-fuzz deployments

test-lowest: setup
	.ci/versions lowest-direct 3.11

test-newest: setup
	.ci/versions highest 3.11 3.12 3.13

deployments: setup
	$(BIN)/pytest tests/deployments tests/machines $(ARGS)

N ?= 1000
SEED ?= 1
chaos: setup
	$(BIN)/python -m tests.chaos --schedules $(N) --seed $(SEED) $(if $(ONLY),--only $(ONLY)) $(if $(STILLS),--stills)

# ARGS=--quick shows in some minutes whether every benchmark works; ARGS="--only core flow" measures some of them.
bench: setup
	$(BIN)/python -m benchmarks --page docs/speed.md --plot docs/speed.svg $(ARGS)

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m prefect_storyboard.storyboards.schema --check
	$(BIN)/python -m prefect_storyboard.storyboards.result_schemas --check docs/schemas
	$(BIN)/python -m prefect_storyboard.providers.listing --check docs/models.md
	$(BIN)/python -m prefect_storyboard.providers.fields_page --check docs/gateway-parameters.md
	$(BIN)/python -m prefect_storyboard.series.given_page --check docs/what-you-can-give.md
	$(BIN)/python -m prefect_storyboard.examples.listing --check docs/examples.md
	$(BIN)/python -m prefect_storyboard.cli.listing --check docs/command-line.md
	$(BIN)/python -m prefect_storyboard.parameters --check docs/parameters.md
	$(BIN)/python -m prefect_storyboard.blocks.listing --check docs/blocks.md
	$(BIN)/python -m prefect_storyboard.tasks._events_page --check docs/events.md

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
