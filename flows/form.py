"""The flows' parameters as a form in the Prefect UI.

The UI makes one tab for each member of a union and names it after its type. The fields here give the tabs readable
names.
"""

import inspect
from typing import Annotated, Any, ParamSpec, Self, TypeVar, cast

from prefect import Flow
from prefect.utilities.callables import parameter_schema
from pydantic import Field

from prefect_storyboard.addresses import all_bare
from prefect_storyboard.blocks import (
    FalCredentials,
    KieCredentials,
    Library,
    ToApisCredentials,
    WaveSpeedCredentials,
)
from prefect_storyboard.blocks.library import HOME_FOLDER
from prefect_storyboard.parameters import PARAMETERS
from prefect_storyboard.series.opening import Reference
from prefect_storyboard.storyboards import Storyboard
from prefect_storyboard.storyboards.nouns import Fit, Quality

F = TypeVar("F", bound=Flow[..., Any])
P = ParamSpec("P")
R = TypeVar("R")

StoryboardField = (
    Annotated[Reference, Field(title="Text, path or URL")]
    | Annotated[Storyboard, Field(title="Form")]
    | Annotated[dict[str, Any], Field(title="JSON")]
)
ProviderField = (
    Annotated[FalCredentials, Field(title="fal.ai")]
    | Annotated[KieCredentials, Field(title="Kie.ai")]
    | Annotated[ToApisCredentials, Field(title="ToAPIs")]
    | Annotated[WaveSpeedCredentials, Field(title="WaveSpeedAI")]
    | Annotated[str, Field(title="By name")]
)
LibraryField = (
    Annotated[Library, Field(title="Saved library")]
    | Annotated[Reference, Field(title="By name, path or URL")]
    | Annotated[None, Field(title=HOME_FOLDER)]
)
ModelField = Annotated[str, Field(title="Model")] | Annotated[None, Field(title="As the storyboard says")]
FitField = Annotated[Fit, Field(title="Choose")] | Annotated[None, Field(title="As the storyboard says")]
QualityField = Annotated[Quality, Field(title="Choose")] | Annotated[None, Field(title="As the storyboard says")]
AudioField = Annotated[bool, Field(title="Choose")] | Annotated[None, Field(title="As the storyboard says")]
ValuesField = Annotated[dict[str, str], Field(title="JSON")] | Annotated[None, Field(title="As the storyboard says")]
ModelsField = Annotated[list[str], Field(title="Name them")] | Annotated[None, Field(title="None in particular")]
MaxCostField = (
    Annotated[float, Field(title="USD", json_schema_extra={"minimum": 0})] | Annotated[None, Field(title="No limit")]
)
WordField = Annotated[str, Field(title="Write it")] | Annotated[None, Field(title="Left out")]
AttemptsField = Annotated[int, Field(json_schema_extra={"minimum": 1})]

_TITLES = {
    "max_cost_usd": "Max cost in USD",
    "allow_retired": "Allow retired models",
    "on_unknown": "On unknown jobs",
}  # of the others, the name with spaces


class _BareFlow(Flow[P, R]):
    """A flow whose parameters Prefect stores without passwords and signatures, if this process starts the run.

    The run itself receives them in full. A run that the API starts, such as a deployment's, is stored before our code
    runs.
    """

    def serialize_parameters(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """The parameters as Prefect stores them."""
        kept: dict[str, Any] = all_bare(super().serialize_parameters(parameters))
        return kept

    def with_options(self, **options: Any) -> Self:
        """The same flow with other options; Prefect's own method would return a plain Flow."""
        changed = super().with_options(**options)
        changed.__class__ = type(self)
        changed.parameters, changed.__doc__ = self.parameters, self.__doc__
        return cast("Self", changed)


def form(flow: F) -> F:
    """Give every field of the flow's form its title and its description, which is also added to the docstring.

    Prefect reads a title only from a default that is a pydantic Field. As the real default, that Field would reach the
    function when it is called without Prefect. So it is set in `__signature__`, which only Prefect reads.
    """
    shown = inspect.signature(flow.fn)
    titled = [parameter.replace(default=_titled(parameter)) for parameter in shown.parameters.values()]
    flow.__signature__ = shown.replace(parameters=titled)  # type: ignore[attr-defined] # read by inspect
    flow.parameters = parameter_schema(flow)
    flow.__class__ = _BareFlow  # type: ignore[assignment] # whose own with_options Prefect would make an ordinary one
    arguments = "".join(f"\n    {name}: {PARAMETERS[name]}" for name in shown.parameters)
    flow.__doc__ = f"{inspect.getdoc(flow.fn)}\n\nArgs:{arguments}\n"
    return flow


def _titled(parameter: inspect.Parameter) -> Any:
    extra: dict[str, Any] = {"title": _TITLES.get(parameter.name, parameter.name.replace("_", " ").capitalize())}
    default = ... if parameter.default is parameter.empty else parameter.default
    return Field(default=default, description=PARAMETERS[parameter.name], json_schema_extra=extra)
