"""Pictures of a character for models that take no clips: sharp frames of its clip, or the user's own pictures."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from prefect_storyboard.media.derived import derived, derived_name
from prefect_storyboard.media.errors import MediaError
from prefect_storyboard.media.jpeg import padded, small_fault, too_large, too_long, write_jpeg
from prefect_storyboard.media.motion import analyse_range
from prefect_storyboard.media.picture import upright
from prefect_storyboard.media.probe import opened, opened_picture, picture_track, seek, unreadable
from prefect_storyboard.media.ranges import used_range
from prefect_storyboard.media.samples import Sample, change
from prefect_storyboard.media.sources import LocalFile, local_file
from prefect_storyboard.media.tracks import Clip, read_clip
from prefect_storyboard.storyboards import ClipLimits, PictureLimits, References

_PLAIN = {"1", "L", "LA", "P", "PA", "RGB", "RGBA"}  # at most 8 bits per channel; not CMYK, 16 bits or floating point
_OPAQUE = 255
_WHITES = {"I": ((255.0, 255.0), (65535.0, 65535.0)), "F": ((1.0, 16.0), (255.0, 255.0), (65535.0, 65535.0))}
_STRETCH = 3.0  # seconds of a long clip that are searched at once
_SHARP = 0.6  # share of the sharpest picture's sharpness that a candidate must have
_UNLIKE = 12.0  # of 255: pictures with this mean difference look different


def stills(
    clip: LocalFile, count: int, *, start: float | None, end: float | None, folder: Path, limits: References
) -> tuple[LocalFile, ...]:
    """Take `count` sharp pictures from the range (by default the whole clip), as different as possible.

    JPEG files in `folder`, upright, with square pixels, within the limits; the sharpest one first, the others in the
    order of the clip. They are cached. There are fewer only if the clip has fewer frames.
    Raises `MediaError` if the clip cannot be read or is too small, or if the range is outside the clip.
    """
    key = derived_name("stills", clip, limits, count, start, end)
    targets = [folder / f"{key}-{number}.jpg" for number in range(1, count + 1)]
    if all(target.exists() for target in targets):
        return tuple(local_file(target) for target in targets)
    seen, name = read_clip(clip.path), clip.path.name
    if fault := small_fault((seen.probe.width, seen.probe.height), limits):
        raise MediaError(f"{name} {fault}; use a larger recording, or give images.")
    begin, seconds, _ = used_range(seen, ClipLimits(), name, (start, end))
    samples = analyse_range(seen, begin, begin + seconds, _STRETCH).samples
    chosen = _choose(samples, min(count, len(samples)), seconds)
    return tuple(
        derived(target, _writer(seen, sample.at, limits)) for target, sample in zip(targets, chosen, strict=False)
    )


def fit_image(image: LocalFile, limits: PictureLimits, name: str, *, folder: Path) -> LocalFile:
    """Return the picture itself if the model accepts it, else a JPEG in `folder` that it accepts.

    Formats that the model does not take are converted, animations are reduced to their first frame, transparency
    becomes white, and the camera's rotation is applied. Raises `MediaError` if it is not a picture, or is too small.
    """
    title = f"{name}: {image.path.name}"
    try:
        with opened_picture(image.path) as opened_image:
            fits = _fits(opened_image, image.path.stat().st_size, limits)
            shown = ImageOps.exif_transpose(opened_image)
            shown.load()
    except FileNotFoundError:
        raise MediaError(f"{title} does not exist; check the path.") from None
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as reason:
        raise MediaError(f"{title} is not a picture that can be read; give a JPEG, PNG or WebP file.") from reason
    if fault := small_fault(shown.size, limits):
        raise MediaError(f"{title} {fault}; use a larger picture.")
    if fits:
        return image

    def write(draft: Path) -> None:
        write_jpeg(padded(_opaque(shown), limits), limits, draft, title)

    return derived(folder / f"{derived_name('image', image, limits)}.jpg", write)


def _choose(samples: Sequence[Sample], count: int, seconds: float) -> list[Sample]:
    """Take the sharpest first, then repeatedly the one that differs most from all taken, in content and time."""
    candidates = _candidates(samples, count)
    chosen = [max(candidates, key=lambda sample: sample.sharp)] if count else []
    sharpest = max((sample.sharp for sample in candidates), default=0.0) or 1.0

    def worth(sample: Sample) -> float:
        unlike = min(change(sample, other).mean for other in chosen)
        away = min(abs(sample.at - other.at) for other in chosen)
        worth = min(1.0, unlike / _UNLIKE) + min(1.0, away * count / seconds) + sample.sharp / sharpest / 2
        return round(worth, 3)

    while len(chosen) < count:
        chosen.append(max((sample for sample in candidates if sample not in chosen), key=worth))
    return [*chosen[:1], *sorted(chosen[1:], key=lambda sample: sample.at)]


def _candidates(samples: Sequence[Sample], count: int) -> Sequence[Sample]:
    """Return the pictures that are neither black nor blurred; if these are too few, also the others."""
    lit = [sample for sample in samples if not sample.black]
    sharpest = max((sample.sharp for sample in lit), default=0.0)
    sharp = [sample for sample in lit if sample.sharp >= _SHARP * sharpest]
    return next(found for found in (sharp, lit, samples) if len(found) >= count)


def _writer(clip: Clip, at: float, limits: References) -> Callable[[Path], None]:
    def write(draft: Path) -> None:
        write_jpeg(padded(_picture(clip, at), limits), limits, draft, clip.path.name)

    return write


def _picture(clip: Clip, at: float) -> Image.Image:
    """Decode the frame that is shown `at` seconds after the first one."""
    moment = clip.first + Fraction(at) - Fraction(1, 1000)
    with opened(clip.path) as source:
        stream = picture_track(source, clip.path)
        stream.thread_type = "AUTO"
        seek(source, moment)
        for frame in source.decode(stream):
            if (frame.pts or 0) * (frame.time_base or 0) >= moment:
                return upright(frame, stream.sample_aspect_ratio)
    raise unreadable(clip.path, f"it has no picture at {at:.2f} s")


def _fits(image: Image.Image, size: int, limits: PictureLimits) -> bool:
    """Whether the file can be sent unchanged."""
    accepted = (
        str(image.format).lower() in limits.formats
        and image.mode in _PLAIN
        and not getattr(image, "is_animated", False)
    )
    turned = image.getexif().get(0x0112, 1) > 1
    heavy = limits.max_bytes is not None and size > limits.max_bytes
    sized = not limits.sizes or image.size in limits.sizes
    shaped = not too_long(image.size, limits) and not too_large(image.size, limits)
    return accepted and sized and shaped and not turned and not heavy and not _see_through(image)


def _see_through(image: Image.Image) -> bool:
    """Whether the picture has transparency, which gateways fill with a colour of their own, often black."""
    return image.has_transparency_data and image.convert("RGBA").getchannel("A").histogram()[:_OPAQUE] != [0] * _OPAQUE


def _opaque(image: Image.Image) -> Image.Image:
    if image.mode[0] in _WHITES:
        return _shallow(image).convert("RGB")
    if not image.has_transparency_data:
        opaque = image.convert("RGB")
    else:
        opaque = Image.new("RGB", image.size, "white")
        layer = image.convert("RGBA")
        opaque.paste(layer, mask=layer.getchannel("A"))
    if image.mode in {"RGB", "RGBA"} and "icc_profile" in image.info:
        opaque.info["icc_profile"] = image.info["icc_profile"]  # phones record in Display P3
    return opaque


def _shallow(image: Image.Image) -> Image.Image:
    """Scale a picture with 16 or 32 bits or floating point to 8 bits; Pillow would cut off all values above 255."""
    deep = image.convert("I").convert("F") if image.mode.startswith("I;16") else image.convert("F")
    high = float(deep.getextrema()[1])  # type: ignore[arg-type]  # one band has two numbers
    if image.mode.startswith("I;16"):
        white = 65535.0
    else:  # the format does not define white, and floating-point pictures have brighter values
        white = next((most for most, seen in _WHITES[image.mode] if high <= seen), high)
    return deep.point(lambda value: value * (255 / white) + 0.5).convert("L")
