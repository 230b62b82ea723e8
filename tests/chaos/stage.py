"""The stage of one schedule: a sandbox, a library, reference clips, and what the sandbox says about money."""

import hashlib
import io
import json
import sqlite3
import struct
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from PIL import Image

from prefect_storyboard.blocks import Credentials, Library
from prefect_storyboard.ledger import Ledger, Storage
from prefect_storyboard.sandbox import exchange
from prefect_storyboard.sandbox.documents import Clip, Picture
from prefect_storyboard.sandbox.exchange import Pace
from prefect_storyboard.sandbox.render import render
from prefect_storyboard.sandbox.server import environment, running
from prefect_storyboard.sandbox.wavespeed import jobs as wavespeed_jobs
from tests.chaos import bucket, runs
from tests.chaos.losses import lose_ledger, lose_records
from tests.chaos.schedules import Schedule

SECRET = "n0b0dy-may-read-me"
_KEYS = {
    "FAL_KEY": f"sandbox:{SECRET}",
    "KIE_API_KEY": SECRET,
    "TOAPIS_API_KEY": f"sk-{SECRET}",
    "WAVESPEED_API_KEY": SECRET,
}
_PACE = Pace(queue_seconds=0.0, render_seconds=0.05, character_seconds=0.05, picture_seconds=0.05, clip_scale=0.25)
_DISK_BYTES = 24 << 20


@dataclass
class Stage:
    """Everything that one schedule has to itself."""

    schedule: Schedule
    folder: Path
    base: str
    board: dict[str, Any]
    library: dict[str, Any]
    faults: bucket.Faults | None = None
    lost: int = 0
    damaged: tuple[str, ...] = ()

    @property
    def environment(self) -> dict[str, str]:
        return environment(self.base) | _KEYS

    @property
    def credentials(self) -> Credentials:
        return runs.credentials(self.schedule.gateway, self.environment)

    @property
    def block(self) -> Library:
        return Library(**self.library)

    @property
    def storage(self) -> Storage:
        return self.block.storage()

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.storage)

    @property
    def file(self) -> Path:
        return self.folder / "board.json"

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def meter(self) -> dict[str, Any]:
        return self._call("meter")

    def ids(self) -> dict[str, str]:
        """The sandbox's id of each job by every id that a client may know it by."""
        return {each: job["id"] for job in self._call("jobs") for each in job["ids"]}

    def posts(self) -> int:
        """Submits that have arrived so far, answered or not; looked up beside the server, which is quick."""
        with sqlite3.connect(f"file:{self.folder}/sandbox/sandbox.db?mode=ro", uri=True) as rows:
            return rows.execute("select count(*) from requests where route = 'submit'").fetchone()[0]

    def misbehave(self) -> None:
        self._call("faults", list(self.schedule.rules), "POST")

    def behave(self) -> None:
        self._call("faults", method="DELETE")
        if self.faults:
            self.faults.behave()

    def fired(self) -> int:
        """How often the sandbox, and the bucket, have misbehaved."""
        return sum(rule["fired"] for rule in self._call("faults")) + sum(
            (self.faults.told if self.faults else {}).values()
        )

    def made(self, request_id: str, suffix: str) -> bytes:
        """The film or the picture of a job, as the gateway serves it."""
        url = f"{self.base}/{self.schedule.gateway}/cdn/files/b/{request_id}/out{suffix}"
        with urllib.request.urlopen(url, timeout=60) as reply:
            return reply.read()

    def change(self, board: dict[str, Any]) -> None:
        """Give all runs from now on another board."""
        self.board = board
        self.file.write_text(json.dumps(board))

    def spent(self) -> float:
        """What stands on the reels' accounts, in US dollars, as far as the prices are known."""
        notes = [
            name.rpartition("_")[2]
            for reel in self.storage.names("ledger", "spent")
            for name in self.storage.names("ledger", "spent", reel)
        ]
        return sum(int(millionths) for millionths in notes if millionths != "unknown") / 1e6

    def records(self, kind: str) -> int:
        """How many records of a kind are in the library; only on disk."""
        where = {"requests": "ledger/requests/*/*.json", "takes": "reels/*/s[ct]*/*/take-*.[mpjw]*[4gp]"}
        return sum(1 for _ in Path(self.library["url"]).glob(where.get(kind, f"ledger/??/*/*/{kind}.json")))

    def lose(self, number: int) -> int:
        """Lose records of the ledger before a phase; how many. All of them only where no job is open."""
        library, phase = Path(self.library["url"]), self.schedule.phases[number - 1]
        draw = Random(f"{self.schedule.name} {number}")  # noqa: S311 - to be repeated
        return lose_records(library, draw) if phase.loses == "records" else lose_ledger(library)

    def _call(self, path: str, body: Any = None, method: str = "GET") -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.base}/sandbox/{path}", data, method=method)
        with urllib.request.urlopen(request, timeout=120) as reply:
            return json.load(reply)


@contextmanager
def staged(schedule: Schedule, folder: Path, props: Path, s3: str) -> Iterator[Stage]:
    """Set the stage in a folder; `props` holds the films that every schedule uses, `s3` is the bucket's server."""
    folder.mkdir(parents=True)
    exchange.render = copied(props)
    exchange.draw = wavespeed_jobs.draw_file = copied_picture

    def clock() -> float:
        return time.time() + schedule.clock_skew

    with ExitStack() as stack:
        base = stack.enter_context(running(folder / "sandbox", pace=_PACE, clock=clock))
        stage = Stage(schedule, folder, base, schedule.board(_clips(props)), {"url": str(folder / "library")})
        if schedule.library == "small disk":
            stage.library = {"url": str(stack.enter_context(_small_disk(folder / "disk")))}
        if schedule.library == "bucket":
            stage.faults = bucket.Faults(schedule.name, schedule.bucket_faults)
            endpoint = stack.enter_context(bucket.broken(s3, stage.faults))
            stage.library = {
                "url": f"s3://{bucket.BUCKET}/{schedule.name}",
                "storage_options": bucket.options(endpoint),
            }
        stage.file.write_text(json.dumps(stage.board))
        stage.misbehave()
        yield stage


@contextmanager
def _small_disk(mount: Path) -> Iterator[Path]:
    """A disk of its own, which can be filled. Who may not mount one gets a folder; its runs get a limit instead."""
    mount.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={_DISK_BYTES}", "tmpfs", str(mount)]
    mounted = subprocess.run(command, capture_output=True).returncode == 0
    try:
        yield mount / "library"
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(mount)], check=True)


def _clips(props: Path) -> dict[str, str]:
    return {name: str(props / f"{name}.mp4") for name in ("Mara", "Otto")}


def prepare(props: Path) -> None:
    """Make the reference clips, which every model takes as they are."""
    props.mkdir(parents=True, exist_ok=True)
    for name in ("Mara", "Otto"):
        film = render(Clip(width=1280, height=720, seconds=2, prompt=f"{name} waves.", cast=(name,)), props, props)
        film.rename(props / f"{name}.mp4")


def copied(props: Path) -> Any:
    """Stands in for the sandbox's painter: the same film for all, told apart by what stands behind its end.

    Painting costs as much as everything else together. Each film still has bytes of its own, and is a whole film.
    """

    def copy(clip: Clip, folder: Path, _: Path) -> Path:
        text = clip.model_dump_json().encode()
        target = folder / f"{hashlib.sha256(text).hexdigest()}.mp4"
        if not target.exists():
            mark = struct.pack(">I4s", 8 + len(text), b"free") + text
            partial = target.with_suffix(f".{id(mark)}.tmp")
            partial.write_bytes(_film(props, clip.width, clip.height, clip.seconds) + mark)
            partial.replace(target)
        return target

    return copy


def copied_picture(picture: Picture, folder: Path, _: Path) -> Path:
    """Stands in for the painter of pictures likewise."""
    text = picture.model_dump_json().encode()
    target = folder / f"{hashlib.sha256(text).hexdigest()}.{picture.format}"
    if not target.exists():
        partial = target.with_suffix(f".{id(text)}.tmp")
        partial.write_bytes(_picture(picture.width, picture.height, picture.format) + text)
        partial.replace(target)
    return target


@cache
def _picture(width: int, height: int, form: str) -> bytes:
    painted = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(painted, form)
    return painted.getvalue()


@cache
def _film(props: Path, width: int, height: int, seconds: int) -> bytes:
    film = render(Clip(width=width, height=height, seconds=seconds, prompt="The pier."), props, props)
    return film.read_bytes()
