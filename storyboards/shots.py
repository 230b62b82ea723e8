"""A scene with every default filled in: what the model is asked for."""

from collections.abc import Callable

from pydantic import Field

from prefect_storyboard.storyboards.model import Mode, Model, Operation
from prefect_storyboard.storyboards.nouns import Frozen, Scene, Storyboard
from prefect_storyboard.storyboards.origins import Origin
from prefect_storyboard.storyboards.sendings import Sending

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
    def needs(self) -> tuple[str, ...]:
        """Ids of the scenes that are rendered before: the parent's, and those that its characters are made from."""
        made = (origin.scene for origin in self.origins)
        return tuple(dict.fromkeys(filter(None, (self.scene.parent, *made))))

    @property
    def mode(self) -> Mode:
        """What the scene is made from."""
        return self.model.mode(shown=bool(self.sends), frame=self.operation == "image", last_frame=bool(self.ends))

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


def origin_of(storyboard: Storyboard, scene: Scene) -> Scene:
    """The scene whose video this one is made of: a remix is as long, and as large, as what it changes."""
    while scene.remixes:
        scene = storyboard.scene(scene.remixes)
    return scene
