"""ToAPIs' errors: the documented Chinese sentences with an integer `code`, and the newer form with a name as `code`.

The HTTP status is authoritative here. The pages disagree about the form of a live answer, so faults can switch it.
"""

# ruff: noqa: RUF001 - the sentences are ToAPIs' own, full-width marks included

from dataclasses import dataclass
from typing import Any

from starlette.responses import JSONResponse


@dataclass(frozen=True)
class _Error:
    zh: str
    en: str
    kind: str
    name: str


# No page has the text of a 500.
ERRORS = {
    400: _Error("请求参数无效", "Invalid request parameters", "invalid_request_error", "invalid_request"),
    401: _Error("身份验证失败，请检查您的 API 密钥", "Authentication failed", "authentication_error", "unauthorized"),
    402: _Error("账户余额不足，请充值后再试", "Insufficient balance", "payment_required", "insufficient_quota"),
    404: _Error("任务不存在", "Task not found", "not_found_error", "task_not_found"),
    429: _Error("请求过于频繁，请稍后再试", "Too many requests", "rate_limit_error", "rate_limit_exceeded"),
    500: _Error("服务器内部错误", "Internal server error", "server_error", "internal_error"),
}
NO_CHANNEL = "model_not_found"


class Refused(Exception):
    """A call that ToAPIs refuses at once; nothing has been accepted."""

    def __init__(self, status: int, detail: str = "", code: str | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail

    def reply(self) -> JSONResponse:
        """The refusal as it leaves."""
        return named(self.status, self.code, self.detail) if self.code else error(self.status, self.detail)


class Failed(Exception):
    """A task that was accepted and fails when it runs; the text goes into its `error`."""


def error(status: int, detail: str = "") -> JSONResponse:
    """An error of the older pages: an integer code, and what is wrong after a full-width colon."""
    known = ERRORS[status]
    message = f"{known.zh}：{detail}" if detail else known.zh
    return JSONResponse({"error": {"code": status, "message": message, "type": known.kind}}, status)


def named(status: int, code: str, message: str) -> JSONResponse:
    """An error of the newer pages: the code is a name, and there is no type."""
    return JSONResponse({"error": {"code": code, "message": message}}, status)


def no_channel(model: str) -> Refused:
    """What gateways of this family say about a model that is not served."""
    return Refused(503, f"No available channel for model {model}", NO_CHANNEL)


def rename(body: dict[str, Any]) -> None:
    """Turn an older error into a newer one."""
    known = ERRORS.get(_code(body))
    if known:
        body["error"] = {"code": known.name, "message": body["error"]["message"]}


def translate(body: dict[str, Any]) -> None:
    """Say the same in English."""
    known = ERRORS.get(_code(body))
    if known:
        body["error"]["message"] = known.en


def _code(body: dict[str, Any]) -> int:
    found = body.get("error")
    code = found.get("code") if isinstance(found, dict) else None
    return code if isinstance(code, int) else 0
