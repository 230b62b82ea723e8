"""What a person reads about money at the end of a run: what it was charged, what failed, what still renders."""

from datetime import UTC, datetime
from typing import Any

import pytest
from test_plan_states import planned

from prefect_storyboard.flows.plan import cost_of
from prefect_storyboard.jobs.estimate import Duplicate
from prefect_storyboard.series.cost_tables import cost_rows
from prefect_storyboard.series.report import billed_twice, shown, summary
from prefect_storyboard.storyboards import Clip, FailedScene, Reel


def clip(scene: str, key: str, usd: float | None = 0.4) -> Clip:
    facts = {"url": f"{scene}.mp4", "sha256": key, "bytes": 1, "seconds": 4.0, "width": 1280, "height": 720}
    more = {"provider": "fal", "model": "sora-2", "prompt": "p", "request_id": "r", "stored_at": datetime.now(UTC)}
    return Clip.model_validate({**facts, **more, "scene": scene, "take": 1, "job_key": key, "cost_usd": usd})


def missing(scene: str, **facts: Any) -> FailedScene:
    return FailedScene.model_validate({"scene": scene, "error": "why", "charged": False, "remedy": "do", **facts})


def ended(clips: int, *states: str) -> str:
    """The first line about a run with so many clips, and scenes without one in these states."""
    failed = tuple(missing(f"f{number}", state=state) for number, state in enumerate(states))
    reel = Reel(title="T", clips=tuple(clip(f"s{number}", str(number)) for number in range(clips)), failed=failed)
    return summary(reel).partition("\n")[0]


@pytest.mark.parametrize(
    ("clips", "states", "line"),
    [
        (2, ["failed"], "1 of 3 scenes failed; the other 2 are in the library."),
        (1, ["failed"], "1 of 2 scenes failed; the other one is in the library."),
        (0, ["failed"], "1 of 1 scene failed."),
        (0, ["failed", "failed"], "2 of 2 scenes failed."),
        (1, ["rendering"], "1 of 2 scenes still renders; the other one is in the library."),
        (0, ["rendering", "rendering", "waiting"], "2 of 3 scenes still render, 1 waits."),
        (
            3,
            ["failed", "rendering", "waiting", "waiting"],
            "1 of 7 scenes failed, 1 still renders, 2 wait; the other 3 are in the library.",
        ),
    ],
)
def test_the_sentence_counts_what_failed_what_still_renders_and_what_is_there(
    clips: int, states: list[str], line: str
) -> None:
    assert ended(clips, *states) == line


def test_a_run_that_buys_nothing_is_charged_nothing() -> None:
    made = planned({}, {})
    clips = tuple(clip(scene.scene.id, scene.key) for scene in made.scenes)
    rows = cost_rows(Reel(title="T", clips=clips), made, expected=(), paid=())
    assert [(row["estimate"], row["charged"], row["cost"]) for row in rows] == [("$0.00", "$0.00", "$0.40")] * 2


def test_what_is_bought_is_charged_and_what_is_refused_is_not() -> None:
    made = planned({}, {}, {}, {})
    first, refused, doubtful, failed = made.scenes
    reel = Reel(
        title="T",
        clips=(clip("s01", first.key, 0.36),),
        failed=(missing("s02"), missing("s03", charged=None), missing("s04", charged=True)),
    )
    rows = cost_rows(
        reel, made, expected={scene.key for scene in made.scenes}, paid={first.key, doubtful.key, failed.key}
    )
    assert [(row["estimate"], row["charged"]) for row in rows] == [
        ("$0.40", "$0.36"),
        ("$0.40", "$0.00"),
        ("$0.40", "unknown"),
        ("$0.40", "$0.40"),
    ]
    assert refused.key not in {clip.job_key for clip in reel.clips}


def test_a_plan_of_unknown_prices_alone_names_no_sum() -> None:
    unknown = {"model": "sora-2-pro", "resolution": "1080p"}
    assert cost_of(planned(unknown, unknown)) == "2 jobs of unknown price"
    assert cost_of(planned(unknown, {})) == "$0.40 and 1 job of unknown price"


@pytest.mark.parametrize(
    ("take", "usd", "says"),
    [(2, 0.4, ["s01 was billed twice", "for $0.40", "take 2"]), (None, None, ["for unknown", "not collected yet"])],
)
def test_a_job_that_was_given_up_and_billed_is_named(take: int | None, usd: float | None, says: list[str]) -> None:
    line = billed_twice(Duplicate(about="s01", usd=usd, take=take))
    assert all(part in line for part in says)


def test_what_is_for_show_fails_with_a_warning_and_not_with_the_run(caplog: pytest.LogCaptureFixture) -> None:
    with shown("the table of costs"):
        raise OSError(28, "No space left on device")
    (record,) = caplog.records
    assert record.getMessage().startswith("the table of costs could not be made (No space left on device)")
