"""The protocol of every gateway: its methods, and what they take and return. Adapters keep this order of methods."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

from pydantic import Field

from prefect_storyboard.providers.download import BOUNDS, Bounds
from prefect_storyboard.providers.orders import (
    CharacterRequest,
    Order,
    Reference,
    SceneRequest,
    Sought,
    StillRequest,
)
from prefect_storyboard.storyboards import Clip, Frozen, Job, Still
from prefect_storyboard.storyboards.outcomes import JsonObject

__all__ = [
    "CharacterRequest",
    "DrawsStills",
    "Listed",
    "Look",
    "Order",
    "Provider",
    "Reference",
    "Result",
    "SceneRequest",
    "Sought",
    "Status",
    "StillRequest",
    "TellsResult",
]


class Listed(Frozen):
    """One entry of a provider's own list of models, with its base price if the list has one.

    `usd` is the price of one `unit`, named as the provider does; lists do not show tiers. `makes` is its kind, None if
    the list does not say.
    """

    endpoint: str
    active: bool = True
    makes: str | None = None
    usd: float | None = None
    unit: str = ""

    @property
    def is_video(self) -> bool:
        """Whether it makes videos, by its kind or else by its id."""
        return "video" in (self.makes or self.endpoint)


class Status(Frozen):
    """The state of a job. `ended` means only that the result can be fetched, which may be a failure.

    `unknown_word` is the gateway's word for a state that is not in our table: the result may tell more.
    """

    state: Literal["queued", "running", "ended"]
    unknown_word: str | None = None


class Result(Frozen):
    """The result of a successful job. `url` is a video or a picture, for `Provider.fetch` to download at once.

    `mention` is what a prompt must call the character; `handle` is the provider's id of the video, for a remix. `usd`
    is what was charged, if the provider returns an amount of money. `files` are small files beside the video or the
    character, by kind (thumbnail, spritesheet, profile_picture, ...), with links that expire like the video's own.
    `facts` are values to store with the take: video_id, seed, actual_prompt. `stored` is the clip or still that the
    library already has.

    A link expires. It is as good as a key: links are left out when a result is serialised or pickled.
    """

    url: str | None = Field(default=None, repr=False, exclude=True)
    character_id: str | None = None
    mention: str | None = None
    handle: str | None = None
    usd: float | None = None
    files: dict[str, str] = Field(default={}, repr=False, exclude=True)
    facts: JsonObject = Field(default={})
    raw: JsonObject = Field(default={}, repr=False, exclude=True)
    stored: Clip | Still | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).model_validate, (self.model_dump(),)


class Provider(Protocol):
    """A gateway. `submit` is the only call that buys, and it sends its POST once.

    `carries_files` says that files are sent with the order: nothing is uploaded before it, and a request has `file:`
    links instead of the provider's own.
    """

    name: str
    carries_files: bool

    async def upload(self, path: Path, content_type: str) -> str:
        """Put a file where the provider can read it; return that URL. Buys nothing.

        Raises InvalidRequest at a provider that stores no files.
        """

    def character_order(self, request: CharacterRequest) -> Order:
        """Build the request body for the creation of a character. Pure: nothing is sent."""

    def scene_order(self, request: SceneRequest) -> Order:
        """Build the request body for a scene. Pure: nothing is sent."""

    async def submit(self, order: Order) -> Job:
        """Buy. One POST, never repeated here.

        Raises NotSent and Busy if it is proved that nothing was accepted, OutcomeUnknown otherwise.
        """

    async def status(self, job: Job) -> Status:
        """Ask for the job's state. Buys nothing, may be repeated."""

    async def result(self, job: Job) -> Result:
        """Fetch what an ended job returned. Raises the error of a failed job. Buys nothing, may be repeated."""

    async def fetch(self, url: str, to: Path, bounds: Bounds = BOUNDS) -> str:
        """Download what a link of a result leads to; returns the file's sha256 in hex. Buys nothing.

        The key is sent only to the provider's own host, and only if the content needs it. Raises what
        `providers.download.download` raises.
        """

    async def cancel(self, job: Job) -> bool:
        """Ask to stop the job; False if that is impossible or too late. A running job may still finish and cost."""

    async def find(self, order: Sought) -> tuple[Job, ...] | None:
        """List the provider's own requests that match an order whose reply was lost, oldest first.

        A match is proved by the whole body, if the list has it, or by each field of `shown`. None if the provider has
        no list to search; ProtocolError if a request on it may be the order, and the list shows too little to tell.
        """

    async def offered(self, endpoint: str) -> bool | None:
        """Whether the provider still sells the endpoint; None if it does not say."""

    async def objection(self, order: Order) -> str | None:
        """Why the provider's own catalogue contradicts an order; None if it agrees. Buys nothing.

        A provider without a catalogue contradicts every order.
        """

    async def catalogue(self) -> tuple[Listed, ...] | None:
        """The provider's own list of models; None if it has none. Buys nothing."""

    async def price(self, order: Order) -> float | None:
        """The provider's own price of an order, in US dollars; None if it has no price API. Buys nothing."""

    async def balance(self) -> float | None:
        """The account's balance in US dollars; None if the key may not read it."""

    async def verify_callback(self, headers: Mapping[str, str], body: bytes, secret: str) -> str | None:
        """The id of the job that a callback is about; None if its signature is not valid.

        `secret` is the account's webhook secret, if the gateway has one. Raises Busy or NotSent if a gateway's
        published keys cannot be fetched.
        """


@runtime_checkable
class DrawsStills(Protocol):
    """A gateway that sells image models: those of its images.toml."""

    def still_order(self, request: StillRequest) -> Order:
        """Build the request for one picture. Pure: nothing is sent."""


class Look(NamedTuple):
    """The state of a job. `result` reads the result from the same answer, and raises what `Provider.result` raises."""

    status: Status
    result: Callable[[], Awaitable[Result]] | None = None


@runtime_checkable
class TellsResult(Protocol):
    """A gateway whose status response has the result as well, which saves a request for each ended job."""

    async def look(self, job: Job) -> Look:
        """Ask for both at once. Buys nothing, may be repeated."""
