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

HEAD = ("flow", "scenes", "s", "of the floor", "assembly s", "CPU s", "of the floor", "MB", "Prefect calls", "stall ms")


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
            print(_row(*HEAD), _row("---", *["---:"] * (len(HEAD) - 1)), sep="\n")
            for scenes in given.scenes:
                found = _runs(folder / str(scenes), scenes, base, given.only)
                print(*(_line(each, found[0]) for each in found), sep="\n", flush=True)
                facts += found
    finally:
        if given.detail:
            given.detail.write_text(json.dumps(facts, indent=1))
        if not given.folder:
            shutil.rmtree(folder, ignore_errors=True)


def _line(facts: dict[str, Any], floor: dict[str, Any]) -> str:
    """One run as a line: its wall time without the assembly, and its processor time, also as multiples of the floor."""
    scenes, wall = facts["scenes"], facts["wall_s"] - facts["after_last_scene_s"]
    calls = sum(count for call, count in facts["calls"].items() if call.startswith("prefect"))
    stall = max(loop["longest_cpu_ms"] for loop in facts["loops"])
    return _row(
        facts["kind"],
        scenes,
        f"{facts['wall_s']:.1f}",
        f"{wall / floor['wall_s']:.2f}",
        f"{facts['after_last_scene_s']:.1f}",
        f"{facts['cpu_s']:.1f}",
        f"{facts['cpu_s'] / floor['cpu_s']:.2f}",
        facts["peak_mb"],
        f"{calls / scenes:.1f}",
        f"{stall:.0f}",
    )


def _row(*cells: object) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


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
