"""For generated files of any kind: what the sandbox received keeps the contract, or the plan refused the file.

The limits here are copied from the contracts, not from the model table.
"""

import asyncio
import io
import re
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import av
import pytest
from PIL import Image

from prefect_storyboard.blocks.credentials import BY_PROVIDER
from prefect_storyboard.media.errors import MediaError
from prefect_storyboard.media.fitting import describe_fit, fit
from prefect_storyboard.media.kind import content_type
from prefect_storyboard.media.sources import fetch
from prefect_storyboard.media.stills import fit_image
from prefect_storyboard.providers.table import models
from prefect_storyboard.sandbox.exchange import Pace
from prefect_storyboard.sandbox.server import environment, running
from prefect_storyboard.storyboards import Model, References

SEED = 13
CLIPS = [pytest.param(range(40, 52)), pytest.param(range(40), marks=pytest.mark.slow)]
PICTURES = [pytest.param(range(100, 134)), pytest.param(range(100), marks=pytest.mark.slow)]
REMEDY = r"; (use|choose|give|export|list)\b"
SEEDANCE = {
    "containers": {"mp4", "mov"},
    "pixels": (409_600, 927_408),
    "fps": (24, 60),
    "ratio": (0.4, 2.5),
    "seconds": (2, 15 / 3),
    "bytes": 50_000_000 / 3,
}
SORA = {
    "fal": {"containers": {"mp4"}, "short": 720, "ratio": (1 / 2.67, 2.67), "seconds": (1, 1e9)},
    "kie": {"containers": {"mp4", "webm", "avi"}, "seconds": (1, 4), "bytes": 10_000_000},
    "toapis": {"containers": {"mp4", "webm", "mov"}, "seconds": (1, 3), "bytes": 50_000_000, "sound": True},
    "wavespeed": {"containers": {"mp4"}, "short": 720, "ratio": (1 / 2.67, 2.67), "seconds": (1, 1e9)},
}
LIVING: dict[str, dict[str, Any]] = {  # by the beginning of the model's name, the longest first
    "seedance-2.5": {**SEEDANCE, "pixels": None, "sides": (300, 6000), "seconds": (1.8, 30.2), "bytes": 200_000_000},
    "seedance-2": SEEDANCE,
    "minimax-h3": {"containers": {"mp4", "mov"}, "seconds": (2, 15), "bytes": 50_000_000},
    "wan-3": {"containers": {"mp4", "mov"}, "seconds": (1, 15), "bytes": 100_000_000},
    "kling-4": {
        "containers": {"mp4", "mov"},
        "sides": (700, 4553),
        "ratio": (0.4, 2.5),
        "fps": (24, 60),
        "seconds": (3, 30),
    },
}
ELEMENTS = {"ratio": (0.4, 2.5), "sides": (300, 1e9), "bytes": 10_000_000}
SHOWN: dict[str, dict[str, Any]] = {  # by gateway and the beginning of the model's name; what is not here has no limit
    "kie kling": {"bytes": 10_000_000},
    "toapis kling": {"bytes": 10_000_000},
    "wavespeed kling-4": {"ratio": (0.4, 2.5), "sides": (300, 1e9), "bytes": 30_000_000},
    "kling": ELEMENTS,
    "seedance-2": {"ratio": (0.4, 2.5), "sides": (300, 6000), "bytes": 30_000_000},
    "fal veo-3.1": {"bytes": 8_000_000},
    "kie minimax-h3": {"sides": (256, 5760), "bytes": 30_000_000},
    "happyhorse": {"sides": (400, 1e9), "bytes": 20_000_000},
    "kie gemini-omni": {"bytes": 20_000_000},
}
SOLD = [sold for family in models().values() for sold in family.values()]
TAKE_CLIPS = [m for m in SOLD if m.casting or (m.references and m.references.clips)]
SHOW_PICTURES = [m for m in SOLD if m.references]


@pytest.fixture(scope="module")
def box(tmp_path_factory):
    folder = tmp_path_factory.mktemp("box")
    pace = Pace(queue_seconds=0, render_seconds=0.1, character_seconds=0.1, clip_scale=0.25)
    with running(folder, pace=pace) as base:
        yield base


def received(base: str, sent: list[tuple[str, Path]]) -> list[bytes]:
    """What the sandbox has after the adapters' uploads."""
    keys = {"fal": "sandbox:s3cret", "kie": "s3cret", "toapis": "sk-s3cret", "wavespeed": "s3cret"}

    async def of_one(provider: str) -> list[str]:
        block: Any = BY_PROVIDER[provider]
        account = block.from_environment({**environment(base), block.key_variable: keys[provider]})
        async with account.session() as session:
            return [await session.provider.upload(p, content_type(p)) for name, p in sent if name == provider]

    urls = {provider: iter(asyncio.run(of_one(provider))) for provider in keys}
    bodies = []
    for provider, _ in sent:
        with urllib.request.urlopen(next(urls[provider]), timeout=30) as reply:
            bodies.append(reply.read())
    return bodies


def draw_clip(draw: Random, folder: Path, number: int) -> Path:
    """A clip of any size, rate, length, codec, pixel format, sound and rotation."""
    codec, endings, formats = draw.choice(
        [
            ("libx264", ("mp4", "mov", "mkv", "ts", "avi"), ("yuv420p", "yuv444p", "yuv420p10le")),
            ("libvpx-vp9", ("webm", "mkv"), ("yuv420p",)),
            ("mpeg4", ("avi", "mp4"), ("yuv420p",)),
        ]
    )
    ending, form = draw.choice(endings), draw.choice(formats)
    shapes = [
        (1280, 720),
        (720, 1280),
        (640, 480),
        (480, 480),
        (1680, 720),
        (1440, 480),
        (960, 540),
        (320, 240),
        (722, 482),
    ]
    size = draw.choice(shapes)
    fps, seconds = draw.choice([12, 15, 24, 25, 30, 60, 120]), draw.choice([0.05, 0.9, 1.5, 2.0, 2.2, 3.2, 5.1])
    seconds = min(seconds, 2.2) if fps > 30 or size[0] * size[1] > 350_000 else seconds  # the small ones are long
    path = folder / f"{number}.{ending}"
    with av.open(path, "w") as target:
        video = target.add_stream(codec, rate=fps, width=size[0], height=size[1])
        video.pix_fmt = form
        video.options = {"preset": "ultrafast"} if codec == "libx264" else {"cpu-used": "8", "deadline": "realtime"}
        if ending in {"mp4", "mov"} and (turned := draw.choice([0, 0, 90, 180])):
            video.set_display_rotation(turned)
        layout = draw.choice([None, "mono", "stereo", "5.1"])
        kind = {"webm": "libopus", "ts": "ac3", "avi": "ac3"}.get(ending, "aac")
        audio = target.add_stream(kind, rate=48_000, layout=layout) if layout else None
        for n in range(max(1, round(seconds * fps))):
            target.mux(video.encode(_moving(size, form, n, fps)))
        target.mux(video.encode())
        if audio and layout:
            target.mux(audio.encode(_quiet(layout, seconds)))
            target.mux(audio.encode())
    return path


def _moving(size: tuple[int, int], form: str, n: int, fps: int) -> av.VideoFrame:
    frame = av.VideoFrame(*size, "yuv420p")
    for plane, level in zip(frame.planes, (90, 110, 140), strict=True):
        plane.update(bytes([level]) * plane.buffer_size)
    luma = frame.planes[0]
    body, row = bytearray(bytes(luma)), size[1] // 3
    start = round(size[0] * 0.7 * (n / fps % 1))
    for line in range(row, 2 * row):
        at = line * luma.line_size + start
        body[at : at + size[0] // 5] = b"\xe0" * (size[0] // 5)
    luma.update(bytes(body))
    frame = frame.reformat(format=form)
    frame.pts, frame.time_base = n, Fraction(1, fps)
    return frame


def _quiet(layout: str, seconds: float) -> av.AudioFrame:
    frame = av.AudioFrame("fltp", layout, max(2048, round(seconds * 48_000)))
    frame.sample_rate, frame.pts, frame.time_base = 48_000, 0, Fraction(1, 48_000)
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    return frame


def draw_picture(draw: Random, folder: Path, number: int) -> Path:
    """A picture of any size, mode and format, turned by its camera or not."""
    size = draw.choice(
        [(640, 360), (360, 640), (1200, 300), (200, 200), (300, 300), (299, 800), (6100, 900), (301, 901)]
    )
    mode, endings = draw.choice(
        [
            ("RGB", ("jpg", "png", "webp", "bmp", "tiff", "gif")),
            ("RGBA", ("png", "webp", "tiff")),
            ("L", ("png", "jpg", "tiff")),
            ("P", ("png", "gif")),
            ("CMYK", ("jpg", "tiff")),
            ("I;16", ("png", "tiff")),
            ("F", ("tiff",)),
            ("1", ("png",)),
        ]
    )
    path = folder / f"{number}.{draw.choice(endings)}"
    exif = Image.Exif()
    if path.suffix == ".jpg":
        exif[0x0112] = draw.choice([1, 3, 6, 8])
    image = Image.new("RGBA" if mode == "RGBA" else "L", size, (200, 90, 40, 120) if mode == "RGBA" else 128)
    image = image.convert("I").convert("I;16") if mode == "I;16" else image.convert(mode)
    image.save(path, **({"exif": exif} if path.suffix == ".jpg" else {}))
    return path


def clip_faults(body: bytes, limits: dict[str, Any]) -> list[str]:
    with av.open(io.BytesIO(body)) as source:
        video = source.streams.video[0]
        first = next(source.decode(video))
        brand = source.metadata.get("major_brand", "")
        families = {"mov": "mov" if brand.startswith("qt") else "mp4", "matroska": "webm"}
        container = families.get(source.format.name.split(",")[0], source.format.name.split(",")[0])
        sides = (first.height, first.width) if first.rotation % 180 else (first.width, first.height)
        seconds, rate, sound = source.duration / 1e6, video.average_rate, bool(source.streams.audio)
    width, height = sides
    least, most = limits.get("seconds", (0, 1e9))
    checks = {
        f"container {container}": container in limits["containers"],
        f"{width}x{height} pixels": _between(width * height, limits.get("pixels")),
        f"ratio {width}:{height}": _between(width / height, limits.get("ratio"), 0.01),
        f"sides {width}x{height}": all(_between(side, limits.get("sides")) for side in sides),
        f"short side of {width}x{height}": min(sides) >= limits.get("short", 0),
        f"{rate} fps": _between(rate, limits.get("fps")),
        f"{seconds} s": least - 0.03 <= seconds <= most + 0.05,  # half a frame, and the last frame of AAC
        f"{len(body)} bytes": len(body) <= limits.get("bytes", 1e12),
        "no sound": sound or not limits.get("sound"),
    }
    return [what for what, kept in checks.items() if not kept]


def picture_faults(body: bytes, limits: dict[str, Any]) -> list[str]:
    with Image.open(io.BytesIO(body)) as image:
        image.load()
        width, height = image.size
        checks = {
            f"format {image.format}": image.format in {"JPEG", "PNG", "WEBP"},
            f"mode {image.mode}": image.mode in {"RGB", "RGBA", "L", "P", "1"},
            "still turned": image.getexif().get(0x0112, 1) == 1,
            f"ratio {width}:{height}": _between(width / height, limits.get("ratio"), 0.001),
            f"sides {width}x{height}": all(_between(side, limits.get("sides")) for side in image.size),
            f"{len(body)} bytes": len(body) <= limits.get("bytes", 1e12),
        }
    return [what for what, kept in checks.items() if not kept]


def _between(value: Any, span: tuple[float, float] | None, slack: float = 0) -> bool:
    return span is None or span[0] - slack <= value <= span[1] + slack


def limits_of(model: Model, table: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The contract's limits for a model; none where it states none."""
    names = (f"{model.provider} {model.name}", model.name)
    return next((limits for start, limits in table.items() if any(name.startswith(start) for name in names)), {})


def fitted_clip(folder: Path, number: int) -> tuple[str, Model, Path | None]:
    """A drawn clip as it would be uploaded; None where the plan refused it with a remedy."""
    model = TAKE_CLIPS[number % len(TAKE_CLIPS)]
    draw = Random(f"{SEED} {number}")  # noqa: S311 - the same files every time
    file = fetch(str(draw_clip(draw, folder, number)), folder / "read", {})
    case = f"clip {number}, {file.path.name} for {model.provider} {model.name}"
    try:
        describe_fit(file.path, model.reference, "Mara", start=None, end=None)
    except MediaError as error:
        assert re.search(REMEDY, str(error)), f"{case}: {error}"
        return case, model, None
    made = fit(file, model.reference, "Mara", start=None, end=None, folder=folder / "made")
    return case, model, made.path


@pytest.mark.parametrize("numbers", CLIPS, ids=len)
def test_every_clip_is_refused_by_the_plan_or_received_within_the_contract(numbers, box, tmp_path):
    with ThreadPoolExecutor(2) as pool:
        made = [*pool.map(partial(fitted_clip, tmp_path), numbers)]
    kept = [(case, model, path) for case, model, path in made if path]
    sent = [(model.provider, path) for _, model, path in kept]
    cases = [(case, SORA[model.provider] if model.casting else limits_of(model, LIVING)) for case, model, _ in kept]
    bodies = received(box, sent)
    faults = {case: clip_faults(body, limits) for body, (case, limits) in zip(bodies, cases, strict=True)}
    assert {case: found for case, found in faults.items() if found} == {}
    assert len(bodies) > len(numbers) / 4


@pytest.mark.parametrize("numbers", PICTURES, ids=len)
def test_every_picture_is_refused_by_the_plan_or_received_within_the_contract(numbers, box, tmp_path):
    draw, sent, cases = Random(SEED), [], []  # noqa: S311 - the same files every time
    for number in numbers:
        model = SHOW_PICTURES[number % len(SHOW_PICTURES)]
        file = fetch(str(draw_picture(draw, tmp_path, number)), tmp_path / "read", {})
        case = f"picture {number}, {file.path.name} for {model.provider} {model.name}"
        try:
            made = fit_image(file, model.references or References(images=0), "Mara", folder=tmp_path / "made")
        except MediaError as error:
            assert "use a larger picture" in str(error), f"{case}: {error}"
            continue
        sent.append((model.provider, made.path))
        cases.append((case, limits_of(model, SHOWN)))
    bodies = received(box, sent)
    faults = {case: picture_faults(body, limits) for body, (case, limits) in zip(bodies, cases, strict=True)}
    assert {case: found for case, found in faults.items() if found} == {}
    assert len(bodies) > len(numbers) / 3
