"""OpenAI's own client beside ours, against the sandbox: the same forms, the same films, and another bill after a fault."""

import json
import urllib.request
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import openai
import pytest
import pytest_asyncio
from PIL import Image

from prefect_storyboard.blocks import OpenAICompatibleCredentials
from prefect_storyboard.providers.errors import OutcomeUnknown
from prefect_storyboard.providers.openai.served import ServedModel
from prefect_storyboard.providers.protocol import CharacterRequest, Order, SceneRequest, Sought
from prefect_storyboard.providers.session import Session
from prefect_storyboard.sandbox.exchange import Pace
from prefect_storyboard.sandbox.server import environment, running
from prefect_storyboard.storyboards.keys import digest

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")  # they mark all of /v1/videos
H3 = "MiniMaxAI/MiniMax-H3"
KEY = "sk-sandbox"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pace = Pace(queue_seconds=0.0, render_seconds=0.0, character_seconds=0.0, clip_scale=0.15)
    with running(tmp_path_factory.mktemp("sandbox"), pace=pace) as address:
        yield address


@pytest.fixture(scope="module")
def account(base: str) -> OpenAICompatibleCredentials:
    models = {H3: ServedModel(dialect="vllm-omni")}
    return OpenAICompatibleCredentials.from_environment(environment(base)).model_copy(update={"models": models})


@pytest_asyncio.fixture
async def ours(account: OpenAICompatibleCredentials) -> AsyncIterator[Session]:
    async with account.session() as session:
        yield session


@pytest.fixture(scope="module")
def theirs(base: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key=KEY, base_url=f"{base}/openai/v1") as client:
        yield client


@pytest.fixture
def frame(tmp_path: Path) -> Path:
    path = tmp_path / "dawn.png"
    Image.new("RGB", (1280, 720), (30, 60, 120)).save(path)
    return path


def control(base: str, path: str, rule: Any = None) -> Any:
    data = None if rule is None else json.dumps(rule).encode()
    with urllib.request.urlopen(f"{base}/sandbox/{path}", data, timeout=60) as reply:
        return json.load(reply)


def received(base: str) -> dict[str, Any]:
    """The latest order as the sandbox has read it."""
    body: dict[str, Any] = control(base, "jobs")[-1]["received"]["body"]
    return body


def jobs(base: str) -> int:
    return int(control(base, "meter")["jobs_accepted"])


def order(account: OpenAICompatibleCredentials, session: Session, name: str, prompt: str, **facts: Any) -> Order:
    wanted = {"prompt": prompt, "seconds": 8, "aspect": "16:9", "resolution": "720p", **facts}
    return session.provider.scene_order(SceneRequest(model=account.model(name), **wanted))


@pytest.mark.parametrize("name", ["sora-2", H3])
@pytest.mark.parametrize("framed", [False, True])
async def test_what_is_sent_is_what_openais_client_sends(
    base: str, account: Any, ours: Session, theirs: openai.OpenAI, frame: Path, name: str, *, framed: bool
) -> None:
    given: dict[str, Any] = {"input_reference": frame} if framed else {}
    theirs.videos.create(model=name, prompt="A fox", seconds="8", size="1280x720", **given)
    sent_by_openai = received(base)
    await ours.provider.submit(order(account, ours, name, "A fox", image_url=frame.as_uri() if framed else None))
    ours_alone = {"generate_sound": True} if name == H3 else {}  # which their client has no argument for
    assert received(base) == sent_by_openai | ours_alone


async def test_a_character_is_made_and_shown_as_openais_client_does(
    base: str, account: Any, ours: Session, theirs: openai.OpenAI
) -> None:
    clip = Path(str(files("prefect_storyboard.examples") / "clips" / "mara.mp4"))
    theirs.videos.create_character(name="Mara", video=clip)
    sent_by_openai = received(base)
    request = CharacterRequest(model=account.model("sora-2"), name="Mara", clip_url=clip.as_uri())
    job = await ours.provider.submit(ours.provider.character_order(request))
    made = await ours.provider.result(job)
    assert received(base) == sent_by_openai
    assert theirs.videos.get_character(str(made.character_id)).name == made.mention == "Mara"


async def test_both_fetch_the_same_film(account: Any, ours: Session, theirs: openai.OpenAI, tmp_path: Path) -> None:
    job = await ours.provider.submit(order(account, ours, H3, "A hare"))
    assert (await ours.provider.status(job)).state == "ended"
    url = (await ours.provider.result(job)).url
    await ours.provider.fetch(str(url), tmp_path / "ours.mp4")
    assert (tmp_path / "ours.mp4").read_bytes() == theirs.videos.download_content(job.request_id).read()


def lose_the_next_reply(base: str) -> int:
    control(base, "faults", {"match": {"gateway": "openai", "route": "submit"}, "fault": "drop_after", "times": 1})
    return jobs(base)


def test_after_a_lost_reply_openais_client_buys_the_scene_twice(base: str, theirs: openai.OpenAI) -> None:
    before = lose_the_next_reply(base)
    theirs.videos.create(model="sora-2", prompt="A lost fox", seconds="8", size="1280x720")
    assert jobs(base) - before == 2


@pytest.mark.parametrize("name", ["sora-2", H3])
async def test_after_a_lost_reply_we_buy_once_and_find_it(base: str, account: Any, ours: Session, name: str) -> None:
    wanted, since, before = order(account, ours, name, f"A fox at {name}"), datetime.now(UTC), lose_the_next_reply(base)
    with pytest.raises(OutcomeUnknown):
        await ours.provider.submit(wanted)
    sought = Sought(endpoint=wanted.endpoint, digest=wanted.digest, since=since, shown=wanted.shown)
    (found,) = await ours.provider.find(sought) or ()
    assert (found.request_id, jobs(base) - before) == (control(base, "jobs")[-1]["id"], 1)
    assert digest(wanted.body) == wanted.digest
