"""A scene, as the user writes it. Frozen, validated, independent of providers."""

from pydantic import Field

from prefect_storyboard.storyboards.base import (
    Aspect,
    Fields,
    Frozen,
    Name,
    Negative,
    OnBad,
    Prefer,
    Prompt,
    Quality,
    Remark,
    SceneId,
    Seed,
    Text,
    Transition,
    TransitionSeconds,
)


class Scene(Frozen):
    """One generation: one prompt, one clip."""

    id: SceneId = Field(
        title="Id",
        description="Short and unique, safe as a file name: letters, digits, - and _; for example s01. Renaming it "
        "buys nothing but the scenes that continue or remix it.",
    )
    prompt: Prompt = Field(
        title="Prompt", description="What happens, in your own words and with the characters' names."
    )
    characters: tuple[Name, ...] | None = Field(
        default=None,
        title="Characters",
        description="Who is in the scene; [] for nobody. Left out: every cast member that the prompt mentions by name, "
        "by an alias, or as @Name. Those that it does not mention are named in front of it: With Mara.",
    )
    seconds: int | None = Field(
        default=None,
        ge=1,
        title="Seconds",
        description="Length; else the storyboard's. If a model chooses it itself, the plan says so.",
    )
    aspect: Aspect | None = Field(default=None, title="Aspect", description="Aspect ratio; else the storyboard's.")
    resolution: Text | None = Field(
        default=None, title="Resolution", description="For example 720p or 1080p; else the storyboard's."
    )
    model: Text | None = Field(default=None, title="Model", description="Model family; else the storyboard's.")
    image: Text | None = Field(
        default=None, title="First frame", description="Path or URL of a picture that the scene starts from."
    )
    ends: Text | None = Field(
        default=None, title="Last frame", description="Path or URL of a picture that the scene ends with."
    )
    still: Prompt | None = Field(
        default=None,
        title="Still",
        description="What the scene's still shows, with stills; else it is drawn from the prompt.",
    )
    motion: Prompt | None = Field(
        default=None,
        title="Motion",
        description="What moves in the clip, with stills; else the prompt. The still shows the rest.",
    )
    looks: dict[Name, Name] = Field(
        default={},
        title="Looks",
        description="Which look cast members have in this scene, by their names; else their first one.",
    )
    continues: SceneId | None = Field(
        default=None,
        title="Continues",
        description="Id of the scene whose last frame this one starts from; with stills, the still is drawn from it.",
    )
    remixes: SceneId | None = Field(
        default=None, title="Remixes", description="Id of the scene whose video this one changes with its prompt."
    )
    prefer: Prefer | None = Field(
        default=None,
        title="Prefer",
        description="If a model takes either a first frame or characters: cast shows the characters, and the frame is "
        "one more reference; frame begins exactly with the frame, which must show them. Else the storyboard's.",
    )
    audio: bool | None = Field(
        default=None, title="Audio", description="Whether the clip has sound; a silent one is cheaper at some models."
    )
    seed: Seed | None = Field(
        default=None, title="Seed", description="Random seed; the same seed gives the same picture again."
    )
    negative: Negative | None = Field(
        default=None, title="Negative", description="Negative prompt, for models that take one."
    )
    quality: Quality | None = Field(
        default=None,
        title="Quality",
        description="A draft takes the cheapest tier and size of the model's family; else the storyboard's.",
    )
    take: int = Field(
        default=1,
        ge=1,
        title="Take",
        description="Increase it by one to render the scene again; earlier takes are kept.",
    )
    takes: int = Field(
        default=1,
        ge=1,
        le=20,
        title="Takes",
        description="How many takes to render; the reel shows the newest, or the one that you pick.",
    )
    on_bad: OnBad | None = Field(
        default=None,
        title="On a bad clip",
        description="What to do about a clip whose verdict is bad; else as the storyboard says.",
    )
    fields: Fields = Field(
        default={},
        title="Fields",
        description="The gateway's own inputs, by its own names; changing one renders the scene again.",
    )
    caption: Remark = Field(
        default="",
        title="Caption",
        description="What is said or shown as text while the scene plays: a track of the reel, reel.srt and reel.vtt "
        "beside it, and `export`. No provider receives it; changing it buys nothing.",
    )

    transition: Transition | None = Field(
        default=None, title="Transition", description="How the scene begins in the reel; else as the storyboard says."
    )
    transition_seconds: TransitionSeconds | None = Field(
        default=None, title="Transition seconds", description="How long that takes; else as the storyboard says."
    )

    def look_of(self, name: str) -> str:
        """Which look a cast member has in the scene; empty for the first one."""
        return self.looks.get(name, "")

    @property
    def parent(self) -> str | None:
        """The scene that must be finished before this one can start."""
        return self.continues or self.remixes
