"""OpenAI's errors, `{"error": {"message", "type", "param", "code"}}`, and its keys, `Authorization: Bearer <key>`.

Keys that begin with `bad` are unknown, `empty` have no quota.
"""

import hashlib
import re

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from prefect_storyboard.sandbox.exchange import Handler

_KEY = re.compile(r"Bearer (\S+)")
_CODES = {"missing": "missing_required_parameter", "extra_forbidden": "unknown_parameter"}
QUOTA = "You exceeded your current quota, please check your plan and billing details."


class Refused(Exception):
    """A call that is refused at once: nothing has been made."""

    def __init__(self, status: int, message: str, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.param = param
        self.code = code

    def reply(self) -> JSONResponse:
        """The refusal as it leaves."""
        return problem(self.status, str(self), param=self.param, code=self.code)


def problem(status: int, message: str, *, param: str | None = None, code: str | None = None) -> JSONResponse:
    """An error; the type follows from status and code."""
    kind = {"insufficient_quota": code, "rate_limit_exceeded": "requests"}.get(code or "", "invalid_request_error")
    error = {"message": message, "type": "server_error" if status >= 500 else kind, "param": param, "code": code}
    return JSONResponse({"error": error}, status)


def gone(model: str) -> Refused:
    """What is said about a model that is not served (any more)."""
    text = f"The model `{model}` does not exist or you do not have access to it."
    return Refused(404, text, code="model_not_found")


def complaint(error: ValidationError) -> Refused:
    """The first complaint about a body."""
    reason = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(each) for each in reason["loc"])
    code = _CODES.get(reason["type"], "invalid_type" if reason["type"].endswith("_type") else "invalid_value")
    words = {
        "missing_required_parameter": f"Missing required parameter: '{where}'.",
        "unknown_parameter": f"Unknown parameter: '{where}'.",
        "invalid_type": f"Invalid type for '{where}'.",
    }
    return Refused(400, words.get(code, f"Invalid value for '{where}'."), where, code)


def with_key(handle: Handler) -> Handler:
    """The handler behind a check of the key, whose refusals become OpenAI's errors."""

    async def checked(request: Request) -> Response:
        found = _KEY.fullmatch(request.headers.get("authorization", ""))
        if found is None or found[1].startswith("bad"):
            return problem(401, "Incorrect API key provided.", code="invalid_api_key")
        request.state.key_id = hashlib.sha256(found[1].encode()).hexdigest()[:8]
        request.state.empty = found[1].startswith("empty")
        try:
            return await handle(request)
        except Refused as refused:
            return refused.reply()

    return checked
