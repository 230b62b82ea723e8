"""Every clip is looked at: what is wrong with it is said, and what only seems wrong is not called bad."""

from pathlib import Path

import pytest

from prefect_storyboard.blocks import Library
from prefect_storyboard.ledger import Draft
from prefect_storyboard.storyboards import Clip, Verdict
from prefect_storyboard.tasks._looks import looked_at

from .looks_data import BAD, FINE, ODD, Case, cases, confusion, judged, table_of
from .stores import Studio

SEED = 2


def one_of_each(folder: Path) -> list[Case]:
    """The shortest drawn clip of each look and truth."""
    drawn: dict[tuple[str, str], Case] = {}
    for case in sorted(cases(200, SEED, folder), key=lambda each: (each.clip.seconds, each.coding is not None)):
        drawn.setdefault((case.clip.look, case.truth), case)
    return [*drawn.values()]


def test_a_clip_of_each_kind_is_judged_as_it_is(tmp_path: Path) -> None:
    drawn = one_of_each(tmp_path)
    assert {case.clip.look for case in drawn} == {*BAD, *ODD, *FINE}
    wrong = [case.name for case in drawn if (judged(case, tmp_path).state == "bad") != (case.truth == "bad")]
    assert wrong == []


@pytest.mark.slow
def test_of_200_clips_at_most_two_in_a_hundred_are_judged_wrongly_either_way(tmp_path: Path) -> None:
    found = confusion([(case, judged(case, tmp_path)) for case in cases(200, SEED, tmp_path)])
    bad, good = found["bad"], found["odd"] + found["fine"]
    assert (bad.total(), good.total()) == (100, 100)
    assert bad["bad"] >= 98
    assert good["bad"] <= 2
    assert table_of(found) in (Path(__file__).parents[2] / "docs/looks.md").read_text(encoding="utf-8")


async def test_a_stored_clip_says_what_was_seen_in_it(tmp_path: Path) -> None:
    studio = Studio(Library(url=str(tmp_path)))
    clip = await studio.store(await studio.buy())
    assert clip.verdict is not None
    assert clip.verdict.state == "bad"
    assert "It is 1.0 s long; 4 s were ordered." in clip.verdict.reasons
    kept = Clip.model_validate_json(studio.file(clip).with_suffix(".json").read_text())
    assert (kept.verdict, studio.outcome().clip.verdict) == (clip.verdict, clip.verdict)


def test_a_clip_that_cannot_be_looked_at_is_a_warning_and_no_error(tmp_path: Path) -> None:
    file = tmp_path / "take.mp4"
    file.write_bytes(b"no video")
    seen = looked_at(file, Draft(reel="lighthouse", scene="s01", model="sora-2", prompt="Mara climbs"))
    assert seen["verdict"] == Verdict(state="warn", reasons=("It could not be looked at.",))
