"""Characters and voices of Gemini Omni, which Kie makes while the caller waits; later jobs name them by id.

The page calls the text `descriptions`, its example `description`: both are taken.
"""

import secrets
import uuid
from typing import Annotated, Any, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from prefect_storyboard.sandbox import inputs
from prefect_storyboard.sandbox.documents import Job, Outcome
from prefect_storyboard.sandbox.exchange import Router, Sandbox, accept, base_url
from prefect_storyboard.sandbox.kie.auth import says, success, with_key
from prefect_storyboard.sandbox.kie.jobs import OMNI
from prefect_storyboard.sandbox.kie.models import Input, Invalid, Url, parse
from prefect_storyboard.sandbox.portraits import square

PATHS = ("/kie/api/api/v1/omni/character/create", "/kie/api/api/v1/omni/audio/create")
_MOST_BYTES = 20 * 1024 * 1024


class Character(Input):
    """A person: a portrait, and a picture of the whole body."""

    descriptions: str | None = Field(default=None, min_length=1)
    description: str | None = Field(default=None, min_length=1)
    image_urls: Annotated[list[Url], Field(min_length=1, max_length=2)]
    audio_ids: list[str] = Field(default=[])
    character_name: str | None = None

    @model_validator(mode="after")
    def _described(self) -> Self:
        if self.descriptions is None and self.description is None:
            raise PydanticCustomError("missing", "descriptions is required")
        return self


class Voice(Input):
    """A voice made from one of the presets."""

    audio_id: str = Field(min_length=1)
    name: str = Field(min_length=1, max_length=210)
    voice_description: str = ""
    example_dialogue: str = Field(default="", max_length=120)


def routes(router: Router) -> list[BaseRoute]:
    """Both calls."""
    box = router.sandbox
    return [
        router.route(path, "submit", with_key(handle, box), method="POST")
        for path, handle in zip(PATHS, (_character, _voice), strict=True)
    ]


async def _character(sandbox: Sandbox, request: Request) -> Response:
    try:
        given = parse(Character, request.state.body)
        pictures = [await _picture(sandbox, base_url(request), url) for url in given.image_urls]
    except Invalid as error:
        return says(request, error.code, str(error))
    job_id, now = uuid.uuid4().hex, sandbox.clock()
    portrait = sandbox.state.keep(await sandbox.in_pool(square, pictures[0]))
    name = given.character_name or "Guest"
    outcome = Outcome(
        status=200, kind="character", name=name, portrait=portrait, known_as=(f"char_{job_id}",), usd=None
    )
    job = Job(
        id=job_id,
        gateway="kie",
        endpoint=OMNI,
        key_id=request.state.key_id,
        body=request.state.body,
        base=base_url(request),
        submitted_at=now,
        started_at=now,
        done_at=now,
        outcome=outcome,
    )
    accept(sandbox, request, job)
    return success(request, _answer(job, given))


def _answer(job: Job, given: Character) -> dict[str, Any]:
    """The pictures are returned under their own URLs: no new file is made from them."""
    return {
        "characterId": f"char_{job.id}",
        "characterName": job.outcome.name if job.outcome else None,
        "imageUrl": given.image_urls[0],
        "bodyImageUrl": given.image_urls[1] if len(given.image_urls) > 1 else None,
    }


async def _picture(sandbox: Sandbox, base: str, url: str) -> bytes:
    data = await inputs.fetch(sandbox, base, url)
    if data is None:
        raise Invalid(422, f"The file could not be downloaded: {url}")
    if len(data) > _MOST_BYTES or await inputs.picture_size(sandbox, data) is None:
        raise Invalid(422, f"image_urls must be images of at most 20 MB: {url}")
    return data


async def _voice(_: Sandbox, request: Request) -> Response:
    try:
        parse(Voice, request.state.body)
    except Invalid as error:
        return says(request, error.code, str(error))
    return success(request, {"kieAudioId": f"audio_{secrets.token_hex(12)}"})
