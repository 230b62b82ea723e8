"""Names: which characters a prompt names, and suggestions for misspelt words."""

import unicodedata
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from pydantic_core import PydanticCustomError

from prefect_storyboard.storyboards.mentions import Aliases, mentions

_FEW = 8


def composed(text: str) -> str:
    """Unicode-normalised text: an "é" typed as one character or as two is the same name, and the same key."""
    return unicodedata.normalize("NFC", text)


def one_line(name: str) -> str:
    """The name, composed. Raises an error for line breaks and control characters."""
    if any(unicodedata.category(letter) in {"Cc", "Zl", "Zp"} for letter in name):
        raise PydanticCustomError("rule", "must be one line of text; take out line breaks and control characters")
    return composed(name)


def folded(name: str) -> str:
    """A normal form for comparing names: case and the number of spaces are ignored."""
    return " ".join(composed(name).casefold().split())


def named_in(text: str, names: Iterable[str], aliases: Aliases | None = None) -> frozenset[str]:
    """The names that a text mentions as whole words: by the name, by an alias, or as @Name.

    Capitals that begin the words of a name must be capitals in the text: "The sun rose" does not name Rose, "ROSE" and
    "@rose" do. "Max" is not in "Maximum", but it is in "Max's"; "Otto Junior" does not name Otto, nor "Ann-Marie" Ann.
    Any spaces, or a line break, may separate the words of a name. In a script without spaces between words, such as
    Japanese, a name counts wherever it occurs.
    """
    return frozenset(mention.name for mention in mentions(text, names, aliases))


def cite(text: str, calls: Mapping[str, str], aliases: Aliases | None = None) -> str:
    """The text with each mention that `named_in` finds, aliases and @ included, replaced by its entry in `calls`."""
    for start, end, name in sorted(mentions(text, calls, aliases), reverse=True):
        text = f"{text[:start]}{calls[name]}{text[end:]}"
    return text


def with_names(text: str, names: Iterable[str], aliases: Aliases | None = None) -> str:
    """The text with each alias and each @Name replaced by the name, on one line; case is kept."""
    for start, end, name in sorted(mentions(text, names, aliases), reverse=True):
        if text[start:end].casefold() != name.casefold():
            text = f"{text[:start]}{name}{text[end:]}"
    return text


def suggest(word: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown word: the closest known word, or else a list of them."""
    words = {each.casefold(): each for each in known}
    if close := get_close_matches(word.casefold(), words, n=1, cutoff=0.7):
        return f"did you mean {words[close[0]]}?"
    if not words:
        return "there is none yet"
    return f"choose from {', '.join([*words.values()][:_FEW])}" + (", ..." if len(words) > _FEW else "")
