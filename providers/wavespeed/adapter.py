"""WaveSpeedAI's API v3, after https://wavespeed.ai/docs/submit-task, get-result and list-predictions.

Three habits of WaveSpeed shape this module. Every answer is an envelope, whose `code` counts as much as HTTP's. One
call gives both state and result, and a task that failed comes with a 200 in both places. The key is never sent to a
link from a response: a task is addressed by its id.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio.to_thread
import httpx

from prefect_storyboard.providers.callbacks import from_wavespeed
from prefect_storyboard.providers.download import BOUNDS, Bounds, download
from prefect_storyboard.providers.errors import Busy, ProtocolError
from prefect_storyboard.providers.fields import with_fields
from prefect_storyboard.providers.http import ask, buy, checked_key, clock_skew, json_object
from prefect_storyboard.providers.images import draws, still_body, still_endpoint
from prefect_storyboard.providers.inline import first_picture
from prefect_storyboard.providers.json_values import amount, link, non_blank
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
from prefect_storyboard.providers.reasons import flagged, is_flagged
from prefect_storyboard.providers.states import phase, status_of
from prefect_storyboard.providers.table import endpoint
from prefect_storyboard.providers.wavespeed import bodies as wavespeed_bodies
from prefect_storyboard.providers.wavespeed import errors as wavespeed_errors
from prefect_storyboard.providers.wavespeed import listed as wavespeed_listed
from prefect_storyboard.providers.wavespeed import search, upload
from prefect_storyboard.providers.wavespeed.bodies import made_character, sold, with_objects
from prefect_storyboard.providers.wavespeed.envelope import data, data_or_nothing, task_id, task_of
from prefect_storyboard.storyboards import Job
from prefect_storyboard.storyboards.outcomes import JsonObject

_OK = 200


class WaveSpeed:
    """One account at WaveSpeedAI. The key goes to the configured host and nowhere else."""

    name = "wavespeed"
    carries_files = False

    def __init__(self, http: httpx.AsyncClient, *, api_key: str, api_url: str) -> None:
        key = checked_key(api_key, "WaveSpeed's dashboard")
        self._auth = {"Authorization": f"Bearer {key}"}
        self._api = api_url.rstrip("/")
        self._http = http
        self._sold: dict[str, str] = {}
        self._schemas: dict[str, JsonObject] = {}

    async def upload(self, path: Path, content_type: str) -> str:
        """Upload by ticket and bare PUT, which carries no key. Free; WaveSpeed keeps the file for 7 days.

        No two uploads share a name, because an order whose reply was lost is recognised by its links.
        """
        body = await anyio.to_thread.run_sync(path.read_bytes)
        filename = f"{path.stem}-{uuid4().hex}{path.suffix}"
        wanted = {"filename": filename, "size": len(body), "content_type": content_type}
        ticket = data(await self._ask("POST", "media/uploads", json=wanted))
        place, file_url = ticket.get("upload"), link(ticket.get("download_url"))
        if not isinstance(place, dict) or file_url is None or place.get("method") != "PUT":
            raise ProtocolError("WaveSpeed granted an upload without a URL; nothing was bought, run it again")
        await upload.put(self._http, place, body)
        return file_url

    def character_order(self, request: CharacterRequest) -> Order:
        """Input of openai/sora-2/characters; WaveSpeed uses the first 4 s of the clip, and takes no id of a video."""
        return Order(endpoint=endpoint(request), body=with_fields(wavespeed_bodies.character(request), request))

    def scene_order(self, request: SceneRequest) -> Order:
        """The flat input in the form of the model's codec; characters are objects if the list of models says so."""
        path = endpoint(request)
        body = with_fields(wavespeed_bodies.scene(request), request)
        return Order(endpoint=path, body=with_objects(body) if self._sold.get(path) == "object" else body)

    def still_order(self, request: StillRequest) -> Order:
        """The flat input of the image model; never with base64 output."""
        return Order(endpoint=still_endpoint(request.drawing), body=still_body(request))

    async def submit(self, order: Order) -> Job:
        """POST to the model's path, once, and never in sync mode: a response that takes minutes is easily lost."""
        url = f"{self._api}/api/v3/{order.endpoint}"
        query = {"webhook": order.callback} if order.callback else None
        response = await buy(self._http, "WaveSpeed", url, params=query, json=order.body, headers=self._auth)
        if wavespeed_errors.code(response) != _OK:
            raise wavespeed_errors.of_submit(response, order.endpoint)
        request_id = task_id(wavespeed_errors.data(response))
        if request_id is None:
            raise wavespeed_errors.of_submit(response, order.endpoint)
        now = datetime.now(UTC)
        return Job(provider="wavespeed", endpoint=order.endpoint, request_id=request_id, submitted_at=now)

    async def status(self, job: Job) -> Status:
        """Ask for the task. An undocumented state counts as running, and is passed on."""
        return (await self.look(job)).status

    async def look(self, job: Job) -> Look:
        """The task's document holds the result as well."""
        with job_stays_open(job):
            response = await self._task(job)
            status = status_of(task_of(response).get("status"))
        return Look(status, partial(self._made, job, response))

    async def result(self, job: Job) -> Result:
        """Fetch the task's output: a video, a character, or why there is none. Its file is gone after 7 days."""
        with job_stays_open(job):
            response = await self._task(job)
        return await self._made(job, response)

    async def _made(self, job: Job, response: httpx.Response) -> Result:
        with job_stays_open(job):
            task = task_of(response)
            ended, outputs = phase(task.get("status")), task.get("outputs")
            unclear = ended is None and not outputs and not non_blank(task.get("error"))
            if ended in {"queued", "running"} or unclear:
                raise Busy("the task is not ready at WaveSpeed")
        url, reason = first_picture(outputs), non_blank(task.get("error")) or task.get("code")
        if (ended == "failed" and (url is None or reason)) or (ended is None and not outputs):
            raise wavespeed_errors.of_result(response, job)
        if draws("wavespeed", job.endpoint) and is_flagged(task.get("has_nsfw_contents")):
            raise flagged(request_id=job.request_id, charged=None)
        if job.endpoint.endswith("/characters"):
            with job_stays_open(job):
                first = next(iter(outputs), None) if isinstance(outputs, list) else outputs
                output = await self._read(url) if url else first
            made = made_character(output)
            kept = keep_outputs("wavespeed", {"data": {**task, "outputs": [made]}})
            result = Result(character_id=non_blank(made.get("id")), files=kept.files, facts=kept.facts, raw=task)
        else:
            kept = keep_outputs("wavespeed", {"data": task})
            result = Result(url=url, files=kept.files, facts=kept.facts, raw=task)
        if result.url is None and result.character_id is None:
            raise wavespeed_errors.of_no_result(task, job)
        return result

    async def fetch(self, url: str, to: Path, bounds: Bounds = BOUNDS) -> str:
        """Download a file. The link itself gives access: no key is sent."""
        return await download(self._http, url, to, bounds)

    async def cancel(self, job: Job) -> bool:  # noqa: ARG002 - there is no such call
        """False: WaveSpeed cannot stop a task, and deleting a running one may still cost."""
        return False

    async def find(self, order: Sought) -> tuple[Job, ...]:
        """Search the list of the last 7 days for inputs equal to ours.

        The docs do not say whether the list really returns inputs: if it proves nothing, this raises ProtocolError.
        Times are returned in our clock, if WaveSpeed's Date header shows its own.
        """
        return await search.find(self._list_page, order.endpoint, order.digest, order.since)

    async def offered(self, endpoint: str) -> bool | None:
        """Look the model up in WaveSpeed's list, some 2 MB, which is read once; None if it is unreadable."""
        if not self._sold:
            response = await self._ask("GET", "models")
            reply = json_object(response) or {}
            if response.status_code == reply.get("code") == _OK:
                self._sold = sold(reply.get("data"))
                self._schemas = wavespeed_listed.schemas(reply.get("data"))
        return endpoint in self._sold if self._sold else None

    async def objection(self, order: Order) -> str | None:
        """Compare the order with the fields of its path in WaveSpeed's list of models."""
        if not await self.offered(order.endpoint):
            return f"WaveSpeed's list of models has no {order.endpoint}"
        return wavespeed_listed.objection(order, self._schemas)

    async def catalogue(self) -> tuple[Listed, ...] | None:
        """Read WaveSpeed's list: its base prices are of one run with every input left at its default."""
        reply = json_object(await self._ask("GET", "models")) or {}
        return wavespeed_listed.listed(reply.get("data")) if reply.get("code") == _OK else None

    async def price(self, order: Order) -> float | None:
        """WaveSpeed's price of exactly this order for this account, after its discount."""
        wanted: JsonObject = {"model_id": order.endpoint, "inputs": order.body}
        reply = data_or_nothing(await self._ask("POST", "model/price", json=wanted))
        prices = [amount(reply.get("discounted_price")), amount(reply.get("price"))]
        in_dollars = (reply.get("currency") or "USD") == "USD"
        return next((price for price in prices if price and price > 0), None) if in_dollars else None

    async def balance(self) -> float | None:
        """The balance in US dollars; None for a key that may not read it."""
        return amount(data_or_nothing(await self._ask("GET", "balance")).get("balance"))

    async def verify_callback(self, headers: Mapping[str, str], body: bytes, secret: str) -> str | None:
        """WaveSpeed signs with the webhook secret of the account."""
        return from_wavespeed(headers, body, secret)

    async def _ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        url = f"{self._api}/api/v3/{path}"
        response = await ask(self._http, "WaveSpeed", method, url, headers=self._auth, **request)
        if wavespeed_errors.code(response) == httpx.codes.UNAUTHORIZED:
            raise wavespeed_errors.of_call(response)
        return response

    async def _task(self, job: Job) -> httpx.Response:
        return await self._ask("GET", f"predictions/{job.request_id}/result")

    async def _read(self, url: str) -> str:
        """The text of an output, without the key."""
        response = await ask(self._http, "WaveSpeed's storage", "GET", url, follow_redirects=True)
        if not response.is_success:
            status = response.status_code
            raise Busy(f"WaveSpeed's storage answered a character with {status}", http_status=status)
        return response.text

    async def _list_page(self, query: JsonObject) -> tuple[JsonObject, timedelta | None]:
        """One page of the list of tasks, and how far our clock is ahead of WaveSpeed's."""
        response = await self._ask("POST", "predictions", json=query)
        return data(response), clock_skew(response)
