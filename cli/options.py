"""The options of the commands. An option that corresponds to a flow's parameter has the same help text."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from prefect_storyboard.parameters import OPTIONS, PARAMETERS

if TYPE_CHECKING:
    from prefect_storyboard.series.prepare import Overrides

Board = Annotated[str, Parameter(help=OPTIONS["board"])]
Provider = Annotated[str, Parameter(help=OPTIONS["provider"])]
Providers = Annotated[str, Parameter(help=OPTIONS["providers"])]
Library = Annotated[str | None, Parameter(help=PARAMETERS["library"])]
To = Annotated[str, Parameter(help=PARAMETERS["to"])]
OnlyPlan = Annotated[bool, Parameter(name="--plan", help=OPTIONS["only_plan"])]
Yes = Annotated[bool, Parameter(help=OPTIONS["yes"])]
Model = Annotated[str | None, Parameter(help=PARAMETERS["model"])]
Models = Annotated[list[str] | None, Parameter(name="--model", help=PARAMETERS["models"])]
Stills = Annotated[str | None, Parameter(help=PARAMETERS["stills"])]
OfStill = Annotated[bool, Parameter(name="--still", negative="", help=OPTIONS["of_still"])]
Fit = Annotated[Literal["exact", "nearest"] | None, Parameter(help=PARAMETERS["fit"])]
Quality = Annotated[Literal["draft", "final"] | None, Parameter(help=PARAMETERS["quality"])]
Audio = Annotated[bool | None, Parameter(negative="--no-audio", help=PARAMETERS["audio"])]
With = Annotated[list[str] | None, Parameter(name="--with", negative="", help=OPTIONS["with"])]
MaxCost = Annotated[float | None, Parameter(help=PARAMETERS["max_cost_usd"], validator=Number(gte=0))]
AllowUnknownPrice = Annotated[bool, Parameter(help=PARAMETERS["allow_unknown_price"])]
AllowRetired = Annotated[bool, Parameter(help=PARAMETERS["allow_retired"])]
OnUnknown = Annotated[Literal["stop", "resubmit"], Parameter(help=PARAMETERS["on_unknown"])]
Attempts = Annotated[int, Parameter(help=PARAMETERS["attempts"], validator=Number(gte=1))]
OnBad = Annotated[Literal["keep", "reroll"] | None, Parameter(help=PARAMETERS["on_bad"])]
Judge = Annotated[str | None, Parameter(help=PARAMETERS["judge"])]
Cascade = Annotated[bool, Parameter(help=PARAMETERS["cascade"])]

Save = Annotated[Path | None, Parameter(help=OPTIONS["save"])]
HeldPlan = Annotated[Path | None, Parameter(name="--plan", help=OPTIONS["plan"])]

Approve = Annotated[Literal["plan", "stills", "takes"] | None, Parameter(help=PARAMETERS["approve"])]
ApproveYes = Annotated[bool, Parameter(name="--yes", help=OPTIONS["approve_yes"])]

Gateways = Annotated[str, Parameter(help=OPTIONS["gateways"])]
Characters = Annotated[int | None, Parameter(help=OPTIONS["characters"], validator=Number(gte=0))]
Seconds = Annotated[int | None, Parameter(help=OPTIONS["seconds"], validator=Number(gte=1))]
Aspect = Annotated[str | None, Parameter(help=OPTIONS["aspect"])]
Resolution = Annotated[str | None, Parameter(help=OPTIONS["resolution"])]
Silent = Annotated[bool, Parameter(help=OPTIONS["silent"])]
MaxUsd = Annotated[float | None, Parameter(help=OPTIONS["max_usd"], validator=Number(gte=0))]
AsJson = Annotated[bool, Parameter(name="--json", help=OPTIONS["json"])]
SceneId = Annotated[str, Parameter(help=PARAMETERS["scene"])]
TakeNumber = Annotated[int, Parameter(help=PARAMETERS["take"], validator=Number(gte=1))]
Takes = Annotated[int, Parameter(help=PARAMETERS["takes"], validator=Number(gte=1))]
Note = Annotated[str | None, Parameter(help=PARAMETERS["note"])]
ExportTo = Annotated[
    Literal["otio", "fcpxml", "edl", "srt", "vtt", "csv"], Parameter(name="--to", help=OPTIONS["export_to"])
]
ExportFile = Annotated[Path | None, Parameter(name=("--output", "-o"), help=OPTIONS["export_file"])]
ExportAsJson = Annotated[bool, Parameter(name="--json", help=OPTIONS["export_json"])]
TakesAsJson = Annotated[bool, Parameter(name="--json", help=OPTIONS["takes_json"])]
CheckTable = Annotated[str | None, Parameter(help=OPTIONS["check"])]

Job = Annotated[str, Parameter(help=OPTIONS["job"])]
Request = Annotated[str, Parameter(help=OPTIONS["request"])]
AskProvider = Annotated[str | None, Parameter(help=OPTIONS["ask"])]
OlderThan = Annotated[str, Parameter(help=OPTIONS["older_than"])]
All = Annotated[bool, Parameter(name="--all", help=OPTIONS["all"])]

ReelName = Annotated[str, Parameter(help=OPTIONS["reel"])]
NewFolder = Annotated[Path, Parameter(help=OPTIONS["new_folder"])]
Folder = Annotated[Path, Parameter(help=OPTIONS["folder"])]
AnotherBoard = Annotated[Path | None, Parameter(help=OPTIONS["another_board"])]
Port = Annotated[int, Parameter(help=OPTIONS["port"], validator=Number(gte=0, lte=65535))]
Host = Annotated[str, Parameter(help=OPTIONS["host"])]
CallbacksPort = Annotated[
    int, Parameter(name="--port", help=OPTIONS["callbacks_port"], validator=Number(gte=0, lte=65535))
]
PagePort = Annotated[int, Parameter(name="--port", help=OPTIONS["page_port"], validator=Number(gte=0, lte=65535))]
Open = Annotated[bool, Parameter(name="--open", negative="--no-open", help=OPTIONS["open"])]
State = Annotated[Path, Parameter(help=OPTIONS["state"])]
RenderSeconds = Annotated[float, Parameter(help=OPTIONS["render_seconds"], validator=Number(gte=0))]
Faults = Annotated[Path | None, Parameter(help=OPTIONS["faults"])]


def values(given: list[str] | None) -> dict[str, str]:
    """The values of `--with NAME=VALUE`. Raises ValueError for one without a name."""
    pairs = [each.partition("=") for each in given or ()]
    for name, sign, _ in pairs:
        if not name or not sign:
            raise ValueError(f"--with takes NAME=VALUE, for example --with product=tea; found {name!r}")
    return {name: value for name, _, value in pairs}


Debug = Annotated[bool, Parameter(name="--debug", negative="", help=OPTIONS["debug"])]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class BoardOptions:
    """The options that override fields of the storyboard; every command that reads one has them."""

    model: Model = None
    stills: Stills = None
    fit: Fit = None
    quality: Quality = None
    audio: Audio = None
    with_: With = None

    def overrides(self) -> "Overrides":
        """The overrides as the flows take them. Imports Prefect, so `--help` must not call it."""
        from prefect_storyboard.series.prepare import Overrides

        return Overrides(
            model=self.model,
            stills=self.stills,
            fit=self.fit,
            quality=self.quality,
            audio=self.audio,
            values=values(self.with_),
        )


AS_WRITTEN = BoardOptions()
