"""The nouns and the pure rules: storyboards, characters, models, keys, plans. No files, no network, no Prefect."""

from prefect_storyboard.storyboards.base import Kind
from prefect_storyboard.storyboards.drawing import Drawing, drawing
from prefect_storyboard.storyboards.folders import FolderTaken, check_folder
from prefect_storyboard.storyboards.held import PlanDiffers, check_held
from prefect_storyboard.storyboards.image_model import ImageModel
from prefect_storyboard.storyboards.model import ClipLimits, Mode, Model, Operation, PictureLimits, References
from prefect_storyboard.storyboards.nouns import Character, Frozen, Scene, Storyboard
from prefect_storyboard.storyboards.outcomes import Asked, Casting, Clip, Costs, FailedScene, Job, MadeOf, Media, Reel
from prefect_storyboard.storyboards.plan import (
    Damage,
    Plan,
    PlannedCharacter,
    PlannedJob,
    PlannedScene,
    PlannedSheet,
    PlannedStill,
)
from prefect_storyboard.storyboards.planning import plan
from prefect_storyboard.storyboards.problems import Problem, Source, StoryboardError
from prefect_storyboard.storyboards.resolve import shots
from prefect_storyboard.storyboards.sendings import Sending
from prefect_storyboard.storyboards.shots import Shot, Table
from prefect_storyboard.storyboards.stills import Sheet, Still, StillAsked, StillReference
from prefect_storyboard.storyboards.text import is_text, parse, validate
from prefect_storyboard.storyboards.verdicts import Expected, Verdict

__all__ = [
    "Asked",
    "Casting",
    "Character",
    "Clip",
    "ClipLimits",
    "Costs",
    "Damage",
    "Drawing",
    "Expected",
    "FailedScene",
    "FolderTaken",
    "Frozen",
    "ImageModel",
    "Job",
    "Kind",
    "MadeOf",
    "Media",
    "Mode",
    "Model",
    "Operation",
    "PictureLimits",
    "Plan",
    "PlanDiffers",
    "PlannedCharacter",
    "PlannedJob",
    "PlannedScene",
    "PlannedSheet",
    "PlannedStill",
    "Problem",
    "Reel",
    "References",
    "Scene",
    "Sending",
    "Sheet",
    "Shot",
    "Source",
    "Still",
    "StillAsked",
    "StillReference",
    "Storyboard",
    "StoryboardError",
    "Table",
    "Verdict",
    "check_folder",
    "check_held",
    "drawing",
    "is_text",
    "parse",
    "plan",
    "shots",
    "validate",
]
