"""The portrait of a character for the catalogue: a small square JPEG from its picture, sheet or clip."""

from io import BytesIO
from pathlib import Path

from PIL import Image, ImageOps

from prefect_storyboard.media.frames import poster
from prefect_storyboard.media.probe import opened_picture

_SIDE, _QUALITY = 240, 80
_FACE = 0.5, 0.3  # the usual place of a face, somewhat above the middle
_FILMS = {".mp4", ".mov", ".webm", ".mkv", ".m4v"}


def portrait(file: Path) -> bytes:
    """Make the portrait from a picture or a clip. Raises MediaError or OSError if it cannot be read."""
    if file.suffix.lower() not in _FILMS:
        with opened_picture(file) as image:
            return _square(ImageOps.exif_transpose(image).convert("RGB"))
    still = file.with_name(f"{file.stem}-portrait.jpg")
    poster(file, still)
    with opened_picture(still) as image:
        return _square(image.convert("RGB"))


def _square(image: Image.Image) -> bytes:
    out = BytesIO()
    fitted = ImageOps.fit(image, (_SIDE, _SIDE), Image.Resampling.LANCZOS, centering=_FACE)
    fitted.save(out, "JPEG", quality=_QUALITY, optimize=True)
    return out.getvalue()
