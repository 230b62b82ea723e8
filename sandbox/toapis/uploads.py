"""ToAPIs' uploads: one multipart POST each for images and videos, judged by what the bytes are."""

import io
import re
import secrets
from functools import partial

from PIL import Image
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from prefect_storyboard.sandbox import inputs
from prefect_storyboard.sandbox.documents import File
from prefect_storyboard.sandbox.exchange import Router, Sandbox, base_url
from prefect_storyboard.sandbox.forms import parts
from prefect_storyboard.sandbox.toapis.auth import with_key

# "10 MB" may be read in two ways; the smaller one is safe everywhere.
_MOST = {"images": 10_000_000, "videos": 50_000_000}
_TOO_LARGE = {
    "images": "Image too large. Maximum size is 10MB",
    "videos": "Video too large. Maximum size is 50MB",
}
_WRONG = {
    "images": "Unsupported image type. Allowed: JPEG, PNG, WebP, GIF",
    "videos": "Unsupported or invalid video file. Allowed: MP4, WebM, MOV",
}
_PICTURES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "GIF": "image/gif"}


def routes(router: Router) -> list[BaseRoute]:
    """The two upload routes; there is none for sounds."""
    box = router.sandbox
    return [
        router.route(f"/toapis/v1/uploads/{kind}", "upload", with_key(box, partial(_upload, box, kind)), method="POST")
        for kind in ("images", "videos")
    ]


async def _upload(sandbox: Sandbox, kind: str, request: Request) -> Response:
    fields = await parts(request)
    if "file" not in fields or set(fields) - {"file", "purpose"}:
        return _says("A multipart field 'file' is required")
    file = fields["file"]
    if len(file.data) > _MOST[kind]:
        return _says(_TOO_LARGE[kind])
    found = await (_video if kind == "videos" else _picture)(sandbox, file.data)
    if found is None:
        return _says(_WRONG[kind])
    upload = File(
        id=f"upload_{secrets.token_hex(8)}",
        name=re.sub(r"[^A-Za-z0-9._-]", "_", file.file_name) or "upload.bin",
        content_type=found,
        sha256=sandbox.state.keep(file.data),
        created_at=sandbox.clock(),
    )
    sandbox.state.add_file(upload)
    address = f"{base_url(request)}/toapis/cdn/files/b/{upload.id}/{upload.name}"
    data = {"id": upload.id, "url": address, "mime_type": found, "size": len(file.data)}
    return JSONResponse({"success": True, "message": "", "data": data})


def _says(message: str) -> Response:
    return JSONResponse({"success": False, "message": message}, 400)


async def _video(sandbox: Sandbox, data: bytes) -> str | None:
    measured = await inputs.video(sandbox, data)
    if measured is not None and data[4:8] == b"ftyp":
        return "video/quicktime" if data[8:10] == b"qt" else "video/mp4"
    # Matroska and WebM differ only in the name that the header gives.
    return "video/webm" if measured is not None and b"webm" in data[:64] else None


async def _picture(sandbox: Sandbox, data: bytes) -> str | None:
    if await inputs.picture_size(sandbox, data) is None:
        return None
    with Image.open(io.BytesIO(data)) as picture:
        return _PICTURES.get(picture.format or "")
