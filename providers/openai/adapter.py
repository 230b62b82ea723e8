"""The Videos API, as OpenAI, its resellers and self-hosted servers speak it. Source: OpenAI's openapi.yaml, 2026-08-21.

Four habits shape this module. A result has no link: its content is behind the key. There is no place for uploads: a
clip or a picture is a part of the order's own form. A character is created at once, and there is no list of characters.
The list of videos has no whole bodies, and that of a self-hosted server not even the prompt.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import anyio.to_thread
import httpx

from prefect_storyboard.providers.attachments import parts
from prefect_storyboard.providers.download import BOUNDS, Bounds, download
from prefect_storyboard.providers.errors import Busy, InvalidRequest
from prefect_storyboard.providers.http import ask, buy, checked_key, clock_skew, json_object, same_host
from prefect_storyboard.providers.json_values import non_blank, objects
from prefect_storyboard.providers.open_jobs import job_stays_open
from prefect_storyboard.providers.openai import bodies, errors, search
from prefect_storyboard.providers.outputs import keep_outputs
from prefect_storyboard.providers.protocol import (
    CharacterRequest,
    Listed,
    Look,
    Order,
    Result,
    SceneRequest,
    Sought,
    Status,
)
from prefect_storyboard.providers.states import phase, status_of
from prefect_storyboard.storyboards import Job
from prefect_storyboard.storyboards.outcomes import JsonObject

_NO_LIST = {404, 405, 501}  # statuses of a server without a list
_NOT_STOPPED = {400, 405, 409}  # statuses of a server that does not stop the job


class OpenAICompatible:
    """One account at a server. The key goes to the configured host and nowhere else; a server may need none."""

    name = "openai"
    carries_files = True

    def __init__(self, http: httpx.AsyncClient, *, api_key: str, base_url: str) -> None:
        key = checked_key(api_key, "the server's dashboard") if api_key.strip() else ""
        self._auth = {"Authorization": f"Bearer {key}"} if key else {}
        self._base = base_url.rstrip("/")
        self._http = http
        self._served: frozenset[str] | None = None

    async def upload(self, path: Path, content_type: str) -> str:
        """Raise InvalidRequest: the server stores no files; they are sent with the order."""
        raise InvalidRequest(
            f"an OpenAI-compatible server takes no uploads, so {path.name} ({content_type}) was not sent: give "
            "its path instead of a link",
            field="file",
            sent=False,
        )

    def character_order(self, request: CharacterRequest) -> Order:
        """A form of the name and the clip, an MP4."""
        return bodies.character_order(request)

    def scene_order(self, request: SceneRequest) -> Order:
        """The body in the model's dialect. Raises InvalidRequest for a size that the model does not render."""
        return bodies.scene_order(request)

    async def submit(self, order: Order) -> Job:
        """POST once. OpenAI documents no idempotency key, and its own client sends a lost POST again."""
        sent: dict[str, Any] = {"json": order.body}
        if order.form or order.files:
            fields = [(name, (None, value)) for name, value in bodies.form_fields(order.body).items()]
            sent = {"files": [*fields, *await anyio.to_thread.run_sync(parts, order.files)]}
        url = f"{self._base}/{order.endpoint}"
        response = await buy(self._http, errors.WHO, url, headers=self._auth, **sent)
        made = errors.named_job(response)
        if not response.is_success or made is None:
            raise errors.of_submit(response, str(order.body.get("model", "characters")))
        return self._job(order.endpoint, made, datetime.now(UTC))

    async def status(self, job: Job) -> Status:
        """Ask for the video. An unknown state counts as running; a character is created at once."""
        return (await self.look(job)).status

    async def look(self, job: Job) -> Look:
        """Ask for the document of a video or a character, which has both status and result."""
        made = await self._made(job)
        state = Status(state="ended") if job.endpoint == bodies.CHARACTERS else status_of(made.get("status"))
        return Look(state, partial(self._result, job, made))

    async def result(self, job: Job) -> Result:
        """Ask once more: the address of the content, a character, or why there is none."""
        return await self._result(job, await self._made(job))

    async def _result(self, job: Job, made: JsonObject) -> Result:
        if job.endpoint == bodies.CHARACTERS:
            return Result(character_id=non_blank(made.get("id")), mention=non_blank(made.get("name")), raw=made)
        match phase(made.get("status")) or ("succeeded" if made.get("completed_at") else None):
            case "succeeded":
                kept = keep_outputs(self.name, made)
                url = f"{self._address(job)}/content"
                return Result(url=url, handle=job.request_id, files=kept.files, facts=kept.facts, raw=made)
            case "failed":
                raise errors.of_video(made, job)
        with job_stays_open(job):
            raise Busy(f"{errors.WHO} has not ended the job {job.request_id} yet")

    async def fetch(self, url: str, to: Path, bounds: Bounds = BOUNDS) -> str:
        """Stream the content. The key goes to the configured host; httpx drops it at a redirect to another.

        OpenAI keeps the content for about an hour.
        """
        headers = self._auth if same_host(url, self._base) else {}
        return await download(self._http, url, to, bounds, headers=headers)

    async def cancel(self, job: Job) -> bool:
        """Delete a video that is still rendering, which stops it on a self-hosted server; OpenAI refuses.

        False if it has ended or continues to render. One that has ended is not deleted: it is paid for.
        """
        if job.endpoint == bodies.CHARACTERS or (await self.status(job)).state == "ended":
            return False
        with job_stays_open(job):
            response = await self._ask("DELETE", self._address(job))
            if not response.is_success and response.status_code not in _NOT_STOPPED:
                raise errors.of_call(response)
        return response.is_success

    async def find(self, order: Sought) -> tuple[Job, ...] | None:
        """Compare the list of videos with what an order shows: model, seconds, size and prompt.

        Times are returned in our clock, if the Date header shows the server's. None for a character, and for a server
        without a list; ProtocolError if the list proves nothing.
        """
        if order.endpoint == bodies.CHARACTERS:
            return None
        sent = await search.find(self._list_page, self._video, order)
        return None if sent is None else tuple(self._job(order.endpoint, *each) for each in sent)

    async def offered(self, endpoint: str) -> bool | None:
        """Whether the server's list of models, which is read once, has the name; None if it has no list."""
        names = await self._names()
        return None if names is None else endpoint in names

    async def objection(self, order: Order) -> str | None:
        """Whether the server's list of models has the name."""
        name = str(order.body.get("model"))
        return None if await self.offered(name) else f"the server's list of models has no {name}"

    async def catalogue(self) -> tuple[Listed, ...] | None:
        """The server's list of models; it shows neither prices nor which of them make videos."""
        names = await self._names()
        return None if names is None else tuple(Listed(endpoint=name) for name in sorted(names))

    async def price(self, order: Order) -> float | None:  # noqa: ARG002 - there is no price API
        """None: no such server has a price API."""
        return None

    async def balance(self) -> float | None:
        """None: no such server shows a balance."""
        return None

    async def verify_callback(self, headers: Mapping[str, str], body: bytes, secret: str) -> str | None:  # noqa: ARG002
        """None: an order has no callback URL, so no callback is about one of our jobs."""
        return None

    async def _names(self) -> frozenset[str] | None:
        if self._served is None:
            response = await self._ask("GET", f"{self._base}/models")
            listed = (json_object(response) or {}).get("data")
            if not response.is_success or not isinstance(listed, list):
                return None
            self._served = frozenset(name for each in objects(listed) if (name := non_blank(each.get("id"))))
        return self._served

    async def _list_page(self, after: str | None) -> tuple[JsonObject, timedelta | None] | None:
        query = {"order": "desc", "limit": "100"} | ({"after": after} if after else {})
        response = await self._ask("GET", f"{self._base}/{bodies.VIDEOS}", params=query)
        return None if response.status_code in _NO_LIST else (_success(response), clock_skew(response))

    async def _video(self, video_id: str) -> JsonObject:
        return _success(await self._ask("GET", f"{self._base}/{bodies.VIDEOS}/{quote(video_id, safe='')}"))

    async def _made(self, job: Job) -> JsonObject:
        with job_stays_open(job):
            return _success(await self._ask("GET", self._address(job)))

    async def _ask(self, method: str, url: str, **request: Any) -> httpx.Response:
        response = await ask(self._http, errors.WHO, method, url, headers=self._auth, **request)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            raise errors.of_call(response)
        return response

    def _job(self, endpoint: str, number: str, at: datetime) -> Job:
        return Job(provider=self.name, endpoint=endpoint, request_id=number, submitted_at=at)

    def _address(self, job: Job) -> str:
        place = bodies.CHARACTERS if job.endpoint == bodies.CHARACTERS else bodies.VIDEOS
        return f"{self._base}/{place}/{quote(job.request_id, safe='')}"


def _success(response: httpx.Response) -> JsonObject:
    if not response.is_success:
        raise errors.of_call(response)
    reply = json_object(response)
    if reply is None:
        raise errors.unreadable(response)
    return reply
