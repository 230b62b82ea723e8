"""Each argument of a paid task is part of the job's key, or its documentation says that it is not."""

import inspect
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from prefect_storyboard import tasks
from prefect_storyboard.blocks import Library
from prefect_storyboard.providers.session import Session
from prefect_storyboard.providers.table import model
from prefect_storyboard.storyboards import Casting, Clip, Model
from prefect_storyboard.storyboards.keys import SCHEMA
from prefect_storyboard.tasks import create_character, generate, render

from .fakes import Gateway, session_with


@dataclass
class Account:
    """An account whose gateway counts what it bills."""

    gateway: Gateway
    provider: str = "fal"
    account: str = "default"
    opened: list[str] = field(default_factory=list)

    def model(self, name: str) -> Model:
        """The model of that name at the account's gateway, as a credentials block finds it."""
        return model(self.provider, name)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        yield session_with(self.gateway)


MARA = Casting(character="Mara", id="char_1", provider="fal", account="default", family="sora-2", fingerprint="a" * 64)


def clip(**facts: Any) -> Clip:
    given = {"scene": "s01", "take": 1, "url": "clips/s01/take-001.mp4", "sha256": "c" * 64, "bytes": 9, "seconds": 4.0}
    given |= {"width": 1280, "height": 720, "job_key": "d" * 64, "cost_usd": 0.4, "provider": "fal", "model": "sora-2"}
    given |= {"request_id": "r1", "prompt": "The sea.", "handle": "v1", "stored_at": "2026-01-01T00:00:00Z"}
    return Clip.model_validate({**given, **facts})


IN_THE_KEY: dict[str, dict[str, Any]] = {
    "prompt": {"prompt": "A storm."},
    "model": {"model": "sora-2-pro"},
    "characters": {"characters": [MARA]},
    "seconds": {"seconds": 8},
    "aspect": {"aspect": "9:16"},
    "resolution": {"model": "sora-2-pro", "resolution": "1080p"},
    "remixes": {"remixes": clip()},
    "take": {"take": 2},
    "quality": {"model": "veo-3.1", "quality": "draft"},
    "copy": {"copy": 1},
    "fields": {"fields": {"seed": 7}},
    "reroll": {"reroll": "once-more"},
    "note": {"reroll": "once-more", "note": "less rain"},
}
NOT_IN_THE_KEY: dict[str, dict[str, Any]] = {
    "reel": {"reel": "Night"},
    "scene": {"scene": "s07"},
    "fit": {"fit": "nearest"},
    "max_cost_usd": {"max_cost_usd": 5.0},
    "allow_unknown_price": {"allow_unknown_price": True},
    "spent_since": {"spent_since": datetime(2026, 1, 1, tzinfo=UTC)},
    "on_unknown": {"on_unknown": "resubmit"},
    "attempts": {"attempts": 3},
    "remixable": {"remixable": False},
}
# tests/contract/test_node_keys_sandbox.py, at every gateway; `ends` in tests/unit/test_says.py
BY_FILE = {"image", "ends", "continues"}
SAID = {"audio", "seed", "negative"}  # below, at a model that takes them
WINS = {"prefer"}  # tests/unit/test_living_models.py
ABOUT_THE_PLACE = {"credentials", "library"}


_SHOPS = count()


async def keys(folder: Path, *calls: dict[str, Any]) -> tuple[list[str], int]:
    """The keys of calls, each an argument away from the first one, and how many jobs were billed for them."""
    gateway = Gateway(prefix=f"{next(_SHOPS)}-")  # the ids of no two gateways are equal
    found = []
    for changes in calls:
        given: dict[str, Any] = {"prompt": "The sea.", "model": "sora-2", "credentials": Account(gateway)}
        given |= {"library": Library(url=str(folder)), **changes}
        found.append((await generate.fn(given.pop("prompt"), **given)).key)
    return found, len(gateway.billed)


@pytest.mark.parametrize("changes", IN_THE_KEY.values(), ids=IN_THE_KEY)
async def test_an_argument_in_the_key_buys_exactly_one_job(tmp_path: Path, changes: dict[str, Any]) -> None:
    (one, other, again), billed = await keys(tmp_path, {}, changes, changes)
    assert (one != other, other == again, billed) == (True, True, 2)


@pytest.mark.parametrize("changes", [{"audio": False}, {"seed": 0}, {"negative": "rain"}], ids=str)
async def test_what_a_scene_says_and_its_model_takes_buys_exactly_one_job(tmp_path: Path, changes: Any) -> None:
    veo = {"model": "veo-3.1"}
    (one, other, again), billed = await keys(tmp_path, veo, veo | changes, veo | changes)
    assert (one != other, other == again, billed) == (True, True, 2)


async def test_sound_that_a_model_makes_anyway_is_the_same_job(tmp_path: Path) -> None:
    (one, other), billed = await keys(tmp_path, {"model": "veo-3.1"}, {"model": "veo-3.1", "audio": True})
    assert (one, billed) == (other, 1)


@pytest.mark.parametrize("changes", NOT_IN_THE_KEY.values(), ids=NOT_IN_THE_KEY)
async def test_an_argument_that_is_not_in_the_key_buys_nothing(tmp_path: Path, changes: dict[str, Any]) -> None:
    (one, other), billed = await keys(tmp_path, {}, changes)
    assert (one, billed) == (other, 1)


async def test_another_account_and_another_library_are_another_job(tmp_path: Path) -> None:
    elsewhere = Account(Gateway(prefix="agency-"), account="agency")
    (one, other), billed = await keys(tmp_path / "a", {}, {"credentials": elsewhere})
    assert (one != other, billed, len(elsewhere.gateway.billed)) == (True, 1, 1)
    assert (await keys(tmp_path / "b", {}))[1] == 1


async def test_nothing_that_a_caller_sets_by_hand_names_another_job(tmp_path: Path) -> None:
    """The key of a child holds what was asked of the parent; a forged job key or scene id of a clip is no key of ours."""
    (job,) = (await keys(tmp_path, {}))[0]
    forged = clip(identity=job, job_key=job)
    found, billed = await keys(tmp_path, {}, {"remixes": forged}, {"characters": [MARA], "copy": 1})
    assert (len({*found, job}), billed) == (3, 2)
    assert {"key", "job_key", "identity", "content"}.isdisjoint(inspect.signature(generate.fn).parameters)
    assert SCHEMA == 1


def arguments(task: Any) -> set[str]:
    return set(inspect.signature(task.fn).parameters)


def test_every_argument_of_generate_is_walked() -> None:
    assert arguments(generate) == {*IN_THE_KEY, *NOT_IN_THE_KEY, *BY_FILE, *SAID, *WINS, *ABOUT_THE_PLACE}
    assert arguments(render) - arguments(generate) == {"minutes", "judge"}


@pytest.mark.parametrize("name", [name for name in tasks.__all__ if name != "render"])
def test_every_argument_is_documented(name: str) -> None:
    task = getattr(tasks, name)
    documented = set(re.findall(r"^ {8}(\w+):", inspect.getdoc(task.fn).replace("\n    ", "\n        "), re.MULTILINE))
    assert arguments(task) <= documented


NO_PART = ("reel", "scene", "fit", "max_cost_usd", "allow_unknown_price", "spent_since", "on_unknown", "attempts")


@pytest.mark.parametrize(
    ("task", "names"),
    [
        (generate, (*NO_PART, "remixable")),
        (create_character, (*(n for n in NO_PART if n not in {"scene", "fit"}), "description", "aliases", "minutes")),
    ],
    ids=["generate", "create_character"],
)
def test_what_is_not_part_of_the_key_is_documented_so(task: Any, names: tuple[str, ...]) -> None:
    text = " ".join((inspect.getdoc(task.fn) or "").split())
    (said,) = re.findall(r"Not part of the key: ([^.]*)\.", text)
    assert set(re.split(r", | and ", said)) == set(names)
