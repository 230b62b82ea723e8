"""A library in a real S3 server: requests and time of a flow at 20 ms of latency, and 50 MB files against `aws s3 cp`.

    python -m benchmarks.s3 [--scenes 20] [--clips 20] [--megabytes 50]

The server is that of tests/s3, on this machine, so its CPU time affects both sides equally. `aws` is the machine's own
program.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.far import Distant, distant
from benchmarks.stand import measured, sandbox
from benchmarks.table import Row, show
from tests.chaos.engine import prefect_server
from tests.s3.ceph import BUCKET, Server, serving

ROUND_TRIP = 0.02
_AT_ONCE = 4  # uploads of a process, as in the tasks


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.s3")
    parser.add_argument("--scenes", type=int, default=20)
    parser.add_argument("--clips", type=int, default=20)
    parser.add_argument("--megabytes", type=int, default=50)
    given = parser.parse_args()
    show(rows(given.scenes, given.clips, given.megabytes))


def rows(scenes: int = 20, clips: int = 20, megabytes: int = 50) -> Iterator[Row]:
    """The uploads without latency, then the flow with latency."""
    with tempfile.TemporaryDirectory() as name, serving() as server:
        os.environ |= {"NO_PROXY": "127.0.0.1"}
        yield _stored(Path(name), server, clips, megabytes)
        with prefect_server(Path(name)), sandbox(Path(name)) as base, distant(server.endpoint, ROUND_TRIP) as far:
            yield from _flows(Path(name), scenes, base, server, far)


def variables(server: Server, endpoint: str) -> dict[str, str]:
    """The environment variables with which S3 clients find the server."""
    keys = {"AWS_ACCESS_KEY_ID": server.key, "AWS_SECRET_ACCESS_KEY": server.secret}
    return {**keys, "AWS_ENDPOINT_URL": endpoint, "AWS_DEFAULT_REGION": "us-east-1"}


def _flows(folder: Path, scenes: int, base: str, server: Server, far: Distant) -> Iterator[Row]:
    """`storyboard_series` into the bucket, first and second run, each compared with local disk."""
    given, bucket = variables(server, far.endpoint), f"s3://{BUCKET}/series"
    for case in ("new", "again"):
        local = measured("benchmarks.flow_run", "series", scenes, folder, base)
        before = Counter(far.requests)
        there = measured("benchmarks.flow_run", "series", scenes, folder, base, bucket, **given)
        asked = far.requests - before
        yield Row(
            f"S3 with {1000 * ROUND_TRIP:.0f} ms of round trip, {scenes} scenes",
            case,
            "the same on local disk",
            wall=there["wall_s"] / local["wall_s"],
            cpu=there["cpu_s"] / local["cpu_s"],
            requests=asked.total() / scenes,
            mb=there["peak_mb"],
            note=", ".join(f"{count} {verb}" for verb, count in asked.most_common()) + " in all",
        )


def _stored(folder: Path, server: Server, clips: int, megabytes: int) -> Row:
    """Copy clips from disk into the bucket: as takes with sidecars, and as plain files by `aws`."""
    source = folder / "clips"
    source.mkdir()
    for number in range(clips):
        (source / f"s{number:03d}.mp4").write_bytes(os.urandom(1 << 20) * megabytes)
    given = {**os.environ, **variables(server, server.endpoint)}
    ours = _timed([sys.executable, "-m", "benchmarks.s3", "store", str(source), f"s3://{BUCKET}/stored"], given)
    name = f"storing {clips} clips of {megabytes} MB to S3"
    if not (program := shutil.which("aws")):
        return Row(name, "ours", note="no `aws` on this machine")
    theirs = _timed([program, "s3", "cp", "--quiet", "--recursive", str(source), f"s3://{BUCKET}/copied"], given)
    return Row(name, "ours", "`aws s3 cp`", wall=ours[0] / theirs[0], cpu=ours[1] / theirs[1])


def _timed(command: Sequence[str], environment: dict[str, str]) -> tuple[float, float]:
    """Wall time and processor time of a command."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(command, check=True, env=environment, timeout=900)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - began, used


def store(source: Path, library: str) -> None:
    """Publish every file as a take with its sidecar, as the task does once a download is complete."""
    from prefect_storyboard.ledger import open_storage

    storage = open_storage(library)

    def publish(file: Path) -> Any:
        folder = ("reels", "pier", "scenes", file.stem)
        storage.publish(file, *folder, "take-001.mp4")
        storage.write(b'{"scene": "%s"}' % file.stem.encode(), *folder, "take-001.json")

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(publish, sorted(source.iterdir())))


if __name__ == "__main__":
    if sys.argv[1:2] == ["store"]:
        store(Path(sys.argv[2]), sys.argv[3])
    else:
        main()
