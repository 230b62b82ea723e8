"""The one reference of a video: the first frame, as a file of the form or behind an address."""

from typing import Any

from prefect_storyboard.sandbox import inputs
from prefect_storyboard.sandbox.catalogue import Order
from prefect_storyboard.sandbox.exchange import Sandbox, json_or_none
from prefect_storyboard.sandbox.openai import bodies, jobs
from prefect_storyboard.sandbox.openai.errors import Refused
from prefect_storyboard.sandbox.portraits import still

_NAME = "input_reference"
_IMAGES = {"image/jpeg", "image/png", "image/webp"}
_MOST_CHARACTERS = 20_971_520


async def first_frame(sandbox: Sandbox, base: str, body: dict[str, Any], given: Order) -> str | None:
    """The hash of the first frame, None without one; raises `Refused`."""
    if jobs.is_self_hosted(given.model):
        return await _any_reference(sandbox, base, body)
    if body.get(_NAME) is None:
        return None
    data = await _picture(sandbox, base, body[_NAME])
    size = await inputs.picture_size(sandbox, data)
    if size is None:
        raise Refused(400, "Invalid image file.", _NAME, "invalid_value")
    if size != jobs.size(given):
        raise Refused(400, "Inpaint image must match the requested width and height")
    return sandbox.state.keep(data)


async def _picture(sandbox: Sandbox, base: str, value: Any) -> bytes:
    file = bodies.kept(value)
    if file is not None:
        digest, kind = file
        if kind not in _IMAGES:
            raise Refused(400, f"Invalid file: unsupported mimetype ('{kind}').", _NAME, "unsupported_file_mimetype")
        return (sandbox.state.files / digest).read_bytes()
    if not isinstance(value, dict):
        text = f"Invalid type for '{_NAME}': expected an object, but got a string instead."
        raise Refused(400, text, _NAME, "invalid_type")
    if set(value) not in ({"image_url"}, {"file_id"}) or "file_id" in value:
        words = "No such File object." if set(value) == {"file_id"} else "Expected one of 'image_url' and 'file_id'."
        raise Refused(400, words, _NAME, "invalid_value")
    if len(str(value["image_url"])) > _MOST_CHARACTERS:
        raise Refused(400, "The image_url is too long.", f"{_NAME}.image_url", "invalid_value")
    return await _fetched(sandbox, base, str(value["image_url"]), _NAME)


async def _any_reference(sandbox: Sandbox, base: str, body: dict[str, Any]) -> str | None:
    """The reference of a self-hosted server: an image, or of a video its middle."""
    file, data = bodies.kept(body.get(_NAME)), None
    if body.get("audio_reference") is not None and not isinstance(json_or_none(body["audio_reference"].encode()), dict):
        raise Refused(400, "Invalid value for 'audio_reference': expected JSON.", "audio_reference", "invalid_value")
    if file is not None:
        data = (sandbox.state.files / file[0]).read_bytes()
    elif body.get(_NAME) is not None:
        raise Refused(400, f"Invalid type for '{_NAME}': expected a file.", _NAME, "invalid_type")
    for name, key in (("image_reference", "image_url"), ("video_reference", "video_url")):
        if body.get(name) is not None:
            data = await _fetched(sandbox, base, bodies.reference(body[name], name, key), name)
    if data is None:
        return None
    if await inputs.picture_size(sandbox, data) is not None:
        return sandbox.state.keep(data)
    frame: bytes | None = await sandbox.in_pool(still, data)
    if frame is None:
        raise Refused(400, "The reference could not be decoded.", _NAME, "invalid_value")
    return sandbox.state.keep(frame)


async def _fetched(sandbox: Sandbox, base: str, url: str, name: str) -> bytes:
    data = await inputs.fetch(sandbox, base, url)
    if data is None:
        raise Refused(400, f"Failed to download the file of '{name}'.", name, "invalid_value")
    return data
