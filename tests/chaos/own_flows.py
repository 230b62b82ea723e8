"""Flows of one's own over the public tasks: gathered, mapped, and plain. Each makes the reel that the series makes.

They ask for the same jobs as the series does, so any of them may go on where another was ended.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from prefect import flow, unmapped
from prefect.futures import PrefectFuture

from prefect_storyboard import sync
from prefect_storyboard.blocks import Credentials, Library
from prefect_storyboard.storyboards import Casting, Clip, FailedScene, Reel
from prefect_storyboard.tasks import assemble, create_character, generate, poll, render, store

Board = Mapping[str, Any]
Ended = Clip | Casting | BaseException


@flow(name="gathered", persist_result=False)
async def gathered(board: Board, given: Credentials, library: Library, **options: Any) -> Reel:
    """Each scene by generate, poll and store, all at once."""
    shared, people = _arguments(board, given, library, options)
    castings = await asyncio.gather(
        *(create_character(**who, **shared, minutes=options["poll_minutes"]) for who in people), return_exceptions=True
    )
    cast = dict(zip((who["name"] for who in people), castings, strict=True))

    async def one(scene: Board, parent: Clip | None = None) -> Clip:
        at = {"credentials": given, "library": library}
        job = await generate(**_scene(scene, cast, parent), **shared)
        return await store(job, await poll(job, **at, minutes=options["poll_minutes"]), **at)

    first = [scene for scene in board["scenes"] if "continues" not in scene]
    made = await asyncio.gather(*(one(scene) for scene in first), return_exceptions=True)
    ends: dict[str, Ended] = {scene["id"]: end for scene, end in zip(first, made, strict=True)}
    for scene in board["scenes"]:
        if "continues" in scene:
            (ends[scene["id"]],) = await asyncio.gather(
                _child(ends[scene["continues"]], lambda parent, scene=scene: one(scene, parent)), return_exceptions=True
            )
    clips, failed = _parted(board, ends)
    return await assemble(clips, title=board["title"], library=library, failed=failed)


async def _child(parent: Ended, one: Any) -> Clip:
    if not isinstance(parent, Clip):
        raise parent
    return await one(parent)


@flow(name="mapped", persist_result=False)
async def mapped(board: Board, given: Credentials, library: Library, **options: Any) -> Reel:
    """The scenes by render.map, each on a loop of its own."""
    return await asyncio.to_thread(_reel, (create_character, render), board, given, library, options)


@flow(name="plain", persist_result=False)
def plain_flow(board: Board, given: Credentials, library: Library, **options: Any) -> Reel:
    """The twins, submitted from a plain flow."""
    return _reel((sync.create_character, sync.render), board, given, library, options)


def plain(board: Board, given: Credentials, library: Library, **options: Any) -> Reel | Exception:
    """The plain flow's reel, or what it raised."""
    try:
        return plain_flow(board, given, library, **options)
    except Exception as error:  # noqa: BLE001 - whatever a run raises is what it ended with
        return error


def _reel(nodes: Any, board: Board, given: Credentials, library: Library, options: Mapping[str, Any]) -> Reel:
    create, shoot = nodes
    shared, people = _arguments(board, given, library, options)
    minutes = {"minutes": options["poll_minutes"]}
    made = [_ended(create.submit(**who, **shared, **minutes)) for who in people]
    cast = dict(zip((who["name"] for who in people), made, strict=True))
    ends: dict[str, Ended] = {}
    able = []
    for scene in board["scenes"]:
        try:
            able.append(_scene(scene, cast, None))
        except Exception as error:  # noqa: BLE001 - of its character
            ends[scene["id"]] = error
    first = [scene for scene in able if scene["scene"] not in _children(board)]
    columns = {name: [scene[name] for scene in first] for name in ("prompt", "characters", "scene")}
    fixed = {name: unmapped(value) for name, value in {**shared, **minutes}.items()}
    futures = shoot.map(**columns, **fixed) if first else []
    ends |= {scene["scene"]: _ended(future) for scene, future in zip(first, futures, strict=True)}
    for scene in able:
        if parent := _children(board).get(scene["scene"]):
            clip = ends[parent]
            child = {**scene, "continues": clip}
            ends[scene["scene"]] = (
                _ended(shoot.submit(**child, **shared, **minutes)) if isinstance(clip, Clip) else clip
            )
    clips, failed = _parted(board, ends)
    return sync.assemble(clips, title=board["title"], library=library, failed=failed)


def _ended(future: PrefectFuture[Any]) -> Ended:
    return future.result(raise_on_failure=False)


def _children(board: Board) -> dict[str, str]:
    return {scene["id"]: scene["continues"] for scene in board["scenes"] if "continues" in scene}


def _arguments(
    board: Board, given: Credentials, library: Library, options: Mapping[str, Any]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What all calls share, and the cast."""
    shared = {"model": board["model"], "credentials": given, "library": library, "reel": board["title"]}
    return shared | {"on_unknown": options["on_unknown"]}, list(board["cast"])


def _scene(scene: Board, cast: Mapping[str, Ended], parent: Clip | None) -> dict[str, Any]:
    """The arguments of one scene. Raises why a character of it could not be created."""
    people = [cast[name] for name in scene["characters"]]
    for casting in people:
        if not isinstance(casting, Casting):
            raise casting
    asked = {"prompt": scene["prompt"], "characters": people, "scene": scene["id"]}
    return asked | ({"continues": parent} if parent else {})


def _parted(board: Board, ends: Mapping[str, Ended]) -> tuple[list[Clip], list[FailedScene]]:
    clips = [end for scene in board["scenes"] if isinstance(end := ends[scene["id"]], Clip)]
    failed = [
        FailedScene(scene=scene["id"], error=str(end), charged=None, remedy=getattr(end, "remedy", ""))
        for scene in board["scenes"]
        if not isinstance(end := ends[scene["id"]], Clip)
    ]
    return clips, failed
