"""A reel keeps every clip's length, order and sound, whatever the clips are."""

from fractions import Fraction
from itertools import accumulate, pairwise
from pathlib import Path

import av
import pytest
from test_media_kit import beeps, chapters, clip, flashes, frames, pixel, sound_seconds

from prefect_storyboard.media.errors import MediaError
from prefect_storyboard.media.mp4 import mp4
from prefect_storyboard.media.probe import Probe
from prefect_storyboard.media.reel import Part, assemble
from prefect_storyboard.media.tracks import read_clip

CUE = 0.5
ALIKE: dict[str, dict] = {"a": {}, "b": {"seconds": 1.3}, "c": {"seconds": 0.9}}
MIXED: dict[str, dict] = {
    "plain.mp4": {},
    "fast.mp4": {"fps": 30, "size": (320, 180)},
    "portrait.mp4": {"size": (90, 160)},
    "silent.mp4": {"sound": None},
    "mono.mp4": {"rate": 44_100, "layout": "mono"},
    "vp9.webm": {"codec": "libvpx-vp9", "sound": "libopus"},
    "turned.mov": {"rotation": 90},
    "uneven.mp4": {"times": [0, 0.05, 0.2, 0.25, 0.5, 0.55, 0.9]},
    "short.mp4": {"seconds": 0, "cue": None},
    "cut.mp4": {"sound_seconds": 0.7},
    "long.mp4": {"sound_seconds": 2.5},
}


def reel(folder: Path, specs: dict[str, dict]) -> tuple[Path, list[float], Probe]:
    """Assemble clips of these kinds; give the file, the start of each clip in it by sum of lengths, and its facts."""
    paths = [clip(folder / (name if "." in name else f"{name}.mp4"), **spec) for name, spec in specs.items()]
    facts = assemble([Part(path, path.stem) for path in paths], folder / "reel.mp4")
    return folder / "reel.mp4", [0.0, *accumulate(float(read_clip(path).seconds) for path in paths)], facts


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    return reel(tmp_path_factory.mktemp("mixed"), MIXED)


@pytest.fixture(scope="module")
def alike(tmp_path_factory):
    return reel(tmp_path_factory.mktemp("alike"), ALIKE)


def packets(path: Path) -> list[bytes]:
    with av.open(path) as source:
        return [bytes(packet) for packet in source.demux(video=0) if packet.size]


def in_step(path: Path, starts: list[float], within: float) -> bool:
    """Flash and beep come together, CUE seconds after each start."""
    expected = [start + CUE for start in starts]
    found = list(zip(flashes(path), beeps(path), expected, strict=True))
    return all(abs(flash - due) <= 1 / 24 and abs(beep - flash) <= within for flash, beep, due in found)


def test_clips_coded_alike_are_copied_bit_for_bit(alike, tmp_path):
    path, _, _ = alike
    assert packets(path) == [body for name in ALIKE for body in packets(path.with_name(f"{name}.mp4"))]


def test_a_copied_reel_is_as_long_as_its_clips(alike):
    path, starts, facts = alike
    assert len(frames(path)) == 24 + 31 + 22
    assert facts.seconds == pytest.approx(starts[-1], abs=1e-3)
    assert sound_seconds(path) == pytest.approx(starts[-1], abs=1024 / 48_000)


def test_sound_and_picture_stay_in_step_in_every_chapter_of_a_copied_reel(alike):
    path, starts, _ = alike
    assert in_step(path, starts[:-1], within=0.013)


@pytest.mark.parametrize(
    "kind", [{"sound_seconds": 1.02}, {"sound_seconds": 0.98}, {"sound_seconds": 0.6}, {"rate": 44_100}]
)
def test_sound_longer_or_shorter_than_the_picture_does_not_add_up(kind, tmp_path):
    path, starts, _ = reel(tmp_path, {f"{n:02}": kind for n in range(12)})
    assert packets(path)[:24] == packets(tmp_path / "00.mp4")
    assert in_step(path, starts[:-1], within=0.013)


def test_a_copied_sound_has_no_gap(alike):
    with av.open(alike[0]) as source:
        stamps = [(frame.pts, frame.samples) for frame in source.decode(audio=0)]
    assert all(pts + samples == following for (pts, samples), (following, _) in pairwise(stamps))


def test_a_clip_without_sound_among_clips_with_sound_is_still_copied(tmp_path):
    path, starts, facts = reel(tmp_path, {"a": {}, "b": {"sound": None, "cue": None}, "c": {}})
    assert facts.has_audio
    assert packets(path)[:24] == packets(tmp_path / "a.mp4")
    assert in_step(path, [starts[0], starts[2]], within=0.013)


def test_a_reel_of_silent_clips_gets_a_silent_track(tmp_path):
    path, _, facts = reel(tmp_path, {"a": {"sound": None}, "b": {"sound": None}})
    assert facts.has_audio
    assert sound_seconds(path) == pytest.approx(2, abs=0.022)
    assert beeps(path) == []


def test_one_clip_is_a_reel_too(tmp_path):
    path, _, facts = reel(tmp_path, {"only": {}})
    assert (len(frames(path)), facts.container) == (24, "mp4")
    assert [title for title, _, _ in chapters(path)] == ["only"]


def test_any_mix_of_clips_becomes_one_size_and_rate(mixed):
    _, _, facts = mixed
    assert (facts.width, facts.height, facts.fps, facts.codec) == (160, 90, Fraction(24), "h264")


def test_a_rendered_reel_is_as_long_as_its_clips_within_a_frame(mixed):
    path, starts, _ = mixed
    shown = frames(path)
    assert len(shown) == pytest.approx(starts[-1] * 24, abs=1)
    assert shown == pytest.approx([n / 24 for n in range(len(shown))], abs=1e-4)
    assert sound_seconds(path) == pytest.approx(len(shown) / 24, abs=1024 / 48_000)


def test_each_chapter_of_a_rendered_reel_starts_with_its_clip(mixed):
    path, starts, _ = mixed
    marks = chapters(path)
    assert [title for title, _, _ in marks] == [Path(name).stem for name in MIXED]
    assert [start for _, start, _ in marks] == pytest.approx(starts[:-1], abs=1 / 24)
    assert [end for _, _, end in marks][:-1] == [start for _, start, _ in marks][1:]


def test_sound_and_picture_stay_in_step_in_every_chapter_of_a_rendered_reel(mixed):
    path, starts, _ = mixed
    seen = [s for s, spec in zip(starts, MIXED.values(), strict=False) if spec.get("cue", 1)]
    heard = [s for s, spec in zip(starts, MIXED.values(), strict=False) if spec.get("cue", 1) and spec.get("sound", 1)]
    assert flashes(path) == pytest.approx([start + CUE for start in seen], abs=1 / 24)
    assert beeps(path) == pytest.approx([start + CUE for start in heard], abs=1 / 24)


def test_other_shapes_get_black_bars_and_the_corner_stays_where_a_player_shows_it(mixed):
    path, starts, _ = mixed
    wide, tall, turned = (starts[list(MIXED).index(name)] + 0.1 for name in ("plain.mp4", "portrait.mp4", "turned.mov"))
    assert pixel(path, (0.1, 0.1), wide)[0] > 180
    for moment in (tall, turned):
        assert max(pixel(path, (0.1, 0.5), moment)) < 12
    assert pixel(path, (0.4, 0.1), tall)[0] > 180
    assert pixel(path, (0.4, 0.9), turned)[0] > 180  # turned counterclockwise: the top left comes to the bottom left


@pytest.mark.parametrize("kinds", [ALIKE, {"a": {}, "b": {"fps": 30}, "c": {"sound": None}}])
def test_the_same_clips_give_the_same_bytes(kinds, tmp_path):
    path, _, _ = reel(tmp_path, kinds)
    parts = [Part(tmp_path / f"{name}.mp4", name) for name in kinds]
    assemble(parts, tmp_path / "again.mp4")
    assert (tmp_path / "again.mp4").read_bytes() == path.read_bytes()


def test_the_index_stands_in_front_so_that_a_browser_can_start_at_once(alike, mixed):
    for path, _, _ in (alike, mixed):
        body = path.read_bytes()
        assert body.index(b"moov") < body.index(b"mdat")


def test_chapter_titles_keep_every_letter(tmp_path):
    titles = ["Маяк ночью — é", "x" * 300, "灯" * 120]
    path = clip(tmp_path / "a.mp4")
    assemble([Part(path, title) for title in titles], tmp_path / "reel.mp4")
    assert [title for title, _, _ in chapters(tmp_path / "reel.mp4")] == titles


def test_ties_in_size_and_rate_go_to_the_larger(tmp_path):
    _, _, facts = reel(tmp_path, {"a": {}, "b": {"size": (320, 180), "fps": 30}})
    assert (facts.width, facts.height, facts.fps) == (320, 180, 30)


def test_sides_become_even_because_h264_needs_it(tmp_path):
    _, _, facts = reel(tmp_path, {"odd": {"size": (160, 90), "pixel_shape": Fraction(4, 3), "codec": "mpeg4"}})
    assert (facts.width, facts.height) == (212, 90)


def test_no_clip_is_an_error(tmp_path):
    with pytest.raises(MediaError, match="at least one scene"):
        assemble([], tmp_path / "reel.mp4")


def test_a_broken_clip_is_named_and_leaves_no_reel(tmp_path):
    (tmp_path / "bad.mp4").write_text("<html>Not found</html>")
    parts = [Part(clip(tmp_path / "a.mp4"), "One"), Part(tmp_path / "bad.mp4", "Two")]
    with pytest.raises(MediaError, match=r"^Two: bad\.mp4 is not a video that can be read"):
        assemble(parts, tmp_path / "reel.mp4")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "bad.mp4"]


def test_a_clip_that_breaks_off_is_an_error_and_no_shorter_reel(tmp_path):
    whole = tmp_path / "whole.mp4"
    assemble([Part(clip(tmp_path / "a.mp4", seconds=3), "One")], whole)
    whole.write_bytes(whole.read_bytes()[: -whole.stat().st_size // 5])
    with pytest.raises(MediaError, match=r"is truncated after \d\.\d of 3\.0 s"):
        assemble([Part(whole, "Torn")], tmp_path / "reel.mp4")


def test_a_failure_while_writing_leaves_the_old_reel_in_place(tmp_path):
    (tmp_path / "reel.mp4").write_bytes(b"the old one")
    with pytest.raises(OSError, match="disk full"), mp4(tmp_path / "reel.mp4"):
        raise OSError("disk full")
    assert [path.name for path in tmp_path.iterdir()] == ["reel.mp4"]
    assert (tmp_path / "reel.mp4").read_bytes() == b"the old one"
