"""From scenes to shots: every default filled in, every rule of the model checked."""

from collections.abc import Callable, Iterator
from contextlib import suppress

from pydantic import Field

from prefect_storyboard.storyboards.drafts import Draft, cheapest, is_draft
from prefect_storyboard.storyboards.fit import Size, differences, nearest, nearest_seconds
from prefect_storyboard.storyboards.model import Mode, Model, Operation, PictureLimits
from prefect_storyboard.storyboards.names import named_in, with_names
from prefect_storyboard.storyboards.nouns import Frozen, Scene, Storyboard
from prefect_storyboard.storyboards.readings import cast_remarks, small_words
from prefect_storyboard.storyboards.says import Fault, taken
from prefect_storyboard.storyboards.sendings import Sending, sendings
from prefect_storyboard.storyboards.text import Problem, Source, StoryboardError

Table = Callable[[str], Model]  # the model of that name at the provider; KeyError with a remedy where there is none


class Shot(Frozen):
    """A scene as the model is asked for it. Prices in US dollars, None where no price is published.

    `silent`, `seed`, `negative` and `ends` are what the scene says and the model takes.

    `words` is the prompt as the user wrote it, with the style; `prompt` has names in the place of aliases. The adapter
    of a gateway makes of it what is sent: `sent` is that prompt, word for word, `references` describe the media that
    go along, in their order, and `audio` is whether sound is asked for, None where the request has no field for it.
    """

    scene: Scene
    model: Model
    operation: Operation
    words: str
    prompt: str
    characters: tuple[str, ...]
    sends: tuple[Sending, ...] = ()
    seconds: int
    aspect: str
    resolution: str
    usd: float | None
    silent: bool = False
    seed: int | None = None
    negative: str = ""
    ends: str | None = None
    frame_wins: bool = Field(default=False, description="Whether the first frame is kept exact, and the cast left out.")
    remarks: tuple[str, ...] = ()
    sent: str = ""
    references: tuple[str, ...] = ()
    audio: bool | None = None

    @property
    def cast(self) -> tuple[str, ...]:
        """The characters that the model is shown; beside a first frame, some models take none."""
        return self.characters if self.operation in self.model.casts and not self.frame_wins else ()

    @property
    def mode(self) -> Mode:
        """What the scene is made from."""
        return self.model.mode(shown=bool(self.sends), frame=self.operation == "image", last_frame=bool(self.ends))

    @property
    def frame(self) -> PictureLimits:
        """What a picture that the scene starts from or ends with has to be."""
        return self.model.frame_of(self.aspect, self.resolution)

    @property
    def endpoint(self) -> str | None:
        """Where the scene is ordered; None where the model makes no such scene."""
        return self.model.endpoints.get("remix") if self.operation == "remix" else self.model.endpoint(self.mode)

    def price(self, clip_seconds: float = 0.0) -> float | None:
        """What the scene costs with clips of that length among its references; None where no price is published."""
        pictures = sum(sending.pictures for sending in self.sends)
        return self.model.price(
            self.operation,
            self.seconds,
            self.resolution,
            clip_seconds,
            audio=not self.silent,
            pictures=pictures,
            mode=self.mode,
        )


def shots(storyboard: Storyboard, table: Table, source: Source) -> tuple[Shot, ...]:
    """Resolve every scene. Raises StoryboardError with all that the models do not take; nothing was read yet."""
    found: list[Shot] = []
    problems: list[Problem] = []
    words = small_words(storyboard)
    for at, scene in enumerate(storyboard.scenes):
        name = scene.model or storyboard.model
        if name is None:
            problems.append(source.problem(("model",), "is missing: a scene without a model of its own needs one"))
            continue
        try:
            model = table(name)
        except KeyError as error:
            place = ("scenes", at, "model") if scene.model else ("model",)
            problems.append(source.problem(place, error.args[0]))
            continue
        draft = _draft(storyboard, scene, model, table)
        if is_draft(storyboard, scene) and draft is None and storyboard.fit == "exact":
            problems.append(source.problem(_place(at, scene, "quality"), _no_draft(model, "write quality: final")))
        model = draft.model if draft else model
        shot, faults = _shot(storyboard, scene, model, draft.resolution if draft else None)
        if is_draft(storyboard, scene) and draft is None:
            shot = shot.model_copy(update={"remarks": (*shot.remarks, _no_draft(model, "it is rendered as final"))})
        if model.max_characters and not scene.remixes:
            remarks = (*shot.remarks, *cast_remarks(storyboard, scene, words))
            shot = shot.model_copy(update={"remarks": remarks})
        problems += [
            source.problem(("scenes", at, "remixes"), rule) for rule in _unmixable(storyboard, scene, model, table)
        ]
        rules = [*_broken(storyboard, shot), *(_refusals(faults) if storyboard.fit == "exact" else ())]
        problems += [source.problem(_place(at, scene, field), rule) for field, rule in rules]
        found.append(shot)
    if problems:
        raise StoryboardError(*dict.fromkeys(problems))
    return tuple(found)


def _draft(storyboard: Storyboard, scene: Scene, model: Model, table: Table) -> Draft | None:
    """With what a draft of the scene is rendered; a remix with what its origin was. None for a final one."""
    if not is_draft(storyboard, scene):
        return None
    origin = _origin(storyboard, scene)

    def cost(tier: Model, resolution: str) -> float | None:
        shot, faults = _shot(storyboard, origin, tier, resolution)
        refused = faults and storyboard.fit == "exact"
        return None if refused or any(_broken(storyboard, shot)) else shot.usd

    return cheapest(model, table, cost)


def _no_draft(model: Model, remedy: str) -> str:
    return f"{model.name} at {model.provider} has no draft whose price is published; {remedy}"


def _refusals(faults: tuple[Fault, ...]) -> Iterator[tuple[str, str]]:
    return ((fault.field, f"{fault.fact}; {fault.remedy}, or write fit: nearest") for fault in faults)


def _shot(
    storyboard: Storyboard, scene: Scene, model: Model, resolution: str | None = None
) -> tuple[Shot, tuple[Fault, ...]]:
    """The scene as the model takes it, and what it says that the model does not take. A draft has a `resolution`."""
    operation: Operation = "remix" if scene.remixes else "image" if scene.image or scene.continues else "text"
    characters = () if scene.remixes else storyboard.characters_of(scene)
    words = f"{scene.prompt}\nStyle: {storyboard.style}" if storyboard.style else scene.prompt
    origin = _origin(storyboard, scene)
    asked = Size(
        origin.seconds or storyboard.seconds,
        origin.aspect or storyboard.aspect,
        resolution or origin.resolution or storyboard.resolution or model.resolutions[0],
    )
    shot = Shot(
        scene=scene,
        model=model,
        operation=operation,
        words=words,
        prompt=_prompt(storyboard, words, characters, model),
        characters=characters,
        frame_wins=_frame_wins(storyboard, scene, model, operation),
        **asked._asdict(),
        usd=None,
    )
    frame = operation == "image"
    sends = sendings(model, [storyboard.character(name) for name in shot.cast], frame=frame)
    says, faults = taken(storyboard, scene, model, shown=bool(sends), frame=frame)
    told = tuple(f"{fault.field} is left out: {fault.fact}" for fault in faults)
    shot = shot.model_copy(update={"sends": sends, **dict(says)})
    size = nearest(asked, model, shot.mode) if storyboard.fit == "nearest" else asked
    remarks = (*differences(asked, size), *(told if storyboard.fit == "nearest" else ()))
    shot = shot.model_copy(update={**size._asdict(), "remarks": remarks})
    return shot.model_copy(update={"usd": shot.price()}), faults


def _frame_wins(storyboard: Storyboard, scene: Scene, model: Model, operation: Operation) -> bool:
    """Whether a scene begins exactly with its picture, and shows no characters beside it.

    Where the model takes one of the two, `prefer` decides; else the characters win, and the picture is one more
    reference. A model that takes one picture in all has no room for that: the frame wins.
    """
    wanted = scene.prefer or storyboard.prefer
    alone = model.references is not None and model.references.images == 1
    return operation == "image" and (wanted == "frame" or alone) and model.first_frame == "cited with cast"


def _origin(storyboard: Storyboard, scene: Scene) -> Scene:
    """The scene whose video this one is made of: a remix is as long, and as large, as what it changes."""
    while scene.remixes:
        scene = storyboard.scene(scene.remixes)
    return scene


def _prompt(storyboard: Storyboard, words: str, characters: tuple[str, ...], model: Model) -> str:
    """The words with names for aliases. Where a model shows only those whom the prompt names, the rest stand first."""
    prompt = with_names(words, characters, storyboard.aliases)
    if not model.names_in_prompt:
        return prompt
    named = named_in(prompt, characters)
    missing = [name for name in characters if name not in named]
    return f"With {' and '.join(missing)}. {prompt}" if missing else prompt


def _place(at: int, scene: Scene, field: str) -> tuple[str | int, ...]:
    """Where the user wrote the value: in the scene, or among the storyboard's defaults."""
    shared = {"seconds", "aspect", "resolution", "model", "audio", "seed", "negative", "quality"}
    own = field not in shared or getattr(scene, field) is not None
    return ("scenes", at, field) if own else (field,)


def _broken(storyboard: Storyboard, shot: Shot) -> Iterator[tuple[str, str]]:
    model, scene = shot.model, shot.scene
    name = f"{model.name} at {model.provider}"
    if shot.operation == "text" and shot.endpoint is None:
        yield "characters", f"{name} needs a picture to start from; name a character or give the scene an image"
    elif shot.endpoint is None:
        field = next(field for field in ("remixes", "continues", "image") if getattr(scene, field))
        yield field, f"{name} cannot start a scene this way; leave {field} out or choose another model"
    if scene.remixes:
        yield from _fixed(storyboard, scene)
        return
    lengths = model.lengths(shot.mode)
    if shot.seconds not in lengths:
        sold, near = ", ".join(map(str, lengths)), nearest_seconds(shot.seconds, lengths)
        yield "seconds", f"{name} sells {sold} seconds, not {shot.seconds}; write seconds: {near}, or fit: nearest"
    aspects, resolutions = model.sizes(shot.mode)
    for field, value, offered in (("aspect", shot.aspect, aspects), ("resolution", shot.resolution, resolutions)):
        if value not in offered:
            yield (
                field,
                f'{name} offers {", ".join(offered)}, not {value}; write {field}: "{offered[0]}", or fit: nearest',
            )
    yield from _miscast(storyboard, shot, name)


def _miscast(storyboard: Storyboard, shot: Shot, name: str) -> Iterator[tuple[str, str]]:
    """Too many characters, or some without the media that the model makes them of."""
    model = shot.model
    if shot.characters and model.max_characters and shot.operation == "text" and "text" not in model.casts:
        yield "characters", f"{name} shows characters only beside a first frame; give the scene an image"
    if len(shot.cast) > model.max_characters:
        few = f"characters: [{', '.join(shot.cast[: model.max_characters])}]"
        yield (
            "characters",
            f"{name} takes {model.max_characters} characters a scene, not {', '.join(shot.cast)}; write {few}",
        )
    for character in map(storyboard.character, shot.cast):
        if model.casting and not character.clip:
            yield "characters", f"{name} makes characters from a clip, and {character.name} has none; give it a clip"
        elif model.references and not character.clip and len(character.images) < model.references.each[0]:
            least, most = model.references.each
            few = f"{least} to {most} pictures of a character, and {character.name} has {len(character.images)}"
            yield "characters", f"{name} takes {few}; give it more images, or a clip to take them from"


def _unmixable(storyboard: Storyboard, scene: Scene, own: Model, table: Table) -> Iterator[str]:
    """A remix needs a video that its maker knows: one of a model that can be remixed."""
    if not scene.remixes or "remix" not in own.endpoints:
        return
    parent = storyboard.scene(scene.remixes)
    with suppress(KeyError):
        model = table(parent.model or storyboard.model or own.name)
        if "remix" not in model.endpoints:
            yield f"{model.name} at {model.provider}, which renders {parent.id}, makes nothing that can be remixed"


def _fixed(storyboard: Storyboard, scene: Scene) -> Iterator[tuple[str, str]]:
    """What a remix cannot choose: it would be paid for, and not be seen."""
    origin = _origin(storyboard, scene)
    for field in ("seconds", "aspect", "resolution"):
        kept = getattr(origin, field) or getattr(storyboard, field)
        if getattr(scene, field) not in {None, kept}:
            yield field, f"a remix keeps the {field} of {origin.id}; leave {field} out, or change it in {origin.id}"
    if scene.characters:
        yield "characters", f"a remix keeps the characters of {origin.id}; leave characters out"
