"""Rebuild lost ledger records from the sidecars of the stored takes. Buys and deletes nothing."""

from collections.abc import Iterator
from datetime import UTC, datetime

from prefect_storyboard.ledger import (
    Draft,
    Intent,
    Ledger,
    LibraryError,
    Outcome,
    Owner,
    Sidecar,
    StillDraft,
    Unreadable,
)
from prefect_storyboard.ledger.evidence import creation_key
from prefect_storyboard.ledger.sidecars import every_sidecar
from prefect_storyboard.storyboards import Casting, Clip, Frozen, Job, Still
from prefect_storyboard.storyboards.keys import own_identity_of

_MADE = {"scenes": "scene", "stills": "still", "sheets": "sheet"}
_OWNER = Owner(token="rebuilt", host="", pid=0, started="")  # noqa: S106 - of an intent, not a secret


class Repaired(Frozen):
    """The takes and characters whose records were rebuilt. `damaged` says what cannot be rebuilt."""

    takes: tuple[str, ...] = ()
    characters: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()


def repair(ledger: Ledger) -> Repaired:
    """Rebuild the missing records of every stored take, and of every character in one.

    Open jobs are listed for `collect` again. A second call finds nothing to do. A job without a stored take, and a torn
    record, cannot be rebuilt and are named in `damaged`.
    """
    takes: list[str] = []
    characters: list[str] = []
    damaged: dict[str, None] = {}  # each sentence once, in the order in which it was found
    for found in every_sidecar(ledger.storage):
        if isinstance(found, LibraryError):
            damaged[str(found)] = None
            continue
        try:
            if _rebuilt(ledger, found):
                takes.append(ledger.storage.link(*found.place))
            characters += [each.character for each in found.castings if _rebuilt_casting(ledger, found, each)]
        except LibraryError as error:
            damaged[str(error)] = None
    damaged |= dict.fromkeys(_listed_anew(ledger))
    return Repaired(takes=tuple(takes), characters=tuple(characters), damaged=tuple(damaged))


def _listed_anew(ledger: Ledger) -> Iterator[str]:
    """List every open job and its price in the journal again. Yields what cannot be read.

    `collect` does not know a job whose outcome was lost, and that outcome may have removed its price.
    """
    for each in ledger.every():
        if isinstance(each, Unreadable):
            yield str(each)
        elif each.end is None:
            ledger.journal.add_open(each.intent.key, each.number)
            ledger.journal.add_spent(each.intent, each.number)


def _rebuilt(ledger: Ledger, found: Sidecar) -> bool:
    """Rebuild the records of the take's job. True if any were missing."""
    made, key = found.made, found.made.job_key
    number = ledger.attempt_of(key, made.request_id)
    before = ledger.records(key)
    intent = _intent(found)
    for earlier in () if ledger.packed(key) else range(1, number):
        _rebuild_unused(ledger, intent, earlier)
    done = Outcome(kind="done", at=made.stored_at, cost_usd=made.cost_usd, charged=True)
    done = done.model_copy(update={"clip" if isinstance(made, Clip) else "still": made})
    if not ledger.packed(key) and not _complete(before, number):
        ledger.intend(number, intent)
        if ledger.submitted(key, number, _job(intent, made.request_id)) is None:
            raise LibraryError(f"{ledger.storage.link(*found.place)}: its request belongs to another job in the ledger")
        ledger.close(key, number, done)
    ledger.take(found.reel, found.scene, key, attempt=number, reserve=True, room=found.room)
    return ledger.records(key) != before


def _rebuilt_casting(ledger: Ledger, found: Sidecar, casting: Casting) -> bool:
    """Rebuild the records of the character's creation. True if any were missing. An open one is left alone."""
    key = creation_key(casting)
    before = ledger.records(key) if key else []
    number = max((int(attempt) for attempt, _ in before), default=1)
    there = _names(before, number)
    if key is None or ledger.packed(key) or "void.json" in there or {"intent.json", "job.json"} <= there:
        return False
    ended = ledger.outcome(key, number)
    if (ended and ended.kind != "done") or (number > 1 and there == {"intent.json"}):
        return False
    intent = _intent_of_casting(found, casting, key)
    for earlier in range(1, number):
        _rebuild_unused(ledger, intent, earlier)
    made = Casting(character=casting.character, id=casting.id, mention=casting.mention)
    ledger.intend(number, intent)
    ledger.submitted(key, number, _job(intent, casting.id or ""))
    ledger.close(key, number, Outcome(kind="done", at=found.made.stored_at, casting=made, charged=None))
    return True


def _rebuild_unused(ledger: Ledger, intent: Intent, number: int) -> None:
    """Rebuild an earlier attempt whose records are gone: since a later one exists, it ended unused."""
    key = intent.key
    there = _names(ledger.records(key), number)
    if "intent.json" not in there:
        ledger.intend(number, intent)
    if "outcome.json" not in there:
        text = "its records were lost; a later attempt followed"
        ledger.close(key, number, Outcome(kind="abandoned", at=datetime.now(UTC), message=text))


def _complete(records: list[tuple[str, ...]], number: int) -> bool:
    there = _names(records, number)
    return {"intent.json", "job.json"} <= there and bool({"outcome.json", "late.json"} & there)


def _names(records: list[tuple[str, ...]], number: int) -> set[str]:
    return {record for attempt, record in records if int(attempt) == number}


def _intent(found: Sidecar) -> Intent:
    """The intent as far as the sidecar records it; the same at every call."""
    made = found.made
    return Intent(
        key=made.job_key,
        owner=_OWNER,
        at=made.stored_at,
        lease_until=made.stored_at,
        provider=made.provider,
        account=made.account or "default",
        endpoint="",
        order_digest="",
        label=f"{_MADE[found.room]} {found.scene} take {found.take}",
        usd=made.cost_usd,
        reel="" if found.room == "sheets" else found.reel,
        draft=_draft(found, made) if isinstance(made, Clip) else _draft_of_still(made, found.reel, found.scene),
    )


def _draft(found: Sidecar, clip: Clip) -> Draft:
    return Draft(
        reel=found.reel,
        scene=found.scene,
        model=clip.model,
        prompt=clip.prompt,
        characters=clip.characters,
        parent_key=clip.parent_key,
        identity=clip.identity,
        parent=clip.parent,
        asked=clip.asked,
        own_identity=own_identity_of(clip.basis),
        basis=clip.basis,
        silent=clip.silent,
        seed=clip.seed,
        negative=clip.negative,
    )


def _draft_of_still(still: Still, reel: str, scene: str) -> Draft:
    """The draft of a stored still."""
    return Draft(
        reel=reel,
        scene=scene,
        model=still.model,
        prompt=still.prompt,
        identity=still.identity,
        basis=still.basis,
        seed=still.seed,
        fields=still.fields,
        still=StillDraft(
            asked=still.asked,
            sent=still.sent,
            references=still.references,
            sheet_of=still.sheet_of,
            look=still.look,
        ),
    )


def _intent_of_casting(found: Sidecar, casting: Casting, key: str) -> Intent:
    clip = found.made
    return Intent(
        key=key,
        owner=_OWNER,
        at=clip.stored_at,
        lease_until=clip.stored_at,
        provider=casting.provider or clip.provider,
        account=casting.account or "default",
        endpoint="",
        order_digest="",
        label=f"character {casting.character}",
        usd=None,
        reel=found.reel,
        character=casting.character,
    )


def _job(intent: Intent, request_id: str) -> Job:
    """For a character only its id is known, which stands for the request that created it."""
    return Job(provider=intent.provider, endpoint="", request_id=request_id, submitted_at=intent.at)
