"""Render settings as a block: options that deployments share and a run's form does not ask for."""

from typing import Literal, Self, TypedDict, Unpack

from prefect.blocks.core import Block
from pydantic import Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from prefect_storyboard.blocks.gateway import load_block
from prefect_storyboard.parameters import PARAMETERS
from prefect_storyboard.project import logo, page
from prefect_storyboard.storyboards.approval import ApprovalKind
from prefect_storyboard.storyboards.base import OnBad
from prefect_storyboard.storyboards.nouns import Fit


class RenderOptions(TypedDict, total=False):
    """The options in a run's own parameters; None means not given."""

    fit: Fit | None
    audio: bool | None
    allow_unknown_price: bool | None
    allow_retired: bool | None
    on_unknown: Literal["stop", "resubmit"] | None
    attempts: int | None
    on_bad: OnBad | None
    judge: str | None
    poll_minutes: float | None
    cancel_provider_jobs: bool | None
    wait: Literal["poll", "suspend"] | None
    cascade: bool | None
    approve: ApprovalKind | None
    approve_hours: float | None


class BoardSettings(TypedDict):
    """The options that are also fields of a storyboard; None: the storyboard decides."""

    fit: Fit | None
    audio: bool | None
    on_bad: OnBad | None


class RenderSettings(Block):
    """Options of runs that a storyboard does not set: save them once, and name the block in every deployment."""

    _block_type_name = "Storyboard Render Settings"
    _logo_url = logo("settings")
    _documentation_url = page("docs/blocks.md")

    fit: Fit | None = Field(default=None, title="Fit", description=PARAMETERS["fit"])
    audio: bool | None = Field(default=None, title="Audio", description=PARAMETERS["audio"])
    allow_unknown_price: bool = Field(
        default=False, title="Allow unknown price", description=PARAMETERS["allow_unknown_price"]
    )
    allow_retired: bool = Field(default=False, title="Allow retired models", description=PARAMETERS["allow_retired"])
    on_unknown: Literal["stop", "resubmit"] = Field(
        default="stop", title="On unknown jobs", description=PARAMETERS["on_unknown"]
    )
    attempts: int = Field(default=1, ge=1, title="Attempts", description=PARAMETERS["attempts"])
    on_bad: OnBad | None = Field(default=None, title="On bad clips", description=PARAMETERS["on_bad"])
    judge: str | None = Field(default=None, title="Judge", description=PARAMETERS["judge"])
    poll_minutes: float = Field(default=60.0, ge=0, title="Poll minutes", description=PARAMETERS["poll_minutes"])
    cancel_provider_jobs: bool = Field(
        default=False, title="Cancel provider jobs", description=PARAMETERS["cancel_provider_jobs"]
    )
    wait: Literal["poll", "suspend"] = Field(default="poll", title="Wait", description=PARAMETERS["wait"])
    cascade: bool = Field(default=False, title="Cascade", description=PARAMETERS["cascade"])
    approve: ApprovalKind | None = Field(default=None, title="Approve", description=PARAMETERS["approve"])
    approve_hours: float = Field(default=24.0, gt=0, title="Approve hours", description=PARAMETERS["approve_hours"])

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Make a field required: else Prefect's form mistakes the reference to saved settings for new ones."""
        schema = handler(core)
        handler.resolve_ref_schema(schema)["required"] = ["attempts"]
        return schema

    def board_settings(self) -> BoardSettings:
        """The settings that override the storyboard's own."""
        return {"fit": self.fit, "audio": self.audio, "on_bad": self.on_bad}

    def overridden(self, **given: Unpack[RenderOptions]) -> Self:
        """These settings, overridden by a run's own parameters. Raises ValueError for a wrong value."""
        chosen = {name: value for name, value in given.items() if value is not None}
        return type(self).model_validate(
            {**{name: getattr(self, name) for name in RenderOptions.__annotations__}, **chosen}
        )


async def load_render_settings(reference: RenderSettings | str | None) -> RenderSettings:
    """Return the settings, or load them by a saved block's name or reference; without one, the defaults."""
    if isinstance(reference, RenderSettings):
        return reference
    if not reference:
        return RenderSettings()
    name = reference.removeprefix(f"{RenderSettings.get_block_type_slug()}/")
    return RenderSettings.model_validate(await load_block(RenderSettings, name))
