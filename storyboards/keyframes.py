"""From scenes to pictures: the sheets and stills that a storyboard needs, and the requests to the image model. Pure."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from prefect_storyboard.storyboards.base import Place
from prefect_storyboard.storyboards.character import Character
from prefect_storyboard.storyboards.drawing import Drawing, drawing, pictures_of
from prefect_storyboard.storyboards.image_model import ImageModel
from prefect_storyboard.storyboards.keys import digest, fingerprint, scene_key
from prefect_storyboard.storyboards.names import with_names
from prefect_storyboard.storyboards.nouns import Scene, Storyboard
from prefect_storyboard.storyboards.outcomes import JsonObject
from prefect_storyboard.storyboards.planned_stills import PlannedSheet, PlannedStill, SheetName
from prefect_storyboard.storyboards.problems import Problem, Source, StoryboardError
from prefect_storyboard.storyboards.shots import Shot
from prefect_storyboard.storyboards.slots import Slots, slot_remark, slots
from prefect_storyboard.storyboards.still_prompts import LAST_FRAME, sheet_prompt, sheet_role, still_prompt, still_role
from prefect_storyboard.storyboards.stills import StillReference

ImageTable = Callable[[str], ImageModel]  # the image model of that name at the provider; KeyError with a remedy
_ONE_EACH = re.compile(r"; (?=[a-z_]+: )")  # between the sentences of a drawing's problems


@dataclass
class Keyframes:
    """The sheets of a storyboard, and its stills as far as they have been asked for. `content` is as in `plan`."""

    board: Storyboard
    model: ImageModel
    account: str
    content: Mapping[str, str]
    sheets: dict[SheetName, PlannedSheet] = field(default_factory=dict)
    stills: dict[str, PlannedStill] = field(default_factory=dict)
    _seen: Counter[str] = field(default_factory=Counter)

    def still(self, shot: Shot, parent: str | None) -> PlannedStill:
        """The still of a scene, with its sheets; `parent` is the identity of the scene that it follows."""
        scene = self.board.scene(shot.scene.id)
        members = [self.board.character(name) for name in shot.characters]
        found = slots(members, self.model.references.most - bool(scene.continues))
        sheets = tuple(self.sheet(member, scene.look_of(member.name)) for member in found.shown)
        drawn = self._drawing(shot, scene, found, parent)
        content = drawn.content(self.account)
        copy = self._copy(content)
        still = PlannedStill(
            scene=scene.model_copy(update={"take": 1, "takes": 1}),
            key=scene_key(content, copy),
            content=content,
            copy_number=copy,
            drawing=drawn.model_copy(update={"copy_number": copy}),
            shown=tuple((member.name, scene.look_of(member.name)) for member in found.shown),
            described=tuple((member.name, scene.look_of(member.name)) for member in found.described),
            sheets=tuple(sheet.key for sheet in sheets),
            follows=scene.continues,
            remarks=tuple(self._remarks(shot, scene, found)),
        )
        self.stills[scene.id] = still
        return still

    def _drawing(self, shot: Shot, scene: Scene, found: Slots, parent: str | None) -> Drawing:
        """The request for a still: its words, and its references with their roles; the last frame comes last."""
        references = [
            StillReference(
                fingerprint=self.sheet(member, scene.look_of(member.name)).identity,
                name=member.name,
                role=still_role(member),
            )
            for member in found.shown
        ]
        if scene.continues:
            references.append(StillReference(fingerprint=parent or "", role=LAST_FRAME))
        described = [(member, scene.look_of(member.name)) for member in found.described]
        words = with_names(scene.still or scene.prompt, shot.characters, self.board.aliases)
        prompt = still_prompt(words, described, self.board.style)
        return drawing(prompt, self.model, references=references, aspect=shot.aspect)

    def _remarks(self, shot: Shot, scene: Scene, found: Slots) -> Iterator[str]:
        """Warnings: characters that are only described, and looks of characters that are not in the scene."""
        if remark := slot_remark(found, f"{self.model.name} at {self.model.provider}", self.model.references.most):
            yield remark
        absent = (name for name in scene.looks if name not in shot.characters)
        yield from (f"{name} is not in this scene, so no look of {name} is shown" for name in absent)

    def sheet(self, member: Character, look: str) -> PlannedSheet:
        """The sheet of a member's look; that of a further look after that of the first."""
        if found := self.sheets.get((member.name, look)):
            return found
        base = self.sheet(member, "") if look else None
        drawn = drawing(
            sheet_prompt(member, look, self.board.style), self.model, references=self._references(member, look, base)
        )
        made = PlannedSheet(
            character=member,
            look=look,
            drawing=drawn,
            identity=drawn.identity(self.account),
            key=drawn.key(self.account),
            base=base.key if base else None,
        )
        self.sheets[made.place] = made
        return made

    def _references(self, member: Character, look: str, base: PlannedSheet | None) -> list[StillReference]:
        """The references of a sheet: the first look's sheet, or the member's own media, if it has any."""
        role = sheet_role(member, look)
        if base:
            return [StillReference(fingerprint=base.identity, name=member.name, role=role)]
        if not member.has_media:
            return []
        print_of_it, pictures = fingerprint(member, self.content), pictures_of(len(member.images))
        return [StillReference(fingerprint=print_of_it, name=member.name, role=role, pictures=pictures)]

    def _copy(self, content: JsonObject) -> int:
        """The number of equal stills before this one: each scene gets a still of its own."""
        same = digest(content)
        self._seen[same] += 1
        return self._seen[same] - 1


def image_model_of(board: Storyboard, shots: Sequence[Shot], table: ImageTable, source: Source) -> ImageModel | None:
    """The image model that draws the stills; None for a storyboard without.

    Raises StoryboardError with everything that it does not draw; no media were read yet.
    """
    if board.stills is None:
        return None
    try:
        model = table(board.stills)
    except KeyError as error:
        raise StoryboardError(source.problem(("stills",), error.args[0])) from None
    if problems := [*_problems(board, shots, model, source)]:
        raise StoryboardError(*dict.fromkeys(problems))
    return model


def _problems(board: Storyboard, shots: Sequence[Shot], model: ImageModel, source: Source) -> Iterator[Problem]:
    asked = Keyframes(board, model, account="", content=defaultdict(str))
    for at, shot in enumerate(shots):
        if not shot.still:
            continue
        try:
            asked.still(shot, parent=None)
        except ValueError as error:
            for text in _ONE_EACH.split(str(error)):
                field, _, rule = text.partition(": ")
                yield source.problem(_place(board, at, field), rule or text)


def _place(board: Storyboard, at: int, argument: str) -> Place:
    """The place in the storyboard of the value that the image model refuses."""
    if argument == "aspect":
        return ("scenes", at, "aspect") if board.scenes[at].aspect else ("aspect",)
    return ("scenes", at, "prompt") if argument == "prompt" else ("stills",)
