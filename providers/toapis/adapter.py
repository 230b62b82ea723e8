"""ToAPIs' task API, after the pages under https://docs.toapis.com/docs/en/api-reference/videos.

Three habits of ToAPIs shape this module. A character is made by the same POST as a video: `timestamps` without a prompt
make the difference. Its task has an address of its own, which another page contradicts: if the first does not know a
character's task, the one for videos is asked. A task's document is its status and its result in one.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import anyio.to_thread
import httpx

from prefect_storyboard.providers.callbacks import from_toapis
from prefect_storyboard.providers.download import BOUNDS, Bounds, download
from prefect_storyboard.providers.errors import InvalidRequest, ProtocolError
from prefect_storyboard.providers.fields import with_fields
from prefect_storyboard.providers.http import ask, buy, checked_key, json_object, own_link
from prefect_storyboard.providers.images import still_body, still_endpoint
from prefect_storyboard.providers.json_values import amount, link, non_blank, objects
from prefect_storyboard.providers.open_jobs import job_stays_open
from prefect_storyboard.providers.protocol import (
    CharacterRequest,
    Listed,
    Look,
    Order,
    Result,
    SceneRequest,
    Sought,
    Status,
    StillRequest,
)
from prefect_storyboard.providers.states import status_of
from prefect_storyboard.providers.toapis import bodies as toapis_bodies
from prefect_storyboard.providers.toapis import errors as toapis_errors
from prefect_storyboard.providers.toapis.results import result_of
from prefect_storyboard.storyboards import Job
from prefect_storyboard.storyboards.outcomes import JsonObject

_UPLOADS = {"image": "v1/uploads/images", "video": "v1/uploads/videos"}
_VIDEOS = "v1/videos/generations"
_IMAGES = "v1/images/generations"
_CHARACTERS = "v1/characters_tasks"


class ToApis:
    """One account at ToAPIs. The key goes to the configured host and nowhere else."""

    name = "toapis"
    carries_files = False

    def __init__(self, http: httpx.AsyncClient, *, api_key: str, api_url: str) -> None:
        key = checked_key(api_key, "ToAPIs' console")
        self._auth = {"Authorization": f"Bearer {key}"}
        self._api = api_url.rstrip("/")
        self._http = http
        self._offered: frozenset[str] | None = None

    async def upload(self, path: Path, content_type: str) -> str:
        """Upload a picture (10 MB) or a clip (50 MB). Free; how long ToAPIs keeps it is not documented."""
        place = _UPLOADS.get(content_type.partition("/")[0])
        if place is None:
            raise InvalidRequest(f"ToAPIs takes pictures and videos, not {content_type}", field="file", sent=False)
        file = (path.name, await anyio.to_thread.run_sync(path.read_bytes), content_type)
        response = await self._ask("POST", f"{self._api}/{place}", files={"file": file}, data={"purpose": "generation"})
        reply = json_object(response)
        if not response.is_success or (reply and reply.get("success") is False):
            raise toapis_errors.of_upload(response)
        if reply is None:
            raise toapis_errors.unreadable(response)
        facts = reply.get("data")
        url = link(facts.get("url")) if isinstance(facts, dict) else None
        if url is None:
            raise ProtocolError(
                "ToAPIs accepted an upload without returning its URL; nothing was bought, run it again", raw=reply
            )
        return url

    def character_order(self, request: CharacterRequest) -> Order:
        """One to three whole seconds, with sound, of a clip or of a finished video of this account."""
        return Order(endpoint=_VIDEOS, body=with_fields(toapis_bodies.character(request), request))

    def scene_order(self, request: SceneRequest) -> Order:
        """The body of the model, in the form of its codec. Raises InvalidRequest for 25 s in 1080p."""
        body = with_fields(toapis_bodies.scene(request), request)
        return Order(endpoint=_remix(request.remix_of) if request.remix_of else _VIDEOS, body=body)

    def still_order(self, request: StillRequest) -> Order:
        """The body of the image model, with its id and our name of the job."""
        body = {"model": still_endpoint(request.drawing), **toapis_bodies.ours(request.job_key), **still_body(request)}
        return Order(endpoint=_IMAGES, body=body)

    async def submit(self, order: Order) -> Job:
        """POST once. A failed task is refunded; `client_business_id` does not prevent a second charge."""
        body = order.body_with_callback("callback_url")
        response = await buy(self._http, "ToAPIs", f"{self._api}/{order.endpoint}", json=body, headers=self._auth)
        if not response.is_success:
            raise toapis_errors.of_submit(response, str(order.body.get("model")))
        ids = toapis_errors.task_ids(json_object(response) or {})
        if not ids:
            raise toapis_errors.of_submit(response, str(order.body.get("model")))
        place = _IMAGES if order.endpoint == _IMAGES else _VIDEOS
        if "timestamps" in order.body and "prompt" not in order.body:
            place = _CHARACTERS
        return Job(
            provider="toapis",
            endpoint=order.endpoint,
            request_id=ids[0],
            submitted_at=datetime.now(UTC),
            urls=dict(zip(("status", "other"), (self._address(place, each) for each in ids), strict=False)),
        )

    async def status(self, job: Job) -> Status:
        """Ask for the task. An undocumented state counts as running, and is passed on."""
        return (await self.look(job)).status

    async def look(self, job: Job) -> Look:
        """The task's document holds the result as well."""
        task = await self._task(job)
        return Look(status_of(task.get("status")), partial(result_of, task, job))

    async def result(self, job: Job) -> Result:
        """Ask for the task once more: a video, whose link expires after 24 h, a character, or why there is none."""
        return await result_of(await self._task(job), job)

    async def fetch(self, url: str, to: Path, bounds: Bounds = BOUNDS) -> str:
        """Download a file. The link itself gives access: no key is sent."""
        return await download(self._http, url, to, bounds)

    async def cancel(self, job: Job) -> bool:  # noqa: ARG002 - there is no call to make
        """False: ToAPIs cannot stop a task."""
        return False

    async def find(self, order: Sought) -> tuple[Job, ...] | None:  # noqa: ARG002 - there is no list to search
        """None: ToAPIs has no list to search. After a lost response, only its webhook names the task."""
        return None

    async def offered(self, endpoint: str) -> bool | None:
        """Whether the key's list of models, which is read once, has a model with that id."""
        names = await self._names()
        return None if names is None else endpoint in names

    async def catalogue(self) -> tuple[Listed, ...] | None:
        """The key's list of models, without prices; it does not show which of them make videos."""
        names = await self._names()
        return None if names is None else tuple(Listed(endpoint=name) for name in sorted(names))

    async def objection(self, order: Order) -> str | None:
        """Whether the key's list of models has the id."""
        name = str(order.body.get("model"))
        return None if await self.offered(name) else f"ToAPIs' list of models has no {name}"

    async def price(self, order: Order) -> float | None:  # noqa: ARG002 - prices are on its market pages only
        """None: ToAPIs shows no price before a job has ended."""
        return None

    async def balance(self) -> float | None:
        """The key's balance; None for a key without a limit, and if only `remain_balance` is returned.

        The unit of that field depends on the site's settings: dollars, yuan or tokens. Credits have a rate to dollars.
        """
        response = await self._ask("GET", f"{self._api}/v1/balance")
        reply = json_object(response) or {}
        left, rate = amount(reply.get("remain_credits")), amount(reply.get("credits_per_usd"))
        known = response.is_success and reply.get("success") is not False and not reply.get("unlimited_quota")
        return left / rate if known and left is not None and rate and rate >= 1 else None

    async def verify_callback(self, headers: Mapping[str, str], body: bytes, secret: str) -> str | None:
        """ToAPIs signs with the secret that its console shows for the webhook of a key."""
        return from_toapis(headers, body, secret)

    async def _names(self) -> frozenset[str] | None:
        """The ids on the key's list of models, read once; None if it is unreadable."""
        if self._offered is None:
            response = await self._ask("GET", f"{self._api}/v1/models")
            models = (json_object(response) or {}).get("data")
            if not response.is_success or not isinstance(models, list):
                return None
            self._offered = frozenset(name for model in objects(models) if (name := non_blank(model.get("id"))))
        return self._offered

    async def _ask(self, method: str, url: str, **request: Any) -> httpx.Response:
        response = await ask(self._http, "ToAPIs", method, url, headers=self._auth, **request)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            raise toapis_errors.of_call(response)
        return response

    async def _task(self, job: Job) -> JsonObject:
        """The task's document, from the first of its URLs that knows it.

        A submit may have named two ids, and a character's task may be listed among the videos.
        """
        adopted = _IMAGES if job.endpoint == _IMAGES else _CHARACTERS
        stored = job.urls.get("status") or self._address(adopted, job.request_id)
        first, other = self._own(stored, job.request_id), job.urls.get("other")
        known = [first, *([self._own(other, unquote(other.rpartition("/")[2]))] if other else [])]
        if f"/{_CHARACTERS}/" in first:
            known += [each.replace(f"/{_CHARACTERS}/", f"/{_VIDEOS}/") for each in known]
        with job_stays_open(job):
            for address in known:
                response = await self._ask("GET", address)
                if response.status_code != httpx.codes.NOT_FOUND:
                    break
            return _success(response)

    def _own(self, address: str, task: str) -> str:
        """The stored URL, if its host is the configured one; else the URL built from the task's id."""
        place = next((each for each in (_CHARACTERS, _IMAGES) if f"/{each}/" in address), _VIDEOS)
        return own_link(address, self._address(place, task), self._api)

    def _address(self, place: str, task: str) -> str:
        return f"{self._api}/{place}/{quote(task, safe='')}"


def _remix(video: str) -> str:
    return f"v1/videos/{quote(video, safe='')}/remix"


def _success(response: httpx.Response) -> JsonObject:
    reply = json_object(response)
    if not response.is_success or (reply and reply.get("success") is False):
        raise toapis_errors.of_call(response)
    if reply is None:
        raise toapis_errors.unreadable(response)
    return reply
