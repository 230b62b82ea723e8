"""Check the arguments of tasks before money is spent, with one sentence for each mistake."""

import json
import logging
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

from prefect.context import FlowRunContext, TaskRunContext
from prefect.logging import get_run_logger
from pydantic import JsonValue

from prefect_storyboard.blocks import Credentials, Library, load_credentials, load_library
from prefect_storyboard.jobs.paid import PaidJob
from prefect_storyboard.jobs.purchase import OnUnknown
from prefect_storyboard.providers.session import Account
from prefect_storyboard.providers.table import seller_name
from prefect_storyboard.storyboards import Casting, Clip, Model, Shot
from prefect_storyboard.storyboards.nouns import SCENE_ID
from prefect_storyboard.storyboards.recast import wanted_of_cast
from prefect_storyboard.storyboards.single import no_single_model

T = TypeVar("T")


async def accounts(credentials: Credentials | str, library: Library | str | None) -> tuple[Credentials, Library]:
    """Load both blocks, each from a block or the reference of a saved one. Raises ValueError."""
    return await account(credentials), await a_library(library)


async def account(credentials: Credentials | str) -> Credentials:
    """The credentials block, or the saved one of that reference. Raises ValueError."""
    if isinstance(credentials, str):
        try:
            return await load_credentials(credentials)
        except ValueError as error:
            raise ValueError(f"credentials: {error}") from None
    if not isinstance(credentials, Account):
        kind = type(credentials).__name__
        raise ValueError(f"credentials: give a credentials block such as FalCredentials, or its reference, not {kind}")
    return credentials


async def a_library(library: Library | str | None) -> Library:
    """The library block, the saved one of that reference, a folder or URL; None is the default. Raises ValueError."""
    if not isinstance(library, Library | str | None):
        raise ValueError(f"library: give a Library block, its reference or a URL, not {type(library).__name__}")
    return await load_library(library)


def a_list(values: Iterable[T] | object, argument: str) -> list[T]:
    """The values of a list. Raises ValueError for a single value."""
    if isinstance(values, str | Path | bytes | Mapping) or not isinstance(values, Iterable):
        shown = str(values) if isinstance(values, Path) else values
        raise ValueError(f"{argument}: takes a list; write {argument}=[{shown!r}]")
    return list(values)


def at_least(least: int, **numbers: int) -> None:
    """Raise ValueError unless the value is a whole number and at least `least`."""
    for argument, value in numbers.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise ValueError(f"{argument}: must be a whole number, {least} or more; found {value!r}")


def one_of(choices: object, **values: str) -> None:
    """Raise ValueError for a value that is not one of the Literal's."""
    for argument, value in values.items():
        if value not in get_args(choices):
            raise ValueError(f"{argument}: must be one of {', '.join(map(repr, get_args(choices)))}; found {value!r}")


def texts(**values: str | None) -> None:
    """Raise ValueError for anything but a non-empty string. None is an argument that was left out."""
    for argument, value in values.items():
        if value is not None and not isinstance(value, str):
            raise ValueError(f"{argument}: must be text; found {value!r}")
        if value is not None and not value.strip():
            raise ValueError(f"{argument}: is empty; write a value, or leave it out")


def scene_id(scene: str | None) -> None:
    """Raise ValueError for a scene id that is not safe as a file name."""
    texts(scene=scene)
    if scene is not None and not re.fullmatch(SCENE_ID, scene):
        raise ValueError(
            f"scene: {scene!r} is not safe as a file name; use letters, digits, - and _, for example scene='s01'"
        )


def purchase(*, model: str | None, reel: str | None, on_unknown: str, attempts: int) -> None:
    """Check the arguments that both paid tasks take. Raises ValueError."""
    texts(model=model, reel=reel)
    one_of(OnUnknown, on_unknown=on_unknown)
    at_least(1, attempts=attempts)


def waiting(minutes: float) -> None:
    """Raise ValueError for anything but a number of minutes."""
    if not isinstance(minutes, int | float) or isinstance(minutes, bool) or not 0 <= minutes < math.inf:
        raise ValueError(f"minutes: must be a number, 0 or more; found {minutes!r}")


def gateway_fields(fields: Mapping[str, JsonValue] | None) -> dict[str, JsonValue]:
    """The gateway's own inputs. Raises ValueError for values that JSON cannot express."""
    if fields is not None and not isinstance(fields, Mapping):
        raise ValueError(f"fields: takes the gateway's inputs by name, fields={{'seed': 7}}; found {fields!r}")
    given = dict(fields or {})
    try:
        json.dumps(given, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"fields: contains a value that JSON cannot express: {error}; use strings, numbers and lists"
        ) from None
    return given


def sold(account: Credentials, name: str) -> Model:
    """The model of that name.

    Raises ValueError if the gateway does not sell it; warns if its retirement date has passed.
    """
    try:
        found = account.model(name)
    except KeyError as error:
        raise ValueError(f"model: {error.args[0]}") from None
    if found.ended:
        logger().warning("%s; it is requested nevertheless, because you named it", found.ending)
    return found


def says(
    *, audio: bool | None, seed: int | None, negative: str | None, ends: str | Path | None
) -> dict[str, JsonValue]:
    """The scene's further fields, as far as the caller gives them. Raises ValueError."""
    if audio is not None and not isinstance(audio, bool):
        raise ValueError(f"audio: must be True or False; found {audio!r}")
    if isinstance(seed, bool):
        raise ValueError(f"seed: must be a whole number; found {seed!r}")
    if ends is not None and not isinstance(ends, str | Path):
        raise ValueError(f"ends: give a path or a URL, not {type(ends).__name__}")
    given = {"audio": audio, "seed": seed, "negative": negative, "ends": str(ends) if ends is not None else None}
    return {name: value for name, value in given.items() if value is not None}


def further_take(reroll: str | None, note: str | None) -> dict[str, str]:
    """The name and the note of one more take of a scene. Raises ValueError."""
    texts(reroll=reroll, note=note)
    if note and not reroll:
        raise ValueError("note: says what one more take is to change; give that take a name with reroll")
    return {name: value for name, value in (("reroll", reroll), ("note", note)) if value}


async def chosen(account: Credentials, name: str | None, characters: Iterable[str], **scene: Any) -> Model:
    """The model of that name.

    Raises ValueError if there is none; without a name, the error lists all models to choose from.

    `characters` are the names of the characters in the scene, `scene` its other fields.
    """
    if name is not None:
        return sold(account, name)
    living = (await account.on_sale()).values()
    raise no_single_model(living, seller_name(account.provider, account.account), characters, **scene)


def belonging(belongs_to: str, clip: object) -> None:
    """Raises ValueError for any other word, and for a clip that was not rendered, because it belongs to no scene."""
    if belongs_to not in {"content", "scene"}:
        raise ValueError(f"belongs_to: choose content or scene, not {belongs_to!r}")
    if belongs_to == "scene" and not isinstance(clip, Clip):
        raise ValueError("clip: give a clip that store or render has returned, or leave belongs_to out")


def castings(characters: Sequence[Casting] | Casting) -> tuple[Casting, ...]:
    """The castings as they were given. Raises ValueError for anything else, and for a single casting."""
    if isinstance(characters, Casting):
        name = characters.character
        raise ValueError(
            f"characters: takes a list, characters=[{name.lower()}]; with .map write "
            f"characters=unmapped([{name.lower()}]), or each scene gets only one of them"
        )
    given: list[Casting] = a_list(characters, "characters")
    for casting in given:
        if not isinstance(casting, Casting):
            raise ValueError(f"characters: give what create_character returns, not {type(casting).__name__}")
    return tuple(given)


def check_castings(cast: Sequence[Casting], shot: Shot, account_name: str) -> None:
    """Raise ValueError for a casting that the model cannot show; it names the casting and the remedy."""
    for casting in cast:
        if casting.character in shot.cast:
            _check_casting(casting, shot.model, account_name)


def _check_casting(casting: Casting, model: Model, account_name: str) -> None:
    again = f"call create_character with model={model.name!r} and these credentials"
    if model.casting is None:
        if model.references and not casting.clip and not casting.images:
            only = f" (it is known only as {casting.id}, to {casting.provider or 'its gateway'})" if casting.id else ""
            why = f"{casting.character} has no media that {model.name} could be shown{only}"
            raise ValueError(f"characters: {why}: {wanted_of_cast(model)}; {again}, and with such media")
        return
    made_for = (casting.provider, casting.account, casting.family)
    if casting.id is None or (casting.provider and made_for != (model.provider, account_name, model.casting)):
        where = f"at {casting.provider} ({casting.account})" if casting.id else "without an id"
        raise ValueError(
            f"characters: {casting.character} was created {where} and {model.name} at {model.provider} "
            f"({account_name}) does not know it; {again}"
        )


def parent(clip: Clip | None, argument: str, model: Model) -> Clip | None:
    """The clip to continue or remix. Raises ValueError if that is impossible."""
    if clip is None:
        return None
    if not isinstance(clip, Clip):
        raise ValueError(f"{argument}: give a Clip, as store and render return it, not {type(clip).__name__}")
    if argument == "remixes" and clip.provider != model.provider:
        raise ValueError(
            f"remixes: the clip of {clip.scene} was rendered at {clip.provider}, so {model.provider} cannot change it; "
            "use continues, or render the clip with a model that can be remixed"
        )
    if argument == "remixes" and clip.handle is None:
        raise ValueError(
            f"remixes: {model.provider} has not kept the video of {clip.scene}, so it cannot change it; use continues, "
            "or render the clip again with another take and remixable=True"
        )
    return clip


def paid_job(job: PaidJob) -> PaidJob:
    """A job as generate returns it. Raises ValueError."""
    if not isinstance(job, PaidJob):
        raise ValueError(f"job: give what generate returns, not {type(job).__name__}")
    return job


def logger() -> logging.Logger | logging.LoggerAdapter[logging.Logger]:
    inside = FlowRunContext.get() or TaskRunContext.get()
    return get_run_logger() if inside else logging.getLogger("prefect_storyboard")
