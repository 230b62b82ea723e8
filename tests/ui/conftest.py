"""A real Chromium, a web server with ranges on loopback, and short films to show."""

import math
import socket
import threading
from array import array
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import pytest
import uvicorn
from PIL import Image, ImageDraw, ImageFilter
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from tests.browser import browser  # noqa: F401 - a fixture

FPS, RATE = 24, 48_000
# Sky from top to horizon, sea, land.
EVENINGS = [
    ((18, 22, 48), (86, 62, 104), (232, 142, 100), (40, 44, 74), (14, 14, 26)),
    ((12, 20, 34), (38, 62, 84), (134, 152, 156), (22, 38, 52), (8, 12, 18)),
    ((40, 44, 82), (170, 98, 108), (246, 196, 132), (84, 66, 88), (26, 20, 32)),
    ((8, 12, 28), (20, 32, 66), (58, 76, 118), (12, 22, 44), (4, 6, 14)),
]


@pytest.fixture
def serve() -> Iterator[Callable[[Path], str]]:
    """Serve a folder on loopback, with ranges; gives its URL."""
    running: list[tuple[uvicorn.Server, threading.Thread, socket.socket]] = []

    def start(folder: Path) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        site = Starlette(routes=[Mount("/", StaticFiles(directory=folder, html=True))])
        server = uvicorn.Server(uvicorn.Config(site, log_level="error", lifespan="off", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        running.append((server, thread, listener))
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"

    yield start
    for server, thread, listener in running:
        server.should_exit = True
        thread.join()
        listener.close()


@pytest.fixture(scope="session")
def film() -> Callable[..., None]:
    """A maker of short films, to look at: film(path, evening, size=(w, h), seconds=n)."""
    return _film


def _film(path: Path, evening: int, *, size: tuple[int, int], seconds: int) -> None:
    """A lighthouse on a cliff whose light goes round, with the sea's hum: H.264 and AAC."""
    still, lamp = _scenery(size, EVENINGS[evening], right=evening % 2 == 0)
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as target:
        video = target.add_stream("libx264", rate=FPS, width=size[0], height=size[1], options={"preset": "ultrafast"})
        video.pix_fmt = "yuv420p"
        audio = target.add_stream("aac", rate=RATE, layout="stereo")
        for number in range(seconds * FPS):
            frame = av.VideoFrame.from_image(_lit(still, lamp, evening + number / FPS))
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            target.mux(video.encode(frame))
        target.mux(video.encode())
        for packet in _hum(audio, seconds):
            target.mux(packet)


def _scenery(size, colours, *, right):
    width, height = size
    sky = Image.new("RGB", (1, 3))
    sky.putdata(colours[:3])
    big = Image.new("RGB", (2 * width, 2 * height), colours[3])
    horizon = round(1.3 * height)
    big.paste(sky.resize((2 * width, horizon), Image.Resampling.BICUBIC))
    draw = ImageDraw.Draw(big, "RGBA")
    for wave in range(26):
        y = horizon + round(0.7 * height * (wave / 26) ** 1.6)
        x, reach = (wave * 0.37 % 1) * 2 * width, (0.1 + wave / 40) * width
        draw.line((x - reach, y, x + reach, y), fill=(*colours[2], 60), width=1 + wave // 9)
    at = (1.52 if right else 0.48) * width
    unit = min(size) / 50
    cliff = [(-1.6, 2), (-0.55, 1.5), (-0.25, 1.36), (0.2, 1.33), (0.5, 1.4), (1.8, 1.58), (2.2, 2)]
    draw.polygon([(at + (x if right else -x) * width, y * height) for x, y in cliff], fill=colours[4])
    top = 0.62 * height
    draw.polygon(
        [(at - 3 * unit, 1.4 * height), (at - 2 * unit, top), (at + 2 * unit, top), (at + 3 * unit, 1.4 * height)],
        fill=colours[4],
    )
    draw.rectangle((at - 3.2 * unit, top - unit, at + 3.2 * unit, top), fill=colours[4])
    draw.polygon(
        [(at - 2.4 * unit, top - 5 * unit), (at, top - 8 * unit), (at + 2.4 * unit, top - 5 * unit)], fill=colours[4]
    )
    return big.resize(size, Image.Resampling.LANCZOS), (at / 2, (top - 3 * unit) / 2)


def _lit(still, lamp, turn):
    """The light at this moment: a beam that shortens as it swings away, and its halo."""
    glow = Image.new("L", (still.width // 4, still.height // 4))
    draw = ImageDraw.Draw(glow)
    x, y = lamp[0] / 4, lamp[1] / 4
    for part in range(24, 0, -1):
        reach, spread = math.cos(1.1 * turn) * part / 24 * still.width / 3, part / 24 * still.height / 24
        draw.polygon(
            [(x, y), (x + reach, y - spread), (x + reach, y + spread)], fill=round(150 * (1 - part / 25) ** 1.3)
        )
    draw.ellipse((x - 4, y - 4, x + 4, y + 4), fill=255)
    mask = glow.filter(ImageFilter.GaussianBlur(3)).resize(still.size, Image.Resampling.BICUBIC)
    return Image.composite(Image.new("RGB", still.size, (255, 232, 176)), still, mask)


def _hum(stream, seconds):
    loop = array("f", (0.05 * math.sin(2 * math.pi * 110 * step / RATE) for step in range(RATE // 2))).tobytes()
    for half in range(2 * seconds):
        frame = av.AudioFrame("flt", "mono", RATE // 2)
        frame.planes[0].update(loop)
        frame.sample_rate, frame.pts, frame.time_base = RATE, half * RATE // 2, Fraction(1, RATE)
        yield from stream.encode(frame)
    yield from stream.encode()
