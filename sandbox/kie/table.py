"""Kie's models and what a task of each costs, in credits of half a cent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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
    parse,
)
from prefect_storyboard.sandbox.kie.seedance import Seedance

USD = 0.005
UNSUPPORTED = (
    "The model name you specified is not supported. "
    "Please verify your input and use one of the supported models provided by KIE."
)


@dataclass(frozen=True)
class Model:
    """One model: its input, its name in the price list, and credits by tier (per second where it is sold so)."""

    accepts: type[Input]
    label: str
    credits: Mapping[str, float]
    provider: str = "OpenAI"
    unit: str = "per video"


# The last table that was seen; its 15 seconds are older than its 10. What is not in it (characters, 1080p) is not
# known: billed as 0.
_STANDARD = {"Standard-10.0s": 30, "Standard-15.0s": 25}
_STABLE = {"Stable-10.0s": 35, "Stable-15.0s": 40}
_PRO = {"Standard-10.0s": 150, "Standard-15.0s": 270, "High-10.0s": 330, "High-15.0s": 630}
_SECONDS = {"720p": 41, "720p with video input": 25, "480p": 19, "480p with video input": 11.5}
_LIVE: dict[str, Any] = {"provider": "ByteDance", "unit": "per second"}
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
    "bytedance/seedance-2": Model(Seedance, "seedance 2", _SECONDS, **_LIVE),
    "bytedance/seedance-2-fast": Model(Seedance, "seedance 2 fast", {}, **_LIVE),
    "bytedance/seedance-2-mini": Model(Seedance, "seedance 2 mini", {}, **_LIVE),
}
_PROGRESS = {name for name, model in MODELS.items() if issubclass(model.accepts, Standard)}
CHARACTERS = {"sora-2-characters", "sora-2-characters-pro"}


def check(body: Any) -> tuple[Task, Input]:
    """The typed request and its input; raises `Invalid`."""
    name = body.get("model") if isinstance(body, dict) else None
    if isinstance(name, str) and name and name not in MODELS:
        raise Invalid(422, UNSUPPORTED)
    task = parse(Task, body)
    if task.progress and task.model not in _PROGRESS:
        raise Invalid(422, "progressCallBackUrl is not supported by this model")
    return task, parse(MODELS[task.model].accepts, task.input)


def price(body: Any) -> float:
    """The credits of a task that was accepted."""
    task, given = check(body)
    return MODELS[task.model].credits.get(given.tier, 0) * given.units


def without_fraction(amount: float) -> float:
    """A number of credits as Kie writes it: without a fraction if it has none."""
    return int(amount) if amount == int(amount) else amount


def listed() -> list[dict[str, Any]]:
    """The price list's records."""
    return [_record(model, tier, each) for model in MODELS.values() for tier, each in model.credits.items()]


def _record(model: Model, tier: str, amount: float) -> dict[str, Any]:
    return {
        "modelDescription": ", ".join(filter(None, (model.label, tier))),
        "interfaceType": "video",
        "provider": model.provider,
        "creditPrice": f"{amount:g}",
        "creditUnit": model.unit,
        "usdPrice": f"{amount * USD:g}",
        "falPrice": "",
        "discountRate": 0,
        "anchor": "",
        "discountPrice": False,
    }
