"""The sound of a reel of cuts is made of pieces, any of which may be there before the reel is."""

import math
from array import array
from fractions import Fraction
from pathlib import Path

import av
import pytest
from test_media_kit import beeps, clip, flashes, sound_seconds

from prefect_storyboard.media.errors import MediaError
from prefect_storyboard.media.kept_sound import kept_gain
from prefect_storyboard.media.mix import mixed
from prefect_storyboard.media.pieces import kept_piece
from prefect_storyboard.media.reel import Finish, Part, assemble
from prefect_storyboard.media.timing import Shot, spans
from prefect_storyboard.media.tracks import read_clip

LOUD = Finish(loudness=True)


def samples(frames):
    """The samples of the left channel."""
    return array("f", b"".join(bytes(frame.planes[0])[: 4 * frame.samples] for frame in frames))


def heard(path):
    with av.open(path) as source:
        return samples(source.decode(audio=0))


def tones(folder, *lengths):
    """Clips of that many pictures, each with a tone that has another level than the one before."""
    return [
        clip(folder / f"{n}.mp4", seconds=length / 24, size=(64, 36), wave=lambda _, n=n: 0.02 * (2 + n % 3))
        for n, length in enumerate(lengths)
    ]


def test_a_reel_of_pieces_sounds_as_one_that_is_encoded_as_a_whole(tmp_path):
    clips = [read_clip(path) for path in tones(tmp_path, 31, 24, 3, 1, 2, 47, 30)]
    made = assemble([Part(each.path, "") for each in clips], tmp_path / "reel.mp4", LOUD)
    shots = [Shot(each.path, each.first, each.seconds, gain=g) for each, g in zip(clips, made.gains, strict=True)]
    placed = spans(shots, Fraction(48_000))
    wanted = samples(mixed(shots, placed, Fraction(48_000)))
    found = heard(tmp_path / "reel.mp4")
    assert len(wanted) == pytest.approx(len(found), abs=1024)
    for span in placed:  # about every cut, a twentieth of a second at either side
        near = range(max(0, span.start - 2400), span.start + 2400)
        assert math.sqrt(sum((wanted[n] - found[n]) ** 2 for n in near) / len(near)) < 0.01


def test_over_a_hundred_cuts_picture_and_sound_stay_in_step(tmp_path):
    kinds = [clip(tmp_path / f"{n}.mp4", seconds=(25 + n) / 24, size=(64, 36), wave=_beep) for n in range(3)]
    made = assemble([Part(kinds[n % 3], "") for n in range(100)], tmp_path / "reel.mp4", LOUD)
    assert any(made.gains)
    assert sound_seconds(tmp_path / "reel.mp4") == pytest.approx(made.seconds, abs=0.022)
    due = [start + 0.5 for start in made.starts]
    for flash, beep, at in zip(flashes(tmp_path / "reel.mp4"), beeps(tmp_path / "reel.mp4"), due, strict=True):
        assert (flash, beep) == (pytest.approx(at, abs=1 / 48), pytest.approx(at, abs=0.003))


def test_what_is_kept_of_a_sound_is_not_computed_again(tmp_path):
    path = clip(tmp_path / "a.mp4", cue=None, wave=lambda _: 0.1)
    seen, place = read_clip(path), tmp_path / "kept"
    shot = Shot(path, seen.first, seen.seconds, gain=kept_gain(seen, place))
    file = kept_piece(shot, 24_000, 48_000, place)
    path.unlink()
    assert kept_gain(seen, place) == shot.gain
    assert kept_piece(shot, 24_000 + 10 * 1024, 48_000, place) == file
    with pytest.raises(MediaError):  # at another place of an AAC frame it is another piece
        kept_piece(shot, 24_001, 48_000, place)


def _beep(moment):
    return 0.3 if 0 <= moment - 0.5 < 0.06 else 0.002


@pytest.mark.parametrize("finish", [LOUD, Finish(loudness=True, music=Path("0.mp4"))])
def test_a_reel_has_the_same_bytes_whatever_was_kept(tmp_path, finish, monkeypatch):
    monkeypatch.chdir(tmp_path)
    clips = tones(tmp_path, 31, 24, 30)
    assemble([Part(path, "") for path in clips], tmp_path / "bare.mp4", finish)
    kept = [Part(path, "", kept=tmp_path / f"kept-{path.stem}") for path in clips]
    assemble(kept[1:], tmp_path / "other.mp4", finish)
    assemble(kept, tmp_path / "reel.mp4", finish)
    assert (tmp_path / "reel.mp4").read_bytes() == (tmp_path / "bare.mp4").read_bytes()
