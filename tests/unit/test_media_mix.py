"""Clips equally loud, music underneath, and shots that become each other: the reel decoded, measured, looked at."""

import math
from fractions import Fraction
from itertools import accumulate

import av
import pytest
from test_media_kit import beeps, clip, flashes, levels, pixel, sound_seconds

from prefect_storyboard.media.loudness import Loudness, gain
from prefect_storyboard.media.reel import Finish, Part, assemble
from prefect_storyboard.media.timing import Shot, Transition, spans

LOUD = Finish(loudness=True)
TARGET = 10 ** (-16 / 20)  # a tone of 1 kHz in both channels at this level is -16 LUFS


def tone(path, decibels, seconds=2.0, **facts):
    level = 10 ** (decibels / 20)
    return clip(path, seconds=seconds, wave=lambda _: level, **facts)


def reel(folder, clips, finish=LOUD, **into):
    """Assemble the clips; `into` names the transition into the clip of that number."""
    parts = [Part(path, path.stem, into.get(f"at{number}")) for number, path in enumerate(clips)]
    return folder / "reel.mp4", assemble(parts, folder / "reel.mp4", finish)


def level(path, start, stop):
    """The highest sample between two moments, in dB."""
    return 20 * math.log10(max(peak for moment, peak in levels(path) if start <= moment < stop) or 1e-9)


def packets(path, **stream):
    with av.open(path) as source:
        return [bytes(packet) for packet in source.demux(**stream) if packet.size]


def test_a_loud_and_a_quiet_clip_come_out_equally_loud_and_their_pictures_are_copied(tmp_path):
    clips = [tone(tmp_path / "loud.mp4", -8), tone(tmp_path / "quiet.mp4", -26)]
    path, made = reel(tmp_path, clips)
    assert made.gains == pytest.approx((-8, 10), abs=0.3)
    assert level(path, 0.3, 1.7) == pytest.approx(-16, abs=0.5)
    assert level(path, 2.3, 3.7) == pytest.approx(-16, abs=0.5)
    assert packets(path, video=0) == [body for each in clips for body in packets(each, video=0)]


def test_clips_that_are_loud_enough_are_copied_as_they_are(tmp_path):
    clips = [tone(tmp_path / f"{number}.mp4", -16) for number in range(2)]
    path, made = reel(tmp_path, clips)
    assert made.gains == (0, 0)
    assert set(packets(clips[1], audio=0)[1:-1]) <= set(packets(path, audio=0))


def test_what_is_made_louder_never_peaks_above_one_decibel_below_full_scale(tmp_path):
    claps = clip(tmp_path / "claps.mp4", seconds=3, wave=lambda moment: 0.5 if 1 <= moment < 1.01 else 0.03)
    path, made = reel(tmp_path, [claps, tone(tmp_path / "b.mp4", -16)])
    assert 0 < made.gains[0] < 12
    assert level(path, 0, 3) <= -1


def test_a_gain_is_at_most_twelve_decibels_and_silence_stays_silent(tmp_path):
    clips = [
        tone(tmp_path / "faint.mp4", -45),
        clip(tmp_path / "still.mp4", cue=None),
        clip(tmp_path / "x.mp4", sound=None),
    ]
    path, made = reel(tmp_path, clips)
    assert made.gains == (12, 0, 0)
    assert level(path, 2.1, 3.9) < -90
    assert gain(Loudness(-5, -5)) == -11
    assert gain(Loudness(2, 3)) == -12


def test_nothing_pumps_within_a_clip(tmp_path):
    steps = clip(tmp_path / "steps.mp4", seconds=3, wave=lambda moment: 0.02 if 1 <= moment < 2 else 0.2)
    path, _ = reel(tmp_path, [steps, tone(tmp_path / "b.mp4", -30)])
    assert level(path, 0.2, 0.8) - level(path, 1.2, 1.8) == pytest.approx(20, abs=0.3)
    assert level(path, 2.2, 2.8) == pytest.approx(level(path, 0.2, 0.8), abs=0.2)


def test_a_dissolve_shows_both_and_shortens_the_reel_by_its_length(tmp_path):
    clips = [
        tone(tmp_path / "red.mp4", -16, colour=(180, 40, 40), cue=None),
        tone(tmp_path / "blue.mp4", -16, colour=(40, 40, 180), cue=None),
    ]
    path, made = reel(tmp_path, clips, at1=Transition("dissolve", Fraction(1)))
    assert (made.seconds, made.starts) == (pytest.approx(3, abs=0.01), (0, 1))
    red, _, blue = pixel(path, (0.5, 0.5), 1.5)
    assert (red, blue) == (pytest.approx(110, abs=14), pytest.approx(110, abs=14))
    assert pixel(path, (0.5, 0.5), 0.8)[0] > 165
    assert pixel(path, (0.5, 0.5), 2.2)[2] > 165
    assert sound_seconds(path) == pytest.approx(3, abs=0.03)


def test_a_fade_goes_through_black_and_keeps_the_length(tmp_path):
    clips = [tone(tmp_path / f"{number}.mp4", -16, colour=(200, 200, 200), cue=None) for number in range(2)]
    path, made = reel(tmp_path, clips, at1=Transition("fade", Fraction(1)))
    assert made.seconds == pytest.approx(4, abs=0.01)
    assert max(pixel(path, (0.5, 0.5), 2.0)) < 40
    assert min(pixel(path, (0.5, 0.5), 1.2)) > 190
    assert level(path, 1.97, 2.03) < level(path, 1.0, 1.4) - 15


@pytest.mark.parametrize("kind", ["dissolve", "fade"])
def test_over_many_transitions_picture_and_sound_stay_in_step(kind, tmp_path):
    clips = [clip(tmp_path / f"{n}.mp4", seconds=(30 + n % 3) / 24, cue=0.625, size=(64, 36)) for n in range(24)]
    into = {f"at{number}": Transition(kind, Fraction(1, 4)) for number in range(1, 24)}
    path, made = reel(tmp_path, clips, Finish(), **into)
    overlap = 0.25 if kind == "dissolve" else 0
    due = list(accumulate(((30 + n % 3) / 24 - overlap for n in range(23)), initial=0))
    assert made.starts == pytest.approx(due, abs=1 / 24)
    for flash, beep, start in zip(flashes(path), beeps(path), due, strict=True):
        assert flash == pytest.approx(start + 0.625, abs=1 / 24)
        assert beep == pytest.approx(start + 0.625, abs=1 / 48)


def test_a_transition_takes_at_most_half_of_the_shorter_clip():
    shots = [Shot("", Fraction(0), Fraction(length), into=Transition("dissolve", Fraction(5))) for length in (4, 1, 4)]
    assert [(span.start, span.stop, span.shared) for span in spans(shots, Fraction(24))] == [
        (0, 96, 0),
        (84, 108, 12),
        (96, 192, 12),
    ]


def music(path, seconds):
    tone(path, -30, seconds, size=(16, 16))
    return path


def test_music_plays_under_the_whole_reel_and_gives_way_to_what_is_heard(tmp_path):
    clips = [clip(tmp_path / "still.mp4", seconds=3, sound=None), tone(tmp_path / "talk.mp4", -16, 3)]
    theme = music(tmp_path / "theme.mp4", 2)
    path, made = reel(tmp_path, [*clips, clip(tmp_path / "end.mp4", seconds=4, sound=None)], Finish(music=theme))
    assert sound_seconds(path) == pytest.approx(made.seconds, abs=0.03) == pytest.approx(10, abs=0.03)
    assert level(path, 0.5, 2.5) == pytest.approx(-20, abs=1)
    assert level(path, 7.0, 7.9) == pytest.approx(-20, abs=1)  # again after its end, and after the talk
    assert level(path, 9.8, 10) < -30
    assert level(path, 4, 5.5) < -13.5  # -16 and music of -20 would be -11.8


def test_the_same_clips_give_the_same_bytes_with_all_of_it(tmp_path):
    clips = [tone(tmp_path / "a.mp4", -8), tone(tmp_path / "b.mp4", -26, size=(320, 180))]
    finish = Finish(loudness=True, music=music(tmp_path / "theme.mp4", 1))
    first = reel(tmp_path, clips, finish, at1=Transition("dissolve", Fraction(1, 2)))[0].read_bytes()
    again = reel(tmp_path, clips, finish, at1=Transition("dissolve", Fraction(1, 2)))[0].read_bytes()
    assert first == again


@pytest.mark.parametrize("frames", [24, 31, 121])
def test_a_clip_of_any_length_is_measured(frames, tmp_path):
    quiet = tone(tmp_path / "quiet.mp4", -26, frames / 24, size=(64, 36))
    assert reel(tmp_path, [quiet])[1].gains == pytest.approx((10,), abs=0.3)
