"""Each argument that says what a scene or a character is changes its key, at every gateway: the meter counts the jobs."""

import inspect
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from prefect_storyboard.ledger import Ledger
from prefect_storyboard.providers.fields import inputs
from prefect_storyboard.providers.table import model
from prefect_storyboard.storyboards import Clip, Operation
from prefect_storyboard.tasks import create_character, generate, render
from tests.contract.shops import GATEWAYS, Shop, opened

pytestmark = pytest.mark.slow  # three hundred jobs; tests/unit/test_nodes_arguments.py walks the arguments quickly
REMIXES = {"fal", "toapis"}
RESOLUTIONS = {
    "fal": "720p",
    "kie": "720p",
    "openai": "1024p",
    "toapis": "1080p",
    "wavespeed": "1080p",
}  # which sora-2-pro can be told
SCENES = {
    "prompt": lambda _: {"prompt": "A storm."},
    "model": lambda _: {"model": "sora-2-pro"},
    "credentials": lambda shop: {"credentials": shop.credentials.model_copy(update={"account": "agency"})},
    "characters": lambda shop: {"characters": [shop.casting()]},
    "seconds": lambda shop: {"seconds": model(shop.gateway, "sora-2").seconds[1]},
    "aspect": lambda _: {"aspect": "9:16"},
    "resolution": lambda shop: {"model": "sora-2-pro", "resolution": RESOLUTIONS[shop.gateway]},
    "image": lambda shop: {"image": shop.folder / "dawn.png"},
    "continues": lambda shop: {"continues": parent(shop)},
    "remixes": lambda shop: {"remixes": parent(shop)},
    "take": lambda _: {"take": 2},
    "copy": lambda _: {"copy": 1},
    "fields": lambda shop: {"fields": own_field(shop.gateway, "text")},
}
SCENES_ELSEWHERE = {  # tests/unit/test_nodes_arguments.py: they change no key
    "library", "reel", "scene", "fit", "max_cost_usd", "allow_unknown_price", "spent_since", "on_unknown", "attempts",
    "remixable",
}  # fmt: skip
SAID = {  # at the first model of the gateway that takes it
    "audio": (lambda each: each.sound == "switch", {"audio": False}),
    "seed": (lambda each: "text" in each.takes_seed, {"seed": 7}),
    "negative": (lambda each: "text" in each.takes_negative, {"negative": "rain"}),
}
SAID_ELSEWHERE = {"ends", "prefer", "quality"}  # tests/unit/test_says.py, test_living_models.py and test_drafts.py
CHARACTERS = {
    "name": lambda _: {"name": "Ines"},
    "clip": lambda shop: {"clip": shop.folder / "otto.mp4"},
    "model": lambda shop: {"model": "sora-2-pro"},
    "credentials": lambda shop: {"credentials": shop.credentials.model_copy(update={"account": "agency"})},
    "images": lambda shop: {"images": [shop.folder / "dawn.png"]},
    "start": lambda _: {"start": 0.25, "end": 2.5},
    "end": lambda _: {"start": 0.0, "end": 2.25},
    "fields": lambda shop: {"fields": own_field(shop.gateway, "character")},
}
CHARACTERS_ELSEWHERE = {
    "library", "reel", "max_cost_usd", "allow_unknown_price", "spent_since", "on_unknown", "attempts", "minutes",
    "description", "aliases", "reference", "belongs_to",
}  # fmt: skip
ONE_FAMILY = {"model"}  # sora-2-pro knows the characters of sora-2: the second call is the same job


async def rendered(shop: Shop) -> Clip:
    """A clip that the gateway has, too: bought once."""
    clip: Clip = await render.fn("Mara sleeps.", model="sora-2", **shop.on)
    return clip


def parent(shop: Shop) -> Clip:
    """A clip that lies in the library."""
    place = shop.folder / "library" / "clips" / "s01" / "take-001.mp4"
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(shop.folder / "mara.mp4", place)
    return shop.clip(url=str(place))


def own_field(gateway: str, operation: Operation) -> dict[str, Any]:
    """An input of the gateway's own that no argument of ours says; none at a gateway that has none."""
    for each in inputs(gateway):
        if operation in each.of and each.codec in {"*", "sora"} and not (each.argument or each.type == "link"):
            value = not each.preset if each.type == "boolean" else "A quiet voice."
            return {each.name: each.choices[-1] if each.choices else value}
    return {}


@pytest.fixture(scope="module", params=GATEWAYS)
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with opened(request.param, tmp_path_factory.mktemp(request.param)) as shop:
        yield shop


async def asked(shop: Shop, changes: dict[str, Any]) -> str:
    given = {"prompt": "The sea.", "model": "sora-2", **shop.on, **changes}
    return (await generate.fn(given.pop("prompt"), **given)).key


@pytest.mark.parametrize("argument", SCENES)
async def test_an_argument_of_a_scene_buys_exactly_one_job(shop: Shop, argument: str) -> None:
    changes = SCENES[argument](shop)
    if argument == "remixes" and shop.gateway not in REMIXES:
        with pytest.raises(ValueError, match=r"^remixes: "):
            await asked(shop, changes)
        return
    if argument == "remixes":
        changes = {"remixes": await rendered(shop)}
    if changes == {"fields": {}}:
        assert shop.gateway == "openai"  # arguments say all that Sora takes there
        return
    if argument == "characters" and shop.gateway == "openai":  # which looks a character up at once
        made = await create_character.fn("Mara", shop.folder / "mara.mp4", model="sora-2", **shop.on)
        changes = {"characters": [made]}
    without = {key: value for key, value in changes.items() if key != argument}
    one, before = await asked(shop, without), shop.billed()
    other, again = await asked(shop, changes), await asked(shop, changes)
    assert (one != other, other == again, shop.billed() - before) == (True, True, 1)


@pytest.mark.parametrize("argument", SAID)
async def test_what_a_scene_says_buys_exactly_one_job(shop: Shop, argument: str) -> None:
    takes, said = SAID[argument]
    living = [each for each in shop.credentials.sold().values() if not (each.ended or each.unsure)]
    able = next((each for each in living if "text" in each.endpoints and takes(each)), None)
    if able is None:
        with pytest.raises(ValueError, match=f"^{argument}: "):
            await asked(shop, {"model": living[0].name, **said})
        return
    one, before = await asked(shop, {"model": able.name}), shop.billed()
    other, again = [await asked(shop, {"model": able.name, **said}) for _ in range(2)]
    assert (one != other, other == again, shop.billed() - before) == (True, True, 1)


@pytest.mark.parametrize("argument", ["image", "continues", "remixes"])
async def test_another_beginning_is_another_job(shop: Shop, argument: str, tmp_path: Path) -> None:
    """Of a picture its content counts, of a clip what was asked of it: no path, no id."""
    if argument == "remixes" and shop.gateway not in REMIXES:
        return
    if argument == "image":
        Image.new("RGB", (1280, 720), (200, 90, 20)).save(tmp_path / "dawn.png")
        shutil.copy(shop.folder / "dawn.png", tmp_path / "same.png")
        beginnings = [shop.folder / "dawn.png", tmp_path / "same.png", tmp_path / "dawn.png"]
    else:
        clip = await rendered(shop) if argument == "remixes" else parent(shop)
        facts = ({"identity": "1" * 64}, {"identity": "1" * 64, "scene": "s09"}, {"identity": "2" * 64})
        beginnings = [clip.model_copy(update=each) for each in facts]
    mine = {"prompt": f"Begins with {argument}."}
    one, same, other = [await asked(shop, {**mine, argument: each}) for each in beginnings]
    assert (one == same, one != other) == (True, True)


async def created(shop: Shop, changes: dict[str, Any]) -> str:
    given = {"name": "Mara", "clip": shop.folder / "mara.mp4", "model": "sora-2", **shop.on, **changes}
    made = await create_character.fn(given.pop("name"), given.pop("clip"), **given)
    assert made.id
    return made.id


@pytest.mark.parametrize("argument", CHARACTERS)
async def test_an_argument_of_a_character_buys_exactly_one_job(shop: Shop, argument: str) -> None:
    changes = CHARACTERS[argument](shop)
    if changes == {"fields": {}}:
        assert shop.gateway != "kie"  # which has such inputs; the others' are said by arguments
        return
    await created(shop, {})
    before = shop.billed()
    one, again = await created(shop, changes), await created(shop, changes)
    assert (one == again, shop.billed() - before) == (True, int(argument not in ONE_FAMILY))


def test_every_argument_is_walked() -> None:
    arguments = [set(inspect.signature(task.fn).parameters) for task in (generate, create_character, render)]
    assert arguments[0] == {*SCENES, *SCENES_ELSEWHERE, *SAID, *SAID_ELSEWHERE}
    assert arguments[1] == {*CHARACTERS, *CHARACTERS_ELSEWHERE}
    assert arguments[2] == {*arguments[0], "minutes"}


async def test_the_ledger_has_a_key_for_each_job_that_was_bought(shop: Shop) -> None:
    ledger = Ledger(shop.on["library"].storage())
    submitted = [attempt for attempt in ledger.every() if attempt.job]
    assert len(submitted) == shop.billed() > len(SCENES)
