"""Frames between two pictures: a dissolve, or a fade from or to black."""

from av import VideoFrame
from av.video.plane import VideoPlane
from PIL import Image

_BLACK = (16, 128, 128)  # of 8-bit YUV in the range of video


def blended(before: VideoFrame, after: VideoFrame, share: float) -> VideoFrame:
    """A picture between two of one size (YUV 4:2:0), with that share of the second."""
    made = VideoFrame(after.width, after.height, after.format.name)
    for old, new, plane in zip(before.planes, after.planes, made.planes, strict=True):
        size = (plane.line_size, plane.height)
        plane.update(Image.blend(_grey(old, size), _grey(new, size), share).tobytes())
    return _alike(made, after)


def faded(frame: VideoFrame, light: float) -> VideoFrame:
    """The picture with that share of its light; the frame itself where that is all of it."""
    if light >= 1:
        return frame
    made = VideoFrame(frame.width, frame.height, frame.format.name)
    for plane, new, black in zip(frame.planes, made.planes, _BLACK, strict=True):
        size = (new.line_size, new.height)
        new.update(Image.blend(Image.new("L", size, black), _grey(plane, size), light).tobytes())
    return _alike(made, frame)


def _grey(plane: VideoPlane, size: tuple[int, int]) -> Image.Image:
    """The bytes of one plane as a picture of that size: planes of one picture may be padded differently."""
    whole = Image.frombuffer("L", (plane.line_size, plane.height), bytes(plane), "raw", "L", 0, 1)
    return whole if whole.size == size else whole.crop((0, 0, *size))


def _alike(made: VideoFrame, frame: VideoFrame) -> VideoFrame:
    made.colorspace, made.color_range = frame.colorspace, frame.color_range
    return made
