"""Characters that are made from a scene of this run: created once that scene is stored, before a scene shows them."""

import asyncio
from collections.abc import Mapping

from prefect_storyboard.series.cast import cast_from_scenes
from prefect_storyboard.series.kept import kept
from prefect_storyboard.series.run import Ended, Rendering
from prefect_storyboard.storyboards import Clip, FailedScene, PlannedScene, Still


async def with_cast(run: Rendering, scene: PlannedScene, ends: Mapping[str, Ended | Still]) -> PlannedScene:
    """The scene with the characters made from scenes, or its standing take if something that it needs is missing."""
    scene = await asyncio.to_thread(kept, run, scene, tuple(ends.values()))
    if scene.standing or not scene.origins or any(isinstance(end, FailedScene) for end in ends.values()):
        return scene
    if run.halted:
        raise run.halted
    run.sources |= {name: end for name, end in ends.items() if isinstance(end, Clip)}
    await cast_from_scenes(run, scene)
    return await asyncio.to_thread(kept, run, scene, tuple(ends.values()))


def is_asked_for_again(run: Rendering, scene_id: str) -> bool:
    """Whether the provider's own video is needed after it is stored: for a remix, or for a character made from it."""
    plan = run.prepared.plan
    made = (each for each in plan.characters if each.character.from_scene == scene_id)
    remixed = any(other.remixes == scene_id for other in plan.storyboard.scenes)
    return remixed or any(each.model.character_from_video for each in made)
