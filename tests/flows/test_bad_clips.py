"""A clip whose verdict is bad: it is told, rendered again where that is wanted, and bought no more often than allowed."""

import pytest

from tests.flows.gateways import opened


@pytest.fixture
def fal(engine, tmp_path):
    with opened("fal", "seedance-2", tmp_path) as branch:
        yield branch


def looking(branch, word, *, times=1, prompt=""):
    """Let the gateway render clips that look so."""
    branch.fault("render_as", match={"route": "submit", "prompt": prompt}, word=word, times=times)


async def test_silence_is_bad_where_sound_was_asked_for_and_sound_is_told_where_silence_was(fal):
    board = fal.board("The sea.", "The wind.", "The rain.")
    board["scenes"][0]["audio"], board["scenes"][1]["audio"] = True, False
    looking(fal, "silent", times=None)
    reel, bought = await fal.counted(board)
    verdicts = [clip.verdict for clip in reel.clips]
    assert bought == 3
    assert verdicts[0].state == "bad"
    assert "Its sound is silent; sound was ordered." in verdicts[0].reasons
    assert not any("sound" in reason for reason in verdicts[1].reasons)
    assert "Its sound is silent." in verdicts[2].reasons
    assert (await fal.counted(board | {"audio": True}))[1] == 0, "asking for the sound that a model makes moves no key"
