"""Shots: scenes with every default filled in."""

from collections.abc import Callable

from pydantic import Field

from prefect_storyboard.storyboards.model import Mode, Model, Operation, PictureLimits
from prefect_storyboard.storyboards.nouns import Frozen, Scene, Storyboard
from prefect_storyboard.storyboards.origins import Origin
from prefect_storyboard.storyboards.sendings import Sending

Table = Callable[[str], Model]  # the model of that name at the provider; KeyError with a remedy if there is none


class Shot(Frozen):
    """A scene as it is requested of the model. Prices in US dollars, None if no price is published.

    `silent`, `seed`, `negative` and `ends` are the scene's optional fields, if the model takes them.

    `words` is the prompt as the user wrote it, with the style; `prompt` has names in place of aliases. The gateway's
    adapter builds the request from it: `sent` is the exact prompt, `references` describe the media in order, and
    `audio` is whether the request asks for sound, None if it has no field for that.
    """

    scene: Scene
    model: Model
    operation: Operation
    words: str
    prompt: str
    characters: tuple[str, ...]
    origins: tuple[Origin, ...] = ()
    sends: tuple[Sending, ...] = ()
    seconds: int
    aspect: str
    resolution: str
    usd: float | None
    silent: bool = False
    seed: int | None = None
    negative: str = ""
    ends: str | None = None
    frame_wins: bool = Field(
        default=False, description="Whether the scene begins exactly with the first frame, without the cast."
    )
    still: bool = Field(default=False, description="Whether the scene begins with a still that is drawn for it.")
    drawn: tuple[str, ...] = Field(
        default=(), description="The characters whom the still alone shows: the clip's model gets no media of them."
    )
    remarks: tuple[str, ...] = ()
    sent: str = ""
    references: tuple[str, ...] = ()
    audio: bool | None = None

    @property
    def cast(self) -> tuple[str, ...]:
        """The characters that the model receives; with a first frame, some models take none."""
        if self.operation not in self.model.casts or self.frame_wins:
            return ()
        return tuple(name for name in self.characters if name not in self.drawn)

    @property
    def needs(self) -> tuple[str, ...]:
        """What must be rendered or drawn before: its parent, its still, and the scenes that its characters are of."""
        made = (origin.scene for origin in self.origins)
        return tuple(dict.fromkeys(filter(None, (self.scene.parent, self.still_name, *made))))

    @property
    def begins_with(self) -> str:
        """The name of what it is made from: the scene that it continues or remixes, or its still; empty for neither."""
        return self.scene.parent or self.still_name

    @property
    def still_name(self) -> str:
        """The name of the scene's still among the jobs of a plan; empty if none is drawn."""
        return still_name(self.scene.id) if self.still else ""

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
        """The endpoint for the scene; None if the model makes no such scene."""
        return self.model.endpoints.get("remix") if self.operation == "remix" else self.model.endpoint(self.mode)

    def excess(self, clip_seconds: float) -> str | None:
        """Why the model does not take reference clips of that length beside this scene; None if it takes them."""
        most = self.model.references.most_seconds if self.model.references else None
        if most is None or not clip_seconds or clip_seconds + self.seconds <= most:
            return None
        name = f"{self.model.name} at {self.model.provider}"
        return (
            f"{name} takes {most} s of reference clips and of the scene together, and its clips last "
            f"{clip_seconds:g} s: shorten the scene, or give images of a character instead of a clip"
        )

    def price(self, clip_seconds: float = 0.0) -> float | None:
        """The scene's price with reference clips of that length; None if no price is published."""
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


def still_name(scene_id: str) -> str:
    """What the still of a scene is called: no scene can have that id."""
    return f"{scene_id} still"


def origin_of(storyboard: Storyboard, scene: Scene) -> Scene:
    """The scene whose video this one changes: a remix has its length and size."""
    while scene.remixes:
        scene = storyboard.scene(scene.remixes)
    return scene
