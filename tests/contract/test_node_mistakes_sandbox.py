"""A wrong argument at every gateway, with its real adapter: one sentence that names it, and the meter has nothing."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from prefect_storyboard.providers.errors import InvalidRequest, Retired
from prefect_storyboard.providers.table import models
from prefect_storyboard.tasks import assemble, create_character, generate, poll, store, upload
from tests.contract.shops import Shop, opened

# The field by which each gateway's Sora says what the argument `seconds` says.
LENGTH = {"fal": "duration", "kie": "n_frames", "openai": "seconds", "toapis": "duration", "wavespeed": "duration"}


@pytest.fixture(scope="module", params=LENGTH)
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with opened(request.param, tmp_path_factory.mktemp(request.param)) as shop:
        yield shop


SCENES: dict[str, Any] = {
    "a model that is not sold": lambda _: {"model": "seedance-9"},
    "seconds that are not sold": lambda _: {"seconds": 5},
    "an aspect that is not sold": lambda _: {"aspect": "1:1"},
    "a resolution that is not sold": lambda _: {"resolution": "8k"},
    "an empty prompt": lambda _: {"prompt": "  "},
    "characters of a casting alone": lambda shop: {"characters": shop.casting()},
    "characters of another account": lambda shop: {"characters": [shop.casting(account="agency")]},
    "characters of another gateway": lambda shop: {"characters": [shop.casting(provider="elsewhere")]},
    "characters without an id": lambda shop: {"characters": [shop.casting(id=None)]},
    "continues a path": lambda _: {"continues": "s01.mp4"},
    "remixes a clip without a handle": lambda shop: {"remixes": shop.clip(handle=None)},
    "remixes a clip of another gateway": lambda shop: {"remixes": shop.clip(provider="elsewhere")},
    "an image that is not there": lambda _: {"image": "gone.png"},
    "an image that is a video": lambda shop: {"image": str(shop.folder / "mara.mp4")},
    "an image that is a text": lambda shop: {"image": shop.folder / "notes.mp4"},
    "take 0": lambda _: {"take": 0},
    "max_cost_usd below nothing": lambda _: {"max_cost_usd": -1},
    "fields that an argument says": lambda shop: {"fields": {LENGTH[shop.gateway]: 8}},
    "credentials that are none": lambda _: {"credentials": 7},
    "credentials of a saved block without a name": lambda _: {"credentials": "production"},
    "library that is none": lambda _: {"library": 7},
}
CHARACTERS: dict[str, Any] = {
    "clip that is not there": lambda _: {"clip": "gone.mp4"},
    "clip that is a picture": lambda shop: {"clip": str(shop.folder / "dawn.png")},
    "clip that is a text": lambda shop: {"clip": str(shop.folder / "notes.mp4")},
    "clip and range outside of it": lambda _: {"start": 9, "end": 10},
    "clip left out": lambda _: {"clip": None},
    "images as one path": lambda _: {"images": "x.png"},
    "an empty name": lambda _: {"name": " "},
    "model that is not sold": lambda _: {"model": "seedance-9"},
    "credentials that are none": lambda _: {"credentials": None},
}


# A server may sell any model: it refuses the order itself, see below.
NO_MISTAKE = {"openai": {"a model that is not sold", "model that is not sold"}}


def names_the_argument(error: BaseException, what: str) -> bool:
    """Whether the error is one sentence that begins with an argument of the case's name."""
    said = str(error)
    argument = re.match(r"(\w+)(?:[:.]|$)", said.split(" ", 1)[0])
    assert "\n" not in said
    assert not isinstance(error, AttributeError)
    return bool(argument and argument[1] in re.split(r"\W+", what))


@pytest.mark.parametrize("what", SCENES)
async def test_a_mistake_in_a_scene_buys_and_sends_nothing(shop: Shop, what: str) -> None:
    if what in NO_MISTAKE.get(shop.gateway, ()):
        return
    given = {"prompt": "The sea.", "model": "sora-2", **shop.on, **SCENES[what](shop)}
    with pytest.raises((ValueError, OSError, InvalidRequest)) as wrong:
        await generate.fn(given.pop("prompt"), **given)
    assert names_the_argument(wrong.value, what), wrong.value
    assert (shop.billed(), shop.requests()) == (0, [])


@pytest.mark.parametrize("what", CHARACTERS)
async def test_a_mistake_in_a_character_buys_and_sends_nothing(shop: Shop, what: str) -> None:
    given = {"name": "Mara", "clip": str(shop.folder / "mara.mp4"), "model": "sora-2", **shop.on}
    given |= CHARACTERS[what](shop)
    if what in NO_MISTAKE.get(shop.gateway, ()):
        return
    with pytest.raises((ValueError, OSError, InvalidRequest)) as wrong:
        await create_character.fn(given.pop("name"), **given)
    assert names_the_argument(wrong.value, what), wrong.value
    assert (shop.billed(), shop.requests()) == (0, [])


OTHERS: dict[str, Any] = {
    "poll: job": lambda shop: poll.fn("r1", **shop.on),
    "store: job": lambda shop: store.fn(shop.clip(), **shop.on),
    "upload: media": lambda shop: upload.fn("gone.png", credentials=shop.credentials),
    "upload: media of a folder": lambda shop: upload.fn(shop.folder, credentials=shop.credentials),
    "assemble: clips": lambda shop: assemble.fn(shop.clip(), title="A", library=shop.on["library"]),
}


@pytest.mark.parametrize("what", OTHERS)
async def test_a_mistake_in_another_task_sends_nothing(shop: Shop, what: str) -> None:
    with pytest.raises((ValueError, OSError)) as wrong:
        await OTHERS[what](shop)
    assert names_the_argument(wrong.value, what), wrong.value
    assert (shop.billed(), shop.requests()) == (0, [])


async def test_a_model_that_the_server_does_not_serve_is_refused_by_it_and_buys_nothing(shop: Shop) -> None:
    if shop.gateway in NO_MISTAKE:
        with pytest.raises(Retired, match="does not serve seedance-9"):
            await generate.fn("The sea.", model="seedance-9", **shop.on)
        assert shop.billed() == 0


async def test_the_same_calls_without_a_mistake_buy_one_job_each(shop: Shop) -> None:
    """So that the tables above fail for what they say, at a gateway that sells."""
    assert "sora-2" in models()[shop.gateway]
    await generate.fn("The sea.", model="sora-2", **shop.on)
    assert shop.billed() == 1
