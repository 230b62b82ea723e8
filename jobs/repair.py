"""Rebuild the records that a ledger has lost, from the sidecars of the stored takes. Buys and deletes nothing."""

from datetime import UTC, datetime

from prefect_storyboard.ledger import Draft, Intent, Ledger, LibraryError, Outcome, Owner, Sidecar, Unreadable
from prefect_storyboard.ledger.sidecars import every_sidecar
from prefect_storyboard.storyboards import Frozen, Job

_OWNER = Owner(token="rebuilt", host="", pid=0, started="")  # noqa: S106 - of an intent, not a secret


class Repaired(Frozen):
    """What was rebuilt: the takes whose jobs have records again. `damaged` are sentences about what cannot be."""

    takes: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()


def repair(ledger: Ledger) -> Repaired:
    """Give every stored take whose job has no records, or not all of them, its records back.

    A second call finds nothing to do. A job without a stored take, and a record that is torn, cannot be rebuilt: they
    are named in `damaged`.
    """
    takes: list[str] = []
    damaged: dict[str, None] = {}  # each sentence once, in the order in which it was found
    for found in every_sidecar(ledger.storage):
        if isinstance(found, LibraryError):
            damaged[str(found)] = None
            continue
        try:
            if _rebuilt(ledger, found):
                takes.append(ledger.storage.link(*found.place))
        except LibraryError as error:
            damaged[str(error)] = None
    damaged |= {str(each): None for each in ledger.every() if isinstance(each, Unreadable)}
    return Repaired(takes=tuple(takes), damaged=tuple(damaged))


def _rebuilt(ledger: Ledger, found: Sidecar) -> bool:
    """Whether records of the take's job were missing, and are there now."""
    clip, key = found.clip, found.clip.job_key
    number = ledger.attempt_of(key, clip.request_id)
    before = ledger.records(key)
    for earlier in range(1, number):
        _rebuild_unused(ledger, found, earlier)
    intent = _intent(found)
    done = Outcome(kind="done", at=clip.stored_at, clip=clip, cost_usd=clip.cost_usd, charged=True)
    if not _complete(before, number):
        ledger.intend(number, intent)
        if ledger.submitted(key, number, _job(found)) is None:
            raise LibraryError(f"{ledger.storage.link(*found.place)}: its request belongs to another job in the ledger")
        ledger.close(key, number, done)
    _, reel, _, scene, _ = found.place
    ledger.take(reel, scene, key, attempt=number, reserve=True)
    return ledger.records(key) != before


def _rebuild_unused(ledger: Ledger, found: Sidecar, number: int) -> None:
    """An earlier attempt with records that are gone: the later one says that it ended."""
    key = found.clip.job_key
    there = _names(ledger.records(key), number)
    if "intent.json" not in there:
        ledger.intend(number, _intent(found))
    if "outcome.json" not in there:
        text = "its records were lost; a later attempt followed"
        ledger.close(key, number, Outcome(kind="abandoned", at=datetime.now(UTC), message=text))


def _complete(records: list[tuple[str, ...]], number: int) -> bool:
    there = _names(records, number)
    return {"intent.json", "job.json"} <= there and bool({"outcome.json", "late.json"} & there)


def _names(records: list[tuple[str, ...]], number: int) -> set[str]:
    return {record for attempt, record in records if int(attempt) == number}


def _intent(found: Sidecar) -> Intent:
    """The intent as far as the sidecar knows it; it is the same at every call."""
    clip = found.clip
    _, reel, _, scene, _ = found.place
    return Intent(
        key=clip.job_key,
        owner=_OWNER,
        at=clip.stored_at,
        lease_until=clip.stored_at,
        provider=clip.provider,
        account="default",
        endpoint="",
        order_digest="",
        label=f"scene {scene} take {found.take}",
        usd=clip.cost_usd,
        reel=reel,
        draft=Draft(
            reel=reel,
            scene=scene,
            model=clip.model,
            prompt=clip.prompt,
            characters=clip.characters,
            parent_key=clip.parent_key,
        ),
    )


def _job(found: Sidecar) -> Job:
    clip = found.clip
    return Job(provider=clip.provider, endpoint="", request_id=clip.request_id, submitted_at=clip.stored_at)
