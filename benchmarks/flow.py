"""The flow against Prefect's own floor. Prints a Markdown table, and with --detail what each process counted.

python -m benchmarks.flow [--scenes 20 200] [--again] [--detail FILE]
"""

import argparse
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.stand import measured, sandbox
from tests.chaos.engine import prefect_server


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.flow")
    parser.add_argument("--scenes", type=int, nargs="+", default=[20, 200])
    parser.add_argument("--folder", type=Path, help="where to work; it is kept")
    parser.add_argument("--detail", type=Path, help="a JSON file for everything that was counted")
    parser.add_argument("--only", choices=["floor", "series"], help="one of the two")
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="flows-"))
    folder.mkdir(parents=True, exist_ok=True)
    os.environ |= {"NO_PROXY": "127.0.0.1"}
    facts: list[dict[str, Any]] = []
    try:
        with prefect_server(folder), sandbox(folder) as base:
            for scenes in given.scenes:
                facts += _runs(folder / str(scenes), scenes, base, given.only)
                print(json.dumps(facts[-1]), flush=True)
    finally:
        if given.detail:
            given.detail.write_text(json.dumps(facts, indent=1))
        if not given.folder:
            shutil.rmtree(folder, ignore_errors=True)


def _runs(folder: Path, scenes: int, base: str, only: str | None) -> list[dict[str, Any]]:
    found = []
    if only != "series":
        found.append(measured("benchmarks.flow_run", "floor", scenes, folder))
    if only != "floor":
        found.append(measured("benchmarks.flow_run", "series", scenes, folder, base))
        found.append(measured("benchmarks.flow_run", "series", scenes, folder, base) | {"kind": "again"})
    return found


if __name__ == "__main__":
    main()
