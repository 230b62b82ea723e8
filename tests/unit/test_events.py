"""What the events say, of which resources, and that nothing is said outside of a run."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from prefect.context import FlowRunContext
from prefect.events.worker import EventsWorker
from prefect.server.api.server import SubprocessASGIServer

from prefect_storyboard.blocks import Library
from prefect_storyboard.jobs.budget import OverBudget
from prefect_storyboard.providers import errors
from prefect_storyboard.storyboards import Casting, Clip, FailedScene, Reel
from prefect_storyboard.tasks import _events as events
from prefect_storyboard.tasks._event_facts import JobFacts
from prefect_storyboard.tasks._event_resources import library_id
from prefect_storyboard.tasks._event_table import EVENTS

from .drawings import still

LIBRARY = Library(url="s3://studio/series/")
SIGNED = "https://user:pass@cdn.example.com/take-001.mp4?X-Amz-Signature=abc#t=1"
BARE = "https://cdn.example.com/take-001.mp4"
KEY = "f" * 64
JOB = JobFacts(
    key=KEY, label="scene s01 take 1", provider="fal", account="studio", cost_usd=0.4, request_id="r1", reel="pilot"
)
CLIP = Clip(
    scene="s01", take=1, url=SIGNED, sha256="0" * 64, bytes=1, seconds=4, width=1, height=1, job_key=KEY, cost_usd=0.4,
    provider="fal", model="sora-2", request_id="r1", prompt="a secret plot", stored_at=datetime(2026, 1, 1, tzinfo=UTC),
)  # fmt: skip
STILL = still(url=SIGNED, job_key=KEY, prompt="a secret plot", sent="a secret plot")
REEL = Reel(title="Pilot", url=SIGNED, page=SIGNED, clips=(CLIP,), cost_usd=0.4)
FAILED = FailedScene(
    scene="s02", error=f"refused: Bearer abcdefgh1234567 {SIGNED}", charged=False, remedy="Change the prompt."
)
ASKED = {"kind": "plan", "hash": "f" * 64, "scenes": 2, "cost_usd": 0.8, "until": "2026-01-02T00:00:00+00:00"}
EACH: dict[str, Callable[[Any], None]] = {
    "storyboard.job.submitted": lambda emit: events.job_submitted(LIBRARY, JOB, emit=emit),
    "storyboard.job.ended": lambda emit: events.job_ended(LIBRARY, JOB, "done", emit=emit),
    "storyboard.job.unknown": lambda emit: events.job_unknown(LIBRARY, JOB, f"lost {SIGNED}", "adopt it", emit=emit),
    "storyboard.scene.stored": lambda emit: events.scene_stored(LIBRARY, "pilot", CLIP, emit=emit),
    "storyboard.still.stored": lambda emit: events.still_stored(LIBRARY, "pilot", STILL, emit=emit),
    "storyboard.scene.failed": lambda emit: events.scene_failed(LIBRARY, "pilot", FAILED, KEY, emit=emit),
    "storyboard.character.created": lambda emit: events.character_created(
        LIBRARY, "mara", Casting(character="Mara", id="char_1"), JOB, emit=emit
    ),
    "storyboard.reel.ready": lambda emit: events.reel_ready(LIBRARY, "pilot", REEL, emit=emit),
    "storyboard.approval.requested": lambda emit: events.approval_requested(LIBRARY, "pilot", ASKED, emit=emit),
    "storyboard.budget.reached": lambda emit: events.budget_reached(LIBRARY, JOB, 5.0, f"over {SIGNED}", emit=emit),
}


class Recorder:
    """Keeps what would be emitted."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def __call__(self, event: str, resource: dict[str, str], **facts: Any) -> None:
        self.events.append({"event": event, "resource": resource, **facts})


@pytest.fixture
def in_a_run() -> Iterator[None]:
    token = FlowRunContext.__var__.set(FlowRunContext.model_construct())
    yield
    FlowRunContext.__var__.reset(token)


def recorded(event: str) -> dict[str, Any]:
    recorder = Recorder()
    EACH[event](recorder)
    (only,) = recorder.events
    assert only["event"] == event
    return only


def test_every_documented_event_can_be_emitted() -> None:
    assert set(EACH) == set(EVENTS)


@pytest.mark.parametrize("event", EACH)
@pytest.mark.usefixtures("in_a_run")
def test_the_payload_has_the_documented_fields_in_their_order(event: str) -> None:
    assert tuple(recorded(event)["payload"]) == EVENTS[event].payload


@pytest.mark.parametrize("event", EACH)
@pytest.mark.usefixtures("in_a_run")
def test_an_event_that_cannot_be_emitted_is_logged_and_stops_nothing(
    event: str, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise OSError(f"no server at {SIGNED}")

    EACH[event](broken)
    (line,) = [record.getMessage() for record in caplog.records if event in record.getMessage()]
    assert "was not emitted" in line
    assert "Signature" not in line


@pytest.mark.parametrize("event", EACH)
def test_outside_of_a_run_nothing_is_emitted(event: str) -> None:
    recorder = Recorder()
    EACH[event](recorder)
    assert recorder.events == []


def test_a_server_of_ones_own_emits_outside_of_runs() -> None:
    with events.outside_runs():
        assert recorded("storyboard.job.ended")["payload"]["outcome"] == "done"
    test_outside_of_a_run_nothing_is_emitted("storyboard.job.ended")


def test_outside_of_a_run_no_server_is_started_for_an_event() -> None:
    servers, worker = dict(SubprocessASGIServer._instances), dict(EventsWorker._instances)
    events.job_submitted(LIBRARY, JOB)
    assert (SubprocessASGIServer._instances, EventsWorker._instances) == (servers, worker)


@pytest.mark.parametrize("event", EACH)
@pytest.mark.usefixtures("in_a_run")
def test_no_event_holds_a_secret_a_prompt_or_a_signed_link(event: str) -> None:
    said = str(recorded(event))
    assert not [word for word in ("Signature", "user:pass", "secret plot", "abcdefgh1234567") if word in said]


@pytest.mark.parametrize(
    ("event", "resource"),
    [
        ("storyboard.job.submitted", f"storyboard.job.{{}}.{KEY}"),
        ("storyboard.job.ended", f"storyboard.job.{{}}.{KEY}"),
        ("storyboard.job.unknown", f"storyboard.job.{{}}.{KEY}"),
        ("storyboard.budget.reached", f"storyboard.job.{{}}.{KEY}"),
        ("storyboard.scene.stored", "storyboard.scene.{}.pilot.s01"),
        ("storyboard.scene.failed", "storyboard.scene.{}.pilot.s02"),
        ("storyboard.character.created", "storyboard.character.{}.mara"),
        ("storyboard.reel.ready", "storyboard.reel.{}.pilot"),
    ],
)
@pytest.mark.usefixtures("in_a_run")
def test_resources_have_stable_ids_and_the_reel_is_related(event: str, resource: str) -> None:
    only, library = recorded(event), library_id(LIBRARY)
    assert only["resource"]["prefect.resource.id"] == resource.format(library)
    related = {each["prefect.resource.role"]: each["prefect.resource.id"] for each in only["related"]}
    assert related == ({} if event == "storyboard.reel.ready" else {"reel": f"storyboard.reel.{library}.pilot"})


@pytest.mark.parametrize("event", ["storyboard.job.submitted", "storyboard.scene.stored"])
@pytest.mark.usefixtures("in_a_run")
def test_money_and_job_are_in_the_payload(event: str) -> None:
    payload = recorded(event)["payload"]
    assert (payload["job_key"], payload["cost_usd"], payload["request_id"]) == (KEY, 0.4, "r1")


@pytest.mark.usefixtures("in_a_run")
def test_links_are_those_of_the_library_without_their_signature() -> None:
    assert recorded("storyboard.scene.stored")["payload"]["url"] == BARE
    assert recorded("storyboard.reel.ready")["payload"]["page"] == BARE


def test_a_library_is_known_by_its_blocks_name_else_by_its_url() -> None:
    saved = Library(url="s3://studio/series")
    saved._block_document_name = "main"
    assert library_id(saved) == "main"
    assert library_id(LIBRARY) == library_id(Library(url="s3://studio/series"))
    assert library_id(LIBRARY) != library_id(Library(url="s3://studio/other"))
    assert events.bare("/home/me/reels/reel #1?.mp4") == "/home/me/reels/reel #1?.mp4"


def what_is_emitted(error: Exception, *, scene: str = "s01") -> list[str]:
    recorder = Recorder()
    with pytest.raises(type(error)), events.job_errors(LIBRARY, JOB, scene=scene, max_cost_usd=5, emit=recorder):
        raise error
    return [each["event"].removeprefix("storyboard.") for each in recorder.events]


@pytest.mark.parametrize(
    ("error", "emitted"),
    [
        (errors.OutcomeUnknown("lost"), ["job.unknown"]),
        (OverBudget("too much"), ["budget.reached"]),
        (errors.Refused("no"), ["scene.failed"]),
        (errors.GenerationFailed("no"), ["scene.failed"]),
        (errors.Expired("gone"), ["scene.failed"]),
        (errors.OutOfCredit("no"), ["scene.failed"]),
        (errors.Busy("later"), []),
        (errors.NotSent("no network"), []),
        (ValueError("no such clip"), []),
    ],
    ids=lambda given: type(given).__name__ if isinstance(given, Exception) else "",
)
@pytest.mark.usefixtures("in_a_run")
def test_an_error_of_a_job_is_emitted_for_what_it_is_and_raised_on(error: Exception, emitted: list[str]) -> None:
    assert what_is_emitted(error) == emitted


@pytest.mark.usefixtures("in_a_run")
def test_only_a_scene_fails_and_only_where_no_series_reports_it() -> None:
    assert what_is_emitted(errors.Refused("no"), scene="") == []
    with events.reported_by_caller():
        assert what_is_emitted(errors.Refused("no")) == []
    assert what_is_emitted(errors.Refused("no")) == ["scene.failed"]


@pytest.mark.usefixtures("in_a_run")
def test_an_unknown_job_says_how_it_is_settled() -> None:
    recorder = Recorder()
    with pytest.raises(errors.OutcomeUnknown), events.job_errors(LIBRARY, JOB, emit=recorder):
        raise errors.OutcomeUnknown("no answer")
    remedy = recorder.events[0]["payload"]["remedy"]
    assert f"storyboard adopt {KEY[:12]}" in remedy
    assert f"storyboard abandon {KEY[:12]}" in remedy


@pytest.mark.usefixtures("in_a_run")
def test_a_series_that_is_refused_as_a_whole_has_the_reel_as_its_resource() -> None:
    recorder = Recorder()
    events.series_over_budget(LIBRARY, "pilot", 5.0, "too much", emit=recorder)
    (only,) = recorder.events
    assert only["resource"]["prefect.resource.id"] == f"storyboard.reel.{library_id(LIBRARY)}.pilot"
    assert only["payload"] == {"max_cost_usd": 5.0, "reason": "too much"}


@pytest.mark.usefixtures("in_a_run")
def test_a_clip_without_a_reel_has_an_id_of_its_own() -> None:
    recorder = Recorder()
    events.scene_stored(LIBRARY, "", CLIP, emit=recorder)
    (only,) = recorder.events
    assert only["resource"]["prefect.resource.id"] == f"storyboard.scene.{library_id(LIBRARY)}.s01"
    assert only["related"] == []
