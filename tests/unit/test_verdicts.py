"""What was seen in a clip goes with it, and changes no key."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from prefect_storyboard.storyboards import Clip, Verdict

OLD = Path(__file__).parents[1] / "fixtures/library-0.1.0/library/reels/the-night-watch/scenes/s01/take-001.json"
DARK = Verdict(state="bad", reasons=("The picture is black from 0.0 s to 4.0 s.",))


def old_clip() -> Clip:
    return Clip.model_validate_json(OLD.read_text(encoding="utf-8"))


def test_a_sidecar_without_a_verdict_is_read() -> None:
    assert old_clip().verdict is None


def test_a_verdict_is_written_with_the_clip_and_read_again() -> None:
    judged = old_clip().model_copy(update={"verdict": DARK})
    assert Clip.model_validate_json(judged.model_dump_json()) == judged


def test_a_verdict_of_a_newer_version_is_read() -> None:
    written = json.loads(OLD.read_text(encoding="utf-8"))
    written["verdict"] = {"state": "warn", "reasons": ["The picture stands still."], "seen_by": "somebody"}
    assert Clip.model_validate(written).verdict == Verdict(state="warn", reasons=("The picture stands still.",))


def test_a_verdict_has_one_of_three_states() -> None:
    with pytest.raises(ValidationError, match="'ok', 'warn' or 'bad'"):
        Verdict.model_validate({"state": "good"})
