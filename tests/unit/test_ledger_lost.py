"""A lost ledger is said loudly and rebuilt from the stored takes; nothing is bought a second time."""

import json
import shutil
from pathlib import Path

import pytest

from prefect_storyboard.blocks import Library
from prefect_storyboard.jobs import settle
from prefect_storyboard.jobs.budget import Budget
from prefect_storyboard.jobs.buy import buy_once
from prefect_storyboard.jobs.paid import PaidJob
from prefect_storyboard.jobs.purchase import PurchaseRequest
from prefect_storyboard.jobs.repair import Repaired, repair
from prefect_storyboard.ledger import Draft, Ledger, LedgerLost, LibraryError, Outcome, Unreadable
from prefect_storyboard.ledger.evidence import creation_key
from prefect_storyboard.providers import errors
from prefect_storyboard.storyboards import Casting

from .fakes import KEY, OTHER, order, wording
from .purchases import want
from .stores import LINK, Studio
from .test_ledger_gaps import Counting

DRAFT = Draft(reel="lighthouse", scene="s01", model="sora-2", prompt="Mara climbs")


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return Studio(Library(url=str(tmp_path / "library")))


@pytest.fixture
def ledger_folder(studio: Studio) -> Path:
    return Path(studio.library.url) / "ledger"


async def bought(studio: Studio, key: str = KEY, draft: Draft = DRAFT) -> PaidJob:
    async with studio.session() as session:
        return await buy_once(session, studio.ledger, want(key, draft=draft), wording(order(key)))


async def test_a_lost_ledger_is_said_and_nothing_is_bought(studio: Studio, ledger_folder: Path) -> None:
    await studio.store(await bought(studio))
    shutil.rmtree(ledger_folder)
    with pytest.raises(LedgerLost, match=r"take-001.json was made by job .* Nothing was bought.*`storyboard repair`"):
        await bought(studio)
    assert len(studio.gateway.billed) == 1


async def test_it_is_rebuilt_and_the_next_run_finds_every_job_done(studio: Studio, ledger_folder: Path) -> None:
    clips = [await studio.store(await bought(studio, key)) for key in (KEY, OTHER)]
    shutil.rmtree(ledger_folder)
    repaired = repair(studio.ledger)
    assert [take.rpartition("/")[2] for take in repaired.takes] == ["take-001.json", "take-002.json"]
    assert repaired.damaged == ()
    for key, clip in zip((KEY, OTHER), clips, strict=True):
        again = await bought(studio, key)
        assert (again.state, again.job.request_id) == ("Cached", clip.request_id)
        assert (await studio.store(again)).take == clip.take
    assert len(studio.gateway.billed) == 2
    assert [line.state for line in settle.jobs(studio.ledger, every=True)] == ["done", "done"]
    assert settle.jobs(studio.ledger) == []


async def test_a_second_repair_changes_nothing(studio: Studio, ledger_folder: Path) -> None:
    await studio.store(await bought(studio))
    shutil.rmtree(ledger_folder)
    repair(studio.ledger)
    before = {path: path.read_bytes() for path in ledger_folder.rglob("*") if path.is_file()}
    assert repair(studio.ledger) == Repaired()
    assert {path: path.read_bytes() for path in ledger_folder.rglob("*") if path.is_file()} == before


async def test_a_sound_ledger_needs_no_repair(studio: Studio, ledger_folder: Path) -> None:
    await studio.store(await bought(studio))
    before = sorted(ledger_folder.rglob("*"))
    assert repair(studio.ledger) == Repaired()
    assert sorted(ledger_folder.rglob("*")) == before


@pytest.mark.parametrize("lost", [("intent",), ("job",), ("intent", "job"), ("outcome",), ("intent", "outcome")])
async def test_single_records_are_rebuilt_beside_those_that_are_left(
    studio: Studio, ledger_folder: Path, lost: tuple[str, ...]
) -> None:
    await studio.store(await bought(studio))
    for name in lost:
        (ledger_folder / KEY[:2] / KEY / "001" / f"{name}.json").unlink()
    assert len(repair(studio.ledger).takes) == 1
    assert (await bought(studio)).state == "Cached"


async def test_the_records_of_an_earlier_attempt_are_rebuilt_as_well(studio: Studio, ledger_folder: Path) -> None:
    studio.gateway.submits.append(errors.Busy("later"))
    with pytest.raises(errors.Busy):
        await bought(studio)
    await studio.store(await bought(studio))
    shutil.rmtree(ledger_folder / KEY[:2] / KEY / "001")
    with pytest.raises(Unreadable):
        await bought(studio)
    repair(studio.ledger)
    again = await bought(studio)
    assert (again.state, again.attempt) == ("Cached", 2)


async def test_a_lost_attempt_after_one_that_bought_nothing_is_not_bought_again(
    studio: Studio, ledger_folder: Path
) -> None:
    studio.gateway.submits.append(errors.Busy("later"))
    with pytest.raises(errors.Busy):
        await bought(studio)
    await studio.store(await bought(studio))
    shutil.rmtree(ledger_folder / KEY[:2] / KEY / "002")
    with pytest.raises(LedgerLost):
        await bought(studio)
    assert len(studio.gateway.billed) == 1
    assert len(repair(studio.ledger).takes) == 1
    again = await bought(studio)
    assert (again.state, again.attempt) == ("Cached", 2)


async def test_a_single_clip_is_not_bought_again_either(studio: Studio, ledger_folder: Path) -> None:
    single = DRAFT.model_copy(update={"reel": ""})
    clip = await studio.store(await bought(studio, draft=single), reel="")
    assert "/clips/s01/" in clip.url
    shutil.rmtree(ledger_folder)
    with pytest.raises(LedgerLost, match=r"clips/s01/take-001.json was made by job"):
        await bought(studio, draft=single)
    assert len(repair(studio.ledger).takes) == 1
    assert (await bought(studio, draft=single)).state == "Cached"
    assert (await studio.store(await bought(studio, draft=single), reel="")).url == clip.url
    assert len(studio.gateway.billed) == 1


async def test_a_take_whose_number_was_lost_is_not_overwritten(studio: Studio, ledger_folder: Path) -> None:
    first = await studio.store(await bought(studio))
    shutil.rmtree(ledger_folder / "takes")
    second = await studio.store(await bought(studio, OTHER))
    assert (first.take, second.take) == (1, 2)
    assert Path(first.url).exists()
    assert (await studio.store(await bought(studio))).url == first.url


def created(key: str, reel: str = "lighthouse") -> PurchaseRequest:
    return PurchaseRequest(key=key, label="character Mara", account="default", reel=reel, character="Mara")


async def create(studio: Studio, key: str, reel: str = "lighthouse") -> PaidJob:
    async with studio.session() as session:
        return await buy_once(session, studio.ledger, created(key, reel), wording(order(key)))


@pytest.mark.parametrize(
    "lost", [(), ("intent",), ("job",), ("intent", "job"), ("job", "outcome"), ("intent", "outcome")], ids=str
)
async def test_a_character_that_a_take_shows_is_rebuilt_and_not_created_again(
    studio: Studio, ledger_folder: Path, lost: tuple[str, ...]
) -> None:
    place = {"provider": "fal", "account": "default", "family": "sora-2", "fingerprint": "f1"}
    mara = Casting(character="Mara", id="char_1", mention="@mara", **place)
    key = creation_key(mara) or ""
    paid = await create(studio, key)
    studio.ledger.close(key, 1, Outcome(kind="done", at=paid.job.submitted_at, casting=mara))
    shows = DRAFT.model_copy(update={"characters": (mara.bare,)})
    await studio.store(await bought(studio, draft=shows), draft=shows)
    for name in lost:
        (ledger_folder / key[:2] / key / "001" / f"{name}.json").unlink()
    if not lost:
        shutil.rmtree(ledger_folder)
        for reel in ("lighthouse", "another"):
            with pytest.raises(LedgerLost, match=r"shows Mara, who was created by job .* Nothing was bought"):
                await create(studio, key, reel)
    assert repair(studio.ledger).characters == ("Mara",)
    again = await create(studio, key)
    assert (again.state, again.outcome and again.outcome.casting and again.outcome.casting.id) == ("Cached", "char_1")
    assert repair(studio.ledger) == Repaired()
    assert len(studio.gateway.billed) == 2


async def test_a_rebuilt_take_still_says_what_was_asked_of_it(studio: Studio, ledger_folder: Path) -> None:
    clip = await studio.store(await bought(studio))
    shutil.rmtree(ledger_folder)
    repair(studio.ledger)
    draft = studio.ledger.history(KEY)[0].intent.draft
    assert draft is not None
    assert (draft.identity, draft.parent, draft.asked) == (clip.identity, clip.parent, clip.asked)
    assert clip.identity


async def test_a_job_that_is_open_again_is_listed_after_a_repair(studio: Studio, ledger_folder: Path) -> None:
    studio.gateway.submits.append(errors.Busy("later"))
    with pytest.raises(errors.Busy):
        await bought(studio)
    (ledger_folder / KEY[:2] / KEY / "001" / "outcome.json").unlink()
    assert settle.jobs(studio.ledger) == []
    assert repair(studio.ledger) == Repaired()
    assert [line.state for line in settle.jobs(studio.ledger)] == ["unknown"]


async def test_what_is_damaged_is_named_and_the_rest_is_rebuilt(studio: Studio, ledger_folder: Path) -> None:
    for key in (KEY, OTHER):
        await studio.store(await bought(studio, key))
    torn = ledger_folder / KEY[:2] / KEY / "001" / "job.json"
    torn.write_bytes(b"{")
    shutil.rmtree(ledger_folder / OTHER[:2] / OTHER)
    repaired = repair(studio.ledger)
    assert [take.rpartition("/")[2] for take in repaired.takes] == ["take-002.json"]
    assert len(repaired.damaged) == 1
    assert str(torn) in repaired.damaged[0]
    assert torn.read_bytes() == b"{"


async def test_a_torn_sidecar_stops_the_purchase_it_may_speak_of(studio: Studio, ledger_folder: Path) -> None:
    clip = await studio.store(await bought(studio))
    shutil.rmtree(ledger_folder)
    Path(clip.url).with_suffix(".json").write_bytes(b"{")
    with pytest.raises(LibraryError, match="no sidecar of a take"):
        await bought(studio)
    assert "no sidecar of a take" in repair(studio.ledger).damaged[0]
    assert len(studio.gateway.billed) == 1


async def test_what_was_spent_is_known_again(studio: Studio, ledger_folder: Path) -> None:
    clip = await studio.store(await bought(studio))
    shutil.rmtree(ledger_folder)
    repair(studio.ledger)
    budget = Budget(usd=1.0, reel="lighthouse", since=clip.stored_at)
    assert studio.ledger.journal.spent(budget.reel, budget.since) == pytest.approx(0.4)


async def test_a_sidecar_with_a_field_of_a_newer_version_is_read(studio: Studio, ledger_folder: Path) -> None:
    clip = await studio.store(await bought(studio))
    file = Path(clip.url).with_suffix(".json")
    file.write_text(json.dumps({**json.loads(file.read_text()), "mood": "good"}))
    shutil.rmtree(ledger_folder)
    assert len(repair(studio.ledger).takes) == 1


async def test_looking_for_a_take_of_a_new_scene_costs_one_listing(studio: Studio) -> None:
    sound = studio.storage
    counting = Counting(fs=sound.fs, root=sound.root, url=sound.url)
    Ledger(counting).check_not_lost("lighthouse", "s01", KEY)
    assert counting.reads == ["list reels"]


async def test_another_job_of_the_same_scene_is_bought(studio: Studio) -> None:
    await studio.store(await bought(studio), LINK)
    assert (await bought(studio, OTHER)).state == "Submitted"
