"""From scenes to shots: every default filled in, every rule of the model checked."""

from collections.abc import Iterator

from prefect_storyboard.storyboards.base import Place
from prefect_storyboard.storyboards.begun import only_drawn, still_problems, without_parent
from prefect_storyboard.storyboards.drafts import Draft, cheapest, is_draft
from prefect_storyboard.storyboards.fit import Size, differences, nearest
from prefect_storyboard.storyboards.model import Model, Operation
from prefect_storyboard.storyboards.names import named_in, with_names
from prefect_storyboard.storyboards.nouns import Scene, Storyboard
from prefect_storyboard.storyboards.origins import origins, range_problems
from prefect_storyboard.storyboards.problems import Problem, Source, StoryboardError
from prefect_storyboard.storyboards.readings import cast_remarks, small_words
from prefect_storyboard.storyboards.refusals import parent_refusals, refusals
from prefect_storyboard.storyboards.says import Fault, taken
from prefect_storyboard.storyboards.sendings import sendings
from prefect_storyboard.storyboards.shots import Shot, Table, origin_of


def shots(storyboard: Storyboard, table: Table, source: Source) -> tuple[Shot, ...]:
    """Resolve every scene.

    Raises StoryboardError with everything that the models do not take; no media were read yet.
    """
    found: list[Shot] = []
    problems: list[Problem] = [source.problem(place, rule) for place, rule in still_problems(storyboard)]
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
            source.problem(("scenes", at, "remixes"), rule) for rule in parent_refusals(storyboard, scene, model, table)
        ]
        rules = [*refusals(storyboard, shot), *(_fault_problems(faults) if storyboard.fit == "exact" else ())]
        problems += [source.problem(_place(at, scene, field), rule) for field, rule in rules]
        found.append(shot)
    problems += [source.problem(place, rule) for place, rule in range_problems(storyboard, found)]
    if problems:
        raise StoryboardError(*dict.fromkeys(problems))
    return tuple(found)


def _draft(storyboard: Storyboard, scene: Scene, model: Model, table: Table) -> Draft | None:
    """The draft's model and resolution; for a remix those of its origin. None for a final scene."""
    if not is_draft(storyboard, scene):
        return None
    origin = origin_of(storyboard, scene)

    def cost(tier: Model, resolution: str) -> float | None:
        shot, faults = _shot(storyboard, origin, tier, resolution)
        refused = faults and storyboard.fit == "exact"
        return None if refused or any(refusals(storyboard, shot)) else shot.usd

    return cheapest(model, table, cost)


def _no_draft(model: Model, remedy: str) -> str:
    return f"{model.name} at {model.provider} has no draft with a published price; {remedy}"


def _fault_problems(faults: tuple[Fault, ...]) -> Iterator[tuple[str, str]]:
    return ((fault.field, f"{fault.fact}; {fault.remedy}, or write fit: nearest") for fault in faults)


def _shot(
    storyboard: Storyboard, scene: Scene, model: Model, resolution: str | None = None
) -> tuple[Shot, tuple[Fault, ...]]:
    """The scene as the model takes it, and the fields that the model does not take. A draft has a `resolution`."""
    has_still = storyboard.has_still(scene)
    begins = scene.image or scene.continues or has_still
    operation: Operation = "remix" if scene.remixes else "image" if begins else "text"
    characters = () if scene.remixes else storyboard.characters_of(scene)
    drawn = only_drawn(storyboard, scene, characters, model) if has_still else ()
    words = scene.motion or (f"{scene.prompt}\nStyle: {storyboard.style}" if storyboard.style else scene.prompt)
    origin = origin_of(storyboard, scene)
    asked = Size(
        origin.seconds or storyboard.seconds,
        origin.aspect or storyboard.aspect,
        resolution or origin.resolution or storyboard.resolution or model.resolutions[0],
    )
    shot = Shot(
        scene=without_parent(scene) if has_still else scene,
        model=model,
        operation=operation,
        words=words,
        prompt=_prompt(storyboard, words, characters, drawn, model),
        still=has_still,
        drawn=drawn,
        characters=characters,
        frame_wins=_frame_wins(storyboard, scene, model, operation),
        **asked._asdict(),
        usd=None,
    )
    frame = operation == "image"
    sends = sendings(model, [storyboard.character(name) for name in shot.cast], frame=frame)
    says, faults = taken(storyboard, scene, model, shown=bool(sends), frame=frame)
    left_out = tuple(f"{fault.field} is left out: {fault.fact}" for fault in faults)
    shot = shot.model_copy(update={"sends": sends, "origins": origins(storyboard, shot.cast), **dict(says)})
    size = nearest(asked, model, shot.mode) if storyboard.fit == "nearest" else asked
    remarks = (*differences(asked, size), *(left_out if storyboard.fit == "nearest" else ()))
    shot = shot.model_copy(update={**size._asdict(), "remarks": remarks})
    return shot.model_copy(update={"usd": shot.price()}), faults


def _frame_wins(storyboard: Storyboard, scene: Scene, model: Model, operation: Operation) -> bool:
    """Whether a scene begins exactly with its picture and shows no characters.

    If the model takes only one of the two, `prefer` decides; by default the characters are shown, and the picture is
    one more reference. A model that takes one picture in all has no room for that: the frame wins. So does a still,
    which shows the characters, unless its scene itself prefers the cast.
    """
    wanted = scene.prefer or ("frame" if storyboard.has_still(scene) else storyboard.prefer)
    alone = model.references is not None and model.references.images == 1
    return operation == "image" and (wanted == "frame" or alone) and model.first_frame == "cited with cast"


def _prompt(
    storyboard: Storyboard, words: str, characters: tuple[str, ...], drawn: tuple[str, ...], model: Model
) -> str:
    """The prompt with names in place of aliases.

    If a model shows only characters that the prompt names, the rest are put first; not those whom a still shows.
    """
    prompt = with_names(words, characters, storyboard.aliases)
    if not model.names_in_prompt:
        return prompt
    named = named_in(prompt, characters)
    missing = [name for name in characters if name not in named and name not in drawn]
    return f"With {' and '.join(missing)}. {prompt}" if missing else prompt


def _place(at: int, scene: Scene, field: str) -> Place:
    """The path of the value as written: in the scene, or among the storyboard's defaults."""
    shared = {"seconds", "aspect", "resolution", "model", "audio", "seed", "negative", "quality", "stills"}
    own = field not in shared or getattr(scene, field, None) is not None
    return ("scenes", at, field) if own else (field,)
