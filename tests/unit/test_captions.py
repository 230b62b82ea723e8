"""Captions stand in the reel as long as their scenes, beside it, in it as a track, and where asked for in the picture."""

from fractions import Fraction
from importlib.resources import files
from pathlib import Path

import av
import pytest
from PIL import Image, ImageChops, features
from test_media_kit import chapters, clip, frames, sound_seconds
from test_media_reel import packets

from prefect_storyboard.media.captions import Cue, srt, vtt
from prefect_storyboard.media.cards import with_cards
from prefect_storyboard.media.errors import MediaError
from prefect_storyboard.media.lettering import Font, draw_text, find_font
from prefect_storyboard.media.reel import Finish, Part, assemble
from prefect_storyboard.series.lettering import lettering_problems
from prefect_storyboard.storyboards import Scene, Storyboard, parse
from prefect_storyboard.storyboards.cards import Cards

WORDS = ("Où est-elle ?", "", "Nobody --> knows.\n\n 你好")
TIMES = [(0.0, 1.0, "Où est-elle ?"), (1.5, 2.4, "Nobody → knows.\n你好")]


def parts(folder: Path, **kind: object) -> list[Part]:
    lengths = (1, 0.5, 0.9)
    files = [clip(folder / f"s{n}.mp4", seconds=seconds, **kind) for n, seconds in enumerate(lengths)]
    return [Part(file, file.stem, caption=text) for file, text in zip(files, WORDS, strict=True)]


def track(path: Path) -> list[tuple[float, float, str]]:
    """Start, stop and text of the captions that a player finds in a file."""
    with av.open(path) as source:
        seen = [
            (float(p.pts * p.time_base), float((p.pts + p.duration) * p.time_base), bytes(p)[2:].decode())
            for p in source.demux(subtitles=0)
            if p.size
        ]
    return [(round(start, 1), round(stop, 1), text) for start, stop, text in seen if text]


def read(path: Path) -> list[tuple[float, float]]:
    with av.open(path) as source:
        seen = [(p.pts * p.time_base, (p.pts + p.duration) * p.time_base) for p in source.demux() if p.size]
    return [(round(float(start), 1), round(float(stop), 1)) for start, stop in seen]


@pytest.mark.parametrize("kinds", [{}, {"fps": 25, "size": (64, 64)}], ids=["copied", "another rate"])
def test_a_reel_has_its_captions_as_a_track_and_beside_it(tmp_path, kinds):
    assemble(parts(tmp_path, **kinds), tmp_path / "reel.mp4")
    assert track(tmp_path / "reel.mp4") == TIMES
    assert read(tmp_path / "reel.srt") == read(tmp_path / "reel.vtt") == [each[:2] for each in TIMES]


def test_an_encoded_reel_has_the_same_captions(tmp_path):
    mixed = parts(tmp_path)
    mixed[1] = Part(clip(tmp_path / "other.mp4", seconds=0.5, size=(96, 64)), "s1")
    assemble(mixed, tmp_path / "reel.mp4")
    assert [each[2] for each in track(tmp_path / "reel.mp4")] == [each[2] for each in TIMES]
    assert [start for start, _, _ in track(tmp_path / "reel.mp4")] == [0.0, 1.5]


def test_a_track_of_captions_changes_no_packet_of_picture_or_sound(tmp_path):
    with_them = parts(tmp_path)
    assemble(with_them, tmp_path / "with.mp4")
    assemble([Part(each.path, each.title) for each in with_them], tmp_path / "without.mp4")
    assert packets(tmp_path / "with.mp4") == packets(tmp_path / "without.mp4")
    assert sound_seconds(tmp_path / "with.mp4") == sound_seconds(tmp_path / "without.mp4")
    with av.open(tmp_path / "without.mp4") as source:
        assert not source.streams.subtitles
    assert not (tmp_path / "without.srt").exists()


def test_a_burned_caption_is_seen_at_the_bottom_while_its_scene_plays(tmp_path):
    said = parts(tmp_path, size=(320, 180), cue=None)[:2]
    assemble([Part(said[0].path, "s0", caption="Où est-elle ?"), said[1]], tmp_path / "reel.mp4", Finish(burn=True))
    with av.open(tmp_path / "reel.mp4") as source:
        shown = [frame.to_image() for frame in source.decode(video=0)]
    first, last, after = (shown[n] for n in (0, 23, 24))
    lit = [_lit(image) for image in (first, last, after)]
    assert lit[0] is not None
    assert lit[0] == lit[1]
    assert lit[0][1] > 180 / 2
    assert lit[2] is None


def _lit(image: Image.Image) -> tuple[int, int, int, int] | None:
    """Where white ink is."""
    return image.convert("L").point(lambda value: 255 if value > 200 else 0).getbbox()


def test_a_burned_reel_still_has_every_frame_and_its_sound(tmp_path):
    assemble(parts(tmp_path), tmp_path / "copied.mp4")
    assemble(
        [Part(p.path, p.title, caption=p.caption.replace("你好", "")) for p in parts(tmp_path)],
        tmp_path / "r.mp4",
        Finish(burn=True),
    )
    assert len(frames(tmp_path / "r.mp4")) == len(frames(tmp_path / "copied.mp4"))
    assert sound_seconds(tmp_path / "r.mp4") == pytest.approx(sound_seconds(tmp_path / "copied.mp4"), abs=0.03)


def test_only_captions_are_burned_so_a_reel_without_any_is_copied(tmp_path):
    silent = [Part(each.path, each.title) for each in parts(tmp_path)]
    assemble(silent, tmp_path / "reel.mp4", Finish(burn=True))
    assert packets(tmp_path / "reel.mp4") == [body for each in silent for body in packets(each.path)]


def test_a_text_that_no_font_has_is_named_with_its_script_and_a_package():
    with pytest.raises(MediaError, match=r"has 灯 \(U\+706F, CJK\).*fonts-noto-cjk"):
        find_font("The 灯", folders=())
    with pytest.raises(MediaError, match=r"DEVANAGARI.*fonts-noto-core"):
        find_font("दीप", folders=())


@pytest.mark.parametrize("text", ["灯台はどこ", "你好，世界", "등대", "दीपस्तंभ कहाँ है"])
def test_a_font_of_this_machine_is_found_for_other_scripts(text):
    try:
        found = find_font(text)
    except MediaError as reason:
        pytest.skip(str(reason))
    assert _lit(draw_text(text, 600, 40, found).convert("RGB")) is not None


@pytest.mark.skipif(not features.check("raqm"), reason="libfribidi is not installed")
def test_arabic_is_joined_and_runs_from_right_to_left():
    drawn, font = draw_text("سلام", 600, 40, find_font("سلام")), find_font("سلام")
    apart = draw_text("س\u200cل\u200cا\u200cم", 600, 40, font)
    assert drawn.width < apart.width
    left = draw_text("سa", 600, 40, font), draw_text("as", 600, 40, font)
    assert ImageChops.difference(left[0].resize((80, 40)), left[1].resize((80, 40))).getbbox()


@pytest.mark.parametrize("text", ["A long line that does not fit, " * 4, "W" * 90, "ä\u0301" * 60])
def test_long_captions_are_broken_into_lines_that_fit(text):
    image = draw_text(text, 300, 20, Font(find_font(text, folders=()).path))
    assert image.width <= 300 + 2 * 7
    assert image.height > 3 * 20


def test_what_cannot_be_drawn_is_a_problem_of_its_scene_and_only_where_it_is_to_be_drawn():
    def nothing(text: str) -> None:
        raise MediaError(f"No font of this machine has {text}.")

    scenes = (Scene(id="a", prompt="p"), Scene(id="b", prompt="p", caption="灯"))
    board = Storyboard(title="Sea", burn=True, scenes=scenes)
    assert lettering_problems(board, nothing) == [
        (("scenes", 1, "caption"), "cannot be drawn: No font of this machine has 灯, or leave out burn")
    ]
    assert lettering_problems(board.model_copy(update={"burn": False}), nothing) == []


def test_cards_need_a_font_even_where_captions_are_not_burned():
    def nothing(text: str) -> None:
        raise MediaError(f"No font of this machine has {text}.")

    board = Storyboard(title="Sea", cards=Cards(credits="灯"), scenes=(Scene(id="b", prompt="p", caption="灯"),))
    assert [place for place, _ in lettering_problems(board, nothing)] == [("cards", "credits")]
    assert lettering_problems(board.model_copy(update={"reel": False}), nothing) == []


def test_a_reel_stands_between_its_cards_and_its_captions_come_later(tmp_path):
    said = parts(tmp_path, size=(320, 180), cue=None)
    around = with_cards(said, Cards(title="The Sea\nPart one", credits="Ada " * 100, seconds=1.5), tmp_path)
    assemble(around, tmp_path / "reel.mp4")
    assert [name for name, _, _ in chapters(tmp_path / "reel.mp4")] == ["Title", "s0", "s1", "s2", "Credits"]
    assert len(frames(tmp_path / "reel.mp4")) == 36 + 24 + 12 + 22 + 36
    assert [start for start, _, _ in track(tmp_path / "reel.mp4")] == [1.5, 3.0]
    with av.open(tmp_path / "reel.mp4") as source:
        shown = [frame.to_image() for frame in source.decode(video=0)]
    assert [_lit(shown[n]) is not None for n in (0, 35, 36, 93, 94, 129)] == [True, True, False, False, True, True]
    assert shown[0].getpixel((2, 2)) <= (4, 4, 4)
    left, top, right, bottom = _lit(shown[100]) or (0, 0, 0, 0)
    assert (left > 10, top > 5, right < 310, bottom < 175) == (True,) * 4, "long credits still fit"


def test_without_a_text_there_is_no_card_and_the_reel_is_copied(tmp_path):
    said = parts(tmp_path)
    assert with_cards(said, Cards(), tmp_path) == said


def test_the_example_board_has_captions_and_cards_that_the_packages_own_font_can_draw():
    board, _ = parse(Path(str(files("prefect_storyboard.examples") / "captioned.yaml")).read_text("utf-8"), "captioned")
    assert (board.burn, bool(board.cards), sum(bool(scene.caption) for scene in board.scenes)) == (True, True, 2)
    assert lettering_problems(board, lambda text: find_font(text, folders=())) == []


def test_subtitles_count_hours_and_escape_what_a_browser_would_read():
    cue = Cue(Fraction(3599_999, 1000), Fraction(3601), "<b> & co", "s1")
    assert srt([cue]) == "1\n00:59:59,999 --> 01:00:01,000\n<b> & co\n"
    assert vtt([cue]) == "WEBVTT\n\ns1\n00:59:59.999 --> 01:00:01.000\n&lt;b&gt; &amp; co\n"
