"""HDR and wide gamut come out as BT.709, wherever a picture is shown, sent or assembled."""

from array import array
from fractions import Fraction

import av
import pytest
from PIL import Image
from test_media_kit import clip, pixel

from prefect_storyboard.media.fitting import describe_fit, fit
from prefect_storyboard.media.frames import last_frame, poster
from prefect_storyboard.media.probe import probe
from prefect_storyboard.media.reel import Part, assemble
from prefect_storyboard.media.sources import local_file
from prefect_storyboard.media.stills import stills
from prefect_storyboard.storyboards import ClipLimits, References

SIZE = (640, 360)
CURVES = {"HLG": 18, "PQ": 16, "BT.2020": 1}
TO_BT2020 = ((0.6274, 0.3293, 0.0433), (0.0691, 0.9195, 0.0114), (0.0164, 0.0880, 0.8956))
DARKER = [(40, 60, 90), (150, 60, 40), (80, 140, 90), (20, 20, 20), (140, 140, 140)]


def signal(colour, kind):
    """The 8-bit BT.709 colour as an RGB signal of BT.2020: white is 203 candela, as BT.2408 has it."""
    light = [(value / 255) ** 2.4 for value in colour]
    wide = [sum(part * value for part, value in zip(row, light, strict=True)) for row in TO_BT2020]
    if kind == "BT.2020":
        return [value ** (1 / 2.4) for value in wide]
    candela = [203 * value for value in wide]
    return [pq(value) for value in candela] if kind == "PQ" else hlg(candela)


def pq(candela):
    power = (candela / 10_000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375


def hlg(candela):
    display = sum(part * value for part, value in zip((0.2627, 0.6780, 0.0593), candela, strict=True)) / 1000
    scene = [value / 1000 * display ** (1 / 1.2 - 1) if display else 0.0 for value in candela]
    assert max(scene) <= 1 / 12  # the lower part of the curve is enough here
    return [(3 * value) ** 0.5 for value in scene]


def hdr(path, kind, colour, codec="libx264", seconds=1.0):
    """A clip of one colour, 10 bit."""
    red, green, blue = signal(colour, kind)
    luma = 0.2627 * red + 0.6780 * green + 0.0593 * blue
    levels = (64 + 876 * luma, 512 + 896 * (blue - luma) / 1.8814, 512 + 896 * (red - luma) / 1.4746)
    with av.open(path, "w") as target:
        stream = target.add_stream(codec, rate=24, width=SIZE[0], height=SIZE[1])
        stream.pix_fmt = "yuv420p10le"
        stream.options = {"preset": "ultrafast"} | ({"x265-params": "log-level=none"} if codec == "libx265" else {})
        context = stream.codec_context
        context.color_trc, context.color_primaries, context.colorspace, context.color_range = CURVES[kind], 9, 9, 1
        for number in range(round(24 * seconds)):
            frame = av.VideoFrame(*SIZE, "yuv420p10le")
            for plane, level in zip(frame.planes, levels, strict=True):
                plane.update(array("H", [round(level)] * (plane.buffer_size // 2)).tobytes())
            frame.pts, frame.time_base = number, Fraction(1, 24)
            frame.color_trc, frame.color_primaries, frame.colorspace, frame.color_range = CURVES[kind], 9, 9, 1
            target.mux(stream.encode(frame))
        target.mux(stream.encode())
    return path


def middle(path):
    with Image.open(path) as image:
        return image.convert("RGB").getpixel((image.width // 2, image.height // 2))


@pytest.mark.parametrize("colour", DARKER)
@pytest.mark.parametrize("kind", CURVES)
def test_a_colour_of_the_standard_range_comes_back_from_hdr(kind, colour, tmp_path):
    last_frame(hdr(tmp_path / "a.mp4", kind, colour, seconds=0.25), tmp_path / "last.png")
    assert middle(tmp_path / "last.png") == pytest.approx(colour, abs=4)


@pytest.mark.parametrize("kind", ["HLG", "PQ"])
def test_hdr_is_converted_wherever_a_picture_is_taken(kind, tmp_path):
    path, colour = hdr(tmp_path / "a.mp4", kind, (150, 60, 40), "libx265"), (150, 60, 40)
    poster(path, tmp_path / "poster.jpg")
    (still,) = stills(local_file(path), 1, start=None, end=None, folder=tmp_path, limits=References(images=1))
    for picture in (tmp_path / "poster.jpg", still.path):
        assert middle(picture) == pytest.approx(colour, abs=6)


@pytest.mark.parametrize("kind", ["HLG", "PQ"])
def test_an_hdr_clip_is_sent_as_bt709_and_the_plan_says_so(kind, tmp_path):
    path = hdr(tmp_path / "a.mp4", kind, (150, 60, 40))
    steps = describe_fit(path, ClipLimits(), "Mara", start=None, end=None).steps
    assert steps == (f"colours converted from HDR ({kind}) to BT.709",)
    made = fit(local_file(path), ClipLimits(), "Mara", start=None, end=None, folder=tmp_path / "made").path
    assert (probe(made).range, probe(made).codec) == (None, "h264")
    assert pixel(made, (0.5, 0.5)) == pytest.approx((150, 60, 40), abs=6)


def test_a_reel_of_hdr_clips_is_bt709_even_where_they_could_be_copied(tmp_path):
    parts = [hdr(tmp_path / f"{n}.mp4", "HLG", (150, 60, 40)) for n in range(2)]
    assemble([Part(path, path.stem) for path in parts], tmp_path / "reel.mp4")
    assert probe(tmp_path / "reel.mp4").range is None
    assert pixel(tmp_path / "reel.mp4", (0.5, 0.5), 1.5) == pytest.approx((150, 60, 40), abs=6)


def test_hdr_highlights_roll_off_and_are_not_cut(tmp_path):
    shades = []
    for value in (150, 255):
        last_frame(hdr(tmp_path / "a.mp4", "PQ", (value,) * 3, seconds=0.25), tmp_path / "last.png")
        shades.append(middle(tmp_path / "last.png")[1])
    assert shades[0] < 160
    assert 220 < shades[1] < 245  # white of 203 candela leaves room for lights of 1000


def test_standard_clips_are_still_copied_bit_for_bit(tmp_path):
    parts = [clip(tmp_path / f"{n}.mp4") for n in range(2)]
    assemble([Part(path, path.stem) for path in parts], tmp_path / "reel.mp4")
    with av.open(parts[0]) as one, av.open(tmp_path / "reel.mp4") as reel:
        packets = [[bytes(p) for p in source.demux(video=0) if p.size] for source in (one, reel)]
    assert packets[1][: len(packets[0])] == packets[0]
