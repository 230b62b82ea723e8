"""A wrong argument is one sentence that names it and what to write instead, before anything is sent."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from prefect_storyboard.blocks import FalCredentials, Library
from prefect_storyboard.jobs.paid import PaidJob
from prefect_storyboard.providers.errors import InvalidRequest
from prefect_storyboard.providers.session import Session
from prefect_storyboard.providers.table import Model, model, models
from prefect_storyboard.storyboards import Casting, Clip, Media
from prefect_storyboard.tasks import assemble, create_character, generate, poll, store, upload

from .fakes import Gateway, job, session_with


class Colour(Enum):
    """Something that is no path."""

    RED = 1


@dataclass
class Account:
    """An account with fal's own request bodies, whose use is counted."""

    provider: str = "fal"
    account: str = "default"
    opened: int = 0
    gateway: Gateway = field(default_factory=Gateway)

    def model(self, name: str) -> Model:
        """The model of that name, as a credentials block finds it."""
        return model(self.provider, name)

    async def on_sale(self) -> Mapping[str, Model]:
        return models()[self.provider]

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        real = FalCredentials(api_key="k:s").get_client()
        self.gateway.scene_order = real.scene_order  # type: ignore[method-assign]
        self.gateway.character_order = real.character_order  # type: ignore[method-assign]
        yield session_with(self.gateway)

    @property
    def sent(self) -> int:
        return len(self.gateway.billed) + len(self.gateway.uploads) + self.gateway.looks


@dataclass
class Desk:
    """What a caller has at hand."""

    folder: Path
    media: Path
    account: Account = field(default_factory=Account)

    @property
    def on(self) -> dict[str, Any]:
        return {"credentials": self.account, "library": Library(url=str(self.folder / "library"))}


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture, a clip, and a file that is neither."""
    folder = tmp_path_factory.mktemp("media")
    Image.new("RGB", (1280, 720), (30, 60, 120)).save(folder / "dawn.png")
    (folder / "notes.mp4").write_text("no video at all")
    with av.open(str(folder / "mara.mp4"), "w") as file:
        stream = file.add_stream("libx264", rate=8)
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        for _ in range(20):
            file.mux(stream.encode(av.VideoFrame(1280, 720, "yuv420p")))
        file.mux(stream.encode(None))
    return folder


@pytest.fixture
def desk(tmp_path: Path, media: Path) -> Desk:
    return Desk(tmp_path, media)


MARA = Casting(character="Mara", id="char_1", provider="fal", account="default", family="sora-2", fingerprint="a" * 64)
ELSEWHERE = MARA.model_copy(update={"account": "agency"})
KLING = MARA.model_copy(update={"family": "kling", "provider": "kie"})
SHOWN = Casting(character="Mara", fingerprint="a" * 64, images=(Media(url="characters/mara/a/i.png", sha256="b" * 64),))


def clip(**facts: Any) -> Clip:
    given = {"scene": "s01", "take": 1, "url": "clips/s01/take-001.mp4", "sha256": "c" * 64, "bytes": 9, "seconds": 4.0}
    given |= {"width": 1280, "height": 720, "job_key": "d" * 64, "cost_usd": 0.4, "provider": "fal", "model": "sora-2"}
    given |= {"request_id": "r1", "prompt": "The sea.", "handle": "v1", "stored_at": "2026-01-01T00:00:00Z"}
    return Clip.model_validate({**given, **facts})


SCENES: dict[str, tuple[dict[str, Any], str]] = {
    "a model that is not sold": ({"model": "seedance-9"}, r"^model: .*seedance-9.*fal"),
    "seconds that are not sold": ({"seconds": 5}, r"^seconds: .* sells 4, 8, .* seconds, not 5; write seconds=4"),
    "seconds as a text": ({"seconds": "long"}, r"^seconds: must be a whole number; .*seconds=4"),
    "no model": ({"model": None}, r"^model: names no model, and nothing was bought; fal.ai \(fal\) sells .*model=\""),
    "an aspect that is not sold": ({"aspect": "1:1"}, r'^aspect: .*write aspect="16:9", or fit="nearest"'),
    "an aspect that there is not": ({"aspect": "wide"}, r"^aspect: must be one of"),
    "a resolution that is not sold": ({"resolution": "8k"}, r'^resolution: .*write resolution="720p"'),
    "no such fit": ({"fit": "best"}, r"^fit: must be one of"),
    "an empty prompt": ({"prompt": "  "}, r"^prompt: is empty"),
    "no prompt": ({"prompt": None}, r"^prompt: is empty"),
    "a number for a prompt": ({"prompt": 7}, r"^prompt: must be text"),
    "a casting alone": ({"characters": MARA}, r"^characters: takes a list.*characters=unmapped\(\[mara\]\)"),
    "a name for a casting": ({"characters": ["Mara"]}, r"^characters: give what create_character returns, not str"),
    "a text for castings": ({"characters": "Mara"}, r"^characters: "),
    "a number for castings": ({"characters": 3}, r"^characters: "),
    "a casting of another account": (
        {"characters": [ELSEWHERE]},
        r"^characters: .*agency.*create_character with model",
    ),
    "a casting of another family": ({"characters": [KLING]}, r"^characters: Mara was created at kie.*create_character"),
    "a casting without an id": ({"characters": [SHOWN]}, r"^characters: .*create_character with model='sora-2'"),
    "a casting twice": ({"characters": [MARA, MARA]}, r"^characters: Mara.*twice|^characters: .*already"),
    "two beginnings": ({"image": "x.png", "continues": clip()}, r"^continues: .* one beginning"),
    "a path for a clip": ({"continues": "s01.mp4"}, r"^continues: give a Clip.*not str"),
    "a clip without a handle": (
        {"remixes": clip(handle=None)},
        r"^remixes: fal has not kept the video of s01.*use continues",
    ),
    "a clip of another gateway": ({"remixes": clip(provider="kie")}, r"^remixes: .*rendered at kie.*use continues"),
    "a model that remixes nothing": ({"remixes": clip(), "model": "seedance-2"}, r"^remixes: .*cannot"),
    "a picture that is not there": ({"image": "gone.png"}, r"^image: .*gone\.png.*no such file"),
    "an enum for a picture": ({"image": Colour.RED}, r"^image: give a path or a URL, not Colour"),
    "a number for a picture": ({"image": 7}, r"^image: give a path or a URL, not int"),
    "a video for a picture": ({"image": "{folder}/notes.mp4"}, r"^image: .*picture"),
    "take 0": ({"take": 0}, r"^take: must be 1 or more"),
    "half a take": ({"take": 1.5}, r"^take: must be a whole number"),
    "a negative copy": ({"copy": -1}, r"^copy: must be a whole number, 0 or more"),
    "no attempts": ({"attempts": 0}, r"^attempts: must be a whole number, 1 or more"),
    "a negative budget": ({"max_cost_usd": -1}, r"^max_cost_usd: -1 is not an amount of money"),
    "no number for a budget": ({"max_cost_usd": float("nan")}, r"^max_cost_usd: nan is not an amount of money"),
    "a text for a budget": ({"max_cost_usd": "five"}, r"^max_cost_usd: .*is not an amount of money"),
    "no such word": ({"on_unknown": "retry"}, r"^on_unknown: must be one of 'stop', 'resubmit'|^on_unknown: "),
    "a list of fields": ({"fields": ["seed"]}, r"^fields: "),
    "fields that are no JSON": ({"fields": {"seed": Colour.RED}}, r"^fields"),
    "a number that no JSON knows": ({"fields": {"seed": float("nan")}}, r"^fields"),
    "a field that an argument says": ({"fields": {"duration": 8}}, r"fields\.duration is set by the argument seconds"),
    "a field with a wrong value": (
        {"fields": {"delete_video": "yes"}},
        r"fields\.delete_video is not of the type boolean",
    ),
    "a scene that is a path": ({"scene": "../x"}, r"^scene: .*not safe as a file name"),
    "a number for a reel": ({"reel": 7}, r"^reel: "),
    "credentials that are none": ({"credentials": 7}, r"^credentials: give a credentials block.*not int"),
    "a library that is none": ({"library": 7}, r"^library: give a Library block.*not int"),
}


def one_sentence(error: BaseException) -> str:
    said = str(error)
    assert "\n" not in said
    assert not re.search(r"(?i)yaml|storyboard's|\b(seconds|aspect|fit|take): [\"\w]+$|line out", said), said
    return said


@pytest.mark.parametrize(("facts", "says"), SCENES.values(), ids=SCENES)
async def test_a_mistake_in_a_scene(desk: Desk, facts: dict[str, Any], says: str) -> None:
    given = {"model": "sora-2", "prompt": "The sea.", **desk.on, **facts}
    given = {k: v.format(folder=desk.media) if k == "image" and isinstance(v, str) else v for k, v in given.items()}
    with pytest.raises((ValueError, OSError, InvalidRequest)) as wrong:
        await generate.fn(given.pop("prompt"), **given)
    assert re.search(says, one_sentence(wrong.value)), wrong.value
    assert not desk.account.sent


CHARACTERS: dict[str, tuple[dict[str, Any], str]] = {
    "a clip that is not there": ({"clip": "gone.mp4"}, r"^clip: .*gone\.mp4.*no such file"),
    "a picture for a clip": ({"clip": "{folder}/dawn.png"}, r"^clip: .*picture|^clip: .*dawn.png"),
    "no video for a clip": ({"clip": "{folder}/notes.mp4"}, r"^clip: .*notes\.mp4"),
    "a number for a clip": ({"clip": 7}, r"^clip: give a path or a URL, not int"),
    "neither clip nor images": ({"clip": None}, r'^clip: Mara needs a clip or images; add clip="path/to/mara\.mp4"'),
    "pictures where a clip is needed": ({"clip": None, "images": ["{folder}/dawn.png"]}, r"^clip: .*from a clip"),
    "one picture alone": ({"images": "x.png"}, r"^images: takes a list; write images=\['x\.png'\]"),
    "one path alone": ({"images": Path("x.png")}, r"^images: takes a list; write images=\['x\.png'\]"),
    "a number for pictures": ({"images": 3}, r"^images: takes a list"),
    "one alias alone": ({"aliases": "Mare"}, r"^aliases: takes a list; write aliases=\['Mare'\]"),
    "an empty name": ({"name": " "}, r"^name: is empty"),
    "a number for a name": ({"name": 7}, r"^name: must be text"),
    "an end before the start": ({"start": 2, "end": 1}, r"^end: end \(1 s\) must come after start"),
    "a range outside of the clip": ({"start": 9, "end": 10}, r"^clip: .*only 2\.50 s long"),
    "a text for a range": ({"start": "now"}, r"^start: must be a number"),
    "a reference that there is not": ({"reference": "voice"}, r"^reference: must be one of"),
    "a model that is not sold": ({"model": "seedance-9"}, r"^model: "),
    "a negative budget": ({"max_cost_usd": -1}, r"^max_cost_usd: "),
    "no attempts": ({"attempts": 0}, r"^attempts: "),
    "credentials that are none": ({"credentials": None}, r"^credentials: give a credentials block"),
    "a library that is none": ({"library": 7}, r"^library: "),
    "a number for a reel": ({"reel": 7}, r"^reel: "),
    "a field that an argument says": ({"fields": {"video_url": "https://x.y/z"}}, r"fields\.video_url is set by"),
}


@pytest.mark.parametrize(("facts", "says"), CHARACTERS.values(), ids=CHARACTERS)
async def test_a_mistake_in_a_character(desk: Desk, facts: dict[str, Any], says: str) -> None:
    def placed(value: Any) -> Any:
        return value.format(folder=desk.media) if isinstance(value, str) else value

    given = {"name": "Mara", "clip": "{folder}/mara.mp4", "model": "sora-2", **desk.on, **facts}
    given = {
        k: [placed(v) for v in value] if k == "images" and isinstance(value, list) else placed(value)
        for k, value in given.items()
    }
    with pytest.raises((ValueError, OSError, InvalidRequest)) as wrong:
        await create_character.fn(given.pop("name"), **given)
    assert re.search(says, one_sentence(wrong.value)), wrong.value
    assert not desk.account.sent


JOB = PaidJob(key="a" * 64, attempt=1, job=job(), state="Submitted")


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda on: poll.fn("r1", **on), r"^job: give what generate returns, not str"),
        (lambda on: poll.fn(JOB, **{**on, "credentials": 7}), r"^credentials: "),
        (lambda on: poll.fn(JOB, **on, minutes=float("nan")), r"^minutes: "),
        (lambda on: poll.fn(JOB, **on, minutes="soon"), r"^minutes: "),
        (lambda on: store.fn(clip(), **on), r"^job: give what generate returns, not Clip"),
        (lambda on: store.fn(JOB, **on), r"^job: it creates a character"),
        (lambda on: store.fn(JOB.model_copy(), "url", **on), r"^(job|result): "),
        (lambda on: upload.fn(7, credentials=on["credentials"]), r"^media: give a path or a URL, not int"),
        (lambda on: upload.fn("gone.png", credentials=on["credentials"]), r"^media: .*gone\.png.*no such file"),
        (lambda on: assemble.fn(clip(), title="A", library=on["library"]), r"^clips: takes a list"),
        (lambda on: assemble.fn([7], title="A", library=on["library"]), r"^clips: takes a list"),
        (lambda on: assemble.fn([clip()], title=" ", library=on["library"]), r"^title: "),
        (lambda on: assemble.fn(7, title="A", library=on["library"]), r"^clips: takes a list"),
    ],
)
async def test_a_mistake_in_another_task(desk: Desk, call: Any, says: str) -> None:
    with pytest.raises((ValueError, OSError)) as wrong:
        await call(desk.on)
    assert re.search(says, one_sentence(wrong.value)), wrong.value
    assert not desk.account.sent
