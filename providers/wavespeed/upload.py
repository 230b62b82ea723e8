"""Store a file at the place that a WaveSpeed upload ticket names."""

from functools import partial

import httpx

from prefect_storyboard.providers.errors import Busy, ProtocolError
from prefect_storyboard.providers.http import ask
from prefect_storyboard.providers.json_values import link
from prefect_storyboard.storyboards.outcomes import JsonObject


async def put(http: httpx.AsyncClient, place: JsonObject, body: bytes) -> None:
    """PUT the file without the key. After a lost reply it is sent once more; a 412 says that the first one arrived."""
    url, headers = link(place.get("url")), place.get("headers") or {}
    if url is None or not isinstance(headers, dict) or not str(headers).isascii():
        raise ProtocolError("WaveSpeed granted an upload without a URL; nothing was bought, run it again")
    exactly = {name: str(value) for name, value in headers.items()}
    send = partial(ask, http, "WaveSpeed's storage", "PUT", url, content=body, headers=exactly)
    try:
        answer: httpx.Response | None = await send()
    except Busy:
        answer = None
    if answer is None or answer.is_server_error:
        answer = await send()
        if answer.status_code == httpx.codes.PRECONDITION_FAILED:
            return
    if not answer.is_success:
        status = answer.status_code
        raise Busy(f"WaveSpeed's storage answered an upload with {status}", http_status=status)
