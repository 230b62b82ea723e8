"""Clips of one colour. Two key frames are encoded and repeated, because most of a test would be the encoding of the others."""

import io
from fractions import Fraction

import av
from PIL import Image


def still_clip(seconds: float, size: tuple[int, int], colour: str, *, fps: int = 24, container: str = "mp4") -> bytes:
    """The bytes of an H.264 file without sound."""
    target = io.BytesIO()
    with av.open(target, "w", format=container) as file:
        options = {"preset": "ultrafast", "g": "1", "tune": "zerolatency"}
        stream = file.add_stream("libx264", rate=fps, options=options)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        frame = av.VideoFrame.from_image(Image.new("RGB", size, colour)).reformat(format="yuv420p")
        encoded = []
        for frame.pts in range(2):
            encoded += stream.encode(frame)
        for number in range(round(seconds * fps)):
            packet = av.Packet(bytes(encoded[number % 2]))
            packet.stream, packet.time_base, packet.is_keyframe = stream, Fraction(1, fps), True
            packet.pts = packet.dts = number
            packet.duration = 1
            file.mux(packet)
    return target.getvalue()
