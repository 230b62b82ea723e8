"""What an import costs, seen in a process of its own: by the modules that it loads, never by the time it takes."""

import os
import subprocess
import sys

import pytest

CODECS = {"av", "PIL"}
CLOUDS = {"s3fs", "aiohttp", "aiobotocore", "botocore", "moto"}
REST = {"jinja2", "psutil", "prefect_storyboard.sandbox"}


def loaded(statement: str, names: set[str]) -> str:
    """Which of these modules are loaded after the statement; and what it printed as an error."""
    script = f"import sys; {statement}; print(sorted({names!r} & sys.modules.keys()))"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return ended.stdout.splitlines()[-1] + ended.stderr


def test_importing_the_blocks_costs_no_codec_no_server_and_no_cloud():
    """Prefect's server and `prefect block register` import every collection at their start."""
    assert loaded("import prefect_storyboard.blocks", {*CODECS, *CLOUDS, *REST}) == "[]"


@pytest.mark.parametrize("module", ["sync", "deployments.serve"])
def test_flows_and_tasks_load_their_codecs_and_clouds_at_the_first_use(module):
    assert loaded(f"import prefect_storyboard.{module}", {*CODECS, *CLOUDS, *REST}) == "[]"


def test_importing_the_package_costs_nothing():
    assert loaded("import prefect_storyboard", {"prefect", "pydantic", "httpx", "asyncio"}) == "[]"


def test_the_help_of_the_command_line_waits_for_neither_prefect_nor_an_event_loop():
    heavy = {"prefect", "pydantic", "httpx", "asyncio", "subprocess", "packaging.requirements", *CODECS, *CLOUDS}
    assert loaded("import prefect_storyboard.cli.main as cli; cli.app.help_print([])", heavy) == "[]"


def test_every_deferred_name_is_there():
    names = "from prefect_storyboard.media import deferred; [getattr(deferred, name) for name in deferred.__all__]"
    assert loaded(names, CODECS) == "['PIL', 'av']"


def test_the_errors_are_imported_without_prefect():
    assert loaded("import prefect_storyboard.errors", {"prefect"}) == "[]"


def test_whatever_is_imported_waits_long_enough_for_prefects_temporary_server():
    script = "import {}; from prefect.settings import PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS as wait; print(wait.value())"
    bare = {name: value for name, value in os.environ.items() if "STARTUP_TIMEOUT" not in name}
    for module in ("prefect_storyboard.flows", "prefect_storyboard.sync"):
        command = [sys.executable, "-c", script.format(module)]
        said = subprocess.run(command, env=bare, capture_output=True, text=True, check=True).stdout
        assert said.strip() == "120"


def test_who_asks_the_sandbox_for_its_variables_loads_neither_a_server_nor_a_renderer():
    heavy = {"starlette", "uvicorn", "pydantic", *CODECS}
    assert loaded("from prefect_storyboard.sandbox import environment; environment('')", heavy) == "[]"


def test_a_private_server_starts_without_prefect_in_the_process_of_the_command():
    start = "from prefect_storyboard.cli.prefect_server import private_server as p; s = p(); s.__enter__()"
    assert loaded(f"{start}; s.__exit__(None, None, None)", {"prefect", "httpx"}) == "[]"


def test_the_rest_of_the_sandbox_is_there():
    names = "from prefect_storyboard import sandbox; [getattr(sandbox, name) for name in sandbox.__all__]"
    assert loaded(names, {"starlette"}) == "['starlette']"
