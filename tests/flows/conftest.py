"""A studio on loopback: sandbox, library, reference clips, and the meter that has the last word about money."""

import gc
import json
import logging
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import pytest
from moto.server import ThreadedMotoServer
from PIL import Image

from prefect_storyboard.blocks import FalCredentials, Library
from prefect_storyboard.flows import SeriesFailed, storyboard_series
from prefect_storyboard.sandbox.server import environment
from prefect_storyboard.storyboards import Reel

KEY = "sandbox:s3cr3t-0f-the-studio"
# Prefect 3.9 asks its server for the default result storage with a client that it never closes (results.py:117); its
# ephemeral servers listen on 8000 to 8999. A connection of ours that stays open is still an error.
_PREFECTS_OWN_LEAK = r"ignore:unclosed <socket.socket .* raddr=\('127.0.0.1', 8\d\d\d\)>:ResourceWarning"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.engine)
            item.add_marker(pytest.mark.filterwarnings(_PREFECTS_OWN_LEAK))


@pytest.fixture(scope="package", autouse=True)
def _collected() -> Iterator[None]:
    """What Prefect leaves open is collected while its warnings are ignored, not in some other folder's test."""
    yield
    gc.collect()


@dataclass
class Studio:
    """One sandbox, one library on local disk, and what the sandbox says about both."""

    base: str
    folder: Path
    clips: Path

    @property
    def library(self) -> str:
        return str(self.folder / "library")

    def credentials(self, key: str = KEY, **fields: Any) -> FalCredentials:
        return FalCredentials.from_environment({**environment(self.base), "FAL_KEY": key}).model_copy(update=fields)

    def board(self, *prompts: str, **facts: Any) -> dict[str, Any]:
        """A storyboard with Mara and Otto in its cast, and one scene of 4 s for each prompt."""
        cast = [{"name": name.title(), "clip": str(self.clips / f"{name}.mp4")} for name in ("mara", "otto")]
        scenes = [{"id": f"s{n:02d}", "prompt": prompt} for n, prompt in enumerate(prompts, 1)]
        return {"title": "The Lighthouse", "model": "sora-2", "cast": cast, "scenes": scenes, **facts}

    async def render(self, board: Any, library: Library | str | None = None, **options: Any) -> Reel:
        provider = options.pop("provider", None) or self.credentials()
        return await storyboard_series(board, provider, library or self.library, **options)

    async def check(self, board: Any, library: str | None = None) -> Reel:
        """What `render` does, without Prefect's engine around it: quicker where nothing is rendered."""
        return await storyboard_series.fn(board, self.credentials(), library or self.library)

    async def fails(self, board: Any, **options: Any) -> Reel:
        """Render what must end failed; the reel of the error."""
        with pytest.raises(SeriesFailed) as failed:
            await self.render(board, **options)
        return failed.value.reel

    def meter(self) -> dict[str, Any]:
        return self._call("meter")

    def requests(self, route: str = "") -> list[dict[str, Any]]:
        return self._call(f"requests?route={route}" if route else "requests")

    def jobs_received(self) -> list[str]:
        """The ids of the jobs that the provider has accepted, oldest first."""
        return [job["id"] for job in self._call("jobs")]

    def submitted(self) -> list[dict[str, Any]]:
        """The bodies of the paid POSTs, oldest first."""
        return [request["body"] for request in self.requests("submit")]

    def bought(self) -> tuple[int, int]:
        """Characters and scenes that the provider has accepted jobs for."""
        meter = self.meter()
        characters = sum(o["jobs"] for o in meter["orders"] if o["endpoint"].endswith("characters"))
        return characters, meter["jobs_accepted"] - characters

    def fault(self, fault: str, *, match: dict[str, Any] | None = None, **facts: Any) -> None:
        self._call("faults", {"match": match or {}, "fault": fault, **facts}, "POST")

    def behave(self) -> None:
        self._call("faults", method="DELETE")

    def _call(self, path: str, body: Any = None, method: str = "GET") -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.base}/sandbox/{path}", data, method=method)
        with urllib.request.urlopen(request, timeout=120) as reply:
            return json.load(reply)


@pytest.fixture
def studio(engine: None, sandbox: str, tmp_path: Path, clips: Path) -> Studio:
    """Everything that a run needs, and nothing bought yet."""
    return Studio(sandbox, tmp_path, clips)


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory, film: Callable[..., Path]) -> Path:
    """Reference clips, good and bad, and one picture."""
    folder = tmp_path_factory.mktemp("clips")
    film(folder / "mara.mp4", colour=(200, 180, 40))
    film(folder / "otto.mp4", colour=(150, 90, 40))
    film(folder / "small.mp4", size=(640, 480))
    film(folder / "wide.mp4", size=(2160, 720))
    film(folder / "mara.webm", colour=(200, 180, 40), codec="libvpx")
    (folder / "notes.mp4").write_text("no video at all")
    Image.new("RGB", (1280, 720), (30, 60, 120)).save(folder / "dawn.png")
    return folder


@pytest.fixture(scope="session")
def film() -> Callable[..., Path]:
    """A maker of plain films: film(path, size=(w, h), seconds=n, colour=rgb, codec=name)."""
    return _film


def _film(
    path: Path,
    *,
    size: tuple[int, int] = (1280, 720),
    seconds: float = 2,
    colour: tuple[int, int, int] = (90, 90, 90),
    codec: str = "libx264",
) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=24)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.options = {"preset": "ultrafast"} if codec == "libx264" else {"deadline": "realtime", "cpu-used": "8"}
        frame = av.VideoFrame.from_image(Image.new("RGB", size, colour)).reformat(format="yuv420p")
        for number in range(round(seconds * 24)):
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    """An S3 server on loopback; its address."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()
