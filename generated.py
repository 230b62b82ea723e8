"""The project's files that are made from its code: print one, or compare it with the one that is committed."""

import sys
from collections.abc import Sequence
from pathlib import Path


def print_or_check(text: str, command: str, arguments: Sequence[str]) -> int:
    """Print the text, or say with exit code 1 that the file is not current: `--check docs/models.md`."""
    if "--check" not in arguments:
        sys.stdout.write(text)
        return 0
    file = Path(arguments[-1])
    if file.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write(f"{file} is not current; run {command} > {file}\n")
    return 1
