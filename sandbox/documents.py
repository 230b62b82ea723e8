"""The documents that the sandbox remembers: jobs, what they make, files and tickets.

A job's phase is never stored: it follows from its times and the clock.
"""

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, JsonValue

Phase = Literal["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]
NEVER = 9e15  # a `done_at` that no clock reaches: the job hangs


class Document(BaseModel):
    """A row of the state, and the base of everything that goes into one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def copy_with(self, **changes: Any) -> Self:
        """The same document with some fields replaced."""
        return self.model_copy(update=changes)


class Clip(Document):
    """Everything that decides the bytes of a rendered clip.

    `portraits` are the kept stills of the cast, place by place; a member without one is drawn as a figure. `look` is
    one of `looks.LOOKS`; `silent` means without a sound track.
    """

    width: int
    height: int
    seconds: int
    prompt: str
    cast: tuple[str, ...] = ()
    label: str = ""
    stamp: str = ""
    image: str | None = None
    portraits: tuple[str | None, ...] = ()
    look: str = ""
    silent: bool = False


class Reference(Document):
    """A picture that a model draws from: whom or what it shows, as the prompt says, and the hash of the file."""

    name: str
    kind: Literal["person", "place", "prop"]
    words: str
    file: str


class Picture(Document):
    """Everything that decides the bytes of a drawn picture."""

    width: int
    height: int
    prompt: str
    format: Literal["png", "jpeg", "webp"] = "png"
    label: str = ""
    stamp: str = ""
    references: tuple[Reference, ...] = ()
    black: bool = False


class Outcome(Document):
    """How a job ended. `status` is what the model answered; 200 is the only one that is billed.

    `portrait` is the kept still of the character that was made; `known_as` are the ids and handles by which later jobs
    may cite what was made, so that the meter recognises an order whatever ids it happens to carry. `usd` is None where
    nobody has published the price.
    """

    status: int
    kind: Literal["video", "character", "picture"]
    detail: JsonValue = None
    error_type: str | None = None
    headers: dict[str, str] = {}
    name: str | None = None
    portrait: str | None = None
    known_as: tuple[str, ...] = ()
    clip: Clip | None = None
    picture: Picture | None = None
    usd: float | None = 0.0


class Job(Document):
    """One accepted submit. `ending` is the fault that it was given, `outcome` is set when it has run."""

    id: str
    gateway: str
    endpoint: str
    key_id: str
    body: JsonValue
    base: str
    options: dict[str, str] = {}
    submitted_at: float
    started_at: float
    done_at: float
    cancelled_at: float | None = None
    ending: dict[str, JsonValue] | None = None
    outcome: Outcome | None = None

    def phase(self, now: float) -> Phase:
        """Where the job is at the time `now`."""
        if now >= self.done_at:
            return "COMPLETED"
        return "IN_PROGRESS" if now >= self.started_at else "IN_QUEUE"

    @property
    def prompt(self) -> str:
        """The text that a fault rule may match: the prompt, or a character's name."""
        return prompt_of(self.body)


def prompt_of(body: JsonValue) -> str:
    """The prompt of a submit, or the name or description of the character that it makes."""
    body = body if isinstance(body, dict) else {}
    body = inner if isinstance(inner := body.get("input"), dict) else body
    shots = body.get("multi_prompt") or body.get("shots")  # Kling's and Sora's forms of a scene in several shots
    first = shots[0] if isinstance(shots, list) and shots else None
    body = {**body, **first} if isinstance(first, dict) and not body.get("prompt") else body
    found = (
        body.get(key)
        for key in ("prompt", "Scene", "name", "character_user_name", "character_prompt", "character_name")
    )
    return next((text for text in found if isinstance(text, str) and text), "")


class File(Document):
    """An uploaded file; its bytes lie in `files/<id>`."""

    id: str
    name: str
    content_type: str
    sha256: str
    created_at: float
    expires_at: float = NEVER


class Ticket(Document):
    """A permission that was handed out: a CDN token, a presigned upload or an open multipart upload."""

    id: str
    kind: Literal["token", "signed", "parts"]
    expires_at: float
    file_id: str = ""
    name: str = ""
    content_type: str = ""
    file_expires_at: float = NEVER
    etags: dict[int, str] = {}
