"""The commands as a page of the documentation: `python -m prefect_storyboard.cli.listing > docs/command-line.md`."""

import re
import sys

import prefect_storyboard.cli.main  # noqa: F401 - it adds the commands to the application
from prefect_storyboard.cli.app import app
from prefect_storyboard.generated import print_or_check

_COMMAND = "python -m prefect_storyboard.cli.listing"
_HEAD = f"""# Command line

Made from the commands' own help by `{_COMMAND}`.
Exit codes: 0 well, 1 something is wrong or unknown, 130 stopped with Ctrl-C, 143 with SIGTERM.
Where no Prefect server is set (`PREFECT_API_URL`, or a profile), a private one is started for the time of the command.

"""
_MODULE = re.compile(r"(?m)^(storyboard \w+) -m \S+")  # cyclopts takes how this module is run for a part of the usage
_DEBUG = re.compile(r"\* `--debug`: .*\n")  # the same everywhere: told once
_FOOT = """
Every command but `sandbox` takes `--debug`, which shows the traceback of an error and Prefect's log.
"""


def text() -> str:
    """The page."""
    made = _MODULE.sub(r"\1", app.generate_docs(usage_name="storyboard"))
    summary = made[made.index("**Commands**:") : made.index("## storyboard")].partition("\n\n")[2]
    commands = made[made.index("## storyboard") :]
    return _HEAD + summary.strip() + "\n" + _FOOT + "\n" + _DEBUG.sub("", commands).rstrip() + "\n"


if __name__ == "__main__":
    sys.exit(print_or_check(text(), _COMMAND, sys.argv[1:]))
