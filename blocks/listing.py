"""The blocks as a page of the documentation: `python -m prefect_storyboard.blocks.listing > docs/blocks.md`."""

import inspect
import sys
from collections.abc import Iterator

from prefect.blocks.core import Block

from prefect_storyboard.blocks.credentials import BY_PROVIDER
from prefect_storyboard.blocks.gateway import NOT_FROM_ENVIRONMENT
from prefect_storyboard.blocks.library import Library
from prefect_storyboard.blocks.render_settings import RenderSettings
from prefect_storyboard.generated import print_or_check

_COMMAND = "python -m prefect_storyboard.blocks.listing"
_HEAD = f"""# Blocks

Generated from the blocks by `{_COMMAND}`. Save a block in the UI or with
`.save("production")`, and pass its reference to a flow, for example `fal-credentials/production`. On the command line,
`--provider fal` reads the environment variables instead.
"""


def text() -> str:
    """Render the page."""
    blocks: list[type[Block]] = [*BY_PROVIDER.values(), Library, RenderSettings]
    return _HEAD + "".join(map(_section, blocks))


def _section(block: type[Block]) -> str:
    title = f"\n## {block.__name__} (`{block.get_block_type_slug()}`)\n\n{inspect.getdoc(block)}\n"
    return f"{title}\n| field | default | variable | description |\n|---|---|---|---|\n" + "".join(_rows(block))


def _rows(block: type[Block]) -> Iterator[str]:
    for name, field in block.model_fields.items():
        value = field.get_default(call_default_factory=True)
        default = (
            "required" if field.is_required() else f"`{value}`" if isinstance(value, str | int | float) else "none"
        )
        yield f"| `{name}` | {default} | {_variable(block, name)} | {field.description} |\n"


def _variable(block: type[Block], field: str) -> str:
    """The environment variable that `from_environment` reads the field from."""
    provider = getattr(block, "provider", None)
    if provider is None or field in NOT_FROM_ENVIRONMENT:
        return "none"
    return f"`{getattr(block, 'key_variable', '')}`" if field == "api_key" else f"`{provider.upper()}_{field.upper()}`"


if __name__ == "__main__":
    sys.exit(print_or_check(text(), _COMMAND, sys.argv[1:]))
