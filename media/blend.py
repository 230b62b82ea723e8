"""Frames between two pictures: a dissolve, or a fade from or to black."""

from av import VideoFrame
from av.video.plane import VideoPlane
from PIL import Image

_BLACK = (16, 128, 128)  # in 8-bit YUV, limited range


def blended(before: VideoFrame, after: VideoFrame, share: float) -> VideoFrame:
    """Mix two pictures of the same size (YUV 4:2:0); `share` is the share of the second one."""
    made = VideoFrame(after.width, after.height, after.format.name)
    for old, new, plane in zip(before.planes, after.planes, made.planes, strict=True):
        size = (plane.line_size, plane.height)
        plane.update(Image.blend(_grey(old, size), _grey(new, size), share).tobytes())
    return _tagged_like(made, after)


def faded(frame: VideoFrame, light: float) -> VideoFrame:
    """Darken the picture to this share of its brightness; the frame itself for 1 and more."""
    if light >= 1:
        return frame
    made = VideoFrame(frame.width, frame.height, frame.format.name)
    for plane, new, black in zip(frame.planes, made.planes, _BLACK, strict=True):
        size = (new.line_size, new.height)
        new.update(Image.blend(Image.new("L", size, black), _grey(plane, size), light).tobytes())
    return _tagged_like(made, frame)


def _grey(plane: VideoPlane, size: tuple[int, int]) -> Image.Image:
    """One plane as a grey picture of this size, without padding: the planes of a picture may be padded differently."""
    whole = Image.frombuffer("L", (plane.line_size, plane.height), bytes(plane), "raw", "L", 0, 1)
    return whole if whole.size == size else whole.crop((0, 0, *size))


def _tagged_like(made: VideoFrame, frame: VideoFrame) -> VideoFrame:
    made.colorspace, made.color_range = frame.colorspace, frame.color_range
    return made
