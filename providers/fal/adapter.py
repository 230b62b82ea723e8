"""fal.ai's queue, after https://fal.ai/docs/documentation/model-apis/inference/queue.md and the Sora 2 model pages.

Three habits of fal shape this module. A submit is not validated: what the model does not take comes back as a 422 on
the result of a COMPLETED job. Every link is used as returned, once its host is checked. A result's status code, body
and headers are the model's own, so a 5xx there may be the job's verdict or a transient fault on the way to it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import anyio.to_thread
import httpx

from prefect_storyboard.addresses import bare
from prefect_storyboard.providers.callbacks import from_fal
from prefect_storyboard.providers.download import BOUNDS, Bounds, download
from prefect_storyboard.providers.errors import Busy, ProtocolError, ProviderError
from prefect_storyboard.providers.fal import bodies as fal_bodies
from prefect_storyboard.providers.fal import errors as fal_errors
from prefect_storyboard.providers.fal import listed as fal_listed
from prefect_storyboard.providers.fal import search
from prefect_storyboard.providers.fal.jwks import Jwks
from prefect_storyboard.providers.fields import with_fields
from prefect_storyboard.providers.http import ask, buy, checked_key, clock_skew, json_object, own_link, same_host
from prefect_storyboard.providers.images import still_body, still_endpoint
from prefect_storyboard.providers.inline import first_picture
from prefect_storyboard.providers.json_values import amount, first_link, link, non_blank, objects
from prefect_storyboard.providers.open_jobs import job_stays_open
from prefect_storyboard.providers.outputs import keep_outputs
from prefect_storyboard.providers.protocol import (
    CharacterRequest,
    Listed,
    Order,
    Result,
    SceneRequest,
    Sought,
    Status,
    StillRequest,
)
from prefect_storyboard.providers.reasons import is_flagged
from prefect_storyboard.providers.states import status_of
from prefect_storyboard.providers.table import endpoint
from prefect_storyboard.storyboards import Job
from prefect_storyboard.storyboards.outcomes import JsonObject

_LINKS = ("status_url", "response_url", "cancel_url")
_PAGE, _PAGES = 100, 50  # models on a page of the list, and pages
_PRICED = 50  # models that one question about prices may name


class Fal:
    """One account at fal.ai. The key goes to the three configured hosts and nowhere else."""

    name = "fal"
    carries_files = False

    def __init__(
        self, http: httpx.AsyncClient, *, api_key: str, queue_url: str, rest_url: str, platform_url: str
    ) -> None:
        key = checked_key(api_key, "fal's dashboard")
        self._auth = {"Authorization": f"Key {key}"}
        self._queue = queue_url.rstrip("/")
        self._rest = rest_url.rstrip("/")
        self._platform = platform_url.rstrip("/")
        self._http = http
        self._keys = Jwks(self._published_keys)

    async def upload(self, path: Path, content_type: str) -> str:
        """Upload by presigned PUT, which carries no key. Free; fal keeps the file for a week or more."""
        wanted = {"file_name": path.name, "content_type": content_type}
        response = await self._ask(
            "POST", f"{self._rest}/storage/upload/initiate", params={"storage_type": "fal-cdn-v3"}, json=wanted
        )
        ticket = _success(response)
        upload_url, file_url = link(ticket.get("upload_url")), link(ticket.get("file_url"))
        if upload_url is None or file_url is None:
            raise ProtocolError("fal granted an upload without a URL; nothing was bought, run it again")
        body = await anyio.to_thread.run_sync(path.read_bytes)
        put = await ask(self._http, "fal", "PUT", upload_url, content=body, headers={"Content-Type": content_type})
        if not put.is_success:
            raise Busy(f"fal's storage answered an upload with {put.status_code}", http_status=put.status_code)
        return file_url

    def character_order(self, request: CharacterRequest) -> Order:
        """Input of fal-ai/sora-2/characters; fal uses the first 4 s of the clip, and takes no id of a video."""
        return Order(endpoint=endpoint(request), body=with_fields(fal_bodies.character(request), request))

    def scene_order(self, request: SceneRequest) -> Order:
        """The raw input of the model, in the form of its codec."""
        return Order(endpoint=endpoint(request), body=with_fields(fal_bodies.scene(request), request))

    def still_order(self, request: StillRequest) -> Order:
        """The raw input of the image model. Never in sync mode, which keeps no result to ask for again."""
        return Order(endpoint=still_endpoint(request.drawing), body=still_body(request))

    async def submit(self, order: Order) -> Job:
        """POST to the queue, once. fal does not validate here; a wrong input fails later and costs nothing."""
        url = f"{self._queue}/{order.endpoint}"
        query = {"fal_webhook": order.callback} if order.callback else None
        response = await buy(self._http, "fal", url, params=query, json=order.body, headers=self._auth)
        if not response.is_success:
            raise fal_errors.of_submit(response, order.endpoint)
        reply = json_object(response) or {}
        request_id = non_blank(reply.get("request_id"))
        if request_id is None:
            raise fal_errors.of_submit(response, order.endpoint)
        job = self._job(order.endpoint, request_id, datetime.now(UTC))
        returned = {link: value for link in _LINKS if (value := non_blank(reply.get(link)))}
        # A signed link is as good as a key: the link built from the id is stored in its place.
        own = {
            link: value for link, value in returned.items() if same_host(value, self._queue) and bare(value) == value
        }
        return job.model_copy(update={"urls": {**job.urls, **own}})

    async def status(self, job: Job) -> Status:
        """Ask the status link. An undocumented state counts as running, and is passed on."""
        with job_stays_open(job):
            url = httpx.URL(self._own(job, "status_url")).copy_merge_params({"logs": "0"})
            reply = _success(await self._ask("GET", str(url)))
        return status_of(reply.get("status"))

    async def result(self, job: Job) -> Result:
        """Fetch the model's own answer: a video, a picture, a character, or why there is none."""
        with job_stays_open(job):
            response = await self._ask("GET", self._own(job, "response_url"))
        if not response.is_success:
            raise await self._why(response, job)
        with job_stays_open(job):
            reply = _success(response)
        if is_flagged(reply.get("has_nsfw_concepts")):
            raise fal_errors.of_flagged(response, job)
        url = first_link(reply.get("video")) or first_link(reply.get("videos")) or first_picture(reply.get("images"))
        character = non_blank(reply.get("id"))
        if url is None and character is None:
            raise fal_errors.of_odd_success(response, job)
        kept = keep_outputs("fal", reply)
        return Result(
            url=url,
            character_id=character,
            handle=non_blank(reply.get("video_id")),
            files=kept.files,
            facts=kept.facts,
            raw=reply,
        )

    async def fetch(self, url: str, to: Path, bounds: Bounds = BOUNDS) -> str:
        """Download a file. The link itself gives access: no key is sent."""
        return await download(self._http, url, to, bounds)

    async def cancel(self, job: Job) -> bool:
        """PUT the cancel link. True means that cancelling was requested: a running job may still finish, and cost."""
        with job_stays_open(job):
            response = await self._ask("PUT", self._own(job, "cancel_url"), content=b"")
            too_late = (json_object(response) or {}).get("status") == "ALREADY_COMPLETED"
            if not response.is_success and not too_late:
                raise fal_errors.of_call(response)
        return not too_late

    async def find(self, order: Sought) -> tuple[Job, ...]:
        """Search the platform's list of requests for a body equal to ours.

        Whether a running request is listed before it ends is not documented, so an empty answer soon after the submit
        proves nothing. Times are returned in our clock, if fal's Date header shows its own.
        """
        sent = await search.find(self._list_page, order.endpoint, order.digest, order.since)
        return tuple(self._job(order.endpoint, each.request_id, each.at) for each in sent)

    async def offered(self, endpoint: str) -> bool | None:
        """Read the endpoint's status in the platform's model list, which answers 404 for one that was taken off it."""
        response = await self._ask("GET", f"{self._platform}/models", params={"endpoint_id": endpoint})
        reply = json_object(response) or {}
        for entry in objects(reply.get("models")):
            facts = entry.get("metadata")
            if entry.get("endpoint_id") == endpoint and isinstance(facts, dict):
                return {"active": True, "deprecated": False}.get(str(facts.get("status")))
        error = reply.get("error")
        gone = response.status_code == 404 and isinstance(error, dict) and error.get("type") == "not_found"
        return False if gone else None

    async def objection(self, order: Order) -> str | None:
        """Read the endpoint's status and its input's schema in the platform's model list."""
        query = {"endpoint_id": order.endpoint, "expand": "openapi-3.0"}
        response = await self._ask("GET", f"{self._platform}/models", params=query)
        gone = response.status_code == httpx.codes.NOT_FOUND
        return fal_listed.objection(order, None if gone else _success(response).get("models"))

    async def catalogue(self) -> tuple[Listed, ...] | None:
        """Read all pages of the model list, and the unit price of every video model on it."""
        found, query = list[Listed](), {"limit": str(_PAGE)}
        for _ in range(_PAGES):
            page = _success(await self._ask("GET", f"{self._platform}/models", params=query))
            found += fal_listed.listed(page.get("models"))
            cursor = non_blank(page.get("next_cursor"))
            if not page.get("has_more") or cursor is None:
                break
            query["cursor"] = cursor
        priced = [each for each in found if not each.is_video]
        videos = [each for each in found if each.is_video]
        for at in range(0, len(videos), _PRICED):
            some = videos[at : at + _PRICED]
            names = ",".join(each.endpoint for each in some)
            response = await self._ask("GET", f"{self._platform}/models/pricing", params={"endpoint_id": names})
            priced += fal_listed.with_prices(some, (json_object(response) or {}).get("prices"))
        return tuple(priced)

    async def price(self, order: Order) -> float | None:  # noqa: ARG002 - the list knows base prices, not an order's
        """None: fal's price list has one unit price a model and does not know its tiers."""
        return None

    async def balance(self) -> float | None:
        """Credits in US dollars; None if the key is not an admin key."""
        response = await self._ask("GET", f"{self._platform}/account/billing", params={"expand": "credits"})
        credit = (json_object(response) or {}).get("credits")
        return amount(credit.get("current_balance")) if isinstance(credit, dict) else None

    async def verify_callback(self, headers: Mapping[str, str], body: bytes, secret: str) -> str | None:  # noqa: ARG002
        """fal signs with a key of its own, which `rest_url` publishes."""
        return await self._keys.verify(partial(from_fal, headers, body))

    async def _published_keys(self) -> tuple[str, ...]:
        response = await ask(self._http, "fal", "GET", f"{self._rest}/.well-known/jwks.json")
        return tuple(x for key in objects(_success(response).get("keys")) if (x := non_blank(key.get("x"))))

    async def _list_page(self, query: dict[str, str]) -> tuple[JsonObject, timedelta | None]:
        """One page of the list of requests, and how far our clock is ahead of fal's."""
        response = await self._ask("GET", f"{self._platform}/models/requests/by-endpoint", params=query)
        return _success(response), clock_skew(response)

    async def _why(self, response: httpx.Response, job: Job) -> ProviderError:
        """Why there is no result. If the result gives no verdict, the status may: it has the type of a failure."""
        error = fal_errors.of_result(response, job)
        if not isinstance(error, Busy | ProtocolError):
            return error
        with job_stays_open(job):
            status = await self._ask("GET", self._own(job, "status_url"))
        return fal_errors.of_status(status, job) or error

    async def _ask(self, method: str, url: str, **request: Any) -> httpx.Response:
        response = await ask(self._http, "fal", method, url, headers=self._auth, **request)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            raise fal_errors.of_call(response)
        return response

    def _own(self, job: Job, link: str) -> str:
        """A job's link exactly as returned, if its host is the configured one; else the link built from the id."""
        built = self._job(job.endpoint, job.request_id, job.submitted_at).urls[link]
        return own_link(job.urls.get(link), built, self._queue)

    def _job(self, endpoint: str, request_id: str, submitted_at: datetime) -> Job:
        """A job from its id alone: fal serves it under owner and app, without the rest of the endpoint."""
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
