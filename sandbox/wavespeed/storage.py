"""WaveSpeed's uploads: a ticket and a bare PUT that refuses a key, and the older multipart form."""

import mimetypes
import re
import secrets
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from pydantic import Field, ValidationError
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute

from prefect_storyboard.sandbox.documents import File, Ticket
from prefect_storyboard.sandbox.exchange import Handler, Router, Sandbox, base_url
from prefect_storyboard.sandbox.forms import parts
from prefect_storyboard.sandbox.wavespeed.envelope import problem, success, with_key
from prefect_storyboard.sandbox.wavespeed.jobs import KEPT_SECONDS
from prefect_storyboard.sandbox.wavespeed.models import Strict

_TICKET_SECONDS = 3600
_FAILED = "Upload failed: invalid file type"


class TicketRequest(Strict):
    """The body of a request for a ticket."""

    filename: str = Field(min_length=1)
    size: int = Field(ge=1)
    content_type: str = ""


def routes(router: Router) -> list[BaseRoute]:
    """The two ways in, and the host to which the ticket's PUT goes."""
    box = router.sandbox

    def on(handle: Callable[[Sandbox, Request], Awaitable[Response]]) -> Handler:
        return partial(handle, box)

    media = "/wavespeed/api/v3/media"
    return [
        router.route(f"{media}/uploads", "upload", with_key(on(_ticket)), method="POST"),
        router.route(f"{media}/upload/binary", "upload", with_key(on(_binary)), method="POST"),
        router.route("/wavespeed/storage/{ticket}/{name}", "upload", on(_put), method="PUT"),
    ]


def _kind(filename: str, content_type: str) -> str | None:
    """Image, video or audio; nothing else may be uploaded."""
    kind = (content_type or mimetypes.guess_type(filename)[0] or "").split("/")[0]
    return kind if kind in {"image", "video", "audio"} else None


def _described(request: Request, kind: str, ticket: Ticket, size: int) -> dict[str, Any]:
    address = f"{base_url(request)}/wavespeed/cdn/files/b/{ticket.file_id}/{ticket.name}"
    return {"type": kind, "download_url": address, "filename": ticket.name, "size": size}


def _new(sandbox: Sandbox, filename: str, content_type: str, size: int) -> Ticket:
    now = sandbox.clock()
    return Ticket(
        id=f"{secrets.token_hex(12)}-{size}",  # so that the size that was announced survives a restart
        kind="signed",
        expires_at=now + _TICKET_SECONDS,
        file_id=secrets.token_hex(12),
        name=re.sub(r"[^A-Za-z0-9._-]", "_", filename),
        content_type=content_type,
        file_expires_at=now + KEPT_SECONDS,
    )


def _publish(sandbox: Sandbox, ticket: Ticket, data: bytes) -> None:
    guessed = mimetypes.guess_type(ticket.name)[0] or "application/octet-stream"
    sandbox.state.add_file(
        File(
            id=ticket.file_id,
            name=ticket.name,
            content_type=ticket.content_type or guessed,
            sha256=sandbox.state.keep(data),
            created_at=sandbox.clock(),
            expires_at=ticket.file_expires_at,
        )
    )


async def _ticket(sandbox: Sandbox, request: Request) -> Response:
    try:
        asked = TicketRequest.model_validate_json(await request.body())
    except ValidationError:
        return problem(400, "invalid parameter")
    kind = _kind(asked.filename, asked.content_type)
    if kind is None:
        return problem(200, _FAILED, code=500)
    ticket = sandbox.state.save_ticket(_new(sandbox, asked.filename, asked.content_type, asked.size))
    upload = {
        "method": "PUT",
        "url": f"{base_url(request)}/wavespeed/storage/{ticket.id}/{ticket.name}?sig={ticket.file_id}",
        "headers": _signed(ticket),
    }
    return success({**_described(request, kind, ticket, asked.size), "upload": upload})


def _signed(ticket: Ticket) -> dict[str, str]:
    """The headers that the PUT must carry, no more and no fewer of their kind."""
    return {**({"Content-Type": ticket.content_type} if ticket.content_type else {}), "If-None-Match": "*"}


async def _put(sandbox: Sandbox, request: Request) -> Response:
    data = await request.body()
    if "authorization" in request.headers:
        sandbox.state.count("leaks")
        return PlainTextResponse("Only one auth mechanism allowed: this address is signed already", 400)
    ticket = sandbox.state.ticket(request.path_params["ticket"], "signed", sandbox.clock())
    if ticket is None or request.query_params.get("sig") != ticket.file_id:
        return PlainTextResponse("Signature is invalid or expired", 403)
    signed = _signed(ticket)
    if any(request.headers.get(name) != signed.get(name) for name in ("Content-Type", "If-None-Match")):
        return PlainTextResponse("The headers are not those of the ticket", 403)
    if len(data) != int(ticket.id.rpartition("-")[2]):
        return PlainTextResponse("The size is not that of the ticket", 400)
    if sandbox.state.file(ticket.file_id) is not None:
        return PlainTextResponse("At least one of the preconditions did not hold", 412)
    _publish(sandbox, ticket, data)
    return Response()


async def _binary(sandbox: Sandbox, request: Request) -> Response:
    fields = await parts(request)
    if set(fields) != {"file"} or not fields["file"].file_name:
        return problem(400, "invalid parameter")
    data, filename, content_type = fields["file"].data, fields["file"].file_name, fields["file"].content_type
    kind = _kind(filename, content_type)
    if kind is None:
        return problem(200, _FAILED, code=500)
    ticket = _new(sandbox, filename, content_type, len(data))
    _publish(sandbox, ticket, data)
    return success(_described(request, kind, ticket, len(data)))
