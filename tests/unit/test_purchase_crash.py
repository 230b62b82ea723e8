"""A library that breaks, a process that dies at any write: still one job, or somebody is told."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from prefect_storyboard.jobs.paid import PaidJob
from prefect_storyboard.ledger import Ledger, LibraryError
from prefect_storyboard.providers import errors

from .fakes import KEY, OTHER, Breaks, Gateway, Killed, away, breaking
from .purchases import buy, outcomes


@pytest.mark.parametrize("arrives", [False, True])
async def test_a_library_that_stumbles_after_the_post_is_asked_again(
    tmp_path: Path,
    arrives: bool,  # noqa: FBT001
) -> None:
    ledger = Ledger(breaking(tmp_path, Breaks(at=4, times=2, error=away(), arrives=arrives)))
    gateway = Gateway()
    bought = await buy(gateway, ledger)
    assert bought.state == "Submitted"
    assert ledger.history(KEY)[0].job == gateway.billed[0][0]


async def test_a_job_that_cannot_be_recorded_is_named(tmp_path: Path) -> None:
    ledger = Ledger(breaking(tmp_path, Breaks(at=4, times=4, error=away())))
    gateway = Gateway()
    with pytest.raises(LibraryError, match=r"take 1 is bought \(fal request r1\) and could not be recorded") as named:
        await buy(gateway, ledger)
    assert f"run `storyboard adopt {KEY[:12]} r1`" in str(named.value)
    assert (await buy(gateway, ledger)).job.request_id == "r1"
    assert len(gateway.billed) == 1


@pytest.mark.parametrize("at", [1, 2, 3], ids=["open", "spent", "intent"])
async def test_nothing_is_sent_when_the_intent_cannot_be_written(tmp_path: Path, at: int) -> None:
    ledger = Ledger(breaking(tmp_path, Breaks(at=at, error=away())))
    gateway = Gateway()
    with pytest.raises(LibraryError):
        await buy(gateway, ledger)
    assert not gateway.billed
    assert (await buy(gateway, ledger)).attempt == 1


STORIES: dict[str, tuple[Any, ...]] = {
    "plain": ("accept",),
    "lost": ("lost",),
    "vanished": ("vanished",),
    "refused": (errors.Busy("later"), "accept"),
}


@pytest.mark.parametrize("on_unknown", ["stop", "resubmit"])
@pytest.mark.parametrize("arrives", [False, True])
@pytest.mark.parametrize("at", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("story", STORIES)
async def test_a_process_that_dies_at_any_write_pays_once(
    tmp_path: Path,
    story: str,
    at: int,
    arrives: bool,  # noqa: FBT001
    on_unknown: Any,
) -> None:
    breaks = Breaks(at=at, arrives=arrives)
    gateway, ledger = Gateway(*STORIES[story]), Ledger(breaking(tmp_path, breaks))
    bought: list[PaidJob] = []
    for _ in range(6):
        try:
            bought.append(await buy(gateway, ledger, on_unknown=on_unknown))
        except (Killed, errors.Busy, errors.OutcomeUnknown):
            continue
    if bought:
        assert {each.job.request_id for each in bought} == {"r1"}
        assert len(gateway.billed) == 1
        assert ledger.holder(bought[0].job) == KEY
    else:
        assert on_unknown == "stop"
        assert not gateway.billed, "what is billed is found"
        assert outcomes(ledger)[-1] is None, "and what is in doubt is still named"


@pytest.mark.parametrize("at", range(1, 9))
async def test_two_equal_scenes_whose_process_dies_get_a_job_each(tmp_path: Path, at: int) -> None:
    gateway, ledger = Gateway("lost", "lost"), Ledger(breaking(tmp_path, Breaks(at=at, arrives=True)))
    keys = (KEY, OTHER)
    await asyncio.gather(*(buy(gateway, ledger, key) for key in keys), return_exceptions=True)
    bought = await asyncio.gather(*(buy(gateway, ledger, key) for key in keys), return_exceptions=True)
    jobs = [each.job.request_id for each in bought if isinstance(each, PaidJob)]
    unknown = [each for each in bought if isinstance(each, errors.OutcomeUnknown)]
    assert len(jobs) == len(set(jobs)) == len(gateway.billed)
    assert len(jobs) + len(unknown) == 2
