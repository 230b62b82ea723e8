"""The models that a library's reels were rendered with, and which of them are about to be retired."""

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import date, timedelta

from prefect_storyboard.ledger import Storage
from prefect_storyboard.providers.images import image_models
from prefect_storyboard.providers.table import models
from prefect_storyboard.storyboards import Frozen, ImageModel, Model

Uses = Mapping[tuple[str, str], tuple[str, ...]]  # the reels, by gateway and model


class Ending(Frozen):
    """A model in use that is about to be retired, or that its gateway has removed from its list."""

    provider: str
    model: str
    retires_on: date | None
    successor: str | None
    reels: tuple[str, ...] = ()

    def __str__(self) -> str:
        gone = f"is no longer on {self.provider}'s list"
        when = f"is switched off by its maker on {self.retires_on}" if self.retires_on else gone
        where = f", and renders {', '.join(self.reels)}" if self.reels else ""
        remedy = f"move to {self.successor}" if self.successor else "choose another model: `storyboard models`"
        return f"{self.model} at {self.provider} {when}{where}; {remedy}"


def uses(storage: Storage, providers: Iterable[str]) -> Uses:
    """Read the models from the plans beside the library's reels; a plan that cannot be read is skipped. Blocks."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    wanted = {*providers}
    for reel in storage.names("reels"):
        with suppress(ValueError, LookupError, TypeError):
            plan = json.loads(storage.read("reels", reel, "plan.json") or b"{}")
            jobs = [*plan["scenes"], *(still["drawing"] for still in plan.get("stills", []))]
            for name in dict.fromkeys(job["model"]["name"] for job in jobs):
                place = str(plan["provider"]), str(name)
                if place[0] in wanted:
                    found[place] = (*found.get(place, ()), reel)
    return found


def in_table(provider: str, name: str) -> Model | ImageModel | None:
    """The model of clips or of pictures as its table has it."""
    return models().get(provider, {}).get(name) or image_models(provider).get(name)


def endings(
    used: Uses, *, today: date, days: int, model_of: Callable[[str, str], Model | ImageModel | None] = in_table
) -> tuple[Ending, ...]:
    """The models that are retired within so many days, or were within so many past days, soonest first.

    A model that was retired earlier is no longer in use: its reels are rendered, and stay. `model_of` returns what a
    gateway sells under a name.
    """
    known = {place: model_of(*place) for place in used}
    near = [
        ending_of(model, used[place])
        for place, model in known.items()
        if model and model.retires_on and abs(model.retires_on - today) <= timedelta(days=days)
    ]
    return tuple(sorted(near, key=lambda each: (each.retires_on or today, each.provider, each.model)))


def ending_of(model: Model | ImageModel, reels: tuple[str, ...]) -> Ending:
    """The Ending of a model."""
    return Ending(
        provider=model.provider,
        model=model.name,
        retires_on=model.retires_on,
        successor=model.successor,
        reels=reels,
    )
