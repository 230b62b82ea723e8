"""The sessions of `official_clients`: their scenes and faults, their runs, and their results."""

import hashlib
import json
import sqlite3
import time
import urllib.request
from collections import Counter
from multiprocessing.context import ForkServerContext
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from benchmarks.buyers import Errand, buy, clips
from prefect_storyboard.sandbox import exchange
from prefect_storyboard.sandbox.exchange import Pace
from prefect_storyboard.sandbox.server import running
from tests.chaos.stage import copied, prepare

_PACE = Pace(queue_seconds=0.1, render_seconds=0.5, clip_scale=0.25)
_LONGEST = 600.0  # seconds of one run


class Session(NamedTuple):
    """Session `number` of a seed. Everything else is drawn from these two, and is the same for each gateway."""

    seed: int
    number: int
    killed: bool = True

    @property
    def scenes(self) -> dict[str, str]:
        count = self._draw("scenes").randint(3, 5)
        return {f"s{n:02d}": f"Picture {n} of {self.number}: the pier." for n in range(1, count + 1)}

    @property
    def kill(self) -> tuple[int, float]:
        """The kill of the first run: after this many accepted jobs, and then this many seconds."""
        draw = self._draw("kill")
        return draw.randint(1, len(self.scenes)), draw.choice((0.0, 0.1, 0.3, 0.6, 1.0))

    def faults(self, gateway: str) -> list[dict[str, Any]]:
        """The fault rules for the sandbox; for each route, the first rule that fires counts."""
        draw = self._draw("weather")

        def rule(route: str, fault: str, probability: float, **facts: Any) -> dict[str, Any]:
            match = {"gateway": gateway, "route": route}
            return {
                "match": match,
                "fault": fault,
                "probability": probability,
                "seed": draw.randrange(1 << 30),
                **facts,
            }

        looks = ("status", "platform")
        return [
            rule("submit", "drop_after", 0.2),  # accepted, and the connection is reset before the reply
            rule("submit", "drop_before", 0.05),
            rule("submit", "rate_limited", 0.1, retry_after=0.2),
            rule("submit", "nginx_504", 0.05, accept=True),
            rule("submit", "nginx_502", 0.05),
            rule("submit", "internal_error", 0.05),
            *(rule(route, "drop_before", 0.05) for route in looks),
            *(rule(route, "rate_limited", 0.05, retry_after=0.2) for route in looks),
            *(rule(route, "nginx_503", 0.05) for route in looks),
            rule("download", "slow", 0.3, seconds=1.0),
        ]

    def _draw(self, what: str) -> Random:
        return Random(f"{self.seed} {self.number} {what}")  # noqa: S311 - repeatable, not secret


class Stand(NamedTuple):
    """One client in one session: its process, its folder, its sandbox."""

    context: ForkServerContext
    errand: Errand
    session: Session

    def play(self, runs: int) -> Counter[str]:
        """Run the client until every scene has its clip, at most `runs` more times, and count the results."""
        _call(self.errand.base, "faults", self.session.faults(self.errand.gateway))
        began, done = time.monotonic(), 0
        complete = self._run(killed=self.session.killed)
        while not complete and done < runs:
            complete = self._run(killed=False)
            done += 1
        seconds = time.monotonic() - began
        return self._count() + Counter(
            sessions=1, runs=done, incomplete=not complete, milliseconds=round(1000 * seconds)
        )

    def _run(self, *, killed: bool) -> bool:
        process = self.context.Process(target=buy, args=(self.errand,))
        process.start()
        if killed and self._moment(process):
            process.kill()
        process.join(_LONGEST)
        if process.exitcode is None:
            process.kill()
            process.join()
        return process.exitcode == 0

    def _moment(self, process: Any) -> bool:
        """Wait for the moment of the kill. False if the run ended before."""
        jobs, seconds = self.session.kill
        while process.is_alive() and self._accepted() < jobs:
            time.sleep(0.01)
        process.join(seconds)
        return bool(process.is_alive())

    def _accepted(self) -> int:
        """The number of accepted jobs, read from the database so that the server spends no time on it."""
        with sqlite3.connect(f"file:{self.errand.folder}/sandbox/sandbox.db?mode=ro", uri=True) as rows:
            return int(rows.execute("select count(*) from jobs").fetchone()[0])

    def _count(self) -> Counter[str]:
        """Compare the meter with the clips on disk, by their bytes, which are unique for every job."""
        _call(self.errand.base, "faults", method="DELETE")
        while (meter := _call(self.errand.base, "meter"))["running"]:
            time.sleep(0.1)
        made = [self._made(bill["request_id"]) for bill in meter["billed"]]
        kept = {hashlib.sha256(each.read_bytes()).hexdigest() for each in clips(self.errand.folder)} & set(made)
        wanted = len(self.session.scenes)
        return Counter(
            wanted=wanted,
            clips=len(kept),
            missing=wanted - len(kept),
            billed=len(made),
            again=len(made) - len({bill["body"]["prompt"] for bill in meter["billed"]}),
            lost=len(made) - len(kept),
        )

    def _made(self, request_id: str) -> str:
        url = f"{self.errand.base}/{self.errand.gateway}/cdn/files/b/{request_id}/out.mp4"
        with urllib.request.urlopen(url, timeout=60) as reply:  # noqa: S310 - always our loopback
            return hashlib.sha256(reply.read()).hexdigest()


def play(context: ForkServerContext, folder: Path, session: Session, who: tuple[str, str], runs: int) -> Counter[str]:
    """Run one session of one client (gateway, name), with its own folder and sandbox."""
    gateway, buyer = who
    folder.mkdir(parents=True)
    with running(folder / "sandbox", pace=_PACE) as base:
        return Stand(context, Errand(buyer, gateway, base, folder, session.scenes), session).play(runs)


def paint_quickly(folder: Path) -> None:
    """Use one film for all clips, each with unique trailing bytes: drawing clips would take most of the time."""
    prepare(folder)
    exchange.render = copied(folder)


def _call(base: str, path: str, body: Any = None, method: str | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{base}/sandbox/{path}", data, method=method)  # noqa: S310 - our loopback
    with urllib.request.urlopen(request, timeout=60) as reply:  # noqa: S310 - likewise
        return json.load(reply)
