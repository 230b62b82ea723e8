"""A judge of one's own: asked once for each take, never believed blindly, and never the reason that a clip is lost."""

import asyncio
from pathlib import Path

import pytest

from prefect_storyboard.blocks import Library
from prefect_storyboard.judges import Judge, Verdict, judge, named_judge
from prefect_storyboard.storyboards import Scene

from .fakes import KEY
from .stores import Studio

asked: list[tuple[bytes, Scene, tuple[str, ...]]] = []


@judge(usd=0.002)
def strict(clip, scene, cast):
    asked.append((Path(clip.url).read_bytes(), scene, tuple(each.name for each in cast)))
    return Verdict(state="bad", reasons=("Her coat is blue.",))


@judge()
async def broken(clip, scene, cast):
    raise RuntimeError("the key is s3cr3t")


@judge(seconds=0.01)
async def endless(clip, scene, cast):
    await asyncio.Event().wait()


@judge()
def talkative(clip, scene, cast):
    return "fine"


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    asked.clear()
    return Studio(Library(url=str(tmp_path)))


async def test_a_judge_is_asked_about_the_file_and_only_before_the_clip_is_stored(studio: Studio) -> None:
    bought = await studio.buy()
    clip = await studio.store(bought, judge=strict)
    ((file, scene, cast),) = asked
    assert (file[4:8], scene.prompt, cast) == (b"ftyp", "Mara climbs", ("Mara",))
    assert clip.verdict is not None
    assert (clip.verdict.state, clip.verdict.reasons[-1]) == ("bad", "Her coat is blue.")
    assert (clip.verdict.judge, clip.verdict.usd) == (strict.name, 0.002)
    again = await studio.store(await studio.buy(), judge=strict)
    assert (again.verdict, len(asked)) == (clip.verdict, 1)


@pytest.mark.parametrize(
    ("failing", "kind"), [(broken, "RuntimeError"), (endless, "TimeoutError"), (talkative, "TypeError")]
)
async def test_a_judge_that_fails_loses_no_clip_and_tells_no_secret(
    studio: Studio, failing: Judge, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    clip = await studio.store(await studio.buy(), judge=failing)
    assert clip.verdict is not None
    assert clip.verdict.reasons[-1] == f"The judge could not be asked ({kind})."
    assert Path(clip.url).exists()
    assert studio.outcome(KEY) is not None
    assert "s3cr3t" not in caplog.text


def test_only_what_is_marked_as_a_judge_is_called_by_name() -> None:
    assert named_judge(f"{__name__}:strict") is strict
    for name in ("os:system", "no_such_module:judge", "os:no_such", "os", "", ":x"):
        with pytest.raises(ValueError, match="nothing was bought"):
            named_judge(name)


def test_a_judge_has_a_price_and_a_time() -> None:
    with pytest.raises(ValueError, match="usd of 0 or more"):
        judge(usd=-1)
