"""What is asked of an image model: one drawing, checked against the model, with its key and its price. Pure.

A plan resolves a drawing to know its key and price before anything is bought; the task `draw` resolves the same drawing
and buys it. The key hashes what the user decided, like a scene's: words, names, roles, sizes, and of each reference its
fingerprint. So a plan can tell the key of a still whose sheet is not drawn yet: of such a reference the key holds the
identity of the request (`Drawing.identity`), as a scene's key does of the scene that it continues.
"""

from collections.abc import Iterator, Mapping, Sequence

from pydantic import Field, JsonValue

from prefect_storyboard.storyboards.base import Frozen
from prefect_storyboard.storyboards.image_model import ImageMode, ImageModel
from prefect_storyboard.storyboards.keys import SCHEMA, chosen, identity, scene_key
from prefect_storyboard.storyboards.outcomes import JsonObject
from prefect_storyboard.storyboards.stills import StillAsked, StillReference

MOST_PICTURES = 3  # of one character: front, side and back


class Drawing(Frozen):
    """One picture to draw, with every default filled in. `prompt` is in the user's words, before any citation."""

    model: ImageModel
    prompt: str
    asked: StillAsked
    references: tuple[StillReference, ...] = ()
    seed: int | None = None
    take: int = 1
    copy_number: int = 0
    reroll: str = ""
    note: str = ""
    fields: JsonObject = Field(default={})

    @property
    def pictures(self) -> int:
        """How many reference pictures are sent."""
        return sum(each.pictures for each in self.references)

    @property
    def mode(self) -> ImageMode:
        """The model's mode: from words alone, or from words and reference pictures."""
        return self.model.mode(self.pictures)

    @property
    def usd(self) -> float | None:
        """Its price; None if none is published."""
        return self.model.price(self.asked.resolution, self.pictures)

    def content(self, account: str) -> JsonObject:
        """Everything that determines what the picture looks like, at that account of the model's provider."""
        decided: JsonObject = {
            "schema": SCHEMA,
            "operation": "still",
            "provider": self.model.provider,
            "account": account,
            "model": self.model.name,
            "prompt": self.prompt,
            "aspect": self.asked.aspect,
            "references": [_content(each) for each in self.references],
            "take": self.take,
        }
        said = self.asked.model_dump(include={"resolution", "quality", "output_format"})
        said |= {"seed": self.seed, "reroll": self.reroll, "note": self.note, "fields": dict(self.fields)}
        return decided | chosen(**said)

    def basis(self, account: str) -> JsonObject:
        """All that the key hashes."""
        return {**self.content(account), "copy": self.copy_number}

    def key(self, account: str) -> str:
        """Key of the job."""
        return scene_key(self.content(account), self.copy_number)

    def identity(self, account: str) -> str:
        """The identity of the request, without the take."""
        return identity(self.content(account), self.copy_number)


def drawing(
    prompt: str,
    model: ImageModel,
    *,
    references: Sequence[StillReference] = (),
    aspect: str = "16:9",
    resolution: str | None = None,
    quality: str | None = None,
    output_format: str | None = None,
    seed: int | None = None,
    take: int = 1,
    copy: int = 0,
    reroll: str = "",
    note: str = "",
    fields: Mapping[str, JsonValue] | None = None,
) -> Drawing:
    """Resolve one drawing. Raises ValueError, one sentence an argument, for what the model does not sell or take."""
    tier = (resolution or "").upper() or next(iter(model.resolutions), "")
    asked = StillAsked(
        aspect=aspect,
        resolution=tier,
        quality=quality or next(iter(model.qualities), ""),
        output_format=output_format or next(iter(model.formats), ""),
    )
    drawn = Drawing(
        model=model,
        prompt=prompt.strip(),
        asked=asked,
        references=tuple(references),
        seed=seed,
        take=take,
        copy_number=copy,
        reroll=reroll,
        note=note,
        fields=dict(fields or {}),
    )
    if problems := list(_problems(drawn)):
        raise ValueError("; ".join(problems))
    return drawn


def _problems(drawn: Drawing) -> Iterator[str]:
    model, asked = drawn.model, drawn.asked
    name = f"{model.name} at {model.provider}"
    if model.refused:
        yield f"model: {name} is not sold: {model.refused}"
        return
    if not drawn.prompt:
        yield "prompt: is empty; say what the picture shows"
    yield from _choice("aspect", asked.aspect, model.aspects, name)
    yield from _choice("resolution", asked.resolution, model.resolutions, name)
    yield from _choice("quality", asked.quality, model.qualities, name)
    yield from _choice("output_format", asked.output_format, model.formats, name)
    if drawn.seed is not None and not model.takes_seed:
        yield f"seed: {name} takes none; leave it out, or choose another model"
    yield from _reference_problems(drawn, name)
    for field in drawn.fields:
        if field not in model.takes_fields:
            known = f"it takes {', '.join(model.takes_fields)}" if model.takes_fields else "it takes none"
            yield f"fields: {field} is not known to be an input of {name}, and might be dropped and billed; {known}"


def _choice(argument: str, value: str, choices: tuple[str, ...], name: str) -> Iterator[str]:
    if value and value not in choices:
        remedy = f"choose one of {', '.join(choices)}" if choices else "leave it out"
        yield f"{argument}: {name} does not make {value}; {remedy}"


def _reference_problems(drawn: Drawing, name: str) -> Iterator[str]:
    model, pictures, limits = drawn.model, drawn.pictures, drawn.model.references
    if drawn.mode not in model.endpoints or (not pictures and drawn.mode == "edit" and limits.least):
        yield f"references: {name} draws only from references; give one, or choose another model"
    elif pictures and drawn.mode == "text" and "edit" not in model.endpoints and not limits.most:
        yield f"references: {name} takes none; leave them out, or choose another model"
    elif pictures > limits.most:
        yield f"references: {name} takes {limits.most} pictures, and these are {pictures}; leave some out"
    if drawn.asked.aspect == "auto" and not pictures:
        yield f"aspect: {name} takes the shape of its first reference, and there is none; give one"


def _content(reference: StillReference) -> JsonValue:
    decided: JsonObject = {"fingerprint": reference.fingerprint}
    return decided | chosen(name=reference.name, role=reference.role)


def pictures_of(images: int) -> int:
    """The number of pictures sent of a character with so many images; without any, frames of its clip are sent."""
    return min(images, MOST_PICTURES) or MOST_PICTURES
