"""Names: which characters a prompt names, and what somebody probably wanted to write."""

import unicodedata
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from pydantic_core import PydanticCustomError

from prefect_storyboard.storyboards.mentions import Aliases, mentions

_FEW = 8


def composed(text: str) -> str:
    """One form of every letter: an "é" typed as one character or as two is the same name, and the same key."""
    return unicodedata.normalize("NFC", text)


def one_line(name: str) -> str:
    """The name itself, composed. Raises a rule's error for line breaks and control characters."""
    if any(unicodedata.category(letter) in {"Cc", "Zl", "Zp"} for letter in name):
        raise PydanticCustomError("rule", "must be one line of text; take out line breaks and control characters")
    return composed(name)


def folded(name: str) -> str:
    """What two names may not share: capitals and the number of blanks do not make a difference."""
    return " ".join(composed(name).casefold().split())


def named_in(text: str, names: Iterable[str], aliases: Aliases | None = None) -> frozenset[str]:
    """The names that a text mentions as words of their own: by the name, by an alias, or as @Name.

    Capitals that begin the words of a name have to be capitals in the text: "The sun rose" does not name Rose, "ROSE"
    and "@rose" do. "Max" is not in "Maximum", but it is in "Max's"; "Otto Junior" does not name Otto, nor "Ann-Marie"
    Ann. Any blanks, or a line break, may stand between the words of a name. Where a script has no spaces between its
    words, as in Japanese, a name counts wherever it stands.
    """
    return frozenset(mention.name for mention in mentions(text, names, aliases))


def cite(text: str, calls: Mapping[str, str], aliases: Aliases | None = None) -> str:
    """The text with each name that `named_in` finds, its aliases and its @, replaced by what `calls` has for it."""
    for start, end, name in sorted(mentions(text, calls, aliases), reverse=True):
        text = f"{text[:start]}{calls[name]}{text[end:]}"
    return text


def with_names(text: str, names: Iterable[str], aliases: Aliases | None = None) -> str:
    """The text with each alias and each @Name replaced by the name, on one line; capitals stay as they are."""
    for start, end, name in sorted(mentions(text, names, aliases), reverse=True):
        if text[start:end].casefold() != name.casefold():
            text = f"{text[:start]}{name}{text[end:]}"
    return text


def suggest(word: str, known: Iterable[str]) -> str:
    """The end of a sentence about a word that is not known: the one that was meant, else those that there are."""
    words = {each.casefold(): each for each in known}
    if close := get_close_matches(word.casefold(), words, n=1, cutoff=0.7):
        return f"did you mean {words[close[0]]}?"
    if not words:
        return "there is none yet"
    return f"choose from {', '.join([*words.values()][:_FEW])}" + (", ..." if len(words) > _FEW else "")
