"""The official clients and our adapters do the same jobs at one sandbox; what they send differently is listed here.

A difference that is not listed fails, and so does one that is listed and is no more.
"""

import json
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

import fal_client
import httpx
import pytest
import requests
import wavespeed
from fal_client import client as fal_module
from PIL import Image

from prefect_storyboard import __version__
from prefect_storyboard.blocks import FalCredentials, WaveSpeedCredentials
from prefect_storyboard.providers.errors import OutcomeUnknown
from prefect_storyboard.providers.protocol import (
    CharacterRequest,
    Order,
    Provider,
    Reference,
    Result,
    SceneRequest,
    Sought,
)
from prefect_storyboard.providers.table import model
from prefect_storyboard.sandbox import Pace, exchange, running
from prefect_storyboard.sandbox.documents import Clip
from prefect_storyboard.sandbox.render import render
from prefect_storyboard.sandbox.server import environment
from prefect_storyboard.storyboards import Casting

GATEWAYS = ("fal", "wavespeed")
JOBS = ("upload", "character", "text scene", "image scene", "reference scene")
PROMPT = "Mara opens the gallery door."
START = "The door stands open."
SHOWN = "@Video1 opens the gallery door."
Orders = Callable[[str, str, str], dict[str, tuple[str, Any]]]
Sent = Mapping[str, Any]  # one request, part by part: query, auth, type, agent, each header, each field of its body
Done = dict[tuple[str, str, str], tuple[list[tuple[str, Sent]], Any]]


# --- what differs, and why


class Difference(NamedTuple):
    """One part of one request; `job` and `request` are patterns. A request that one side does without has "all"."""

    job: str
    request: str
    part: str
    theirs: Any
    ours: Any
    why: str

    def explains(self, found: "Difference") -> bool:
        alike = fnmatchcase(found.job, self.job) and fnmatchcase(found.request, self.request)
        return alike and exactly(self[2:5]) == exactly(found[2:5])


def exactly(value: Any) -> str:
    """To Python 1 is True, to a provider it is not."""
    return json.dumps(value, sort_keys=True)


NO = "not sent"
FAL_PLACE = "we put each file where fal grants it a place; the client takes a token for fal's CDN, a second secret"
FAL_REMIX = "fal's default deletes the video at its maker, and nobody could remix it later"
SOUND = "sound is the default too; it is part of the price, so it is said"
ZERO = "0 is what the queue's page writes; both mean no logs"
AGENT = "each says who asks"
OURS = f"prefect-storyboard/{__version__}"
NAMES = "none of our uploads shares a name with another: by its links a lost order is told from one like it"
ATTRIBUTION = "the client tells its name, version and system in headers of its own; ours stand in User-Agent"
LOOKS = "one call tells state and result; our adapter has a verb for each, and the poller lies between them"
BODILESS = "a GET has no body, whose type could be told"
HOST = "/wavespeed/cdn/files/b/<id>"

DIFFERENCES: Mapping[str, tuple[Difference, ...]] = {
    "fal": (
        Difference("upload", "POST /fal/rest/storage/auth/token", "all", 1, 0, FAL_PLACE),
        Difference("upload", "POST /fal/cdn/files/upload", "all", 2, 0, FAL_PLACE),
        Difference("upload", "POST /fal/rest/storage/upload/initiate", "all", 0, 2, FAL_PLACE),
        Difference("upload", "PUT /fal/storage/signed/<id>/<file>", "all", 0, 2, FAL_PLACE),
        Difference("*", "*", "agent", fal_module.USER_AGENT, OURS, AGENT),
        Difference("*", "GET */requests/<id>/status", "query", "logs=false", "logs=0", ZERO),
        Difference("* scene", "POST */fal-ai/sora-2/*", "body delete_video", NO, ours=False, why=FAL_REMIX),
        Difference("* scene", "POST */bytedance/seedance-2.0/*", "body generate_audio", NO, ours=True, why=SOUND),
    ),
    "wavespeed": (
        Difference("*", "*", "agent", requests.utils.default_user_agent(), OURS, AGENT),
        *(
            Difference("*", "* /wavespeed/api/*", f"header x-client-{each}", "sent", NO, ATTRIBUTION)
            for each in ("name", "os", "version")
        ),
        Difference("upload", "POST *", "body filename", "mara.mp4", "mara-<id>.mp4", NAMES),
        Difference("upload", "POST *", "body filename", "dawn.png", "dawn-<id>.png", NAMES),
        Difference("upload", "PUT *", "file", "mara.mp4", "mara-<id>.mp4", NAMES),
        Difference("upload", "PUT *", "file", "dawn.png", "dawn-<id>.png", NAMES),
        Difference("character", "POST *", "body video", f"{HOST}/mara.mp4", f"{HOST}/mara-<id>.mp4", NAMES),
        Difference("image scene", "POST *", "body image", f"{HOST}/dawn.png", f"{HOST}/dawn-<id>.png", NAMES),
        Difference(
            "reference *", "POST *", "body reference_videos", [f"{HOST}/mara.mp4"], [f"{HOST}/mara-<id>.mp4"], NAMES
        ),
        Difference("*", "GET */result", "all", 1, 2, LOOKS),
        Difference("*", "GET */result", "type", "application/json", NO, BODILESS),
        Difference("*", "GET */result", "header content-type", "sent", NO, BODILESS),
    ),
}


# --- what was sent

_FRESH = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{24,32}(?:-\d+)?")
_FILE = re.compile(r"[^/]+\.(?:mp4|png)$")


def sent(entry: Mapping[str, Any], base: str) -> tuple[str, Sent]:
    """A request's name, and its parts without ids and the sandbox's port."""
    told = json.loads(_FRESH.sub("<id>", json.dumps(entry).replace(base, "")))
    parts = {name: told[name] or NO for name in ("query", "auth", "type", "agent")}
    parts |= {f"header {name}": "sent" for name in told["headers"]}
    body = told["body"]
    parts |= {f"body {name}": value for name, value in body.items()} if isinstance(body, dict) else {"body": body}
    if file := _FILE.search(told["path"]):
        parts["file"] = file[0]
    return f"{told['method']} {_FILE.sub('<file>', told['path'])}", parts


def differences(job: str, theirs: list[tuple[str, Sent]], ours: list[tuple[str, Sent]]) -> Iterator[Difference]:
    """Hold the requests of one name against each other, in their order; the last of a side stands for what it lacks."""
    for name in dict.fromkeys(name for name, _ in theirs + ours):
        one, other = ([parts for its, parts in side if its == name] for side in (theirs, ours))
        if len(one) != len(other):
            yield Difference(job, name, "all", len(one), len(other), "")
        pairs = max(len(one), len(other)) if one and other else 0
        for at in range(pairs):
            left, right = (side[min(at, len(side) - 1)] for side in (one, other))
            for part in sorted(left.keys() | right.keys()):
                found = Difference(job, name, part, left.get(part, NO), right.get(part, NO), "")
                if exactly(found.theirs) != exactly(found.ours):
                    yield found


# --- one sandbox, and both sides at it


@pytest.fixture(scope="module")
def patched() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, patched: pytest.MonkeyPatch) -> Iterator[str]:
    """A sandbox whose log tells also what it leaves out: the values of two headers, and the bodies of uploads."""
    entry, call = exchange._entry, exchange.RequestLog.__call__

    def fuller(scope: Any, now: float) -> dict[str, Any]:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        return {**entry(scope, now), "type": headers.get("content-type"), "agent": headers["user-agent"]}

    async def heard(self: Any, scope: Any, receive: Any, send: Any) -> None:
        body = b""

        async def hear() -> Any:
            nonlocal body
            message = await receive()
            body += message.get("body", b"")
            if body and not message.get("more_body"):
                scope["state"].setdefault("body", exchange.json_or_none(body) or f"{len(body)} bytes")
            return message

        await call(self, scope, hear, send)

    patched.setattr(exchange, "_entry", fuller)
    patched.setattr(exchange.RequestLog, "__call__", heard)
    patched.setenv("NO_PROXY", "127.0.0.1")
    patched.delenv("WAVESPEED_CLIENT_NAME", raising=False)
    pace = Pace(queue_seconds=0, render_seconds=0, character_seconds=0, clip_scale=0.1)
    with running(tmp_path_factory.mktemp("sandbox"), pace=pace) as url:
        yield url


def control(base: str, path: str, rule: Any = None) -> Any:
    reply = httpx.post(f"{base}/sandbox/{path}", json=rule) if rule else httpx.get(f"{base}/sandbox/{path}")
    return reply.raise_for_status().json()


class Theirs:
    """An official client; the orders are worded as the provider's pages do."""

    def __init__(self, upload: Callable[[Path], str], run: Callable[[str, Any], Any], orders: Orders) -> None:
        self.run = run
        self._upload, self._orders = upload, orders
        self._links: list[str] = []
        self._character = ""

    async def do(self, job: str, files: list[Path]) -> Any:
        if job == "upload":
            self._links = [self._upload(file) for file in files]
            return self._links
        endpoint, body = self._orders(*self._links, self._character)[job]
        answer = self.run(endpoint, body)
        if job == "character":
            (self._character,) = re.findall(r"char_\w+", str(answer))
        return answer


class Ours:
    """Our adapter, called as the tasks call it."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self._links: list[str] = []
        self._character = ""

    async def do(self, job: str, files: list[Path]) -> Any:
        if job == "upload":
            types = ("video/mp4", "image/png")
            self._links = [await self.provider.upload(*each) for each in zip(files, types, strict=True)]
            return self._links
        placed = await self.provider.submit(self.order(job))
        assert (await self.provider.status(placed)).state == "ended", "the sandbox takes no time here"
        result = await self.provider.result(placed)
        self._character = result.character_id or self._character
        return {"character_id": result.character_id, "url": result.url}

    def order(self, job: str) -> Order:
        clip, picture = self._links
        if job == "character":
            return self.provider.character_order(
                CharacterRequest(model=self._model("sora-2"), name="Mara", clip_url=clip)
            )
        if job == "text scene":
            return self.scene(PROMPT, castings=(Casting(character="Mara", id=self._character),))
        if job == "image scene":
            return self.scene(START, image_url=picture)
        return self.scene(PROMPT, "seedance-2", references=(Reference(character="Mara", clip_url=clip),))

    def scene(self, prompt: str, family: str = "sora-2", **facts: Any) -> Order:
        size = {"seconds": 4, "aspect": "16:9", "resolution": "720p"}
        return self.provider.scene_order(SceneRequest(model=self._model(family), prompt=prompt, **size, **facts))

    def _model(self, family: str) -> Any:
        return model(self.provider.name, family)


def fal_orders(clip: str, picture: str, character: str) -> dict[str, tuple[str, Any]]:
    size = {"resolution": "720p", "aspect_ratio": "16:9"}
    return {
        "character": ("fal-ai/sora-2/characters", {"video_url": clip, "name": "Mara"}),
        "text scene": (
            "fal-ai/sora-2/text-to-video",
            {"prompt": PROMPT, **size, "duration": 4, "character_ids": [character]},
        ),
        "image scene": (
            "fal-ai/sora-2/image-to-video",
            {"prompt": START, **size, "duration": 4, "image_url": picture},
        ),
        "reference scene": (
            "bytedance/seedance-2.0/reference-to-video",
            {"prompt": SHOWN, "video_urls": [clip], **size, "duration": "4"},
        ),
    }


def wavespeed_orders(clip: str, picture: str, character: str) -> dict[str, tuple[str, Any]]:
    return {
        "character": ("openai/sora-2/characters", {"video": clip, "name": "Mara"}),
        "text scene": (
            "openai/sora-2/text-to-video",
            {"prompt": PROMPT, "size": "1280*720", "duration": 4, "characters": [character]},
        ),
        "image scene": ("openai/sora-2/image-to-video", {"prompt": START, "image": picture, "duration": 4}),
        "reference scene": (
            "bytedance/seedance-2.0/text-to-video",
            {"prompt": SHOWN, "reference_videos": [clip], "aspect_ratio": "16:9", "duration": 4, "resolution": "720p"},
        ),
    }


@pytest.fixture(scope="module")
def fal(base: str, patched: pytest.MonkeyPatch) -> Iterator[Theirs]:
    """It has no switch for plain http, so its module's globals are pointed at the sandbox."""
    hosts = {"QUEUE_URL_FORMAT": "fal/queue/", "REST_URL": "fal/rest", "CDN_URL": "fal/cdn"}
    for name, path in hosts.items():
        patched.setattr(fal_module, name, f"{base}/{path}")
    patched.setattr(fal_module, "_get_retry_delay", lambda *_: 0.0)
    opened: list[httpx.Client] = []
    make = fal_module.SyncClient._get_cdn_client

    def remembered(self: fal_client.SyncClient) -> httpx.Client:
        opened.append(make(self))
        return opened[-1]

    patched.setattr(fal_module.SyncClient, "_get_cdn_client", remembered)  # it never closes them itself
    client = fal_client.SyncClient(key="sandbox:sandbox")
    yield Theirs(client.upload_file, client.subscribe, fal_orders)
    for each in (client._client, *opened):
        each.close()


@pytest.fixture(scope="module")
async def sides(base: str, fal: Theirs) -> AsyncIterator[dict[tuple[str, str], Any]]:
    client = wavespeed.Client(api_key="sandbox", base_url=f"{base}/wavespeed")
    theirs = {"fal": fal, "wavespeed": Theirs(lambda file: client.upload(str(file)), client.run, wavespeed_orders)}
    async with AsyncExitStack() as stack:
        ours = {
            block.provider: Ours(
                (await stack.enter_async_context(block.from_environment(environment(base)).session())).provider
            )
            for block in (FalCredentials, WaveSpeedCredentials)
        }
        yield {(name, who): side[name] for name in GATEWAYS for who, side in (("theirs", theirs), ("ours", ours))}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A clip and a picture."""
    folder = tmp_path_factory.mktemp("files")
    clip = render(Clip(width=1280, height=720, seconds=2, prompt="Mara"), folder, folder).rename(folder / "mara.mp4")
    Image.new("RGB", (1280, 720), (200, 180, 40)).save(folder / "dawn.png")
    return [clip, folder / "dawn.png"]


@pytest.fixture(scope="module")
async def done(base: str, sides: dict[tuple[str, str], Any], files: list[Path]) -> Done:
    """What each side has sent for each job, and what it got."""
    found: Done = {}
    for (gateway, who), side in sides.items():
        for job in JOBS:
            before = len(control(base, "requests"))
            got = await side.do(job, files)
            found[gateway, who, job] = [sent(entry, base) for entry in control(base, "requests")[before:]], got
    return found


# --- the claims


@pytest.mark.parametrize("gateway", GATEWAYS)
@pytest.mark.parametrize("job", JOBS)
def test_what_is_sent_differs_only_as_listed(done: Done, gateway: str, job: str) -> None:
    found = differences(job, done[gateway, "theirs", job][0], done[gateway, "ours", job][0])
    unexplained = [each for each in found if not any(known.explains(each) for known in DIFFERENCES[gateway])]
    assert unexplained == []


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_every_difference_that_is_listed_is_there_and_has_its_reason(done: Done, gateway: str) -> None:
    found = [
        each
        for job in JOBS
        for each in differences(job, done[gateway, "theirs", job][0], done[gateway, "ours", job][0])
    ]
    for known in DIFFERENCES[gateway]:
        assert any(known.explains(each) for each in found), known
        assert known.why, known


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_no_side_sends_a_request_that_fails_or_a_key_where_none_belongs(done: Done, base: str, gateway: str) -> None:
    calls = [entry for entry in control(base, "requests") if entry["path"].startswith(f"/{gateway}/")]
    assert {entry["status"] for entry in calls if not entry["fault"]} == {200}
    assert control(base, "meter")["leaks"] == 0


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_both_get_the_same(done: Done, files: list[Path], gateway: str) -> None:
    for who in ("theirs", "ours"):
        links = done[gateway, who, "upload"][1]
        assert [httpx.get(link).content for link in links] == [file.read_bytes() for file in files]
        assert re.findall("char_", str(done[gateway, who, "character"][1]))
        for job in JOBS[2:]:
            (link,) = re.findall(r"http://[^\s']+\.mp4", str(done[gateway, who, job][1]))
            assert httpx.get(link).content[4:8] == b"ftyp"


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_both_pay_the_same(done: Done, base: str, gateway: str) -> None:
    bills = [each for each in control(base, "meter")["billed"] if "Lost" not in each["body"].get("prompt", "")]
    paid = [
        (each["endpoint"], each["kind"], each["seconds"], each["usd"]) for each in bills if each["gateway"] == gateway
    ]
    assert len(paid) == 2 * len(JOBS[1:])
    assert {paid.count(each) for each in paid} == {2}


def test_where_the_bodies_are_alike_the_meter_takes_both_for_one_order(done: Done, base: str) -> None:
    orders = [each for each in control(base, "meter")["duplicates"] if "Lost" not in each["body"].get("prompt", "")]
    twins = {each["endpoint"]: each["jobs"] for each in orders}
    alike = {
        "fal-ai/sora-2/characters",
        *(f"openai/sora-2/{kind}" for kind in ("characters", "text-to-video", "image-to-video")),
    }
    assert twins == dict.fromkeys({*alike, "bytedance/seedance-2.0/text-to-video"}, 2)


# --- what a lost reply costs


def jobs(base: str) -> int:
    return int(control(base, "meter")["jobs_accepted"])


def lose_the_next_reply(base: str, gateway: str) -> int:
    control(base, "faults", {"fault": "drop_after", "match": {"gateway": gateway, "route": "submit"}, "times": 1})
    return jobs(base)


def test_after_a_lost_reply_fals_client_buys_the_scene_twice(base: str, fal: Theirs) -> None:
    before = lose_the_next_reply(base, "fal")
    assert fal.run("fal-ai/sora-2/text-to-video", {"prompt": "Lost by fal's client."})["video"]
    assert jobs(base) - before == 2


def test_after_a_lost_reply_wavespeeds_client_buys_once_and_forgets_it(
    base: str, sides: dict[tuple[str, str], Any]
) -> None:
    before = lose_the_next_reply(base, "wavespeed")
    with pytest.raises(RuntimeError, match="may already have been created") as error:
        sides["wavespeed", "theirs"].run("openai/sora-2/text-to-video", {"prompt": "Lost by WaveSpeed's client."})
    assert jobs(base) - before == 1
    assert not re.search(r"[0-9a-f]{32}", str(error.value)), "the id of what was bought"


@pytest.mark.parametrize("gateway", GATEWAYS)
async def test_after_a_lost_reply_we_buy_once_and_find_it(
    base: str, sides: dict[tuple[str, str], Any], gateway: str
) -> None:
    ours: Ours = sides[gateway, "ours"]
    order, since = ours.scene("Lost by us."), datetime.now(UTC)
    before = lose_the_next_reply(base, gateway)
    with pytest.raises(OutcomeUnknown):
        await ours.provider.submit(order)
    (found,) = await ours.provider.find(Sought(endpoint=order.endpoint, digest=order.digest, since=since)) or ()
    result: Result = await ours.provider.result(found)
    assert result.url
    assert jobs(base) - before == 1
