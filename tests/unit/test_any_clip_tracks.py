"""Second sound tracks, sound that changes, times below zero, torn files: heard, seen, or refused by their name."""

import math
from array import array
from fractions import Fraction

import av
import pytest
from test_media_fitting_kit import film, walk
from test_media_kit import clip, sound_seconds

from prefect_storyboard.media.errors import MediaError
from prefect_storyboard.media.fitting import describe_fit, fit
from prefect_storyboard.media.frames import last_frame, poster
from prefect_storyboard.media.probe import probe
from prefect_storyboard.media.reel import Part, assemble
from prefect_storyboard.media.sources import local_file
from prefect_storyboard.media.tracks import read_clip
from prefect_storyboard.providers.table import models
from prefect_storyboard.storyboards import ClipLimits


def tone(layout, seconds, begin, rate=48_000):
    channels = {"stereo": 2, "5.1": 6}[layout]
    count = round(seconds * rate)
    samples = array("f", (0.5 * math.sin(n / 8) for n in range(count)))
    frame = av.AudioFrame("fltp", layout, count)
    frame.sample_rate, frame.pts, frame.time_base = rate, round(begin * rate), Fraction(1, rate)
    for plane in frame.planes[:channels]:
        plane.update(samples.tobytes().ljust(plane.buffer_size, b"\0"))
    return frame


def picture(number, size=(160, 90)):
    frame = av.VideoFrame(*size, "yuv420p")
    for plane, level in zip(frame.planes, (60 + 5 * (number % 24), 128, 128), strict=True):
        plane.update(bytes([level]) * plane.buffer_size)
    frame.pts, frame.time_base = number, Fraction(1, 24)
    return frame


def loudness(path):
    """Peak of the sound in each half second."""
    peaks = {}
    with av.open(path) as source:
        for frame in source.decode(audio=0):
            values = array("f", bytes(frame.planes[0])[: 4 * frame.samples])
            slot = int(frame.time * 2)
            peaks[slot] = max(peaks.get(slot, 0), *map(abs, values))
    return peaks


def two_tracks(path):
    """The first track is silent, the second is the default and sounds."""
    with av.open(path, "w") as target:
        video = target.add_stream("libx264", rate=24, width=160, height=90)
        video.options = {"preset": "ultrafast"}
        quiet, loud = (target.add_stream("aac", rate=48_000, layout="stereo") for _ in range(2))
        quiet.disposition, loud.disposition = av.stream.Disposition(0), av.stream.Disposition.default
        for number in range(24):
            target.mux(video.encode(picture(number)))
        target.mux(video.encode())
        silent = tone("stereo", 1, 0)
        for plane in silent.planes:
            plane.update(bytes(plane.buffer_size))
        for stream, frame in ((quiet, silent), (loud, tone("stereo", 1, 0))):
            target.mux(stream.encode(frame))
            target.mux(stream.encode())
    return path


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4"])
@pytest.mark.parametrize("second", [{}, {"size": (320, 180)}])
def test_the_default_sound_track_is_heard_in_the_reel(name, second, tmp_path):
    one, other = two_tracks(tmp_path / name), clip(tmp_path / "b.mp4", **second)
    assemble([Part(one, "one"), Part(other, "two")], tmp_path / "reel.mp4")
    assert loudness(tmp_path / "reel.mp4")[0] > 0.3


def changing(path):
    """A TS file whose sound is 5.1 for a second and stereo for the next."""
    parts = []
    for number, layout in enumerate(("5.1", "stereo")):
        part = path.with_name(f"part{number}.ts")
        with av.open(part, "w", format="mpegts") as target:
            video = target.add_stream("libx264", rate=24, width=160, height=90)
            video.options = {"preset": "ultrafast", "bf": "0"}
            audio = target.add_stream("ac3", rate=48_000, layout=layout)
            for n in range(24):
                target.mux(video.encode(picture(24 * number + n)))
            target.mux(video.encode())
            target.mux(audio.encode(tone(layout, 1, number)))
            target.mux(audio.encode())
        parts.append(part.read_bytes())
    path.write_bytes(b"".join(parts))
    return path


def test_sound_that_changes_from_surround_to_stereo_is_heard_on_both_sides(tmp_path):
    path = changing(tmp_path / "a.ts")
    made = fit(
        local_file(path), ClipLimits(containers=("mp4",)), "Mara", start=None, end=None, folder=tmp_path / "m"
    ).path
    assert sound_seconds(made) == pytest.approx(probe(made).seconds, abs=0.03)
    heard = loudness(made)
    assert min(heard[slot] for slot in (0, 1, 2, 3)) > 0.1


def before_zero(path):
    """An MKV whose first pictures have times below zero."""
    with av.open(path, "w", options={"avoid_negative_ts": "disabled"}) as target:
        video = target.add_stream("libx264", rate=24, width=160, height=90)
        video.options = {"preset": "ultrafast", "bf": "0"}
        for number in range(48):
            frame = picture(number)
            frame.pts = number - 12
            target.mux(video.encode(frame))
        target.mux(video.encode())
    return path


def test_a_clip_that_starts_before_zero_is_read_whole(tmp_path):
    path = before_zero(tmp_path / "a.mkv")
    seen = read_clip(path)
    assert (seen.first, float(seen.seconds)) == (0, pytest.approx(1.5, abs=0.01))  # players begin at zero
    made = fit(
        local_file(path), ClipLimits(containers=("mp4",)), "Mara", start=None, end=None, folder=tmp_path / "m"
    ).path
    assert probe(made).seconds == 1.5
    last_frame(path, tmp_path / "last.png")
    poster(path, tmp_path / "poster.jpg")


def test_an_ogv_is_planned_and_made_alike(tmp_path):
    path = tmp_path / "a.ogv"
    with av.open(path, "w", format="ogg") as target:
        video = target.add_stream("libvpx", rate=24, width=160, height=90)
        for number in range(48):
            target.mux(video.encode(picture(number)))
        target.mux(video.encode())
    fitting = describe_fit(path, ClipLimits(containers=("mp4",), max_seconds=1.5), "Mara", start=None, end=None)
    made = fit(
        local_file(path),
        ClipLimits(containers=("mp4",), max_seconds=1.5),
        "Mara",
        start=None,
        end=None,
        folder=tmp_path,
    ).path
    assert probe(made).seconds == pytest.approx(fitting.seconds, abs=1 / 24)


@pytest.mark.parametrize("name", ["a.webm", "a.mkv", "a.mp4"])
def test_a_torn_file_is_refused(name, tmp_path):
    kind = {} if name == "a.mp4" else {"codec": "libvpx-vp9", "sound": "libopus"}
    path = clip(tmp_path / name, seconds=4, noise=True, **kind)
    if name == "a.mp4":
        with av.open(path) as source, av.open(tmp_path / "f.mp4", "w", options={"movflags": "faststart"}) as target:
            streams = {s.index: target.add_stream_from_template(s) for s in source.streams}
            for packet in source.demux():
                if packet.dts is not None:
                    packet.stream = streams[packet.stream.index]
                    target.mux(packet)
        path = tmp_path / "f.mp4"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(MediaError, match="is truncated after"):
        read_clip(path)


@pytest.mark.parametrize("name", ["a.webm", "a.mkv", "a.ts", "a.avi"])
def test_a_whole_file_is_not_taken_for_a_torn_one(name, tmp_path):
    kind = {"codec": "libvpx-vp9", "sound": "libopus"} if name.endswith(("webm", "mkv")) else {}
    assert read_clip(clip(tmp_path / name, seconds=2, sound_seconds=2.5, **kind)).seconds == pytest.approx(2, abs=0.05)


@pytest.mark.parametrize("provider", ["fal", "kie", "toapis", "wavespeed"])
def test_a_clip_of_one_frame_is_no_character(provider, tmp_path):
    path = film(tmp_path / "a.mp4", walk((1280, 720)), 1 / 24, fps=24)
    with pytest.raises(MediaError, match=r"0\.04 s long: at least 1 s are needed"):
        describe_fit(path, models()[provider]["sora-2"].reference, "Mara", start=None, end=None)
