"""WaveSpeedAI's API v3, after https://wavespeed.ai/docs/submit-task, get-result and list-predictions.

Three habits of WaveSpeed shape this module. Every answer is an envelope, whose `code` counts as much as HTTP's. One
call gives both state and result, and a task that failed comes with a 200 in both places. No link of an answer is ever
sent the key: a task is addressed by its id.
"""

import re
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
from prefect_storyboard.providers.http import ask, buy, clock_skew, json_object, sound_key
from prefect_storyboard.providers.json_values import amount, first_link, link, moment, non_blank, objects, utc
from prefect_storyboard.providers.open_jobs import on_the_way
from prefect_storyboard.providers.outputs import keep_outputs
from prefect_storyboard.providers.protocol import CharacterRequest, Listed, Order, Result, SceneRequest, Sought, Status
from prefect_storyboard.providers.states import phase, status_of
from prefect_storyboard.providers.table import endpoint
from prefect_storyboard.providers.wavespeed import bodies as wavespeed_bodies
from prefect_storyboard.providers.wavespeed import errors as wavespeed_errors
from prefect_storyboard.providers.wavespeed import listed as wavespeed_listed
from prefect_storyboard.providers.wavespeed.bodies import made_character, sold, with_objects
from prefect_storyboard.storyboards import Job
from prefect_storyboard.storyboards.keys import digest
from prefect_storyboard.storyboards.outcomes import JsonObject

_OK = 200
_TASK_ID = re.compile(r"[A-Za-z0-9_-]{4,128}")
_WINDOW = timedelta(hours=1)  # around a submit, in which WaveSpeed's list is read: our clock may be wrong
_LEEWAY = timedelta(seconds=120)  # the same before it once WaveSpeed's own Date header has corrected our clock
_PAGE = 100  # tasks on a page of the list, the most that it gives
_PAGES = 50  # of the list; more than an account submits of one model in days


class WaveSpeed:
    """One account at WaveSpeedAI. The key goes to the configured host and nowhere else."""

    name = "wavespeed"
    carries_files = False

    def __init__(self, http: httpx.AsyncClient, *, api_key: str, api_url: str) -> None:
        key = sound_key(api_key, "WaveSpeed's dashboard")
        self._auth = {"Authorization": f"Bearer {key}"}
        self._api = api_url.rstrip("/")
        self._http = http
        self._sold: dict[str, str] = {}

    async def upload(self, path: Path, content_type: str) -> str:
        """Upload by ticket and bare PUT, which carries no key. Free; WaveSpeed keeps the file for 7 days.

        No two uploads share a name: an order whose reply was lost is told by its links from another one like it.
        """
        body = await anyio.to_thread.run_sync(path.read_bytes)
        filename = f"{path.stem}-{uuid4().hex}{path.suffix}"
        wanted = {"filename": filename, "size": len(body), "content_type": content_type}
        ticket = _data(await self._ask("POST", "media/uploads", json=wanted))
        place, file_url = ticket.get("upload"), link(ticket.get("download_url"))
        if not isinstance(place, dict) or file_url is None or place.get("method") != "PUT":
            raise ProtocolError("WaveSpeed granted an upload without saying where to")
        await self._put(place, body)
        return file_url

    def character_order(self, request: CharacterRequest) -> Order:
        """Input of openai/sora-2/characters; WaveSpeed uses the first 4 s of the clip, and takes no video by its id."""
        return Order(endpoint=endpoint(request), body=with_fields(wavespeed_bodies.character(request), request))

    def scene_order(self, request: SceneRequest) -> Order:
        """The flat input of the model in the form of its codec; characters are objects once `offered` has seen so."""
        path = endpoint(request)
        body = with_fields(wavespeed_bodies.scene(request), request)
        return Order(endpoint=path, body=with_objects(body) if self._sold.get(path) == "object" else body)

    async def submit(self, order: Order) -> Job:
        """POST to the model's path, once, and never in sync mode: a reply that takes minutes is a reply easily lost."""
        url = f"{self._api}/api/v3/{order.endpoint}"
        query = {"webhook": order.callback} if order.callback else None
        response = await buy(self._http, "WaveSpeed", url, params=query, json=order.body, headers=self._auth)
        if wavespeed_errors.code(response) != _OK:
            raise wavespeed_errors.of_submit(response, order.endpoint)
        task_id = _task_id(wavespeed_errors.data(response))
        if task_id is None:
            raise wavespeed_errors.of_submit(response, order.endpoint)
        return _job(order.endpoint, task_id, datetime.now(UTC))

    async def status(self, job: Job) -> Status:
        """Ask for the task. An undocumented state reads as still running, and is named."""
        with on_the_way(job):
            task = _ended(await self._task(job))
        return status_of(task.get("status"))

    async def result(self, job: Job) -> Result:
        """Fetch the task's output: a video, a character, or why there is none. Its file is gone after 7 days."""
        with on_the_way(job):
            response = await self._task(job)
            task = _ended(response)
            ended, outputs = phase(task.get("status")), task.get("outputs")
            unclear = ended is None and not outputs and not non_blank(task.get("error"))
            if ended in {"queued", "running"} or unclear:
                raise Busy("the task is not ready at WaveSpeed")
        if ended == "failed" or (ended is None and not outputs):
            raise wavespeed_errors.of_result(response, job)
        url = first_link(outputs)
        if job.endpoint.endswith("/characters"):
            with on_the_way(job):
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
        """Download the file behind a link, which carries its own permission: no key goes along."""
        return await download(self._http, url, to, bounds)

    async def cancel(self, job: Job) -> bool:  # noqa: ARG002 - there is no such call
        """Return False: WaveSpeed stops no task, and to delete one that runs may still cost."""
        return False

    async def find(self, order: Sought) -> tuple[Job, ...]:
        """Search the list of the last 7 days for inputs equal to ours.

        Whether the list gives the inputs that it is asked for is not documented, and a task without them may be ours.
        While there is one and no match, or the list does not end, ProtocolError says that the list proves nothing: an
        empty answer would say that nothing was bought. Times are returned in our clock, as far as WaveSpeed's Date
        header tells its own.
        """
        endpoint, since = order.endpoint, utc(order.since)
        tasks, whole, skew = await self._listed(endpoint, since, timedelta())
        if skew is not None and abs(skew) > _WINDOW - _LEEWAY:
            tasks, whole, skew = await self._listed(endpoint, since, skew)
        earliest = since - (_WINDOW if skew is None else _LEEWAY)
        found: list[Job] = []
        silent = False
        for task_id, task in tasks.items():
            created, inputs = moment(task.get("created_at")), task.get("inputs") or task.get("input")
            ours = since if created is None else created + (skew or timedelta())
            if ours < earliest or task.get("model") not in (None, endpoint):
                continue
            if not isinstance(inputs, dict):
                silent = True
            elif digest(inputs) == order.digest:
                found.append(_job(endpoint, task_id, ours))
        if not found and (silent or not whole):
            why = "tasks without their inputs" if silent else "more tasks than can be read"
            raise ProtocolError(f"WaveSpeed lists {why}: the one in question may be among them")
        return tuple(sorted(found, key=lambda job: job.submitted_at))

    async def offered(self, endpoint: str) -> bool | None:
        """Look the model up in WaveSpeed's list, some 2 MB, which is read once; None where it is unreadable."""
        if not self._sold:
            response = await self._ask("GET", "models")
            reply = json_object(response) or {}
            if response.status_code == reply.get("code") == _OK:
                self._sold = sold(reply.get("data"))
        return endpoint in self._sold if self._sold else None

    async def objection(self, order: Order) -> str | None:
        """Whether WaveSpeed's list of models has the path."""
        return None if await self.offered(order.endpoint) else f"WaveSpeed's list of models has no {order.endpoint}"

    async def catalogue(self) -> tuple[Listed, ...] | None:
        """Read WaveSpeed's list: its base prices are of one run with every input left at its default."""
        reply = json_object(await self._ask("GET", "models")) or {}
        return wavespeed_listed.listed(reply.get("data")) if reply.get("code") == _OK else None

    async def price(self, order: Order) -> float | None:
        """What WaveSpeed asks this account for exactly that order, after its discount."""
        wanted: JsonObject = {"model_id": order.endpoint, "inputs": order.body}
        reply = _data_or_nothing(await self._ask("POST", "model/price", json=wanted))
        prices = [amount(reply.get("discounted_price")), amount(reply.get("price"))]
        in_dollars = (reply.get("currency") or "USD") == "USD"
        return next((price for price in prices if price and price > 0), None) if in_dollars else None

    async def balance(self) -> float | None:
        """Money left in US dollars; None for a key that may not know."""
        return amount(_data_or_nothing(await self._ask("GET", "balance")).get("balance"))

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

    async def _put(self, place: JsonObject, body: bytes) -> None:
        """Store a file. Where the answer was lost it goes out once more: a 412 then says that the first one arrived."""
        url, headers = link(place.get("url")), place.get("headers") or {}
        if url is None or not isinstance(headers, dict) or not str(headers).isascii():
            raise ProtocolError("WaveSpeed granted an upload without saying where to")
        exactly = {name: str(value) for name, value in headers.items()}
        put = partial(ask, self._http, "WaveSpeed's storage", "PUT", url, content=body, headers=exactly)
        try:
            answer: httpx.Response | None = await put()
        except Busy:
            answer = None
        if answer is None or answer.is_server_error:
            answer = await put()
            if answer.status_code == httpx.codes.PRECONDITION_FAILED:
                return
        if not answer.is_success:
            status = answer.status_code
            raise Busy(f"WaveSpeed's storage answered an upload with {status}", http_status=status)

    async def _read(self, url: str) -> str:
        """The text of an output, without the key."""
        response = await ask(self._http, "WaveSpeed's storage", "GET", url, follow_redirects=True)
        if not response.is_success:
            status = response.status_code
            raise Busy(f"WaveSpeed's storage answered a character with {status}", http_status=status)
        return response.text

    async def _listed(
        self, model: str, since: datetime, shift: timedelta
    ) -> tuple[dict[str, JsonObject], bool, timedelta | None]:
        """The list around a submit, by task; whether that is all of it; and how far our clock is ahead of WaveSpeed's.

        A list may turn in a circle, or deny its items. `shift` is a skew that is known already.
        """
        start, end = since - shift - _WINDOW, datetime.now(UTC) - shift + _WINDOW
        window: JsonObject = {"created_after": _iso(start), "created_before": _iso(end)}
        query: JsonObject = {"page_size": _PAGE, "model": model, **window, "include_inputs": True}
        tasks: dict[str, JsonObject] = {}
        skew: timedelta | None = None
        for page in range(1, _PAGES + 1):
            response = await self._ask("POST", "predictions", json={"page": page, **query})
            reply, skew = _data(response), clock_skew(response)
            items, total, known = reply.get("items"), amount(reply.get("total")), len(tasks)
            tasks |= {task_id: item for item in objects(items) if (task_id := _task_id(item))}
            if not items:
                return tasks, page > 1 or not total, skew
            if total is not None and len(tasks) >= total:
                return tasks, True, skew
            if len(tasks) == known:
                break
        return tasks, False, skew


def _job(endpoint: str, task_id: str, submitted_at: datetime) -> Job:
    return Job(provider="wavespeed", endpoint=endpoint, request_id=task_id, submitted_at=submitted_at)


def _task_id(task: JsonObject) -> str | None:
    task_id = non_blank(task.get("id"))
    return task_id if task_id and _TASK_ID.fullmatch(task_id) else None


def _data(response: httpx.Response) -> JsonObject:
    if wavespeed_errors.code(response) != _OK:
        raise wavespeed_errors.of_call(response)
    if held := wavespeed_errors.data(response):
        return held
    raise wavespeed_errors.unreadable(response)


def _ended(response: httpx.Response) -> JsonObject:
    """A task's document. One that has ended counts under any code of the envelope."""
    task = wavespeed_errors.data(response)
    return task if response.is_success and phase(task.get("status")) in {"succeeded", "failed"} else _data(response)


def _data_or_nothing(response: httpx.Response) -> JsonObject:
    """What an answer holds; nothing where it is an error."""
    return wavespeed_errors.data(response) if wavespeed_errors.code(response) == _OK else {}


def _iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
