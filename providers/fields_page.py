"""The gateways' own inputs and outputs as a page: `python -m ...providers.fields_page > docs/gateway-parameters.md`."""

import sys
from collections.abc import Iterable

from prefect_storyboard.generated import print_or_check
from prefect_storyboard.providers.fields import Input, inputs
from prefect_storyboard.providers.gateways import title
from prefect_storyboard.providers.outputs import Output, outputs
from prefect_storyboard.providers.table import models

_COMMAND = "python -m prefect_storyboard.providers.fields_page"
_HEAD = f"""# The gateways' own parameters

Made by `{_COMMAND}` from `providers/fields.toml`.

Every parameter on a gateway's own pages, and how to set it here. An **argument** is one of ours: of `create_character`
or `generate`, or the key of the same name in a storyboard. Everything else goes into **`fields`**, by the gateway's
own name: `fields={{"detect_and_block_ip": True}}` in a task, `fields:` of a scene or a cast member in a storyboard. A
name with a dot is a part of an object: `fields={{"metadata": {{"style": "comic"}}}}`.

A field is refused, before anything is sent, if it repeats an argument, if the model does not have it, or if its value
is not one of these. A field that this page does not name is sent as it is.

Whatever else a job returns is stored with the take: `files` are stored beside the clip,
`facts` in its sidecar.
"""
_OPERATIONS = {
    "text": "a scene",
    "image": "a scene with a first frame",
    "remix": "a remix",
    "character": "a character",
    "character_from_video": "a character of a finished video",
}


def text() -> str:
    """The page."""
    return _HEAD + "".join(map(_section, models()))


def _section(provider: str) -> str:
    parts = [f"\n## {title(provider)} (`{provider}`)\n"]
    groups: dict[str, list[Input]] = {}
    for each in inputs(provider):
        groups.setdefault(each.codec, []).append(each)
    for codec, found in groups.items():
        head = "\n| parameter | set it by | type | allowed | what for | meaning |\n" + "|---" * 6 + "|\n"
        parts.append(f"\n### {_families(provider, codec)}\n{head}" + "".join(map(_input_row, found)))
    head = "\n| output | kept as | meaning |\n|---|---|---|\n"
    return "".join([*parts, f"\n### What {title(provider)} returns\n", head, *_rows(outputs(provider))])


def _families(provider: str, codec: str) -> str:
    if codec == "*":
        return "Every model"
    named = ", ".join(f"`{sold.name}`" for sold in models()[provider].values() if sold.codec == codec)
    return named or f"A model of the dialect `{codec}`"


def _input_row(each: Input) -> str:
    by = f"the argument `{each.argument}`" if each.argument else "`fields`"
    by = f"{by}, or `fields` without it" if each.instead else by.replace(" and ", "` and `")
    preset = f"; we send `{_json(each.preset)}`" if each.preset is not None else ""
    what = ", ".join(_OPERATIONS[operation] for operation in each.of)
    only = f" ({', '.join(f'`{name}`' for name in each.models)} only)" if each.models else ""
    cells = (f"[`{each.name}`]({each.page})", by + preset, each.type, _allowed(each), what + only, each.means)
    return f"| {' | '.join(cells)} |\n"


def _rows(found: Iterable[Output]) -> Iterable[str]:
    for each in found:
        kept = f"`{each.kept}`" if "." in each.kept and " " not in each.kept else each.kept
        yield f"| [`{each.path}`]({each.page}) | {kept} | {each.means} |\n"


def _allowed(each: Input) -> str:
    if each.choices:
        return " ".join(f"`{_json(choice)}`" for choice in each.choices)
    unit = "items" if each.type == "array" else "characters"
    least, most = each.min_length, each.max_length
    if least is not None and least == most:
        return f"{most} {unit.removesuffix('s')}"
    if most is not None:
        return f"{f'{least} to ' if least else 'up to '}{most:,} {unit}"
    return f"at least {least} {unit.removesuffix('s') if least == 1 else unit}" if least is not None else ""


def _json(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


if __name__ == "__main__":
    sys.exit(print_or_check(text(), _COMMAND, sys.argv[1:]))
