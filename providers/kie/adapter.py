"""Kie.ai's market, after https://docs.kie.ai/market/quickstart and the Sora 2 pages, last published in 2026-04.

Three habits of Kie shape this module. Every job, also a character, is a task of one endpoint, and one other endpoint
returns both its state and its result. HTTP is 200 for nearly everything; the envelope has the code. A result is
JSON inside JSON, and a character in it has two shapes and several names for each part.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import Any

import anyio.to_thread
import httpx
from pydantic import JsonValue

from prefect_storyboard.providers.callbacks import from_kie
from prefect_storyboard.providers.download import BOUNDS, Bounds, download
from prefect_storyboard.providers.errors import Busy, ProtocolError
from prefect_storyboard.providers.fields import with_fields
from prefect_storyboard.providers.http import ask, buy, checked_key, json_object
from prefect_storyboard.providers.images import still_body, still_endpoint
from prefect_storyboard.providers.inline import first_picture
from prefect_storyboard.providers.json_values import amount, link, non_blank
from prefect_storyboard.providers.kie import bodies as kie_bodies
from prefect_storyboard.providers.kie import errors as kie_errors
from prefect_storyboard.providers.open_jobs import job_stays_open
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
    StillRequest,
)
from prefect_storyboard.providers.states import phase, status_of
from prefect_storyboard.providers.table import endpoint
from prefect_storyboard.storyboards import Job
from prefect_storyboard.storyboards.outcomes import JsonObject

_CHARACTER_IDS = ("character_id", "characterId")
_USER_NAMES = ("character_user_name", "characterUserName", "characterName")
_FOLDER = "storyboard"
_USD = 0.005  # of one credit, on which all of Kie's prices are based


class Kie:
    """One account at Kie.ai. The key goes to the two configured hosts and nowhere else."""

    name = "kie"
    carries_files = False

    def __init__(self, http: httpx.AsyncClient, *, api_key: str, api_url: str, upload_url: str) -> None:
        key = checked_key(api_key, "Kie's dashboard")
        self._auth = {"Authorization": f"Bearer {key}"}
        self._api = api_url.rstrip("/")
        self._upload = upload_url.rstrip("/")
        self._http = http

    async def upload(self, path: Path, content_type: str) -> str:
        """Upload as a form. Free; Kie keeps the file for 3 days. Source: docs.kie.ai/file-upload-api.

        No name is used twice, not even for the same bytes: Kie may serve the older file from its cache.
        """
        body = await anyio.to_thread.run_sync(path.read_bytes)
        name = f"{sha256(body).hexdigest()[:16]}-{token_hex(4)}{path.suffix}"
        form = {"uploadPath": _FOLDER, "fileName": name}
        response = await self._ask(
            "POST", f"{self._upload}/api/file-stream-upload", data=form, files={"file": (name, body, content_type)}
        )
        return _uploaded(response)

    def character_order(self, request: CharacterRequest) -> Order:
        """Task of sora-2-characters for a clip, of sora-2-characters-pro for a part of a finished video."""
        return _order(request, kie_bodies.character(request))

    def scene_order(self, request: SceneRequest) -> Order:
        """Task of the model, its input in the form of its codec. Raises InvalidRequest for too many shots."""
        return _order(request, kie_bodies.scene(request))

    def still_order(self, request: StillRequest) -> Order:
        """Task of the image model. It sends only the fields of the model's row: Kie ignores unknown ones, and bills."""
        model = still_endpoint(request.drawing)
        return Order(endpoint=model, body={"model": model, "input": still_body(request)})

    async def submit(self, order: Order) -> Job:
        """Create the task, once. Kie takes 20 in 10 s; the next one is refused and not queued."""
        url = f"{self._api}/api/v1/jobs/createTask"
        body = order.body_with_callback("callBackUrl")
        response = await buy(self._http, "Kie", url, json=body, headers=self._auth)
        envelope = kie_errors.parse_envelope(response)
        task = non_blank(envelope.data.get("taskId")) if isinstance(envelope.data, dict) else None
        if task is None or not envelope.ok:
            raise kie_errors.of_submit(response, order.endpoint)
        return Job(provider="kie", endpoint=order.endpoint, request_id=task, submitted_at=datetime.now(UTC))

    async def status(self, job: Job) -> Status:
        """Read the task's record. An undocumented state counts as running, and is passed on."""
        return (await self.look(job)).status

    async def look(self, job: Job) -> Look:
        """The record holds the result as well."""
        with job_stays_open(job):
            record = await self._record(job)
        return Look(status_of(record.get("state")), partial(self._made, job, record))

    async def result(self, job: Job) -> Result:
        """Read the same record: a video, a picture, a character, or why there is none. Links last for a day."""
        with job_stays_open(job):
            record = await self._record(job)
        return await self._made(job, record)

    async def _made(self, job: Job, record: JsonObject) -> Result:
        with job_stays_open(job):
            ended = phase(record.get("state"))
            made = _decoded(record.get("resultJson"))
            url, (character, username) = first_picture(made.get("resultUrls")), _character(made)
            nothing = url is None and character is None
            has_reason = bool(non_blank(record.get("failMsg")))
            failed = (ended == "failed" and (nothing or has_reason)) or (ended is None and nothing and has_reason)
            if ended in {"queued", "running"} or (ended is None and nothing and not failed):
                raise Busy("Kie is not ready: the task has not ended")
        if failed:
            raise kie_errors.of_failure(record, job)
        if nothing:
            raise kie_errors.of_no_result(record, job)
        kept = keep_outputs("kie", {"data": {**record, "resultJson": made}})
        return Result(
            url=url,
            character_id=character,
            mention=f"@{username.lstrip('@')}" if character and username else None,
            handle=job.request_id if url and job.endpoint.startswith("sora-2-") else None,
            usd=_usd(kie_errors.credits_of(record)),
            files=kept.files,
            facts=kept.facts,
            raw=record,
        )

    async def fetch(self, url: str, to: Path, bounds: Bounds = BOUNDS) -> str:
        """Download a file. The link itself gives access: no key is sent."""
        return await download(self._http, url, to, bounds)

    async def cancel(self, job: Job) -> bool:  # noqa: ARG002
        """False: Kie has no call to cancel a task."""
        return False

    async def find(self, order: Sought) -> tuple[Job, ...] | None:  # noqa: ARG002
        """None: Kie has no list to search; a person can find the task at kie.ai/logs."""
        return None

    async def offered(self, endpoint: str) -> bool | None:  # noqa: ARG002
        """None: only Kie's response to a submit says that a model is no longer sold."""
        return None

    async def objection(self, order: Order) -> str | None:  # noqa: ARG002
        """Kie has no catalogue for programs."""
        return "Kie has no catalogue to compare with"

    async def catalogue(self) -> tuple[Listed, ...] | None:
        """None: Kie's market is a web page only."""
        return None

    async def price(self, order: Order) -> float | None:  # noqa: ARG002
        """None: Kie has no price API, only a web page."""
        return None

    async def balance(self) -> float | None:
        """Credits left, in US dollars."""
        return _usd(amount(_data(await self._ask("GET", f"{self._api}/api/v1/chat/credit"))))

    async def verify_callback(self, headers: Mapping[str, str], body: bytes, secret: str) -> str | None:
        """Kie signs the task's id and the time with the webhookHmacKey of the account."""
        return from_kie(headers, body, secret)

    async def _record(self, job: Job) -> JsonObject:
        """The task's record. A record with a state is valid under any code; a failure may come without a code."""
        response = await self._ask("GET", f"{self._api}/api/v1/jobs/recordInfo", params={"taskId": job.request_id})
        envelope = kie_errors.parse_envelope(response)
        record = envelope.data if isinstance(envelope.data, dict) else {}
        ended = phase(record.get("state"))
        if envelope.ok and record:
            return record
        if (ended == "succeeded" and response.is_success) or (ended == "failed" and envelope.own):
            return record
        if envelope.own and envelope.code in {408, 501} and not record:
            return {"state": "fail", "failCode": str(envelope.code), "failMsg": envelope.text}
        raise kie_errors.of_look(response)

    async def _ask(self, method: str, url: str, **request: Any) -> httpx.Response:
        return await ask(self._http, "Kie", method, url, headers=self._auth, **request)


def _order(request: SceneRequest | CharacterRequest, wanted: JsonObject) -> Order:
    model = endpoint(request)
    return Order(endpoint=model, body=with_fields({"model": model, "input": wanted}, request))


def _data(response: httpx.Response) -> JsonValue:
    envelope = kie_errors.parse_envelope(response)
    if not envelope.ok:
        raise kie_errors.of_call(response)
    return envelope.data


def _uploaded(response: httpx.Response) -> str:
    data, reply = _data(response), json_object(response) or {}
    file = link(data.get("downloadUrl")) or link(data.get("fileUrl")) if isinstance(data, dict) else None
    if file is None or reply.get("success") is not True:
        raise ProtocolError("Kie accepted an upload without returning its URL; nothing was bought, run it again")
    return file


def _decoded(result: JsonValue) -> JsonObject:
    """The JSON inside the JSON, read with the same care; some accounts receive it already decoded."""
    if isinstance(result, dict):
        return result
    return json_object(httpx.Response(httpx.codes.OK, text=result)) or {} if isinstance(result, str) else {}


def _character(made: JsonObject) -> tuple[str | None, str | None]:
    """Id and user name, under all their known names. A bare `id` in a result with a video is not a character's."""
    nested = made.get("resultObject")
    facts = made | ({key: value for key, value in nested.items() if value} if isinstance(nested, dict) else {})
    ids = _CHARACTER_IDS if "resultUrls" in made else (*_CHARACTER_IDS, "id")
    return _first(facts, ids), _first(facts, _USER_NAMES)


def _first(facts: JsonObject, names: tuple[str, ...]) -> str | None:
    return next((value for name in names if (value := non_blank(facts.get(name)))), None)


def _usd(credit: float | None) -> float | None:
    return None if credit is None else round(credit * _USD, 6)
