"""The files that each model takes, as a page of the docs: `python -m prefect_storyboard.series.given_page`."""

import sys
from collections.abc import Iterator

from prefect_storyboard.generated import print_or_check
from prefect_storyboard.media.reference import label, megabytes
from prefect_storyboard.providers.gateways import title
from prefect_storyboard.providers.table import models
from prefect_storyboard.storyboards import ClipLimits, Model, PictureLimits

_COMMAND = "python -m prefect_storyboard.series.given_page"
_FORMATS = {"jpeg": "JPEG", "png": "PNG", "webp": "WebP"}
_HEAD = f"""# What you can give it

Generated from the limits in `providers/models.toml` by `{_COMMAND}`. Your files stay as they are: each is read once,
and what was checked is what is sent. The plan says what is changed, and refuses before anything is bought.

| you give | is |
|---|---|
| MP4, MOV, WebM, MKV, AVI, MPEG-TS, Ogg, FLV, ASF or GIF clips | taken, or encoded anew as MP4 (H.264, AAC) |
| a clip in HDR (HLG or PQ) or BT.2020 | converted to BT.709, in stills, uploads and reels |
| a clip with several sound tracks | heard by the track that is marked as the default, else by the first |
| a clip that is torn off | refused; export or download it again |
| a variable rate, B-frames, an edit list, a rotation, pixels that are not square | shown as players do |
| JPEG, PNG or WebP pictures of 8 bits | taken |
| another format, CMYK, 16 bits or floating point | converted to JPEG with its shades |
| a picture with transparency | put on white |
| a picture that moves | reduced to its first frame |
| a scene of the same storyboard, as `from_scene` | rendered first, then treated as a clip of yours |
| a storyboard as YAML or JSON in UTF-8 | taken; another encoding is named with its line |
| an address that answers with an error or a web page | refused with the reason; busy hosts are asked three times |

In the tables below, "changed" are limits that a file is made to fit, "refused" those that nothing mends.
"""


def text() -> str:
    """Render the page."""
    return _HEAD + "".join(_section(name, sold) for name, sold in models().items())


def _section(provider: str, sold: dict[str, Model]) -> str:
    rows = [row for model in sold.values() for row in _rows(model)]
    head = "| model | file | taken | changed where it is not | refused |\n" + "|---" * 5 + "|\n"
    return f"\n## {title(provider)} (`{provider}`)\n\n{head}" + "".join(rows)


def _rows(model: Model) -> Iterator[str]:
    if model.casting and "character" in model.endpoints:
        yield _row(model, "a character's clip", _clip(model.reference))
    if model.references and model.references.clips:
        yield _row(model, "a reference clip", _clip(model.reference))
    if model.references:
        yield _row(model, "a character's picture", _picture(model.references))
    if "image" in model.endpoints or model.first_frame == "cited":
        yield _row(model, "a first frame", _picture(model.frame))


def _row(model: Model, what: str, cells: tuple[list[str], list[str], list[str]]) -> str:
    return f"| `{model.name}` | {what} | {' | '.join(', '.join(cell) for cell in cells)} |\n"


def _clip(limits: ClipLimits) -> tuple[list[str], list[str], list[str]]:
    taken = [" ".join(label(each) for each in limits.containers)]
    changed = [
        *_span(limits.min_area, limits.max_area, "pixels in all"),
        *_span(limits.min_fps, limits.max_fps, "frames a second"),
        *([f"shorter side at most {limits.max_short_side} pixels"] if limits.max_short_side else []),
        *([f"sides at most {limits.max_aspect:g}:1"] if limits.max_aspect else []),
        *([f"at most {limits.max_seconds:g} s"] if limits.max_seconds else []),
        *([f"at most {megabytes(limits.max_bytes)}"] if limits.max_bytes else []),
        *(["with sound"] if limits.sound else []),
    ]
    refused = [
        *([f"shorter side below {limits.min_short_side} pixels"] if limits.min_short_side else []),
        *([f"shorter than {limits.min_seconds:g} s"] if limits.min_seconds else []),
        *(["nothing moves"] if limits.motion else []),
    ]
    return taken, changed, refused


def _picture(limits: PictureLimits) -> tuple[list[str], list[str], list[str]]:
    sizes = " or ".join(f"{width}x{height}" for width, height in limits.sizes)
    changed = [
        *([f"exactly {sizes}"] if sizes else []),
        *([f"sides at most {limits.max_aspect:g}:1"] if limits.max_aspect else []),
        *([f"longer side at most {limits.max_side} pixels"] if limits.max_side else []),
        *([f"at most {megabytes(limits.max_bytes)}"] if limits.max_bytes else []),
    ]
    refused = [f"shorter side below {limits.min_side} pixels"] if limits.min_side else []
    return [" ".join(_FORMATS[each] for each in limits.formats)], changed, refused


def _span(least: int | None, most: int | None, unit: str) -> list[str]:
    return [f"{least or 0:,} to {most:,} {unit}"] if most else []


if __name__ == "__main__":
    sys.exit(print_or_check(text(), _COMMAND, sys.argv[1:]))
