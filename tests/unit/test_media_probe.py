"""A probe says what a player would show, or in one sentence why there is nothing to show."""

from fractions import Fraction
from pathlib import Path

import av
import pytest
from PIL import Image
from test_media_kit import clip

from prefect_storyboard.media.errors import MediaError
from prefect_storyboard.media.probe import Probe, probe, probe_image


def test_an_mp4_tells_its_facts(tmp_path):
    path = clip(tmp_path / "a.mp4", seconds=1.5, fps=30)
    assert probe(path) == Probe(
        container="mp4",
        seconds=1.5,
        width=160,
        height=90,
        fps=Fraction(30),
        codec="h264",
        has_audio=True,
        bytes=path.stat().st_size,
        rotation=0,
    )


@pytest.mark.parametrize(
    ("name", "kind", "container", "codec"),
    [
        ("a.mov", {}, "mov", "h264"),
        ("a.webm", {"codec": "libvpx-vp9", "sound": "libopus"}, "webm", "vp9"),
        ("a.mkv", {}, "mkv", "h264"),
        ("a.avi", {"codec": "mpeg4", "sound": "libmp3lame"}, "avi", "mpeg4"),
        ("a.mp4", {"codec": "libx265"}, "mp4", "hevc"),
    ],
)
def test_containers_and_codecs_are_distinguished(name, kind, container, codec, tmp_path):
    facts = probe(clip(tmp_path / name, **kind))
    assert (facts.container, facts.codec, facts.fps) == (container, codec, 24)
    assert facts.seconds == pytest.approx(1, abs=0.05)


def test_the_content_counts_and_not_the_name(tmp_path):
    path = clip(tmp_path / "a.webm", codec="libvpx-vp9", sound=None).rename(tmp_path / "a.mp4")
    assert probe(path).container == "webm"


def test_a_rotated_clip_is_as_tall_as_a_player_shows_it(tmp_path):
    facts = probe(clip(tmp_path / "a.mp4", rotation=90))
    assert (facts.width, facts.height, facts.rotation) == (90, 160, 90)
    assert probe(clip(tmp_path / "b.mp4", rotation=-90)).rotation == 270


def test_pixels_that_are_not_square_count_by_their_shape(tmp_path):
    facts = probe(clip(tmp_path / "a.mp4", size=(90, 160), pixel_shape=Fraction(256, 81)))
    assert (facts.width, facts.height) == (284, 160)


def test_the_short_side_does_not_depend_on_the_orientation(tmp_path):
    wide, tall = (probe(clip(tmp_path / f"{w}.mp4", size=(w, h))) for w, h in ((160, 90), (90, 160)))
    assert wide.short_side == tall.short_side == 90


def test_a_clip_without_sound_says_so(tmp_path):
    assert probe(clip(tmp_path / "a.mp4", sound=None)).has_audio is False


def test_a_clip_of_one_frame_has_a_length(tmp_path):
    assert probe(clip(tmp_path / "a.mp4", seconds=0)).seconds == pytest.approx(1 / 24)


def test_a_recording_that_states_no_length_is_measured(tmp_path):
    """Browsers record WebM as a stream: the header has no duration."""
    with (
        av.open(clip(tmp_path / "a.mkv")) as source,
        av.open(tmp_path / "b.webm", "w", options={"live": "1"}) as target,
    ):
        video = target.add_stream("libvpx-vp9", rate=24, width=160, height=90)
        for frame in source.decode(video=0):
            target.mux(video.encode(frame))
        target.mux(video.encode())
    assert probe(tmp_path / "b.webm").seconds == pytest.approx(1, abs=0.05)


def test_a_probe_survives_the_way_through_json(tmp_path):
    facts = probe(clip(tmp_path / "a.mp4", fps=Fraction(24000, 1001)))
    assert Probe.model_validate_json(facts.model_dump_json()) == facts


def a_page(path: Path) -> None:
    path.write_text("<html>404</html>")


def nothing(path: Path) -> None:
    path.touch()


def a_picture(path: Path) -> None:
    Image.new("RGB", (64, 64)).save(path, "PNG")


def a_sound(path: Path) -> None:
    with av.open(path, "w", format="mp4") as target:
        stream = target.add_stream("aac", rate=48_000, layout="mono")
        frame = av.AudioFrame("fltp", "mono", 1024)
        frame.sample_rate = 48_000
        frame.planes[0].update(bytes(frame.planes[0].buffer_size))
        target.mux(stream.encode(frame))
        target.mux(stream.encode())


def a_stump(path: Path) -> None:
    path.write_bytes(clip(path.with_name("whole.mp4")).read_bytes()[:500])


def a_playlist(path: Path) -> None:
    path.write_text(f"ffconcat version 1.0\nfile {clip(path.with_name('secret.mp4')).name}\n")


@pytest.mark.parametrize("make", [a_page, nothing, a_picture, a_sound, a_stump, a_playlist])
def test_what_is_no_video_is_refused_by_name(make, tmp_path):
    make(tmp_path / "mara.mp4")
    with pytest.raises(MediaError, match=r"^mara\.mp4 is not a video that can be read: .+; give an MP4"):
        probe(tmp_path / "mara.mp4")


def test_a_missing_file_is_named_with_its_path(tmp_path):
    for read in (probe, probe_image):
        with pytest.raises(MediaError, match=r"nowhere/mara does not exist"):
            read(tmp_path / "nowhere" / "mara")


def test_an_image_tells_its_size_and_format(tmp_path):
    for kind, name in (("PNG", "png"), ("JPEG", "jpeg"), ("WEBP", "webp")):
        Image.new("RGB", (64, 36)).save(tmp_path / "image", kind)
        assert probe_image(tmp_path / "image") == (64, 36, name)


def test_a_photo_taken_upright_is_tall(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (64, 36)).save(tmp_path / "photo.jpg", exif=exif)
    assert probe_image(tmp_path / "photo.jpg")[:2] == (36, 64)


def test_what_is_no_image_is_refused_by_name(tmp_path):
    whole = tmp_path / "whole.png"
    Image.effect_noise((64, 64), 90).save(whole)
    (tmp_path / "torn.png").write_bytes(whole.read_bytes()[:2000])
    a_page(tmp_path / "page.png")
    for name in ("torn.png", "page.png"):
        with pytest.raises(MediaError, match=rf"^{name} is not a picture that can be read"):
            probe_image(tmp_path / name)
