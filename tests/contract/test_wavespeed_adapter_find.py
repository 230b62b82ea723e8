"""A job whose reply was lost, looked for in WaveSpeed's list: what proves that it is there, and what proves nothing."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from cases import canonical
from cases.wavespeed import CASE, CHARACTERS, says

from prefect_storyboard.providers.errors import Busy, ProtocolError, ProviderError
from prefect_storyboard.providers.protocol import Sought
from prefect_storyboard.providers.wavespeed.adapter import WaveSpeed

Connect = Callable[..., tuple[WaveSpeed, list[httpx.Request]]]
SINCE = datetime(2026, 11, 20, 8, tzinfo=UTC)
OURS = CASE.order.body
OTHER = {**OURS, "name": "Ann"}


@pytest.fixture
def listing() -> Connect:
    """An adapter whose list has these pages, the last one for ever, and the requests that were made."""

    def connect(*pages: Any) -> tuple[WaveSpeed, list[httpx.Request]]:
        seen: list[httpx.Request] = []

        def answer(request: httpx.Request) -> httpx.Response:
            seen.append(request)
            return httpx.Response(200, json=pages[min(len(seen), len(pages)) - 1])

        http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
        return WaveSpeed(http, api_key="wsk-5ecret", api_url="https://api.wavespeed.ai"), seen

    return connect


def listed(task_id: str, inputs: Any = OURS, *, key: str = "inputs", **facts: Any) -> dict[str, Any]:
    item = {"id": task_id, "model": CHARACTERS, "status": "processing", "created_at": "2026-11-20T08:00:01.5Z"}
    return {**item, key: inputs, **facts}


def page(*items: Any, total: Any = None) -> Any:
    return says({"page": 1, "total": total, "items": [*items]}).body


END = page()


async def ids(adapter: WaveSpeed, since: datetime = SINCE) -> list[str]:
    return [
        job.request_id for job in await adapter.find(Sought(endpoint=CHARACTERS, digest=CASE.order.digest, since=since))
    ]


async def test_the_list_is_asked_for_the_model_and_a_window_of_an_hour_around_the_submit_and_the_inputs(
    listing: Connect,
) -> None:
    adapter, seen = listing(END)
    before = datetime.now(UTC)
    await ids(adapter)
    (post,) = seen
    wanted = json.loads(post.content)
    assert (post.method, str(post.url)) == ("POST", "https://api.wavespeed.ai/api/v3/predictions")
    assert set(wanted) == set(canonical("wavespeed", "list.request")) - {"status"}  # in whatever state it is
    assert (wanted["page"], wanted["page_size"], wanted["include_inputs"]) == (1, 100, True)
    assert (wanted["model"], wanted["created_after"]) == (CHARACTERS, "2026-11-20T07:00:00.000Z")
    until = datetime.fromisoformat(wanted["created_before"])
    assert wanted["created_before"].endswith("Z")
    assert timedelta(minutes=60) <= until - before + timedelta(milliseconds=1) < timedelta(minutes=61)


@pytest.mark.parametrize("key", ["inputs", "input"])
async def test_inputs_are_read_under_both_their_names(listing: Connect, key: str) -> None:
    adapter, _ = listing(page(listed("ours", key=key)), END)
    assert await ids(adapter) == ["ours"]


async def test_all_pages_are_read_until_an_empty_one_and_the_oldest_job_comes_first(listing: Connect) -> None:
    late = listed("late", created_at="2026-11-20T08:00:09.948268264Z")
    adapter, seen = listing(page(late, listed("other", OTHER)), page(listed("early")), END)
    assert await ids(adapter) == ["early", "late"]
    assert [json.loads(request.content)["page"] for request in seen] == [1, 2, 3]


async def test_no_page_is_asked_for_beyond_the_total(listing: Connect) -> None:
    adapter, seen = listing(page(listed("ours"), total=2), page(listed("more", OTHER), total=2))
    assert await ids(adapter) == ["ours"]
    assert len(seen) == 2


async def test_a_task_that_slipped_to_the_next_page_is_one_task(listing: Connect) -> None:
    adapter, _ = listing(page(listed("new1", OTHER), listed("ours")), page(listed("ours"), listed("old1", OTHER)), END)
    assert await ids(adapter) == ["ours"]


async def test_only_the_very_same_inputs_of_the_same_model_in_the_window_are_ours(listing: Connect) -> None:
    strangers = [
        listed("other", OTHER),
        listed("more", {**OURS, "duration": 4}),
        listed("model", model="openai/sora-2/text-to-video"),
        listed("yesterday", created_at="2026-11-19T08:00:00Z"),
        listed("silent-yesterday", None, created_at="2026-11-19T08:00:00Z"),
        listed("silent-model", None, model={"id": 7}),
    ]
    adapter, _ = listing(page(*strangers), END)
    assert await ids(adapter) == []


@pytest.mark.parametrize("inputs", [None, {}, [], "", json.dumps(OURS)], ids=repr)
async def test_a_task_that_does_not_tell_its_inputs_may_be_ours_and_an_empty_answer_would_be_a_lie(
    listing: Connect, inputs: Any
) -> None:
    adapter, _ = listing(page(listed("other", OTHER), listed("mute", inputs)), END)
    with pytest.raises(ProtocolError, match="lists tasks without their inputs") as error:
        await ids(adapter)
    assert (error.value.sent, error.value.charged) == (None, None)


async def test_a_match_counts_whatever_else_is_listed(listing: Connect) -> None:
    adapter, _ = listing(page(listed("mute", None), listed("ours")), END)
    assert await ids(adapter) == ["ours"]


@pytest.mark.parametrize(
    "pages",
    [
        (page(listed("same", OTHER)),),
        (page({"status": "completed"}),),
        (page("text", total=3),),
        (says({"page": 1, "total": 505, "items": []}).body,),
        (says({"page": 1, "total": 505}).body,),
    ],
    ids=["the same page for ever", "no id", "no task", "a total without items", "no items"],
)
async def test_a_list_that_is_not_read_to_its_end_does_not_say_that_there_is_nothing(
    listing: Connect, pages: tuple[Any, ...]
) -> None:
    adapter, seen = listing(*pages)
    with pytest.raises(ProtocolError, match="more tasks than can be read"):
        await ids(adapter)
    assert len(seen) <= 2


async def test_a_list_without_an_end_is_given_up(listing: Connect) -> None:
    adapter, seen = listing(*(page(listed(f"task{number}", OTHER)) for number in range(99)))
    with pytest.raises(ProtocolError):
        await ids(adapter)
    assert len(seen) == 50


@pytest.mark.parametrize("task_id", ["../../balance", "a b c d", "abc", "x" * 129, 7, None])
async def test_an_id_that_is_none_gets_into_no_address(listing: Connect, task_id: Any) -> None:
    adapter, _ = listing(page(listed("ours"), {**listed("odd"), "id": task_id}), END)
    assert await ids(adapter) == ["ours"]


@pytest.mark.parametrize("created", [None, "", "soon", 7, "2026-11-20T08:00:00", "2026-11-20T09:00:00+01:00"], ids=str)
async def test_a_time_in_any_form_or_none_crashes_no_comparison(listing: Connect, created: Any) -> None:
    for since in (SINCE, SINCE.replace(tzinfo=None), SINCE.astimezone()):
        adapter, _ = listing(page(listed("next"), listed("ours", created_at=created)), END)
        assert await ids(adapter, since) == ["ours", "next"]


@pytest.mark.parametrize("reply", [{"code": 500, "message": "no"}, {"code": 200, "data": None}, [], {}], ids=str)
async def test_a_list_that_cannot_be_read_says_nothing(listing: Connect, reply: Any) -> None:
    adapter, _ = listing(reply)
    with pytest.raises(ProviderError) as error:
        await ids(adapter)
    assert type(error.value) is Busy
