"""What a partial restore, a life-cycle rule or a careless hand takes out of a library's ledger."""

import json
import shutil
from pathlib import Path
from random import Random

_RECORDS = ("intent.json", "job.json", "outcome.json")


def lose_records(library: Path, draw: Random) -> int:
    """Delete records of some attempts, and who some take numbers belong to; how many.

    Whatever is lost, something is left that tells of the job: another record of the attempt, or a stored take. What
    nothing tells of cannot be told from a job that never was.
    """
    stored = {json.loads(sidecar.read_bytes())["job_key"] for sidecar in library.glob("reels/*/scenes/*/take-*.json")}
    lost = 0
    for attempt in sorted(library.glob("ledger/??/*/*")):
        there = [name for name in _RECORDS if (attempt / name).exists()]
        most = len(there) if attempt.parent.name in stored else len(there) - 1
        if most > 0 and draw.random() < 0.4:
            gone = draw.sample(there, draw.randint(1, most))
            lost += len(gone)
            for name in gone:
                (attempt / name).unlink()
    for take in sorted(library.glob("ledger/takes/*/*/*.json")):
        if draw.random() < 0.3:
            take.unlink()
            lost += 1
    return lost


def lose_ledger(library: Path) -> int:
    """Delete the whole ledger; how many jobs it knew.

    Not while a job is open, or one has failed: nothing else tells of these. None where the run before did not get as
    far as a ledger.
    """
    ended = [json.loads(outcome.read_bytes()) for outcome in library.glob("ledger/??/*/*/outcome.json")]
    failed = any(each["kind"] == "failed" for each in ended)
    if failed or any(library.glob("ledger/open/*")) or not (library / "ledger").exists():
        return 0
    jobs = sum(1 for _ in library.glob("ledger/??/*"))
    shutil.rmtree(library / "ledger")
    return jobs
