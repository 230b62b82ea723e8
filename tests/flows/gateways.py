"""The studio at any gateway: its key, the storyboard that every model has to render, and what was sent for it."""

import urllib.request
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from prefect.context import AsyncClientContext

from prefect_storyboard.blocks import Credentials
from prefect_storyboard.blocks.credentials import BY_PROVIDER
from prefect_storyboard.flows import storyboard_series
from prefect_storyboard.sandbox.exchange import Pace
from prefect_storyboard.sandbox.server import environment, running
from prefect_storyboard.storyboards import Reel
from tests.flows.conftest import Studio
from tests.ports import unused_port

GATEWAYS = ("fal", "kie", "toapis", "wavespeed")
SECRET = "n0b0dy-may-read-me"
_KEYS = {
    "fal": f"sandbox:{SECRET}",
    "kie": SECRET,
    "openai": f"sk-{SECRET}",
    "toapis": f"sk-{SECRET}",
    "wavespeed": SECRET,
}
_CLIPS = Path(str(files("prefect_storyboard.examples"))) / "clips"  # somebody moves and is heard, as ToAPIs wants it
_SCALES = {"kling-o3": 0.3}  # it starts from no picture of less than 300 pixels


@dataclass
class Branch(Studio):
    """The studio at one gateway, with one of its models; `reel`, `sent` and `jobs` are those of its first run."""

    gateway: str = "fal"
    model: str = "sora-2"
    reel: Reel = field(default_factory=lambda: Reel(title="", clips=()))
    sent: list[dict[str, Any]] = field(default_factory=list)
    jobs: tuple[int, int] = (0, 0)

    def credentials(self, key: str = "", **fields: Any) -> Credentials:
        block = BY_PROVIDER[self.gateway]
        key = key or _KEYS[self.gateway]
        return block.from_environment({**environment(self.base), block.key_variable: key}).model_copy(update=fields)

    def board(self, *prompts: str, **facts: Any) -> dict[str, Any]:
        return super().board(*prompts, **{"model": self.model, "fit": "nearest", **facts})

    def series(self) -> dict[str, Any]:
        """Two characters, one of them with pictures besides; a scene that continues another, and one of nobody."""
        board = self.board("Mara and Otto wind the clockwork.", "She opens the door.", "Far out a boat turns.")
        board["cast"][1]["images"] = [self.picture("front.png"), self.picture("side.png")]
        board["scenes"][1] |= {"characters": ["Mara"], "continues": "s01"}
        return board

    def picture(self, name: str) -> str:
        """A picture of its own colour, as a person would have given it."""
        path = self.folder / name
        if not path.exists():
            Image.new("RGB", (960, 720), (40, len(name) * 9, sum(map(ord, name)) % 256)).save(path)
        return str(path)

    async def counted(self, board: Any, **options: Any) -> tuple[Reel, int]:
        """A run without Prefect's engine around it, which is quicker: the reel, also of one that ends failed, and how
        many jobs the gateway has accepted meanwhile.
        """
        before = self.meter()["jobs_accepted"]
        provider = options.pop("provider", None) or self.credentials()
        options = {"allow_retired": True, **options}
        with warnings.catch_warnings():  # its tables belong to no run of Prefect's
            warnings.filterwarnings("ignore", "Artifact creation outside", FutureWarning)
            async with AsyncClientContext.get_or_create():  # else every task opens a client of its own: 40 ms each
                ended: Any = await storyboard_series.fn(board, provider, self.library, **options)
        reel = ended if isinstance(ended, Reel) else (await ended.aresult(raise_on_failure=False)).reel
        return reel, self.meter()["jobs_accepted"] - before

    def order(self, words: str) -> dict[str, Any]:
        """What was sent on the first night for the scene with those words in its prompt; Kie's envelope is opened."""
        return next(body for body in map(inner, self.sent) if words in body.get("prompt", ""))

    def bought(self) -> tuple[int, int]:
        meter = self.meter()
        characters = sum(o["jobs"] for o in meter["orders"] if o["endpoint"].endswith(("characters", "/character")))
        return characters, meter["jobs_accepted"] - characters

    def leaks(self) -> list[Path]:
        """Files of the library that hold the key, or the signature of an upload."""
        found = (path for path in Path(self.library).rglob("*") if path.is_file())
        return [path for path in found if SECRET.encode() in path.read_bytes() or b"?sig=" in path.read_bytes()]


@contextmanager
def opened(gateway: str, model: str, folder: Path, scale: float | None = None) -> Iterator[Branch]:
    """A branch with a sandbox and a library of its own; `scale` is that of the clips' sides to what was asked for."""
    scale = scale or _SCALES.get(model, 0.15)
    pace = Pace(queue_seconds=0.0, render_seconds=0.0, character_seconds=0.0, clip_scale=scale)
    with running(folder / "sandbox", port=unused_port(), pace=pace) as base:
        yield Branch(base, folder, _CLIPS, gateway=gateway, model=model)


def rendered_once(*places: tuple[str, str]) -> Any:
    """A fixture for a module: a branch at each gateway with its model, where the series has been rendered once."""

    @pytest.fixture(scope="module", params=places, ids=["-".join(place) for place in places])
    async def branch(request: pytest.FixtureRequest, engine: None, tmp_path_factory: pytest.TempPathFactory) -> Any:
        with opened(*request.param, tmp_path_factory.mktemp("branch")) as branch:
            branch.reel = await branch.render(branch.series(), allow_retired=True)
            branch.sent, branch.jobs = branch.submitted(), branch.bought()
            yield branch

    return branch


def inner(body: dict[str, Any]) -> dict[str, Any]:
    """What a model is asked; Kie puts it into an envelope."""
    return body.get("input", body)


def media(value: Any) -> list[str]:
    """Every address in an order, in the order of its lists."""
    if isinstance(value, dict):
        return [url for each in value.values() for url in media(each)]
    if isinstance(value, list):
        return [url for each in value for url in media(each)]
    return [value] if isinstance(value, str) and value.startswith("http://") else []


def fetched(url: str) -> bytes:
    """What the gateway saw behind an address."""
    with urllib.request.urlopen(url, timeout=120) as reply:
        return reply.read()
