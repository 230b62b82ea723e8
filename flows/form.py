"""The flows' parameters as a form in the Prefect UI, and how a flow run ends there.

The UI makes one tab for each member of a union and names it after its type. The fields here give the tabs readable
names. A form has at most eight fields. The other parameters belong in the storyboard or in saved render settings;
code and the stored parameters of deployments can still set them.
"""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec, Self, TypeVar, Union, cast

from prefect import Flow
from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext
from prefect.logging import get_run_logger
from prefect.states import Cancelled, Failed
from prefect.utilities.callables import parameter_schema
from pydantic import Field

from prefect_storyboard.addresses import all_bare
from prefect_storyboard.blocks import Credentials, Library, RenderSettings
from prefect_storyboard.blocks.credentials import BY_PROVIDER
from prefect_storyboard.blocks.library import HOME_FOLDER
from prefect_storyboard.parameters import PARAMETERS
from prefect_storyboard.providers.gateways import title
from prefect_storyboard.providers.images import image_models
from prefect_storyboard.providers.table import models
from prefect_storyboard.series.asking import NotApproved, Stopped
from prefect_storyboard.series.mistakes import explain, explains_itself
from prefect_storyboard.series.opening import Reference
from prefect_storyboard.storyboards import Storyboard
from prefect_storyboard.storyboards.nouns import Quality

F = TypeVar("F", bound=Flow[..., Any])
P = ParamSpec("P")
R = TypeVar("R")

StoryboardField = (
    Annotated[Reference, Field(title="Text, path or URL")]
    | Annotated[Storyboard, Field(title="Form")]
    | Annotated[dict[str, Any], Field(title="JSON")]
)
if TYPE_CHECKING:
    ProviderField = Credentials | str
else:  # a tab for each gateway that is installed, of another package as well
    _TABS = [Annotated[block, Field(title=title(name))] for name, block in BY_PROVIDER.items()]
    ProviderField = Union[(*_TABS, Annotated[str, Field(title="By name")])]
LibraryField = (
    Annotated[Library, Field(title="Saved library")]
    | Annotated[Reference, Field(title="By name, path or URL")]
    | Annotated[None, Field(title=HOME_FOLDER)]
)
# The form searches in lists, but completes no text: one tab lists the table's models, one takes any other name.
_SOLD = sorted({name for sold in models().values() for name, model in sold.items() if not model.ended})
ModelField = (
    Annotated[str, Field(title="What is sold", json_schema_extra={"enum": [*_SOLD]})]
    | Annotated[str, Field(title="Another name")]
    | Annotated[None, Field(title="As the storyboard says")]
)
_DRAWN = sorted({name for gateway in models() for name, model in image_models(gateway).items() if not model.refused})
StillsField = (
    Annotated[str, Field(title="What is sold", json_schema_extra={"enum": [*_DRAWN]})]
    | Annotated[str, Field(title="Another name")]
    | Annotated[None, Field(title="As the storyboard says")]
)
QualityField = Annotated[Quality, Field(title="Choose")] | Annotated[None, Field(title="As the storyboard says")]
JudgeField = Annotated[str, Field(title="By name")] | Annotated[None, Field(title="Nobody")]
ValuesField = Annotated[dict[str, str], Field(title="JSON")] | Annotated[None, Field(title="As the storyboard says")]
ModelsField = Annotated[list[str], Field(title="Name them")] | Annotated[None, Field(title="None in particular")]
MaxCostField = (
    Annotated[float, Field(title="USD", json_schema_extra={"minimum": 0})] | Annotated[None, Field(title="No limit")]
)
SettingsField = (
    Annotated[RenderSettings, Field(title="Saved settings")]
    | Annotated[str, Field(title="By name")]
    | Annotated[None, Field(title="The defaults")]
)

_TITLES = {"max_cost_usd": "Max cost in USD", "settings": "Render settings"}  # other titles are the names with spaces


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


def form(*asked: str) -> Callable[[F], F]:
    """Show these parameters in the flow's form, in this order, with titles and descriptions; without names, all.

    Prefect reads a title only from a default that is a pydantic Field. As the real default, that Field would reach the
    function when it is called without Prefect. So it is set in `__signature__`, which only Prefect reads. A parameter
    that is not shown is missing there only: the function takes it, and a deployment's stored parameters may have it.
    """

    def decorate(flow: F) -> F:
        taken = inspect.signature(flow.fn)
        shown = [taken.parameters[name] for name in asked or taken.parameters]
        titled = [parameter.replace(default=_titled(parameter)) for parameter in shown]
        flow.fn = _explained(flow.fn)
        flow.__signature__ = taken.replace(parameters=titled)  # type: ignore[attr-defined] # read by inspect
        flow.parameters = parameter_schema(flow)
        flow.__class__ = _BareFlow  # type: ignore[assignment] # its with_options keeps what Prefect's would lose
        arguments = "".join(f"\n    {name}: {PARAMETERS[name]}" for name in taken.parameters)
        flow.__doc__ = f"{inspect.getdoc(flow.fn)}\n\nArgs:{arguments}\n"
        return flow

    return decorate


def _explained(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap the flow's function: after an error its run ends Failed with the error's text, and the log has no traceback.

    Code that awaits the flow gets the error itself. The traceback is logged at level DEBUG.
    """

    @wraps(fn)
    async def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return await fn(*args, **kwargs)
        except Exception as error:
            context = FlowRunContext.get()
            if not (context and context.flow and context.flow.fn is run and explains_itself(error)):
                raise
            get_run_logger().debug("The run ends with an error:", exc_info=True)
            return _ending(error)

    return run


def _ending(error: Exception) -> State[Any]:
    """The state in which a run ends with an error, which Prefect raises for the caller."""
    if isinstance(error, Stopped):
        return Cancelled(name=error.state, message=explain(error), data=error)
    if isinstance(error, NotApproved):
        return Failed(name=error.state, message=explain(error), data=error)
    return Failed(message=explain(error), data=error)


def _titled(parameter: inspect.Parameter) -> Any:
    extra: dict[str, Any] = {"title": _TITLES.get(parameter.name, parameter.name.replace("_", " ").capitalize())}
    default = ... if parameter.default is parameter.empty else parameter.default
    return Field(default=default, description=PARAMETERS[parameter.name], json_schema_extra=extra)
