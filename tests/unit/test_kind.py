"""What a file is, by its bytes: a provider is told the truth whatever a file is called."""

from pathlib import Path

import av
import pytest
from PIL import Image

from prefect_storyboard.media.kind import content_type

CONTAINERS = {"mp4": "video/mp4", "mov": "video/quicktime", "webm": "video/webm", "matroska": "video/x-matroska"}
CODECS = {"webm": "libvpx"}


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "webp"])
def test_a_picture_is_known_by_its_bytes(tmp_path: Path, kind: str) -> None:
    for name in ("picture", "picture.txt", f"picture.{kind}"):
        Image.new("RGB", (8, 8)).save(tmp_path / name, kind)
        assert content_type(tmp_path / name) == f"image/{kind}"


@pytest.mark.parametrize(("container", "kind"), [*CONTAINERS.items(), ("avi", "video/x-msvideo")])
def test_a_clip_is_known_by_its_bytes(tmp_path: Path, container: str, kind: str) -> None:
    path = tmp_path / "clip.png"
    with av.open(str(path), "w", format=container) as file:
        stream = file.add_stream(CODECS.get(container, "mpeg4"), rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        file.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        file.mux(stream.encode(None))
    assert content_type(path) == kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("notes.txt", "text/plain"),
        ("picture.bmp", "image/bmp"),
        ("clip.unheard-of", "application/octet-stream"),
        ("clip", "application/octet-stream"),
    ],
)
@pytest.mark.parametrize("body", [b"", b"RIFF", b"no magic at all"])
def test_what_its_bytes_do_not_tell_is_told_by_its_name(tmp_path: Path, name: str, kind: str, body: bytes) -> None:
    (tmp_path / name).write_bytes(body)
    assert content_type(tmp_path / name) == kind
