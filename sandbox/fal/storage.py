"""fal's uploads: a CDN token with one POST or multipart, and presigned addresses that refuse a key.

Every address that is handed out carries the state's own ids, so an upload may be finished after a restart.
"""

import json
import re
import secrets
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from prefect_storyboard.sandbox.documents import NEVER, File, Ticket
from prefect_storyboard.sandbox.exchange import Handler, Router, Sandbox, base_url, json_or_none
from prefect_storyboard.sandbox.fal.auth import with_key

_TOKEN_SECONDS = 600
_SIGNED_SECONDS = 120
_PARTS_SECONDS = 86_400


def routes(router: Router) -> list[BaseRoute]:
    """The storage routes of `rest`, the CDN's upload routes, and the presigned addresses."""
    box = router.sandbox

    def on(handle: Callable[[Sandbox, Request], Awaitable[Response]]) -> Handler:
        return partial(handle, box)

    rest, cdn, signed = "/fal/rest/storage", "/fal/cdn/files", "/fal/storage/signed/{ticket}/{name}"
    parts = f"{cdn}/b/{{file_id}}/{{name}}/multipart/{{ticket}}"
    return [
        router.route(f"{rest}/auth/token", "upload", with_key(on(_token)), method="POST"),
        router.route(f"{rest}/upload/initiate", "upload", with_key(on(_initiate)), method="POST"),
        router.route(f"{rest}/upload/initiate-multipart", "upload", with_key(on(_initiate)), method="POST"),
        router.route(f"{cdn}/upload", "upload", on(_upload), method="POST"),
        router.route(f"{cdn}/upload/multipart", "upload", on(_open), method="POST"),
        router.route(f"{parts}/complete", "upload", on(_complete), method="POST"),
        router.route(f"{parts}/{{number:int}}", "upload", on(_part), method="PUT"),
        router.route(f"{signed}/complete", "upload", on(_signed_complete), method="POST"),
        router.route(f"{signed}/{{number:int}}", "upload", on(_signed_part), method="PUT"),
        router.route(signed, "upload", on(_signed_put), method="PUT"),
    ]


def _says(status: int, detail: str) -> Response:
    return JSONResponse({"detail": detail}, status)


async def _token(sandbox: Sandbox, request: Request) -> Response:
    if request.query_params.get("storage_type") != "fal-cdn-v3":
        return _says(400, "Unknown storage_type")
    expires = sandbox.clock() + _TOKEN_SECONDS
    ticket = sandbox.state.save_ticket(Ticket(id=f"jwt-{secrets.token_hex(16)}", kind="token", expires_at=expires))
    return JSONResponse(
        {
            "token": ticket.id,
            "token_type": "Bearer",
            "base_url": f"{base_url(request)}/fal/cdn",
            "expires_at": datetime.fromtimestamp(expires, UTC).isoformat(timespec="seconds"),
        }
    )


def _unauthorized(sandbox: Sandbox, request: Request) -> Response | None:
    """The CDN takes its own token, not the account's key."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme == "Key":
        sandbox.state.count("leaks")
    if scheme == "Bearer" and sandbox.state.ticket(token, "token", sandbox.clock()):
        return None
    return _says(401, "Invalid or expired CDN token")


def _lifetime(sandbox: Sandbox, request: Request) -> float:
    """When the file will be deleted; the preference header counts if both are sent."""
    for name in ("x-fal-object-lifecycle-preference", "x-fal-object-lifecycle"):
        document = json_or_none(request.headers.get(name, "null").encode())
        seconds = document.get("expiration_duration_seconds") if isinstance(document, dict) else None
        if seconds:
            return sandbox.clock() + float(seconds)
    return NEVER


def _safe_name(name: str) -> str:
    """A file name that is safe in a URL."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", name) or "upload.bin"


def _ticket(sandbox: Sandbox, request: Request, kind: str, seconds: float) -> Ticket:
    return Ticket.model_validate(
        {
            "id": secrets.token_hex(12),
            "kind": kind,
            "expires_at": sandbox.clock() + seconds,
            "file_id": secrets.token_hex(12),
            "name": _safe_name(request.headers.get("x-fal-file-name", "upload.bin")),
            "content_type": request.headers.get("content-type", "application/octet-stream"),
            "file_expires_at": _lifetime(sandbox, request),
        }
    )


def _publish(sandbox: Sandbox, ticket: Ticket, data: bytes) -> None:
    sandbox.state.add_file(
        File(
            id=ticket.file_id,
            name=ticket.name,
            content_type=ticket.content_type,
            sha256=sandbox.state.keep(data),
            created_at=sandbox.clock(),
            expires_at=ticket.file_expires_at,
        )
    )


def _address(request: Request, ticket: Ticket) -> str:
    return f"{base_url(request)}/fal/cdn/files/b/{ticket.file_id}/{ticket.name}"


async def _upload(sandbox: Sandbox, request: Request) -> Response:
    data = await request.body()
    refused = _unauthorized(sandbox, request)
    if refused is not None:
        return refused
    ticket = _ticket(sandbox, request, "parts", 0)
    _publish(sandbox, ticket, data)
    return JSONResponse({"access_url": _address(request, ticket)})


async def _open(sandbox: Sandbox, request: Request) -> Response:
    refused = _unauthorized(sandbox, request)
    if refused is not None:
        return refused
    ticket = sandbox.state.save_ticket(_ticket(sandbox, request, "parts", _PARTS_SECONDS))
    return JSONResponse({"access_url": _address(request, ticket), "uploadId": ticket.id})


async def _part(sandbox: Sandbox, request: Request) -> Response:
    data = await request.body()
    refused = _unauthorized(sandbox, request)
    if refused is not None:
        return refused
    ticket = sandbox.state.ticket(request.path_params["ticket"], "parts", sandbox.clock())
    if ticket is None or ticket.file_id != request.path_params["file_id"]:
        return _says(404, "Unknown upload")
    return Response(headers={"ETag": _keep_part(sandbox, ticket, request.path_params["number"], data)})


def _keep_part(sandbox: Sandbox, ticket: Ticket, number: int, data: bytes) -> str:
    digest = sandbox.state.keep(data)
    # Parts arrive in parallel: read the row again, nothing may be awaited before it is written.
    current = sandbox.state.ticket(ticket.id, ticket.kind, sandbox.clock()) or ticket
    sandbox.state.save_ticket(current.copy_with(etags={**current.etags, number: digest}))
    return f'"{digest}"'


async def _complete(sandbox: Sandbox, request: Request) -> Response:
    refused = _unauthorized(sandbox, request)
    if refused is not None:
        return refused
    ticket = sandbox.state.ticket(request.path_params["ticket"], "parts", sandbox.clock())
    if ticket is None or ticket.file_id != request.path_params["file_id"]:
        return _says(404, "Unknown upload")
    return await _join(sandbox, request, ticket)


async def _join(sandbox: Sandbox, request: Request, ticket: Ticket) -> Response:
    """Put the parts together in the order of their numbers, in whatever order they are listed."""
    try:
        listed = {part["partNumber"]: part["etag"] for part in json.loads(await request.body())["parts"]}
    except (ValueError, KeyError, TypeError):
        return _says(422, "parts: a list of {partNumber, etag} is required")
    if not listed or listed != {number: f'"{digest}"' for number, digest in ticket.etags.items()}:
        return _says(400, "The listed parts are not the parts that were uploaded")
    if sorted(listed) != list(range(1, len(listed) + 1)):
        return _says(400, "Parts must be numbered from 1 without a gap")
    pieces = [(sandbox.state.files / ticket.etags[number]).read_bytes() for number in sorted(listed)]
    _publish(sandbox, ticket, b"".join(pieces))
    return JSONResponse({"access_url": _address(request, ticket)})


async def _initiate(sandbox: Sandbox, request: Request) -> Response:
    if request.query_params.get("storage_type") not in {"fal-cdn-v3", "gcs"}:
        return _says(400, "Unknown storage_type")
    document = json_or_none(await request.body())
    if not (isinstance(document, dict) and isinstance(document.get("file_name"), str) and document.get("content_type")):
        return _says(422, "file_name and content_type are required")
    ticket = _ticket(sandbox, request, "signed", _SIGNED_SECONDS)
    ticket = ticket.copy_with(name=_safe_name(document["file_name"]), content_type=str(document["content_type"]))
    sandbox.state.save_ticket(ticket)
    upload = f"{base_url(request)}/fal/storage/signed/{ticket.id}/{ticket.name}?sig={ticket.file_id}"
    return JSONResponse({"upload_url": upload, "file_url": _address(request, ticket)})


def _signed_ticket(sandbox: Sandbox, request: Request) -> Ticket | Response:
    """The ticket behind a presigned address; a key sent along is refused, as object stores do, and counted."""
    if "authorization" in request.headers:
        sandbox.state.count("leaks")
        return _says(400, "Only one auth mechanism allowed: a presigned request must carry no Authorization header")
    ticket = sandbox.state.ticket(request.path_params["ticket"], "signed", sandbox.clock())
    if ticket is None or request.query_params.get("sig") != ticket.file_id:
        return _says(403, "Signature is invalid or expired")
    return ticket


async def _signed_put(sandbox: Sandbox, request: Request) -> Response:
    data = await request.body()
    ticket = _signed_ticket(sandbox, request)
    if isinstance(ticket, Response):
        return ticket
    if request.headers.get("content-type") != ticket.content_type:
        return _says(403, "Content-Type differs from the signed one")
    _publish(sandbox, ticket, data)
    return Response()


async def _signed_part(sandbox: Sandbox, request: Request) -> Response:
    data = await request.body()
    ticket = _signed_ticket(sandbox, request)
    if isinstance(ticket, Response):
        return ticket
    number = request.path_params["number"]
    etag = _keep_part(sandbox, ticket, number, data)
    return JSONResponse({"partNumber": number, "etag": etag}, headers={"ETag": etag})


async def _signed_complete(sandbox: Sandbox, request: Request) -> Response:
    ticket = _signed_ticket(sandbox, request)
    return ticket if isinstance(ticket, Response) else await _join(sandbox, request, ticket)
