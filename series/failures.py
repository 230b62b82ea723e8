"""The reason why a scene of a run has no clip, and what to do about it."""

from prefect_storyboard.jobs.budget import OverBudget
from prefect_storyboard.jobs.progress import Progress, emit_progress
from prefect_storyboard.ledger import Unreadable
from prefect_storyboard.media.errors import MediaError
from prefect_storyboard.providers.errors import Busy, ProviderError
from prefect_storyboard.series.run import Rendering
from prefect_storyboard.storyboards import FailedScene, PlannedScene, PlannedStill
from prefect_storyboard.storyboards.outcomes import SceneState
from prefect_storyboard.tasks import _events as events

SceneError = ProviderError | MediaError | OverBudget | Unreadable  # stops one scene, and those that need it
SCENE_ERRORS = (ProviderError, MediaError, OverBudget, Unreadable)


def explained(run: Rendering, scene: PlannedScene | PlannedStill, error: SceneError) -> FailedScene:
    """The FailedScene for an error; a job that was not charged is removed from the run's costs."""
    if isinstance(error, MediaError):  # raised while the request is built: its first frame, or a reference
        return _failed(run, scene, str(error), remedy="Nothing was sent. Check the file that the message names.")
    if isinstance(error, Unreadable):  # its take number, if this run bought the job
        return _failed(run, scene, error.what, charged=scene.key in run.bought, remedy=error.remedy)
    charged = error.charged if isinstance(error, ProviderError) else False
    if charged is False:
        run.bought.pop(scene.key, None)
    elif charged is None and scene.key in run.bought:
        run.bought[scene.key] = None
    state: SceneState = "rendering" if isinstance(error, Busy) and charged is None else "failed"
    return _failed(run, scene, str(error), charged=charged, remedy=error.remedy, state=state)


def without_clip(run: Rendering, scene: PlannedScene | PlannedStill, parent: FailedScene) -> FailedScene:
    """The result of a scene or still that needs another scene without a clip, or without one yet."""
    if isinstance(scene, PlannedScene) and parent.scene == scene.still_name:
        why = f"its still could not be drawn: {parent.error}"
        return _failed(run, scene, why, charged=parent.charged, remedy=parent.remedy, state=parent.state)
    if parent.state == "failed":
        return _failed(run, scene, f"it needs {parent.scene}, which has no clip", remedy=f"Fix {parent.scene} first.")
    why = f"it needs {parent.scene}, which is still being rendered"
    return _failed(run, scene, why, remedy=f"Run again when {parent.scene} has ended.", state="waiting")


def left_out(run: Rendering, scene: PlannedScene, why: str) -> FailedScene:
    """The result of a scene that a person has left out, or that needs such a scene."""
    return _failed(run, scene, why, remedy="Nothing was bought. Run again to be asked again.")


def _failed(
    run: Rendering,
    scene: PlannedScene | PlannedStill,
    error: str,
    *,
    charged: bool | None = False,
    remedy: str,
    state: SceneState = "failed",
) -> FailedScene:
    emit_progress(Progress(subject=scene.subject, state="failed", cost_usd=0.0 if charged is False else None))
    failed = FailedScene(scene=scene.name, error=error, charged=charged, remedy=remedy, state=state)
    if state == "failed" and isinstance(scene, PlannedScene):
        events.scene_failed(run.library, run.limits["reel"], failed, scene.key)
    return failed
