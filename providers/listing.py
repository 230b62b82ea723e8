"""The model tables as a page of the docs: `python -m prefect_storyboard.providers.listing > docs/models.md`."""

import sys
from collections.abc import Iterator

from prefect_storyboard.generated import print_or_check
from prefect_storyboard.providers.dialects import MODES
from prefect_storyboard.providers.gateways import title
from prefect_storyboard.providers.images_listing import images_text
from prefect_storyboard.providers.table import models
from prefect_storyboard.storyboards import Mode, Model
from prefect_storyboard.storyboards.money import price

_COMMAND = "python -m prefect_storyboard.providers.listing"
_HEAD = f"""# Providers and models

Generated from `providers/models.toml` and `providers/images.toml` by `{_COMMAND}`.
Prices are in US dollars; "?" means that no price is published, not that the model is free. A model that its maker has
switched off is refused, unless the provider's own list still offers it or you pass `allow_retired`.

`storyboard models` filters the same table by what a scene needs, for example
`--characters 3 --seconds 12 --aspect 9:16 --silent --max-usd 2`, and `storyboard models --check fal` compares it with
the gateway's own list.

*Characters*: "created" means that a separate job creates the character once, and scenes use its id; "shown" means
that its media are sent with every scene, as pictures (yours, or frames of the clip) or as the clip itself.

*Starts from*: "with characters: much alike" means that the model takes either an exact first frame or characters. With
both, the frame is sent as one more reference; `prefer: frame` begins exactly with it, without the characters.

We are unsure of a model with an asterisk, or of one of its modes: an order is sent only if the gateway's own catalogue
agrees with it, and is otherwise refused before anything is bought.
"""
_SOUND = {"always": "always", "never": "none", "switch": "yes or no"}
_MODES: dict[Mode, str] = {
    "text": "from words",
    "image": "from a first frame",
    "frames": "from two frames",
    "references": "with characters",
}
_ALIKE = {"exact": "", "cited": " (much alike)", "cited with cast": " (with characters: much alike)"}


def text() -> str:
    """Render the page."""
    return _HEAD + "".join(_section(name, sold) for name, sold in models().items()) + images_text()


def _section(provider: str, sold: dict[str, Model]) -> str:
    head = (
        "| model | seconds | aspects | resolutions | price | characters | starts from | sound | ends |\n"
        + "|---" * 9
        + "|\n"
    )
    head_line = f"\n## {title(provider)} (`{provider}`)\n"
    return f'{head_line}\n<div class="cards" markdown>\n\n{head}{"".join(map(_row, sold.values()))}\n</div>\n'


def _row(model: Model) -> str:
    cells = (
        f"`{model.name}`" + ("*" if any(model.doubt(mode) for mode in MODES) else ""),
        "<br>".join(lengths(model)),
        _choices(model.aspects, model.frame_aspects),
        _choices(model.resolutions, model.frame_resolutions),
        "<br>".join(prices(model)) or "?",
        characters(model),
        _beginnings(model),
        _SOUND[model.sound],
        _end(model),
    )
    return f"| {' | '.join(cells)} |\n"


def _end(model: Model) -> str:
    if model.retires_on is None:
        return ""
    return f"{model.retires_on}, then `{model.successor}`" if model.successor else str(model.retires_on)


def _choices(always: tuple[str, ...], with_frame: tuple[str, ...]) -> str:
    return " ".join(always) + (f"; with a first frame also {' '.join(with_frame)}" if with_frame else "")


def lengths(model: Model) -> Iterator[str]:
    """The lengths that are sold, and those of modes that differ."""
    yield _seconds(model.seconds)
    for mode, narrower in model.only.items():
        if narrower.seconds:
            yield f"{_MODES[mode]}: {_seconds(narrower.seconds)}"
    for mode in model.chooses:
        if model.chooses_itself("seconds", mode):
            yield f"{_MODES[mode]}: the model chooses"


def _seconds(offered: tuple[int, ...]) -> str:
    if len(offered) > 2 and offered == tuple(range(offered[0], offered[-1] + 1)):
        return f"{offered[0]} to {offered[-1]}"
    return ", ".join(map(str, offered))


def prices(model: Model) -> Iterator[str]:
    """The prices, one line each: by resolution, by length, and for a character."""
    for resolution in model.resolutions:
        if resolution in model.usd_per_second:
            silent = model.usd_per_second_silent.get(resolution)
            quiet = f", {price(silent)}/s without sound" if silent else ""
            yield f"{resolution}: {price(model.usd_per_second[resolution])}/s{quiet}"
        for mode, narrower in model.only.items():
            usd = (narrower.usd_per_second or {}).get(resolution)
            if usd is not None and usd != model.usd_per_second.get(resolution):
                yield f"{resolution} {_MODES[mode]}: {price(usd)}/s"
        if resolution in model.usd_per_second_with_clips:
            yield f"{resolution} with clips: {price(model.usd_per_second_with_clips[resolution])}/s in and out"
        for seconds, usd in model.usd_per_clip.get(resolution, {}).items():
            yield f"{resolution}, {seconds} s: {price(usd)}"
    if model.usd_per_picture is not None and model.references and model.references.free is not None:
        yield f"each picture beyond {model.references.free}: {price(model.usd_per_picture)}"
    if model.usd_per_character is not None:
        yield f"a character: {price(model.usd_per_character)}"


def characters(model: Model) -> str:
    """How many characters a scene may have, and whether they are created or shown."""
    if not model.max_characters:
        return "none"
    most = f"up to {model.max_characters}"
    if model.references is None:
        return f"{most}, created" + ("" if "image" in model.casts else "; none beside a first frame")
    if "text" not in model.casts:
        most += " beside a first frame"
    least, pictures = model.references.each
    each = f"{pictures}" if least == pictures else f"{least} to {pictures}"
    return f"{most}, shown: {each} {'picture' if pictures == 1 else 'pictures'} each" + (
        ", or a clip" if model.references.clips else ""
    )


def _beginnings(model: Model) -> str:
    found = ["words"] if "text" in model.endpoints else []
    found += ["a picture"] if model.endpoint("image") or model.first_frame == "cited" else []
    found = [*found[:-1], found[-1] + _ALIKE[model.first_frame]] if found else []
    found += ["a first and a last picture"] if "frames" in model.takes_last_frame else []
    found += ["another video"] if "remix" in model.endpoints else []
    return ", ".join(found)


if __name__ == "__main__":
    sys.exit(print_or_check(text(), _COMMAND, sys.argv[1:]))
