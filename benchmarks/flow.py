"""Compare `storyboard_series` with Prefect's own cost. Prints a Markdown table, and with --detail all counts.

    python -m benchmarks.flow [--scenes 20 200] [--detail FILE]

The wall time excludes the assembly. `requests` are those to Prefect's API. A stall is one iteration of an event loop,
in CPU time of its thread.
"""

import argparse
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.stand import measured, sandbox
from benchmarks.table import Row, show
from tests.chaos.engine import prefect_server


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.flow")
    parser.add_argument("--scenes", type=int, nargs="+", default=[20, 200])
    parser.add_argument("--folder", type=Path, help="working folder, which is kept")
    parser.add_argument("--detail", type=Path, help="JSON file for all counts")
    given = parser.parse_args()
    show(rows(given.scenes, given.folder, given.detail))


def rows(scenes: Sequence[int], kept: Path | None = None, detail: Path | None = None) -> Iterator[Row]:
    """Rows for the floor, the series and its second run, for each number of scenes."""
    folder = kept or Path(tempfile.mkdtemp(prefix="flows-"))
    folder.mkdir(parents=True, exist_ok=True)
    os.environ |= {"NO_PROXY": "127.0.0.1"}
    facts: list[dict[str, Any]] = []
    try:
        with prefect_server(folder), sandbox(folder) as base:
            for count in scenes:
                found = _runs(folder / str(count), count, base)
                facts += found
                yield from (_row(each, found[0]) for each in found)
    finally:
        if detail:
            detail.write_text(json.dumps(facts, indent=1))
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)


def _row(facts: dict[str, Any], floor: dict[str, Any]) -> Row:
    """The row of one run: wall time without assembly, and CPU time, as multiples of the floor."""
    scenes, assembly = facts["scenes"], facts["after_last_scene_s"]
    calls = sum(count for call, count in facts["calls"].items() if call.startswith("prefect"))
    stalls = ", ".join(f"{loop['longest_cpu_ms']:.0f} ms ({loop['name']})" for loop in facts["loops"] if loop["thread"])
    joined = f"assembly {assembly / floor['wall_s']:.2f} of the floor more, " if assembly else ""
    return Row(
        f"flow, {scenes} scenes",
        facts["kind"],
        "Prefect's floor",
        wall=(facts["wall_s"] - assembly) / floor["wall_s"],
        cpu=facts["cpu_s"] / floor["cpu_s"],
        requests=calls / scenes,
        mb=facts["peak_mb"],
        note=f"{joined}longest stall {stalls}",
    )


def _runs(folder: Path, scenes: int, base: str) -> list[dict[str, Any]]:
    floor = measured("benchmarks.flow_run", "floor", scenes, folder)
    series = [measured("benchmarks.flow_run", "series", scenes, folder, base) for _ in range(2)]
    return [floor, series[0], series[1] | {"kind": "again, all in the library"}]


if __name__ == "__main__":
    main()
