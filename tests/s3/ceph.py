"""A real S3 server, Ceph: what no double can prove is that of many creates at one moment exactly one is told yes."""

import os
import random
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import s3fs

ROOT = Path(__file__).parents[2]
SCRIPT = Path(os.environ.get("STORYBOARD_CEPH", ROOT.parent / "shared" / "s3" / "ceph")).absolute()
CI = os.environ.get("CI") == "true"
BUCKET = "storyboards"


@dataclass(frozen=True)
class Server:
    endpoint: str
    key: str
    secret: str

    @property
    def options(self) -> dict[str, Any]:
        return {"key": self.key, "secret": self.secret, "endpoint_url": self.endpoint}


@contextmanager
def serving() -> Iterator[Server]:
    """Ceph on a free port, with one bucket. Takes about 15 s."""
    if not os.access(SCRIPT, os.X_OK):
        pytest.skip(f"no S3 server: there is no script {SCRIPT}; name one with STORYBOARD_CEPH")
    if CI:
        _run("install", seconds=900)
    port = str(_free_port())
    try:
        told = _run("up", port, seconds=180)
        facts = dict(line.split("=", 1) for line in told.splitlines() if "=" in line)
        server = Server(facts["S3_ENDPOINT"], facts["S3_KEY"], facts["S3_SECRET"])
        s3fs.S3FileSystem(**server.options, skip_instance_cache=True).call_s3("create_bucket", Bucket=BUCKET)
        yield server
    finally:
        subprocess.run([SCRIPT, "down", port], check=False, capture_output=True, timeout=120)


def _run(*words: str, seconds: int) -> str:
    """Run the script. Where nobody has promised that it works, its failure is a reason to skip."""
    try:
        return subprocess.run([SCRIPT, *words], check=True, text=True, capture_output=True, timeout=seconds).stdout
    except (OSError, subprocess.SubprocessError) as error:
        said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        if CI:
            raise
        pytest.skip(f"no S3 server: {SCRIPT.name} {words[0]} failed: {said[-1] if said else error}")


def _free_port() -> int:
    """A port such that the monitor's, 10000 higher, is free as well."""
    while True:
        port = random.randint(20_000, 40_000)  # noqa: S311 - no secret
        with socket.socket() as one, socket.socket() as other:
            try:
                one.bind(("127.0.0.1", port))
                other.bind(("127.0.0.1", port + 10_000))
            except OSError:
                continue
            return port
