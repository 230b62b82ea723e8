"""Nothing is stale from birth, one edit makes exactly the right scenes stale, and records alone make none."""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from prefect_storyboard.jobs.repair import repair
from prefect_storyboard.ledger import Draft, Ledger, Outcome, Storage, deciding, open_storage
from prefect_storyboard.ledger.sidecars import takes_folder
from prefect_storyboard.ledger.survey import Survey, keep
from prefect_storyboard.providers.table import model
from prefect_storyboard.series.standing import with_standing
from prefect_storyboard.series.status import SceneStatus, board_status
from prefect_storyboard.storyboards import Asked, Casting, Clip, Plan, PlannedScene, Source, plan, shots, validate
from prefect_storyboard.storyboards.keys import fingerprint

from .fakes import intent, job

WORDS = ("rain", "sun", "wind", "fog", "hail", "snow", "dusk", "dawn")
CAST = ("Mara", "Otto", "Ilse")
FILES = {f"{name}.mp4": letter * 64 for name, letter in zip(CAST, "abc", strict=True)}
FILES |= {"dawn.png": "d" * 64, "dusk.png": "e" * 64}
Board = dict[str, Any]


@dataclass
class Shelf:
    """A library, and a run that stores what the plan asks for, as the flows do."""

    ledger: Ledger = field(default_factory=lambda: Ledger(open_storage(f"memory://currency/{uuid4().hex}")))

    def plan(self, board: Board, files: dict[str, str] = FILES) -> Plan:
        read = validate(board)
        made = shots(read, lambda name: model("fal", name), Source())
        lengths = {(name, who): 2.0 for name in ("seedance-2", "kling-o3") for who in CAST}
        drawn = plan(read, made, provider="fal", account="default", content=files, clip_seconds=lengths)
        return with_standing(drawn, self.ledger)

    def status(self, board: Board, files: dict[str, str] = FILES) -> tuple[SceneStatus, ...]:
        return board_status(self.plan(board, files), self.ledger)

    def run(self, board: Board) -> None:
        planned = self.plan(board)
        scenes = {scene.scene.id: scene for scene in planned.scenes}
        done: dict[str, str] = {}
        while len(done) < len(scenes):
            for name, scene in scenes.items():
                parent = scene.scene.parent
                if name not in done and (parent is None or parent in done):
                    self._render(planned, scene, done.get(parent or ""))
                    done[name] = scene.key

    def _render(self, planned: Plan, scene: PlannedScene, parent_key: str | None) -> None:
        """Buy and store, unless it is there."""
        if deciding(self.ledger.history(scene.key)) is None:
            self.intend(planned, scene, parent_key)
            self.ledger.submitted(scene.key, 1, job(scene.key[:12]))
        self.finish(planned, scene)

    def intend(self, planned: Plan, scene: PlannedScene, parent_key: str | None) -> None:
        """Record what is about to be bought."""
        whos = [planned.storyboard.character(name) for name in scene.cast]
        cast = [Casting(character=who.name, fingerprint=fingerprint(who, FILES)) for who in whos]
        assert sorted(each.fingerprint or "" for each in cast) == scene.content["characters"]
        facts = {"characters": tuple(cast), "parent_key": parent_key, "identity": scene.identity}
        facts |= {"own_identity": scene.own_identity, "parent": scene.parent_identity, "take": scene.take}
        facts |= {"basis": {**scene.content, "copy": scene.copy_number}}
        reel = planned.storyboard.slug
        draft = Draft(reel=reel, scene=scene.scene.id, model=scene.model.name, prompt=scene.prompt, **facts)
        self.ledger.intend(1, intent(scene.key, draft=draft, reel=reel))

    def finish(self, planned: Plan, scene: PlannedScene) -> None:
        """Store the take with its sidecar, and end its job."""
        reel, name, key = planned.storyboard.slug, scene.scene.id, scene.key
        held = self.ledger.history(key)[-1]
        number = self.ledger.take(reel, name, key, attempt=1, reserve=True)
        draft = held.intent.draft
        assert draft
        clip = clip_of(key, scene, draft).model_copy(update={"take": number})
        self.ledger.storage.write(clip.model_dump_json().encode(), *takes_folder(reel, name), f"take-{number:03d}.json")
        if held.end is None:
            self.ledger.close(key, 1, Outcome(kind="done", at=datetime.now(UTC), clip=clip))


def clip_of(key: str, scene: PlannedScene, draft: Draft) -> Clip:
    facts = {"url": "reels/t/x.mp4", "sha256": key, "bytes": 1, "seconds": 4.0, "width": 1280, "height": 720}
    facts |= {"cost_usd": 0.4, "provider": "fal", "account": "default", "model": draft.model, "prompt": draft.prompt}
    facts |= {"request_id": key[:12], "job_key": key, "stored_at": datetime.now(UTC), "scene": scene.scene.id}
    kept = draft.model_dump(include={"parent_key", "identity", "parent", "basis", "characters"})
    asked = Asked(seconds=scene.seconds, aspect=scene.aspect, resolution=scene.resolution)
    return Clip.model_validate({**facts, **kept, "asked": asked, "take": 1})


# --- random storyboards, and what one edit of them makes stale


def board_of(chance: random.Random) -> Board:
    scenes: list[dict[str, Any]] = []
    for number in range(1, chance.randint(2, 6)):
        scene: dict[str, Any] = {"id": f"s{number:02d}", "prompt": sentence(chance)}
        begins = chance.choice(["", "", "continues", "image"])
        if begins == "continues" and scenes:
            scene["continues"] = chance.choice(scenes)["id"]
        elif begins == "image":
            scene["image"] = "dawn.png"
        if chance.random() < 0.3:
            scene["seconds"] = chance.choice([4, 5, 8])
        if chance.random() < 0.2:
            scene["model"] = "kling-o3"
        scenes.append(scene)
    cast = [{"name": name, "clip": f"{name}.mp4", "images": ["dawn.png"]} for name in CAST]
    return {"title": "T", "model": "seedance-2", "fit": "nearest", "cast": cast, "scenes": scenes}


def sentence(chance: random.Random) -> str:
    return f"{chance.choice([*CAST, 'A boat'])} in the {chance.choice(WORDS)}, {chance.getrandbits(30)}."


Edit = Callable[[random.Random, Board], tuple[Board, dict[str, str], set[str]]]


def children(board: Board, names: Iterable[str]) -> set[str]:
    return {scene["id"] for scene in board["scenes"] if scene.get("continues") in {*names}}


def with_change(board: Board, name: str, **fields: Any) -> Board:
    scenes = [{**scene, **fields} if scene["id"] == name else scene for scene in board["scenes"]]
    return {**board, "scenes": scenes}


def edit_prompt(chance: random.Random, board: Board) -> tuple[Board, dict[str, str], set[str]]:
    name = chance.choice(board["scenes"])["id"]
    return with_change(board, name, prompt=sentence(chance)), FILES, {name} | children(board, [name])


def edit_media(chance: random.Random, board: Board) -> tuple[Board, dict[str, str], set[str]]:
    who = chance.choice(CAST)
    read = validate(board)
    made = shots(read, lambda name: model("fal", name), Source())
    shown = {shot.scene.id for shot in made if who in shot.cast}
    return board, {**FILES, f"{who}.mp4": "f" * 64}, shown | children(board, shown)


def edit_nothing_that_counts(chance: random.Random, board: Board) -> tuple[Board, dict[str, str], set[str]]:
    moved = {**board, "cast": [{**who, "description": sentence(chance)} for who in board["cast"]]}
    return moved, FILES, set()


def edit_order(chance: random.Random, board: Board) -> tuple[Board, dict[str, str], set[str]]:
    scenes = [*board["scenes"]]
    chance.shuffle(scenes)
    return {**board, "scenes": scenes}, FILES, set()


EDITS: tuple[Edit, ...] = (edit_prompt, edit_media, edit_nothing_that_counts, edit_order)


def shake(shelf: Shelf, board: Board, chance: random.Random) -> None:
    """Change the library's records, and nothing that the storyboard says."""
    planned = shelf.plan(board)
    scene = chance.choice(planned.scenes)
    for change in chance.sample(range(4), 2):
        if change == 0:  # the ledger is lost and rebuilt from the sidecars
            for folder in shelf.ledger.storage.names("ledger"):
                shelf.ledger.storage.fs.rm(shelf.ledger.storage.path("ledger", folder), recursive=True)
            repair(shelf.ledger)
        elif change == 1:  # another reel has the same words
            shelf.run({**board, "title": "Another"})
        elif change == 2:  # a character is created anew at its provider
            key = uuid4().hex * 2
            casting = Casting(character="Mara", id="char_new", fingerprint="0" * 64)
            shelf.ledger.intend(1, intent(key, character="Mara"))
            shelf.ledger.submitted(key, 1, job(key[:12]))
            shelf.ledger.close(key, 1, Outcome(kind="done", at=datetime.now(UTC), casting=casting))
        else:  # a job of the same scene fails
            key = uuid4().hex * 2
            draft = Draft(reel="t", scene=scene.scene.id, model="seedance-2", prompt="p")
            shelf.ledger.intend(1, intent(key, draft=draft, reel="t"))
            shelf.ledger.submitted(key, 1, job(key[:12]))
            shelf.ledger.close(key, 1, Outcome(kind="failed", at=datetime.now(UTC), error="GenerationFailed"))


def stale(statuses: Iterable[SceneStatus]) -> set[str]:
    return {each.scene for each in statuses if each.state != "current"}


def check(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - it draws boards
    board, shelf = board_of(chance), Shelf()
    assert stale(shelf.status(board)) == {scene["id"] for scene in board["scenes"]}
    shelf.run(board)
    assert stale(shelf.status(board)) == set(), "nothing is stale from birth"
    shake(shelf, board, chance)
    assert stale(shelf.status(board)) == set(), "records alone make nothing stale"
    edited, files, expected = chance.choice(EDITS)(chance, board)
    found = shelf.status(edited, files)
    assert stale(found) == expected, (edited, [each for each in found if each.state != "current"])
    assert all(each.why and each.state == "stale" for each in found if each.scene in expected)
    shelf.ledger.storage.fs.rm(shelf.ledger.storage.path(), recursive=True)  # a look takes time with all that is there


@pytest.mark.parametrize("part", range(4))
def test_of_random_storyboards_exactly_the_right_scenes_become_stale(part: int) -> None:
    for seed in range(part * 15, part * 15 + 15):
        check(seed)


@pytest.mark.slow
@pytest.mark.fuzz
def test_of_ten_thousand_random_storyboards_exactly_the_right_scenes_become_stale() -> None:
    for seed in range(10_000):
        check(seed)


# --- after a run, its clips say the same as the library, and the library is not read


@dataclass(frozen=True)
class Unread(Storage):
    """A storage that nobody may read."""

    def read(self, *parts: str) -> bytes | None:
        raise AssertionError(f"{parts} was read")


def test_after_a_run_its_clips_say_what_the_library_says_without_reading_it() -> None:
    shelf, scenes = Shelf(), [{"id": name, "prompt": f"{name}: {WORDS[0]}"} for name in ("s01", "s02")]
    board = {"title": "T", "model": "seedance-2", "scenes": scenes}
    shelf.run({**board, "scenes": [{**each, "take": 2} for each in scenes[:1]] + scenes[1:]})
    storage = shelf.ledger.storage
    keep(Survey(storage, "t"))  # as a run does when it is planned: s01 has one take, s02 too
    shelf.run(board)
    planned = shelf.plan(board)
    clips = [deciding(shelf.ledger.history(scene.key)).end.clip for scene in planned.scenes]  # type: ignore[union-attr]
    clips = [clip.model_copy(update={"url": f"reels/t/scenes/{clip.scene}/take-{clip.take:03d}.mp4"}) for clip in clips]
    expected = board_status(planned, shelf.ledger)
    found = board_status(planned, Ledger(Unread(storage.fs, storage.root, storage.url)), clips)
    assert [(each.state, each.take, each.takes) for each in expected] == [("current", 2, 2), ("current", 1, 1)]
    assert [each.model_copy(update={"url": None}) for each in found] == [
        each.model_copy(update={"url": None}) for each in expected
    ]
