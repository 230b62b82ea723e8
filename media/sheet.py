"""Draw a contact sheet in pages: labelled pictures in rows on a dark background."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont, ImageOps

_FONTS = Path(__file__).parent / "fonts"
_GROUND, _PANEL, _EDGE = (13, 15, 20), (24, 27, 35), (52, 58, 72)
_HEADING, _TEXT = (240, 242, 246), (152, 160, 176)
_GAP, _MARGIN, _RADIUS, _SMOOTH = 28, 40, 12, 4
_TEXT_LINES = 2
_WIDE = 16 / 9
_LONGEST = 4_000  # pixels of height; a page takes 23 MB while it is drawn


class Cell(NamedTuple):
    """A picture and its label: heading in the first line, text in the rest.

    `size` is the displayed size in pixels, None if the picture cannot be read; `open` decodes it for a box.
    """

    size: tuple[int, int] | None
    open: Callable[[tuple[int, int]], Image.Image | None]
    label: str


def pages(cells: Sequence[Cell], *, columns: int, cell_width: int) -> Iterator[Image.Image]:
    """Draw the pages of the sheet one at a time, with every picture whole in a box of the most common aspect ratio.

    A page is at most 4,000 pixels high, unless a single row is higher. Pictures are opened one after the other, so that
    memory does not grow with their number. An unreadable picture leaves its box empty.
    """
    columns = max(1, min(columns, len(cells)))
    box = cell_width, _box_height(cells, cell_width)
    rows = max(1, (_LONGEST - 2 * _MARGIN + _GAP) // (_tile_height(box, 1 + _TEXT_LINES) + _GAP))
    for first in range(0, len(cells), columns * rows):
        yield _page(cells[first : first + columns * rows], columns, box)


def _page(cells: Sequence[Cell], columns: int, box: tuple[int, int]) -> Image.Image:
    labels = [_lines(cell.label, box[0]) for cell in cells]
    starts = range(0, len(cells), columns)
    heights = [max(_tile_height(box, len(lines)) for lines in labels[n : n + columns]) for n in starts]
    size = 2 * _MARGIN + columns * (box[0] + _GAP) - _GAP, 2 * _MARGIN + sum(heights) + (len(heights) - 1) * _GAP
    sheet, top = Image.new("RGB", size, _GROUND), _MARGIN
    for start, height in zip(starts, heights, strict=True):
        for column, (cell, lines) in enumerate(zip(cells[start : start + columns], labels[start:], strict=False)):
            sheet.paste(_tile(cell, lines, box), (_MARGIN + column * (box[0] + _GAP), top))
        top += height + _GAP
    return sheet


def _box_height(cells: Sequence[Cell], width: int) -> int:
    shapes = Counter(round(cell.size[0] / cell.size[1], 2) for cell in cells if cell.size)
    shape = max(shapes, key=lambda s: (shapes[s], s), default=_WIDE)
    return round(width / min(max(shape, 0.5), 3))  # very wide or tall pictures must not make the sheet unreadable


def _tile_height(box: tuple[int, int], lines: int) -> int:
    size = _bold(box[0]).size
    return box[1] + round(size * 0.7) + round(size * 1.5) * lines


def _lines(label: str, width: int) -> list[tuple[str, ImageFont.FreeTypeFont, tuple[int, int, int]]]:
    bold, regular = _bold(width), _font("DejaVuSans.ttf", width // 29)
    heading, _, text = label.strip().partition("\n")
    lines = [(line, bold, _HEADING) for line in _wrap(heading, bold, width, 1)]
    return lines + [(line, regular, _TEXT) for line in _wrap(text, regular, width, _TEXT_LINES)]


def _tile(
    cell: Cell, lines: Sequence[tuple[str, ImageFont.FreeTypeFont, tuple[int, int, int]]], box: tuple[int, int]
) -> Image.Image:
    size = _bold(box[0]).size
    tile = Image.new("RGB", (box[0], _tile_height(box, len(lines))), _GROUND)
    tile.paste(_framed(cell.open(box) or Image.new("RGB", box, _PANEL), box))
    pen = ImageDraw.Draw(tile)
    for number, (line, font, colour) in enumerate(lines):
        baseline = box[1] + round(size * 1.7) + number * round(size * 1.5)
        pen.text((2, baseline), line, fill=colour, font=font, anchor="ls")
    return tile


def _framed(image: Image.Image, box: tuple[int, int]) -> Image.Image:
    """Fit the picture into the box, on a panel with rounded corners and a thin border."""
    panel = ImageOps.pad(image.convert("RGB"), box, Image.Resampling.LANCZOS, color=_PANEL)
    mask, edge = _corners(box)
    panel.paste(_EDGE, mask=edge)
    ground = Image.new("RGB", box, _GROUND)
    ground.paste(panel, mask=mask)
    return ground


@lru_cache(maxsize=1)
def _corners(box: tuple[int, int]) -> tuple[Image.Image, Image.Image]:
    """The masks of a panel and of its border, drawn large and scaled down to smooth them."""
    large = (box[0] * _SMOOTH, box[1] * _SMOOTH)
    mask, edge = Image.new("L", large), Image.new("L", large)
    corners = (0, 0, large[0] - 1, large[1] - 1)
    ImageDraw.Draw(mask).rounded_rectangle(corners, _RADIUS * _SMOOTH, fill=255)
    ImageDraw.Draw(edge).rounded_rectangle(corners, _RADIUS * _SMOOTH, outline=255, width=_SMOOTH)
    return mask.resize(box, Image.Resampling.BOX), edge.resize(box, Image.Resampling.BOX)


def _wrap(text: str, font: ImageFont.FreeTypeFont, width: int, most: int) -> list[str]:
    """Break the text into at most `most` lines; if it does not fit, it ends in an ellipsis."""
    lines: list[str] = []
    for word in text.split():
        if lines and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    kept = lines[:most]
    if len(lines) > most:
        kept[-1] += " …"
    return [_shortened(line, font, width) for line in kept]


def _shortened(line: str, font: ImageFont.FreeTypeFont, width: int) -> str:
    if font.getlength(line) <= width:
        return line
    line = line.removesuffix(" …")
    while line and font.getlength(f"{line}…") > width:
        line = line[:-1]
    return f"{line.rstrip()}…"


def _bold(width: int) -> ImageFont.FreeTypeFont:
    return _font("DejaVuSans-Bold.ttf", width // 25)


@cache
def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(_FONTS / name, max(8, size))
