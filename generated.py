"""Pages of the documentation that are generated from code: print one, or compare it with the committed file."""

import sys
from collections.abc import Sequence
from pathlib import Path


def print_or_check(text: str, command: str, arguments: Sequence[str]) -> int:
    """Print the text; with `--check docs/models.md`, return 1 if that file is not current."""
    if "--check" not in arguments:
        sys.stdout.write(text)
        return 0
    file = Path(arguments[-1])
    if file.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write(f"{file} is not current; run {command} > {file}\n")
    return 1
