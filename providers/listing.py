"""The model table as a page of the documentation: `python -m prefect_storyboard.providers.listing > docs/models.md`."""

import sys
from collections.abc import Iterator

from prefect_storyboard.generated import print_or_check
from prefect_storyboard.providers.table import NAMES, models
from prefect_storyboard.storyboards import Model
from prefect_storyboard.storyboards.money import price

_COMMAND = "python -m prefect_storyboard.providers.listing"
_HEAD = f"""# Providers and models

Generated from `providers/models.toml` by `{_COMMAND}`. Prices are in US dollars; "?" means that no price is
published, never that it is free. A model that its maker has switched off is refused, unless the provider's own list
still offers it or you pass `allow_retired`.

*Characters*: "created" means that a job of its own creates the character once, and scenes name its id; "shown" means
that its media go along with every scene, as pictures (yours, or frames of the clip) or as the clip itself.
"""
_ALIKE = {"exact": "", "cited": " (much alike)", "cited with cast": " (with characters: much alike)"}


def text() -> str:
    """Render the page."""
    return _HEAD + "".join(_section(name, sold) for name, sold in models().items())


def _section(provider: str, sold: dict[str, Model]) -> str:
    head = (
        "| model | seconds | aspects | resolutions | price | characters | starts from | ends |\n" + "|---" * 8 + "|\n"
    )
    return f"\n## {NAMES.get(provider, provider)} (`{provider}`)\n\n{head}" + "".join(map(_row, sold.values()))


def _row(model: Model) -> str:
    cells = (
        f"`{model.name}`",
        lengths(model.seconds),
        _choices(model.aspects, model.frame_aspects),
        _choices(model.resolutions, model.frame_resolutions),
        "<br>".join(prices(model)) or "?",
        characters(model),
        _beginnings(model),
        f"{model.retires_on}, then `{model.successor}`" if model.retires_on else "",
    )
    return f"| {' | '.join(cells)} |\n"


def _choices(always: tuple[str, ...], with_frame: tuple[str, ...]) -> str:
    return " ".join(always) + (f"; with a first frame also {' '.join(with_frame)}" if with_frame else "")


def lengths(offered: tuple[int, ...]) -> str:
    """The lengths that are sold, as a range where they are one."""
    if len(offered) > 2 and offered == tuple(range(offered[0], offered[-1] + 1)):
        return f"{offered[0]} to {offered[-1]}"
    return ", ".join(map(str, offered))


def prices(model: Model) -> Iterator[str]:
    """What is billed, line by line: by resolution, by length, and for a character."""
    for resolution in model.resolutions:
        if resolution in model.usd_per_second:
            yield f"{resolution}: {price(model.usd_per_second[resolution])}/s"
        if resolution in model.usd_per_second_with_clips:
            yield f"{resolution} with clips: {price(model.usd_per_second_with_clips[resolution])}/s in and out"
        for seconds, usd in model.usd_per_clip.get(resolution, {}).items():
            yield f"{resolution}, {seconds} s: {price(usd)}"
    if model.usd_per_character is not None:
        yield f"a character: {price(model.usd_per_character)}"


def characters(model: Model) -> str:
    """How many characters a scene may have, and whether they are created or shown."""
    if not model.max_characters:
        return "none"
    most = f"up to {model.max_characters}"
    if model.references is None:
        return f"{most}, created" + ("" if "image" in model.casts else "; none beside a first frame")
    least, pictures = model.references.each
    each = f"{pictures}" if least == pictures else f"{least} to {pictures}"
    return f"{most}, shown: {each} {'picture' if pictures == 1 else 'pictures'} each" + (
        ", or a clip" if model.references.clips else ""
    )


def _beginnings(model: Model) -> str:
    found = ["words"] + (["a picture"] if "image" in model.endpoints else [])
    found += ["another video"] if "remix" in model.endpoints else []
    return ", ".join(found) + _ALIKE[model.first_frame]


if __name__ == "__main__":
    sys.exit(print_or_check(text(), _COMMAND, sys.argv[1:]))
