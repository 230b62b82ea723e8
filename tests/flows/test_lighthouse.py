"""The lighthouse of the examples is a reel on many models, by changing one word."""

from importlib.resources import files

import pytest

from tests.flows.gateways import opened

LIGHTHOUSE = str(files("prefect_storyboard.examples") / "lighthouse.yaml")
PLACES = [
    ("fal", "seedance-2.5"),
    ("fal", "seedance-2-mini"),
    ("fal", "kling-o3-standard"),
    ("fal", "kling-4"),
    ("fal", "veo-3.1-fast"),
    ("fal", "minimax-h3"),
    ("fal", "gemini-omni-flash"),
    ("fal", "grok-imagine"),
    ("fal", "vidu-q3"),
    ("kie", "seedance-2.5"),
    ("kie", "minimax-h3"),
    ("kie", "wan-3"),
    ("openai", "sora-2"),
    ("toapis", "kling-v3"),
    ("wavespeed", "seedance-2.5"),
    ("wavespeed", "kling-4"),
    ("wavespeed", "wan-3"),
]


@pytest.fixture(scope="module")
def studio(engine, tmp_path_factory):
    with opened("fal", "seedance-2", tmp_path_factory.mktemp("lighthouse")) as branch:
        yield branch


@pytest.mark.parametrize("place", PLACES, ids=" ".join)
async def test_the_lighthouse_is_a_reel_by_changing_one_word(studio, place):
    studio.gateway, family = place
    reel, bought = await studio.counted(LIGHTHOUSE, model=family, allow_unknown_price=True)
    characters = 2 if family == "sora-2" else 0  # it has Mara and Otto created; the others are shown them
    assert ([clip.scene for clip in reel.clips], bought, reel.failed) == (
        ["s01", "s02", "s03", "s04", "s05", "s06"],
        6 + characters,
        (),
    )
