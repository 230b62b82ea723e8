"""Draw lines of text as a picture, in any script for which this machine has a font."""

import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont, features

from prefect_storyboard.media.errors import MediaError

_OWN = Path(__file__).parent / "fonts" / "DejaVuSans-Bold.ttf"
_FOLDERS = {
    "darwin": ("/System/Library/Fonts", "/Library/Fonts", "~/Library/Fonts"),
    "win32": ("C:/Windows/Fonts", "~/AppData/Local/Microsoft/Windows/Fonts"),
}.get(sys.platform, ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts"))
_KINDS = {".ttf", ".otf", ".ttc"}
_MOST = 5_000  # font files that are examined
_EAST_ASIAN = {"CJK", "HIRAGANA", "KATAKANA", "HANGUL", "FULLWIDTH", "HALFWIDTH", "IDEOGRAPHIC", "BOPOMOFO"}
_JOINED = {  # scripts whose letters change with their neighbours, besides right-to-left scripts
    *("DEVANAGARI", "BENGALI", "GUJARATI", "GURMUKHI", "KANNADA", "KHMER", "LAO", "MALAYALAM", "MYANMAR", "ORIYA"),
    *("SINHALA", "TAMIL", "TELUGU", "THAI", "TIBETAN"),
}
_NOT_FIRST = {"Mn", "Mc", "Me", "Pe", "Pf", "Po"}  # marks and closing signs do not begin a line
_PROBE = 24
_NO_LETTER = "\U0010fffe"  # no font has it, so a font draws its box for missing letters
_INK, _BOX = (255, 255, 255, 255), (0, 0, 0, 140)


class Font(NamedTuple):
    """A font file, and the number of the font in it."""

    path: Path
    number: int = 0

    def at(self, size: int) -> ImageFont.FreeTypeFont:
        """The font in this size."""
        return ImageFont.truetype(str(self.path), size, index=self.number)


def find_font(text: str, folders: Sequence[str | Path] = _FOLDERS) -> Font:
    """Find a font that has every letter of the text: the package's own, else one that is installed on this machine.

    Raises MediaError, which names the letter and the package to install, if no font has all letters, or if the letters
    must be joined or run from right to left and Pillow cannot do that.
    """
    letters = frozenset(filter(_is_drawn, text))
    if not features.check("raqm") and any(map(_needs_shaping, letters)):
        raise MediaError(
            f"Pillow cannot join the letters of {_script(next(filter(_needs_shaping, sorted(letters))))} on this "
            "machine; install libfribidi (Debian: libfribidi0)."
        )
    found, lacking = _find(letters, tuple(map(str, folders)))
    if found is None:
        first = min(lacking)
        package = "fonts-noto-cjk" if _script(first) in _EAST_ASIAN else "fonts-noto-core"
        raise MediaError(
            f"No font of this machine has {first} (U+{ord(first):04X}, {_script(first)}) together with the other "
            f"letters of its caption; install one (Debian: {package})."
        )
    return found


def draw_text(text: str, width: int, size: int, font: Font) -> Image.Image:
    """Draw the text in white on a shaded box, centred, in lines of at most `width` pixels."""
    drawn = font.at(size)
    lines = [piece for line in text.splitlines() if line.strip() for piece in _wrapped(line.strip(), width, drawn)]
    ascent, descent = drawn.getmetrics()
    step, pad = round((ascent + descent) * 1.1), max(2, size // 3)
    widest = max(round(drawn.getlength(line)) for line in lines)
    image = Image.new("RGBA", (_even(widest + 2 * pad), _even(step * len(lines) + pad)), _BOX)
    pen = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        pen.text((image.width / 2, pad / 2 + number * step + ascent), line, font=drawn, fill=_INK, anchor="ms")
    return image


def _wrapped(line: str, width: int, font: ImageFont.FreeTypeFont) -> Iterator[str]:
    """Break a line between words, or between letters if a word is too long or the script has no spaces."""
    while font.getlength(line) > width and len(line) > 1:
        fits = _fitting(line, width, font)
        space = line.rfind(" ", 1, fits + 1)
        at = space if space > 0 else fits
        while space <= 0 and at > 1 and unicodedata.category(line[at]) in _NOT_FIRST:
            at -= 1
        yield line[:at].rstrip()
        line = line[at:].lstrip()
    yield line


def _fitting(line: str, width: int, font: ImageFont.FreeTypeFont) -> int:
    """The number of letters of the line that fit: at least one, and not all."""
    low, high = 1, len(line) - 1
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if font.getlength(line[:middle]) <= width else (low, middle - 1)
    return low


@lru_cache(maxsize=256)
def _find(letters: frozenset[str], folders: tuple[str, ...]) -> tuple[Font | None, frozenset[str]]:
    """The first font that has all letters; if there is none, the smallest set of letters that a font lacks."""
    fewest = letters
    for candidate in (Font(_OWN), *_installed(folders)):
        try:
            lacking = _lacking(candidate, letters)
        except OSError:  # FreeType cannot open the file, or it has bitmaps of another size
            continue
        if not lacking:
            return _regional(candidate, letters), lacking
        fewest = min(fewest, lacking, key=len)
    return None, fewest


def _installed(folders: Iterable[str]) -> Iterator[Font]:
    """The fonts of this machine: upright sans-serif fonts first, bold before regular."""
    files = [
        file
        for folder in folders
        for file in sorted(Path(folder).expanduser().rglob("*"))[: 4 * _MOST]
        if file.suffix.lower() in _KINDS
    ]
    return (Font(file) for file in sorted(files[:_MOST], key=_rank))


def _rank(file: Path) -> tuple[bool, bool, bool, str]:
    name = file.stem.lower()
    plain = not any(word in name for word in ("italic", "oblique", "mono", "condensed", "thin", "light", "serif"))
    return (not plain, "sans" not in name, "bold" not in name, name)


def _lacking(candidate: Font, letters: Iterable[str]) -> frozenset[str]:
    font = ImageFont.truetype(str(candidate.path), _PROBE, index=candidate.number, layout_engine=ImageFont.Layout.BASIC)
    none = _shape(font, _NO_LETTER)
    return frozenset(letter for letter in letters if _shape(font, letter) == none)


def _shape(font: ImageFont.FreeTypeFont, letter: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(letter)
    return mask.size, bytes(mask)


def _regional(found: Font, letters: Iterable[str]) -> Font:
    """In a collection for East Asia, the font with the ideographs of the text's region; else the font itself."""
    scripts = {_script(letter) for letter in letters}
    if found.path.suffix.lower() != ".ttc" or "CJK" not in scripts or scripts & {"HIRAGANA", "KATAKANA"}:
        return found
    region = " KR" if "HANGUL" in scripts else " SC"
    for index in range(12):
        try:
            family = ImageFont.truetype(str(found.path), _PROBE, index=index).getname()[0] or ""
        except OSError:
            break
        if family.endswith(region):
            return Font(found.path, index)
    return found


def _is_drawn(letter: str) -> bool:
    return unicodedata.category(letter)[0] not in {"C", "Z"} and not 0xFE00 <= ord(letter) <= 0xFE0F


def _needs_shaping(letter: str) -> bool:
    return unicodedata.bidirectional(letter) in {"R", "AL"} or _script(letter) in _JOINED


def _script(letter: str) -> str:
    return unicodedata.name(letter, "UNNAMED").replace("-", " ").split()[0]


def _even(number: int) -> int:
    return number + number % 2
