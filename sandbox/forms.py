"""The fields of a `multipart/form-data` call."""

from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request


@dataclass(frozen=True)
class Part:
    """One field of a form; a text has no file name."""

    data: bytes
    file_name: str = ""
    content_type: str = ""


async def parts(request: Request) -> dict[str, Part]:
    """The fields by name; none if the call is no form, a broken one, or one that says the same thing twice."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        return {}
    found = {}
    try:
        async with request.form() as form:
            for name, value in form.multi_items():
                if name in found:
                    return {}
                if isinstance(value, str):
                    found[name] = Part(value.encode())
                else:
                    found[name] = Part(await value.read(), value.filename or "", value.content_type or "")
    except (HTTPException, MultiPartException):
        return {}
    return found
