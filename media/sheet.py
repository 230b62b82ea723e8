"""Draw a contact sheet: labelled pictures in rows on a dark ground."""

from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont, ImageOps

_FONTS = Path(__file__).parent / "fonts"
_GROUND, _PANEL, _EDGE = (13, 15, 20), (24, 27, 35), (52, 58, 72)
_HEADING, _TEXT = (240, 242, 246), (152, 160, 176)
_GAP, _MARGIN, _RADIUS, _SMOOTH = 28, 40, 12, 4
_TEXT_LINES = 2


class Cell(NamedTuple):
    """A picture and its label: heading in the first line, text in the rest."""

    image: Image.Image
    label: str


def draw(cells: Sequence[Cell], *, columns: int, cell_width: int) -> Image.Image:
    """Draw the sheet; every picture is shown whole, in a box of the most common shape."""
    columns = max(1, min(columns, len(cells)))
    box = cell_width, _box_height(cells, cell_width)
    tiles = [_tile(cell, box) for cell in cells]
    rows = [tiles[n : n + columns] for n in range(0, len(tiles), columns)]
    heights = [max(tile.height for tile in row) for row in rows]
    width = 2 * _MARGIN + columns * cell_width + (columns - 1) * _GAP
    sheet = Image.new("RGB", (width, 2 * _MARGIN + sum(heights) + (len(rows) - 1) * _GAP), _GROUND)
    top = _MARGIN
    for row, height in zip(rows, heights, strict=True):
        for column, tile in enumerate(row):
            sheet.paste(tile, (_MARGIN + column * (cell_width + _GAP), top))
        top += height + _GAP
    return sheet


def _box_height(cells: Sequence[Cell], width: int) -> int:
    shapes = Counter(round(cell.image.width / cell.image.height, 2) for cell in cells)
    shape = max(shapes, key=lambda s: (shapes[s], s))
    return round(width / min(max(shape, 0.5), 3))  # a strip must not make the sheet unreadable


def _tile(cell: Cell, box: tuple[int, int]) -> Image.Image:
    bold, plain = _font("DejaVuSans-Bold.ttf", box[0] // 25), _font("DejaVuSans.ttf", box[0] // 29)
    heading, _, text = cell.label.strip().partition("\n")
    lines = [(line, bold, _HEADING) for line in _wrap(heading, bold, box[0], 1)]
    lines += [(line, plain, _TEXT) for line in _wrap(text, plain, box[0], _TEXT_LINES)]
    leading = round(bold.size * 1.5)
    tile = Image.new("RGB", (box[0], box[1] + round(bold.size * 0.7) + leading * len(lines)), _GROUND)
    tile.paste(_framed(cell.image, box))
    pen = ImageDraw.Draw(tile)
    for number, (line, font, colour) in enumerate(lines):
        baseline = box[1] + round(bold.size * 1.7) + number * leading
        pen.text((2, baseline), line, fill=colour, font=font, anchor="ls")
    return tile


def _framed(image: Image.Image, box: tuple[int, int]) -> Image.Image:
    """Fit the picture into the box, on a panel with round corners and a hairline."""
    panel = ImageOps.pad(image.convert("RGB"), box, Image.Resampling.LANCZOS, color=_PANEL)
    large = (box[0] * _SMOOTH, box[1] * _SMOOTH)
    mask, edge = Image.new("L", large), Image.new("L", large)
    corners = (0, 0, large[0] - 1, large[1] - 1)
    ImageDraw.Draw(mask).rounded_rectangle(corners, _RADIUS * _SMOOTH, fill=255)
    ImageDraw.Draw(edge).rounded_rectangle(corners, _RADIUS * _SMOOTH, outline=255, width=_SMOOTH)
    panel.paste(_EDGE, mask=edge.resize(box, Image.Resampling.BOX))
    ground = Image.new("RGB", box, _GROUND)
    ground.paste(panel, mask=mask.resize(box, Image.Resampling.BOX))
    return ground


def _wrap(text: str, font: ImageFont.FreeTypeFont, width: int, most: int) -> list[str]:
    """Break the text into at most `most` lines; what does not fit ends in an ellipsis."""
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


@cache
def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(_FONTS / name, max(8, size))
