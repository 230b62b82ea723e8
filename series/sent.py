"""The exact request for each scene, before anything is bought: prompt, references, sound."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress

from pydantic import JsonValue

from prefect_storyboard.ledger import Ledger, Unreadable
from prefect_storyboard.media import deferred
from prefect_storyboard.providers.errors import InvalidRequest
from prefect_storyboard.providers.images import sent_prompt as sent_prompt_of
from prefect_storyboard.providers.protocol import DrawsStills, Order, Provider, Reference, StillRequest
from prefect_storyboard.series.prepare import Prepared
from prefect_storyboard.storyboards import (
    Casting,
    Model,
    Plan,
    PlannedScene,
    PlannedSheet,
    PlannedStill,
    References,
    Sending,
)
from prefect_storyboard.tasks._references import CastMember, drawn
from prefect_storyboard.tasks._scene import scene_request

_ANYWHERE = "https://example.com/media"  # the description of a file does not depend on its URL
_PROMPTS = ("prompt", "Scene")  # a body has one prompt, or one for each shot
_SOUND = ("generate_audio", "sound", "audio")

Castings = Mapping[str, Casting]  # by the key of the character


def known_castings(plan: Plan, ledger: Ledger) -> dict[str, Casting]:
    """The castings that are in the library. The mention of a character that is not created yet is unknown.

    So is that of a character whose record cannot be read, which stops the scenes that need it.
    """
    found: dict[str, Casting] = {}
    for character in plan.characters:
        with suppress(Unreadable):
            for last in ledger.history(character.key)[-1:]:
                if last.outcome and last.outcome.casting and not last.void:
                    found[character.key] = last.outcome.casting
    return found


def with_sends(prepared: Prepared, provider: Provider, castings: Castings) -> Plan:
    """The plan with `sent`, `references` and `audio` of each scene filled in. Reads the media, sends nothing.

    Warns of a prompt that is longer than the model takes. Raises InvalidRequest if the provider's request cannot
    express a scene.
    """
    plan = _with_pictures(prepared.plan, provider)
    shown = {(scene.model.name, sending): (scene.model, sending) for scene in plan.scenes for sending in scene.sends}
    media = {key: _shown(prepared.cast[key[1].character], sending, model) for key, (model, sending) in shown.items()}
    scenes = []
    for scene in plan.scenes:
        sent, audio = wording(provider, scene, castings_of(plan, scene, castings))
        lines = (*_cast_lines(scene), *(media[scene.model.name, sending] for sending in scene.sends))
        update = {"sent": sent, "audio": audio, "references": (*lines, *_beginning(prepared, scene))}
        scenes.append(scene.model_copy(update=update))
    warnings = (*plan.warnings, *filter(None, map(too_long, scenes)))
    return plan.model_copy(update={"scenes": tuple(scenes), "warnings": warnings})


def _with_pictures(plan: Plan, provider: Provider) -> Plan:
    """The plan with the prompt of each picture as it is sent. Raises InvalidRequest for one that cannot be drawn."""
    sheets = tuple(sheet.model_copy(update={"sent": _drawn(provider, sheet)}) for sheet in plan.sheets)
    stills = tuple(still.model_copy(update={"sent": _drawn(provider, still)}) for still in plan.stills)
    return plan.model_copy(update={"sheets": sheets, "stills": stills})


def _drawn(provider: Provider, picture: PlannedSheet | PlannedStill) -> str:
    """The prompt of a picture. Builds its request, so that what is invalid is refused before anything is bought."""
    if not isinstance(provider, DrawsStills):
        raise InvalidRequest(f"{provider.name} draws no pictures; leave stills out", field="stills", sent=False)
    links = tuple((_ANYWHERE,) * each.pictures for each in picture.drawing.references)
    try:
        provider.still_order(StillRequest(drawing=picture.drawing, pictures=links))
    except InvalidRequest as error:
        error.args = (f"{picture.name}: {error}",)
        raise
    return sent_prompt_of(picture.drawing)


def draft_order(provider: Provider, scene: PlannedScene, castings: tuple[Casting, ...] = ()) -> Order:
    """The order of a scene, with a placeholder URL for each file. Raises InvalidRequest, which names the scene."""
    request = scene_request(scene, castings, None).model_copy(
        update={
            "references": tuple(map(_reference, scene.sends)),
            "image_url": _ANYWHERE if scene.operation == "image" else None,
            "last_frame_url": _ANYWHERE if scene.ends else None,
            "remix_of": "draft" if scene.operation == "remix" else None,
        }
    )
    try:
        return provider.scene_order(request)
    except InvalidRequest as error:
        error.args = (f"{scene.scene.id}: {error}",)
        raise


def castings_of(plan: Plan, scene: PlannedScene, castings: Castings) -> tuple[Casting, ...]:
    """The castings of a scene as the run will pass them; a character that is not created yet is mentioned as @Name."""
    keys = {each.character.name: each.key for each in plan.characters if each.model.casting == scene.model.casting}
    return tuple(
        castings.get(keys[name], Casting(character=name, id="new", mention=f"@{name}"))
        for name in scene.cast
        if name in keys
    )


def wording(provider: Provider, scene: PlannedScene, castings: tuple[Casting, ...]) -> tuple[str, bool | None]:
    """The prompt as it is sent with these castings, and whether the request asks for sound. Raises InvalidRequest."""
    body = draft_order(provider, scene, castings).body
    return sent_prompt(body), next((value for value in _values(body, _SOUND) if isinstance(value, bool)), None)


def sent_prompt(body: JsonValue) -> str:
    """The prompt of a request body; where each shot has a text of its own, one line a shot."""
    return "\n".join(text for text in _values(body, _PROMPTS) if isinstance(text, str))


def too_long(scene: PlannedScene) -> str | None:
    """The message about a prompt that is longer than the model takes, counted as it is sent."""
    most, length = scene.model.max_prompt, len(scene.sent)
    if most is None or length <= most:
        return None
    model = f"{scene.model.name} at {scene.model.provider}"
    return f"{scene.scene.id}: the prompt has {length} characters as it is sent, and {model} takes {most}; shorten it"


def check_prompts(scenes: Iterable[PlannedScene]) -> None:
    """Raise InvalidRequest if a prompt is too long: nothing was sent."""
    if faults := [*filter(None, map(too_long, scenes))]:
        raise InvalidRequest("\n".join(faults), field="prompt", sent=False)


def _reference(sending: Sending) -> Reference:
    if sending.clip:
        return Reference(character=sending.character, clip_url=_ANYWHERE)
    return Reference(character=sending.character, image_urls=(_ANYWHERE,) * max(sending.pictures, 1))


def _values(body: JsonValue, names: tuple[str, ...]) -> Iterator[JsonValue]:
    """The values under these names, at any depth."""
    if isinstance(body, dict):
        for name, value in body.items():
            if name in names:
                yield value
            else:
                yield from _values(value, names)
    elif isinstance(body, list):
        for item in body:
            yield from _values(item, names)


def _cast_lines(scene: PlannedScene) -> Iterator[str]:
    made = {origin.character: f" from {origin.scene}" for origin in scene.origins}
    for name in scene.cast if scene.model.casting else ():
        yield f"{name}: the character created at {scene.model.provider}{made.get(name, '')}"


def _beginning(prepared: Prepared, scene: PlannedScene) -> Iterator[str]:
    said = scene.scene
    if said.image:
        width, height, _ = deferred.probe_image(prepared.files[said.image].path)
        yield f"first frame: {_size(deferred.shape((width, height), scene.frame))}"
    elif scene.still:
        cited = scene.mode == "references" and scene.model.first_frame != "exact"
        yield f"one more reference: {scene.still_name}" if cited else f"first frame: {scene.still_name}"
    elif said.continues:
        yield f"first frame: the last frame of {said.continues}"
    elif said.remixes:
        yield f"the video of {said.remixes}"
    if scene.ends:
        width, height, _ = deferred.probe_image(prepared.files[scene.ends].path)
        yield f"last frame: {_size(deferred.shape((width, height), scene.frame))}"


def _shown(member: CastMember, sending: Sending, model: Model) -> str:
    """The reference media of a character, with the sizes in which they are sent."""
    who, clip, limits = member.character, member.clip, model.references or References(images=0)
    if who.from_scene:
        return _from_scene(member, sending, limits)
    if sending.clip and clip:
        fitting = deferred.describe_fit(clip.path, model.reference, who.name, start=who.start, end=who.end)
        return f"{who.name}: clip of {round(fitting.seconds, 2):g} s, {_size((fitting.width, fitting.height))}"
    sizes = [
        deferred.shape(deferred.probe_image(image.path)[:2], limits) for image in member.images[: sending.pictures]
    ]
    if clip and (count := drawn(who, sending, limits)):
        facts = deferred.probe(clip.path)
        sizes += [deferred.shape((facts.width, facts.height), limits)] * count
    distinct = " and ".join(dict.fromkeys(map(_size, sizes)))
    return f"{who.name}: {len(sizes)} {'picture' if len(sizes) == 1 else 'pictures'}, {distinct}"


def _from_scene(member: CastMember, sending: Sending, limits: References) -> str:
    """The reference media of a character that is made from a scene. Their size is known once it is rendered."""
    who, given = member.character, min(len(member.images), sending.pictures)
    count = drawn(who, sending, limits)
    if sending.clip:
        return f"{who.name}: the clip of {who.from_scene}"
    own = f"{given} given and " if given else ""
    return f"{who.name}: {own}{count} {'picture' if count == 1 else 'pictures'} from {who.from_scene}"


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
