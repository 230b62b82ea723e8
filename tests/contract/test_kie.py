"""What is Kie's own and no table can say: its addresses, its uploads, and what an error tells."""

import json
from collections.abc import Callable
from email.parser import BytesParser
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from prefect_storyboard.providers.errors import (
    GenerationFailed,
    OutcomeUnknown,
    ProviderError,
)
from prefect_storyboard.providers.kie.adapter import Kie
from prefect_storyboard.providers.protocol import Order, Sought
from prefect_storyboard.storyboards import Job

Connect = Callable[..., tuple[Kie, list[httpx.Request]]]
FIXTURES = Path(__file__).parent / "fixtures" / "kie"
ORDER = Order(endpoint="sora-2-text-to-video", body={"model": "sora-2-text-to-video", "input": {"prompt": "p"}})
SIGNED = "https://tempfile.aiquickdraw.com/v/abc.mp4?sig=s1gned"


def canonical(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


def job(order: Order = ORDER) -> Job:
    return Job.model_validate(
        {"provider": "kie", "endpoint": order.endpoint, "request_id": "task/1&x=y", "submitted_at": "2026-04-01T00:00Z"}
    )


@pytest.fixture
def kie() -> Connect:
    """An adapter whose Kie answers with these bodies, and the requests that Kie has seen."""

    def connect(*bodies: Any, api_key: str = "ksec") -> tuple[Kie, list[httpx.Request]]:
        seen: list[httpx.Request] = []

        def answer(request: httpx.Request) -> httpx.Response:
            seen.append(request)
            return httpx.Response(200, json=bodies[min(len(seen), len(bodies)) - 1])

        http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
        hosts = {"api_url": "https://api.kie.ai/", "upload_url": "https://kieai.redpandaai.co"}
        return Kie(http, api_key=api_key, **hosts), seen

    return connect


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "a lighthouse.png"
    path.write_bytes(b"\x89PNG of a lighthouse")
    return path


# --- what is sent


async def test_every_job_is_one_post_to_one_address_with_the_model_in_the_body(kie: Connect) -> None:
    adapter, seen = kie(canonical("create-task.response"))
    await adapter.submit(ORDER)
    (post,) = seen
    assert (post.method, str(post.url)) == ("POST", "https://api.kie.ai/api/v1/jobs/createTask")
    assert (post.headers["authorization"], post.headers["content-type"]) == ("Bearer ksec", "application/json")
    assert json.loads(post.content) == ORDER.body


async def test_status_and_result_look_at_the_same_record(kie: Connect) -> None:
    adapter, seen = kie(canonical("record-success.response"))
    await adapter.status(job())
    await adapter.result(job())
    assert {(get.method, get.url.path, get.url.params["taskId"]) for get in seen} == {
        ("GET", "/api/v1/jobs/recordInfo", "task/1&x=y")
    }


async def test_what_kie_cannot_do_is_not_asked_for(kie: Connect) -> None:
    adapter, seen = kie({})
    assert await adapter.cancel(job()) is False
    assert await adapter.find(Sought(endpoint=ORDER.endpoint, digest=ORDER.digest, since=job().submitted_at)) is None
    assert await adapter.offered(ORDER.endpoint) is None
    assert await adapter.price(ORDER) is None
    assert not seen


@pytest.mark.parametrize("api_key", ["ksec\u200b", "\ufeffksec", "ks\u2013ec"])
def test_a_key_with_an_invisible_character_is_refused_before_anything_is_sent(kie: Connect, api_key: str) -> None:
    with pytest.raises(ProviderError, match="copy the key again"):
        kie({}, api_key=api_key)


# --- uploads


async def test_an_upload_is_a_form_with_the_bytes_and_a_name_of_their_hash(kie: Connect, picture: Path) -> None:
    adapter, seen = kie(canonical("upload-ok.response"))
    await adapter.upload(picture, "image/png")
    (post,) = seen
    assert (post.method, str(post.url)) == ("POST", "https://kieai.redpandaai.co/api/file-stream-upload")
    assert post.headers["authorization"] == "Bearer ksec"
    mime = BytesParser().parsebytes(b"Content-Type: %s\r\n\r\n" % post.headers["content-type"].encode() + post.content)
    parts = {part.get_param("name", header="content-disposition"): part for part in mime.get_payload()}
    assert set(parts) == {"file", "uploadPath", "fileName"}
    assert parts["uploadPath"].get_payload() == "storyboard"
    assert parts["file"].get_payload(decode=True) == picture.read_bytes()
    assert parts["file"].get_content_type() == "image/png"
    name = parts["fileName"].get_payload()
    assert name == parts["file"].get_filename()
    assert name.startswith(sha256(picture.read_bytes()).hexdigest()[:16])
    assert name.endswith(".png")


async def test_no_name_is_used_twice_for_kie_may_serve_the_older_file(kie: Connect, picture: Path) -> None:
    adapter, seen = kie(canonical("upload-ok.response"))
    for _ in range(2):
        await adapter.upload(picture, "image/png")
    first, second = (post.content.partition(b'name="fileName"')[2].split()[0] for post in seen)
    assert first != second


# --- what is told


async def test_a_task_that_a_strange_answer_names_is_told_to_whoever_settles_it(kie: Connect) -> None:
    adapter, _ = kie({"code": 500, "msg": "Server Error", "data": {"taskId": "task_42"}})
    with pytest.raises(OutcomeUnknown, match="names the task task_42") as error:
        await adapter.submit(ORDER)
    assert (error.value.request_id, error.value.sent) == ("task_42", None)
    assert "storyboard adopt <job> task_42" in error.value.remedy


async def test_an_unreadable_success_keeps_what_came_but_not_what_was_ordered(kie: Connect) -> None:
    reply = canonical("record-success.response")
    reply["data"] |= {"resultJson": json.dumps({"resultUrl": SIGNED}), "param": '{"prompt": "a secret plot"}'}
    adapter, _ = kie(reply)
    with pytest.raises(GenerationFailed, match="without a video, a picture or a character") as error:
        await adapter.result(job())
    assert "resultUrl" in error.value.raw["resultJson"]
    assert "s1gned" not in repr(error.value.raw)
    assert "a secret plot" not in repr(error.value.raw)


async def test_no_error_holds_the_key_or_a_signature(kie: Connect) -> None:
    for code in (200, 400, 401, 402, 404, 408, 418, 422, 429, 433, 455, 500, 501, 505):
        adapter, _ = kie({"code": code, "msg": f"Bearer ksec may not GET {SIGNED}", "data": {"url": SIGNED}})
        for call in (adapter.submit(ORDER), adapter.result(job())):
            with pytest.raises(ProviderError) as error:
                await call
            told = f"{error.value!r} {error.value.__dict__}"
            assert "s1gned" not in told
            assert "ksec" not in told


async def test_neither_a_result_nor_an_adapter_shows_its_secrets(kie: Connect) -> None:
    reply = canonical("record-success.response")
    reply["data"]["resultJson"] = json.dumps({"resultUrls": [SIGNED]})
    adapter, _ = kie(reply)
    result = await adapter.result(job())
    assert result.url == SIGNED
    assert "s1gned" not in repr(result)
    assert "ksec" not in repr(adapter)
