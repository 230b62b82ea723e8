"""Kie's models and what a task of each costs, in credits of half a cent."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from prefect_storyboard.sandbox.catalogue import Broken, Order, order, quoted, read
from prefect_storyboard.sandbox.catalogue import Model as Row
from prefect_storyboard.sandbox.catalogue.prices import cost
from prefect_storyboard.sandbox.documents import Job
from prefect_storyboard.sandbox.kie.models import (
    FromClip,
    FromTask,
    Input,
    Invalid,
    Pro,
    ProImage,
    Stable,
    StableImage,
    Standard,
    StandardImage,
    Storyboard,
    Task,
    WatermarkRemover,
    complaint,
    parse,
)

USD = 0.005
UNSUPPORTED = (
    "The model name you specified is not supported. "
    "Please verify your input and use one of the supported models provided by KIE."
)


@dataclass(frozen=True)
class Model:
    """One model: its input, its name in the price list, and credits by tier (per second where it is sold so).

    A living model has a `row`, which says what it accepts, and all the rest.
    """

    accepts: type[Input]
    label: str
    credits: Mapping[str, float]
    provider: str = "OpenAI"
    unit: str = "per video"
    row: Row | None = None


def _living(row: Row) -> Model:
    return Model(Input, row.label, row.price.rates, row.provider, f"per {row.price.per}", row)


# The last table that was seen; its 15 seconds are older than its 10. What is not in it (characters, 1080p) is not
# known: billed as 0.
_STANDARD = {"Standard-10.0s": 30, "Standard-15.0s": 25}
_STABLE = {"Stable-10.0s": 35, "Stable-15.0s": 40}
_PRO = {"Standard-10.0s": 150, "Standard-15.0s": 270, "High-10.0s": 330, "High-15.0s": 630}
MODELS: Mapping[str, Model] = {
    "sora-2-text-to-video": Model(Standard, "sora 2, text-to-video", _STANDARD),
    "sora-2-image-to-video": Model(StandardImage, "sora 2, image-to-video", _STANDARD),
    "sora-2-text-to-video-stable": Model(Stable, "sora 2, text-to-video", _STABLE),
    "sora-2-image-to-video-stable": Model(StableImage, "sora 2, image-to-video", _STABLE),
    "sora-2-pro-text-to-video": Model(Pro, "sora 2 pro, text-to-video", _PRO),
    "sora-2-pro-image-to-video": Model(ProImage, "sora 2 pro, image-to-video", _PRO),
    "sora-2-pro-storyboard": Model(Storyboard, "sora 2 pro, storyboard", {"10.0s": 150, "15.0s": 270, "25.0s": 270}),
    "sora-watermark-remover": Model(WatermarkRemover, "sora 2, watermark remover", {"": 10}),
    "sora-2-characters": Model(FromClip, "sora 2, characters", {}),
    "sora-2-characters-pro": Model(FromTask, "sora 2, characters pro", {}),
    **{name: _living(row) for name, row in read(Path(__file__).parent / "rows").items()},
}
_PROGRESS = {name for name, model in MODELS.items() if issubclass(model.accepts, Standard)}
CHARACTERS = {"sora-2-characters", "sora-2-characters-pro"}


def check(body: Any) -> tuple[Task, Input | Order]:
    """The typed request and its input; raises `Invalid`."""
    name = body.get("model") if isinstance(body, dict) else None
    if isinstance(name, str) and name and name not in MODELS:
        raise Invalid(422, UNSUPPORTED)
    task = parse(Task, body)
    if task.progress and task.model not in _PROGRESS:
        raise Invalid(422, "progressCallBackUrl is not supported by this model")
    model = MODELS[task.model]
    if model.row is None:
        return task, parse(model.accepts, task.input)
    try:
        return task, order(model.row, task.input, unknown="{name} has no reference")
    except ValidationError as error:
        raise complaint(error) from None
    except Broken as broken:
        raise Invalid(500 if str(broken).endswith(" is required") else 422, str(broken)) from None


def price(body: Any) -> float:
    """The credits of an accepted task, as far as they are known before its files are measured."""
    task, given = check(body)
    if isinstance(given, Order) and given.model.makes == "picture":
        return quoted(given) or 0
    if isinstance(given, Order):
        return cost(given, given.seconds or 0) or 0
    return MODELS[task.model].credits.get(given.tier, 0) * given.units


def makes(name: str) -> Literal["video", "picture"]:
    """What a model makes that makes no characters."""
    row = MODELS[name].row
    return "picture" if row is not None and row.makes == "picture" else "video"


def charged(job: Job) -> float | None:
    """The credits of a successful task; None if its price is not published."""
    usd = job.outcome.usd if job.outcome else 0.0
    return None if usd is None else round(usd / USD, 4)


def without_fraction(amount: float) -> float:
    """A number of credits as Kie writes it: without a fraction if it has none."""
    return int(amount) if amount == int(amount) else amount


def listed() -> list[dict[str, Any]]:
    """The price list's records."""
    return [
        _record(model, makes(name), tier, each)
        for name, model in MODELS.items()
        for tier, each in model.credits.items()
    ]


def _record(model: Model, kind: str, tier: str, amount: float) -> dict[str, Any]:
    return {
        "modelDescription": ", ".join(filter(None, (model.label, tier))),
        "interfaceType": {"picture": "image"}.get(kind, kind),
        "provider": model.provider,
        "creditPrice": f"{amount:g}",
        "creditUnit": model.unit,
        "usdPrice": f"{amount * USD:g}",
        "falPrice": "",
        "discountRate": 0,
        "anchor": "",
        "discountPrice": False,
    }
