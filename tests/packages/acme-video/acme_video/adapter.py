"""Acme's API, after https://acme.example/docs: the methods of prefect_storyboard.providers.protocol, in their order."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio.to_thread
import httpx

from prefect_storyboard.providers.bodies import scene_body
from prefect_storyboard.providers.download import BOUNDS, Bounds, download
from prefect_storyboard.providers.errors import (
    Busy,
    GenerationFailed,
    InvalidRequest,
    OutcomeUnknown,
    ProviderError,
    Unauthorized,
)
from prefect_storyboard.providers.fields import with_fields
from prefect_storyboard.providers.http import ask, buy, checked_key, is_refusal, json_object
from prefect_storyboard.providers.open_jobs import job_stays_open
from prefect_storyboard.providers.protocol import CharacterRequest, Listed, Order, Result, SceneRequest, Sought, Status
from prefect_storyboard.providers.states import status_of
from prefect_storyboard.providers.table import endpoint
from prefect_storyboard.storyboards import Job
from prefect_storyboard.storyboards.outcomes import JsonObject


class Acme:
    """One account at Acme."""

    name = "acme"
    carries_files = False

    def __init__(self, http: httpx.AsyncClient, *, api_key: str, api_url: str) -> None:
        self._auth = {"Authorization": f"Bearer {checked_key(api_key, 'acme.example/keys')}"}
        self._api = api_url.rstrip("/")
        self._http = http

    async def upload(self, path: Path, content_type: str) -> str:
        """PUT the file; Acme answers with its address."""
        content = await anyio.to_thread.run_sync(path.read_bytes)
        headers = {"Content-Type": content_type}
        return str((await self._ask("PUT", "files", content=content, headers=headers))["url"])

    def character_order(self, request: CharacterRequest) -> Order:
        """Acme creates no characters. Raises InvalidRequest."""
        return Order(endpoint=endpoint(request), body={})

    def scene_order(self, request: SceneRequest) -> Order:
        """The body in the dialect of dialects.toml."""
        return Order(endpoint=endpoint(request), body=with_fields(scene_body(request, {}), request))

    async def submit(self, order: Order) -> Job:
        """POST once."""
        url = f"{self._api}/jobs/{order.endpoint}"
        response = await buy(self._http, "Acme", url, json=order.body, headers=self._auth)
        number = (json_object(response) or {}).get("job")
        if not response.is_success or not isinstance(number, str):
            raise _error(response)
        return Job(provider=self.name, endpoint=order.endpoint, request_id=number, submitted_at=datetime.now(UTC))

    async def status(self, job: Job) -> Status:
        """Ask for the job."""
        with job_stays_open(job):
            return status_of((await self._ask("GET", f"jobs/{job.request_id}")).get("state"))

    async def result(self, job: Job) -> Result:
        """Ask for the job once more."""
        with job_stays_open(job):
            made = await self._ask("GET", f"jobs/{job.request_id}")
        if made.get("state") == "failed":
            raise GenerationFailed("the job failed at Acme", request_id=job.request_id)
        return Result(url=str(made.get("video")), raw=made)

    async def fetch(self, url: str, to: Path, bounds: Bounds = BOUNDS) -> str:
        """Download the file behind a link, which needs no key."""
        return await download(self._http, url, to, bounds)

    async def cancel(self, job: Job) -> bool:
        """False: Acme stops no job."""
        return False

    async def find(self, order: Sought) -> tuple[Job, ...] | None:
        """None: Acme keeps no list."""
        return None

    async def offered(self, endpoint: str) -> bool | None:
        """Whether Acme's list has the model."""
        return any(each.endpoint == endpoint for each in await self.catalogue() or ())

    async def objection(self, order: Order) -> str | None:
        """Whether Acme's list has the model."""
        return None if await self.offered(order.endpoint) else f"Acme's list has no {order.endpoint}"

    async def catalogue(self) -> tuple[Listed, ...] | None:
        """Acme's list of models."""
        names = (await self._ask("GET", "models")).get("models")
        return tuple(Listed(endpoint=str(name), makes="video") for name in names) if isinstance(names, list) else None

    async def price(self, order: Order) -> float | None:
        """None: Acme names no price before a job has ended."""
        return None

    async def balance(self) -> float | None:
        """Dollars left."""
        left = (await self._ask("GET", "balance")).get("usd")
        return float(left) if isinstance(left, int | float) else None

    async def verify_callback(self, headers: Mapping[str, str], body: bytes, secret: str) -> str | None:
        """None: Acme sends no callbacks."""
        return None

    async def _ask(self, method: str, path: str, **request: Any) -> JsonObject:
        headers = {**self._auth, **request.pop("headers", {})}
        response = await ask(self._http, "Acme", method, f"{self._api}/{path}", headers=headers, **request)
        found = json_object(response)
        if not response.is_success or found is None:
            raise Busy(f"Acme answered {response.status_code}") if response.status_code >= 500 else _error(response)
        return found


def _error(response: httpx.Response) -> ProviderError:
    """What an answer means: a refusal proves that nothing was bought, everything else may have been."""
    code, text = response.status_code, response.text[:200]
    if code in {401, 403}:
        return Unauthorized(f"Acme does not accept the key: {text}", http_status=code)
    if code == 429:
        return Busy(f"Acme has too many requests: {text}", http_status=code)
    if is_refusal(code):
        return InvalidRequest(f"Acme does not take the request: {text}", http_status=code)
    return OutcomeUnknown(f"Acme answered a submit with {code}; it may have been accepted", http_status=code)
