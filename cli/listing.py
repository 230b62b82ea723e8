"""The commands as a page of the documentation: `python -m prefect_storyboard.cli.listing > docs/command-line.md`."""

import re
import sys

from prefect_storyboard.cli.main import app
from prefect_storyboard.generated import print_or_check

_COMMAND = "python -m prefect_storyboard.cli.listing"
_HEAD = f"""# Command line

Generated from the commands' own help by `{_COMMAND}`.
Exit codes: 0 success, 1 something is wrong or unknown, 2 the command line was not understood, 130 stopped with
Ctrl-C, 143 stopped with SIGTERM.
If no Prefect server is set (`PREFECT_API_URL`, or a profile), a command that needs one starts a private one.

"""
_MODULE = re.compile(r"(?m)^(storyboard \w+) -m \S+")  # cyclopts puts `-m` and this module into the usage
_DEBUG = re.compile(r"\* `--debug`: .*\n")  # the same for every command: documented once
_FOOT = """
Every command except `sandbox` takes `--debug`, which shows the traceback of an error and Prefect's log.
"""


def text() -> str:
    """Render the page."""
    made = _MODULE.sub(r"\1", app.generate_docs(usage_name="storyboard"))
    summary = made[made.index("**Commands**:") : made.index("## storyboard")].partition("\n\n")[2]
    commands = made[made.index("## storyboard") :]
    return _HEAD + summary.strip() + "\n" + _FOOT + "\n" + _DEBUG.sub("", commands).rstrip() + "\n"


if __name__ == "__main__":
    sys.exit(print_or_check(text(), _COMMAND, sys.argv[1:]))
