"""fal.ai's queue, after https://fal.ai/docs/documentation/model-apis/inference/queue.md and the Sora 2 model pages.

Three habits of fal shape this module. A submit is not validated: what the model does not take comes back as a 422 on
the result of a COMPLETED job. Every link is used as returned, after a look at its host. A result's status code, body
and headers are the model's own, so a 5xx there may be the job's verdict or a passing fault of the way to it.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio.to_thread
import httpx
from pydantic import JsonValue

from prefect_storyboard.providers import fal_errors
from prefect_storyboard.providers.errors import Busy, Expired, OutcomeUnknown, ProtocolError
from prefect_storyboard.providers.http import ask, buy, json_object, trusted
from prefect_storyboard.providers.protocol import CharacterRequest, Order, Result, SceneRequest, Status
from prefect_storyboard.storyboards import Job
from prefect_storyboard.storyboards.keys import digest
from prefect_storyboard.storyboards.outcomes import JsonObject

_STATES = {"IN_QUEUE": "queued", "IN_PROGRESS": "running", "COMPLETED": "ended"}
_LINKS = ("status_url", "response_url", "cancel_url")
_LIST_LAG = timedelta(minutes=5)  # how far the provider's clock may be behind ours when its list is asked


class Fal:
    """One account at fal.ai. The key goes to the three configured hosts and nowhere else."""

    name = "fal"

    def __init__(
        self, http: httpx.AsyncClient, *, api_key: str, queue_url: str, rest_url: str, platform_url: str
    ) -> None:
        self._auth = {"Authorization": f"Key {''.join(api_key.split())}"}
        self._queue = queue_url.rstrip("/")
        self._rest = rest_url.rstrip("/")
        self._platform = platform_url.rstrip("/")
        self._http = http

    async def upload(self, path: Path, content_type: str) -> str:
        """Upload by presigned PUT, which carries no key. Free; fal keeps the file for a week or more."""
        wanted = {"file_name": path.name, "content_type": content_type}
        response = await self._ask(
            "POST", f"{self._rest}/storage/upload/initiate", params={"storage_type": "fal-cdn-v3"}, json=wanted
        )
        ticket = _success(response)
        upload_url, file_url = ticket.get("upload_url"), ticket.get("file_url")
        if not isinstance(upload_url, str) or not isinstance(file_url, str):
            raise ProtocolError("fal granted an upload without saying where to")
        body = await anyio.to_thread.run_sync(path.read_bytes)
        put = await ask(self._http, "fal", "PUT", upload_url, content=body, headers={"Content-Type": content_type})
        if not put.is_success:
            raise Busy(f"fal's storage answered an upload with {put.status_code}", http_status=put.status_code)
        return file_url

    def character_order(self, request: CharacterRequest) -> Order:
        """Input of fal-ai/sora-2/characters; fal uses the first 4 s of the clip."""
        body: JsonObject = {"video_url": request.clip_url, "name": request.name}
        return Order(endpoint=request.model.endpoints["character"], body=body)

    def scene_order(self, request: SceneRequest) -> Order:
        """Input of the five video endpoints. The video stays at the maker, or nobody could remix it later."""
        body: JsonObject = {"prompt": request.prompt, "delete_video": False}
        if request.remix_of:
            return Order(endpoint=request.model.endpoints["remix"], body={"video_id": request.remix_of, **body})
        body |= {
            "resolution": request.resolution,
            "aspect_ratio": request.aspect,
            "duration": request.seconds,
        }
        if request.castings:
            body["character_ids"] = [casting.id for casting in request.castings]
        if request.image_url:
            return Order(endpoint=request.model.endpoints["image"], body={**body, "image_url": request.image_url})
        return Order(endpoint=request.model.endpoints["text"], body=body)

    async def submit(self, order: Order) -> Job:
        """POST to the queue, once. fal does not validate here; a wrong input fails later and costs nothing."""
        url = f"{self._queue}/{order.endpoint}"
        response = await buy(self._http, "fal", url, json=order.body, headers=self._auth)
        if not response.is_success:
            raise fal_errors.of_submit(response, order.endpoint)
        reply = json_object(response) or {}
        request_id = reply.get("request_id")
        if not isinstance(request_id, str) or not request_id:
            raise OutcomeUnknown("fal accepted a submit and its answer names no request", raw=response.text[:2000])
        job = self._job(order.endpoint, request_id, datetime.now(UTC))
        returned = {link: value for link in _LINKS if isinstance(value := reply.get(link), str)}
        return job.model_copy(update={"urls": {**job.urls, **returned}})

    async def status(self, job: Job) -> Status:
        """Ask the status link. A state that fal has not documented reads as still running."""
        response = await self._ask("GET", self._link(job, "status_url"), params={"logs": "0"})
        if response.status_code == httpx.codes.NOT_FOUND:
            raise Expired(f"fal does not know the request {job.request_id}", request_id=job.request_id)
        reply = _success(response)
        ahead = reply.get("queue_position")
        state = _STATES.get(str(reply.get("status")), "running")
        return Status.model_validate({"state": state, "ahead": ahead if isinstance(ahead, int) else None})

    async def result(self, job: Job) -> Result:
        """Fetch the model's own answer: a video, a character, or why there is none."""
        response = await self._ask("GET", self._link(job, "response_url"))
        if not response.is_success:
            raise fal_errors.of_result(response, job)
        reply = _success(response)
        video = reply.get("video")
        url = video.get("url") if isinstance(video, dict) else None
        character = reply.get("id")
        if not isinstance(url, str) and not isinstance(character, str):
            raise ProtocolError("fal returned neither a video nor a character", request_id=job.request_id, raw=reply)
        handle = reply.get("video_id")
        return Result(
            url=url if isinstance(url, str) else None,
            character_id=character if isinstance(character, str) else None,
            handle=handle if isinstance(handle, str) else None,
            billable_units=fal_errors.billable_units(response),
            raw=reply,
        )

    async def cancel(self, job: Job) -> bool:
        """PUT the cancel link. True means asked for: a job that runs may still finish, and cost."""
        response = await self._ask("PUT", self._link(job, "cancel_url"), content=b"")
        if response.status_code == httpx.codes.NOT_FOUND:
            raise Expired(f"fal does not know the request {job.request_id}", request_id=job.request_id)
        if response.status_code == httpx.codes.BAD_REQUEST:
            return False
        _success(response)
        return True

    async def find(self, endpoint: str, order_digest: str, since: datetime) -> tuple[Job, ...]:
        """Search the platform's list of requests for a body equal to ours.

        Source: GET /v1/models/requests/by-endpoint of fal's Platform API. Whether a running request is listed before
        it ends is not documented, so an empty answer soon after the submit proves nothing.
        """
        query = {"endpoint_id": endpoint, "start": _iso(since - _LIST_LAG), "expand": "payloads", "limit": "100"}
        found: list[Job] = []
        while True:
            url = f"{self._platform}/models/requests/by-endpoint"
            page = _success(await self._ask("GET", url, params=query))
            for item in _objects(page.get("items")):
                request_id, body = item.get("request_id"), item.get("json_input")
                if isinstance(request_id, str) and isinstance(body, dict) and digest(body) == order_digest:
                    found.append(self._job(endpoint, request_id, _time(item.get("sent_at"), since)))
            cursor = page.get("next_cursor")
            if not page.get("has_more") or not isinstance(cursor, str):
                return tuple(sorted(found, key=lambda job: job.submitted_at))
            query["cursor"] = cursor

    async def offered(self, endpoint: str) -> bool | None:
        """Read the endpoint's status in the platform's model list."""
        response = await self._ask("GET", f"{self._platform}/models", params={"endpoint_id": endpoint})
        for entry in _objects((json_object(response) or {}).get("models")):
            facts = entry.get("metadata")
            if entry.get("endpoint_id") == endpoint and isinstance(facts, dict) and "status" in facts:
                return facts["status"] != "deprecated"
        return None

    async def balance(self) -> float | None:
        """Credits in US dollars; None for a key that is no admin key."""
        response = await self._ask("GET", f"{self._platform}/account/billing", params={"expand": "credits"})
        credit = (json_object(response) or {}).get("credits")
        left = credit.get("current_balance") if isinstance(credit, dict) else None
        return float(left) if isinstance(left, int | float) else None

    async def _ask(self, method: str, url: str, **request: Any) -> httpx.Response:
        response = await ask(self._http, "fal", method, url, headers=self._auth, **request)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            raise fal_errors.of_call(response)
        return response

    def _link(self, job: Job, name: str) -> str:
        return trusted(job.urls[name], self._queue, "fal")

    def _job(self, endpoint: str, request_id: str, submitted_at: datetime) -> Job:
        """A job by its id alone: fal serves it under owner and app, whatever the rest of the endpoint."""
        root = f"{self._queue}/{'/'.join(endpoint.split('/')[:2])}/requests/{request_id}"
        links = dict(zip(_LINKS, (f"{root}/status", root, f"{root}/cancel"), strict=True))
        return Job(provider="fal", endpoint=endpoint, request_id=request_id, submitted_at=submitted_at, urls=links)


def _success(response: httpx.Response) -> JsonObject:
    if not response.is_success:
        raise fal_errors.of_call(response)
    reply = json_object(response)
    if reply is None:
        raise fal_errors.unreadable(response)
    return reply


def _objects(value: JsonValue) -> list[JsonObject]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _time(value: JsonValue, otherwise: datetime) -> datetime:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        return otherwise
