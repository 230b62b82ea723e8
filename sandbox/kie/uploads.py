"""Kie's upload host: a file as a form, as base64, or by its address. Files are kept for three days.

The same path and name is the same address, and the CDN's cache goes on to serve the first file there: hence Kie's
advice to give every file a name of its own.
"""

import base64
import binascii
import hashlib
import mimetypes
import re
import secrets
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from prefect_storyboard.sandbox import inputs
from prefect_storyboard.sandbox.documents import File
from prefect_storyboard.sandbox.exchange import Router, Sandbox, base_url, json_or_none
from prefect_storyboard.sandbox.forms import parts
from prefect_storyboard.sandbox.kie.auth import BAD_KEY, Handle, answer, with_key

_KEPT_SECONDS = 3 * 86_400
_MEGABYTE = 1024 * 1024
_SAFE = re.compile(r"[^A-Za-z0-9._-]")


class _Refused(Exception):
    """A 400 of the upload host."""


def routes(router: Router) -> list[BaseRoute]:
    """The three ways to upload."""

    def on(path: str, handle: Handle) -> BaseRoute:
        guarded = with_key(_checked(handle), router.sandbox, BAD_KEY)
        return router.route(f"/kie/upload/api/{path}", "upload", guarded, method="POST")

    return [
        on("file-stream-upload", _stream),
        on("file-base64-upload", _base64),
        on("file-url-upload", _url),
    ]


def _checked(handle: Handle) -> Handle:
    async def checked(sandbox: Sandbox, request: Request) -> Response:
        try:
            return await handle(sandbox, request)
        except _Refused as error:
            return answer(request, {"success": False, "code": 400, "msg": str(error)})

    return checked


async def _stream(sandbox: Sandbox, request: Request) -> Response:
    fields = await parts(request)
    given = {name: part.data.decode("utf-8", "replace") for name, part in fields.items() if name != "file"}
    file = fields.get("file")
    if file is None:
        raise _Refused("Missing required parameter: file")
    return _publish(sandbox, request, _place(given, file.file_name), file.data, file.content_type)


async def _base64(sandbox: Sandbox, request: Request) -> Response:
    given = await _document(request, "base64Data")
    place = _place(given, "")
    head, comma, text = given["base64Data"].rpartition(",")
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _Refused("Base64 decoding failed: Invalid Base64 format") from None
    if not data or (comma and not re.fullmatch(r"data:[^,]*;base64", head)):
        raise _Refused("Base64 decoding failed: Invalid Base64 format")
    return _publish(sandbox, request, place, data, head.removeprefix("data:").removesuffix(";base64"))


async def _url(sandbox: Sandbox, request: Request) -> Response:
    given = await _document(request, "fileUrl")
    url = given["fileUrl"]
    place = _place(given, url.split("?")[0].rpartition("/")[2])
    data = await inputs.fetch(sandbox, base_url(request), url) if url.startswith(("http://", "https://")) else None
    if data is None or len(data) > 100 * _MEGABYTE:
        raise _Refused("Failed to download file from URL")
    return _publish(sandbox, request, place, data, "")


async def _document(request: Request, wanted: str) -> dict[str, str]:
    """A JSON body whose values are all texts."""
    document = json_or_none(await request.body())
    body: dict[str, Any] = document if isinstance(document, dict) else {}
    if not body.get(wanted):
        raise _Refused(f"Missing required parameter: {wanted}")
    for name, value in body.items():
        if name not in {wanted, "uploadPath", "fileName"} or not isinstance(value, str):
            raise _Refused(f"Invalid parameter: {name}")
    return body


def _place(given: dict[str, str], own_name: str) -> str:
    """Path and name of the file; the ending of its own name is kept if it gets a random one."""
    folder, ending = given.get("uploadPath", ""), own_name.rpartition(".")[2] if "." in own_name else "bin"
    if not folder:
        raise _Refused("Missing required parameter: uploadPath")
    if folder != folder.strip("/"):
        raise _Refused("Invalid parameter: uploadPath")
    name = given.get("fileName") or f"{secrets.token_hex(8)}.{ending}"
    return "/".join(_SAFE.sub("_", each) for each in (*folder.split("/"), name))


def _publish(sandbox: Sandbox, request: Request, place: str, data: bytes, content_type: str) -> Response:
    now, name = sandbox.clock(), place.rpartition("/")[2]
    kind = content_type or mimetypes.guess_type(name)[0] or "application/octet-stream"
    file_id = hashlib.sha256(f"{request.state.key_id} {place}".encode()).hexdigest()[:24]
    digest, cached = sandbox.state.keep(data), sandbox.state.file(file_id)
    if cached is None or now >= cached.expires_at:
        facts = {"id": file_id, "name": place, "content_type": kind, "sha256": digest, "created_at": now}
        sandbox.state.add_file(File.model_validate(facts | {"expires_at": now + _KEPT_SECONDS}))
    document = {
        "fileName": name,
        "filePath": place,
        "downloadUrl": f"{base_url(request)}/kie/cdn/files/b/{file_id}/{place}",
        "fileSize": len(data),
        "mimeType": kind,
        "uploadedAt": datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    return answer(request, {"success": True, "code": 200, "msg": "File uploaded successfully", "data": document})
