"""What the commands take. Where an option means what a flow's parameter means, it has the same help text."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from prefect_storyboard.parameters import OPTIONS, PARAMETERS

Board = Annotated[str, Parameter(help=OPTIONS["board"])]
Provider = Annotated[str, Parameter(help=OPTIONS["provider"])]
Providers = Annotated[str, Parameter(help=OPTIONS["providers"])]
Library = Annotated[str | None, Parameter(help=PARAMETERS["library"])]
Model = Annotated[str | None, Parameter(help=PARAMETERS["model"])]
Models = Annotated[list[str] | None, Parameter(name="--model", help=PARAMETERS["models"])]
Fit = Annotated[Literal["exact", "nearest"] | None, Parameter(help=PARAMETERS["fit"])]
MaxCost = Annotated[float | None, Parameter(help=PARAMETERS["max_cost_usd"], validator=Number(gte=0))]
AllowUnknownPrice = Annotated[bool, Parameter(help=PARAMETERS["allow_unknown_price"])]
AllowRetired = Annotated[bool, Parameter(help=PARAMETERS["allow_retired"])]
OnUnknown = Annotated[Literal["stop", "resubmit"], Parameter(help=PARAMETERS["on_unknown"])]
Attempts = Annotated[int, Parameter(help=PARAMETERS["attempts"], validator=Number(gte=1))]
Cascade = Annotated[bool, Parameter(help=PARAMETERS["cascade"])]

Job = Annotated[str, Parameter(help=OPTIONS["job"])]
Request = Annotated[str, Parameter(help=OPTIONS["request"])]
AskProvider = Annotated[str | None, Parameter(help=OPTIONS["ask"])]
All = Annotated[bool, Parameter(name="--all", help=OPTIONS["all"])]

NewFolder = Annotated[Path, Parameter(help=OPTIONS["new_folder"])]
Folder = Annotated[Path, Parameter(help=OPTIONS["folder"])]
AnotherBoard = Annotated[Path | None, Parameter(help=OPTIONS["another_board"])]
Port = Annotated[int, Parameter(help=OPTIONS["port"], validator=Number(gte=0, lte=65535))]
Host = Annotated[str, Parameter(help=OPTIONS["host"])]
CallbacksPort = Annotated[
    int, Parameter(name="--port", help=OPTIONS["callbacks_port"], validator=Number(gte=0, lte=65535))
]
State = Annotated[Path, Parameter(help=OPTIONS["state"])]
RenderSeconds = Annotated[float, Parameter(help=OPTIONS["render_seconds"], validator=Number(gte=0))]
Faults = Annotated[Path | None, Parameter(help=OPTIONS["faults"])]

Debug = Annotated[bool, Parameter(name="--debug", negative="", help=OPTIONS["debug"])]
