"""Compare the model table with a provider's own list: what is new, gone or changed, and a patch of the table."""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files

from prefect_storyboard.providers.gateways import gateways
from prefect_storyboard.providers.protocol import Listed
from prefect_storyboard.storyboards import Frozen, Model
from prefect_storyboard.storyboards.money import price

TABLE = "models.toml"
_NO_SCENES = {"remix", "character", "character_from_video"}  # operations whose prices are not a scene's
_SECTION = re.compile(r'^\[(\w+)\.("[^"]+"|[\w-]+)(?:\.([\w.]+))?\]')


class Comparison(Frozen):
    """The differences between a provider's list and the table; `new` are endpoints that the table does not have."""

    new: tuple[Listed, ...] = ()
    gone: tuple[tuple[str, str], ...] = ()  # model, endpoint
    changed: tuple[tuple[str, str, float], ...] = ()  # model, resolution, US dollars per second in the list

    def __bool__(self) -> bool:
        return bool(self.new or self.gone or self.changed)

    def __str__(self) -> str:
        counts = (f"{len(self.new)} new", f"{len(self.gone)} gone", f"{len(self.changed)} changed")
        return ", ".join(counts)


def table_text(provider: str) -> str:
    """The table as shipped in the gateway's package."""
    return files(gateways()[provider].tables).joinpath(TABLE).read_text(encoding="utf-8")


def compare(sold: Mapping[str, Model], listed: Sequence[Listed]) -> Comparison:
    """Compare a provider's part of the table with its list; retired models need not be on it.

    A unit price counts as changed if the table has it for no resolution; lists do not show tiers.
    """
    active = {each.endpoint: each for each in listed if each.active}
    ours = {endpoint for model in sold.values() for endpoint in model.endpoints.values()}
    living = [model for model in sold.values() if not model.ended]
    return Comparison(
        new=tuple(each for name, each in active.items() if each.is_video and name not in ours),
        gone=tuple(
            (model.name, endpoint)
            for model in living
            for endpoint in dict.fromkeys(model.endpoints.values())
            if endpoint not in active
        ),
        changed=tuple(change for model in living if (change := _changed(model, active)) is not None),
    )


def _changed(model: Model, active: Mapping[str, Listed]) -> tuple[str, str, float] | None:
    """The model's new price per second at its default resolution; None if it is unchanged."""
    prices = {*model.usd_per_second.values(), *model.usd_per_second_silent.values()}
    for operation, endpoint in model.endpoints.items():
        entry = active.get(endpoint) if operation not in _NO_SCENES else None
        if entry and entry.usd is not None and entry.unit.startswith("second") and prices:
            return None if entry.usd in prices else (model.name, model.resolutions[0], entry.usd)
    return None


def patch(provider: str, found: Comparison, table: str, day: str) -> str:
    """The comparison as a unified diff of the table: `patch -p0 < ...` in `providers/` applies it."""
    lines = table.splitlines(keepends=True)
    for model, endpoint in found.gone:
        lines = _without(lines, provider, model, endpoint, day)
    for model, resolution, usd in found.changed:
        lines = _priced(lines, provider, model, resolution, usd)
    if found.new:
        at = max((n for n, line in enumerate(lines) if _of(line, provider)), default=len(lines) - 1)
        end = next((n for n in range(at + 1, len(lines)) if _SECTION.match(lines[n])), len(lines))
        while end > at + 1 and (not lines[end - 1].strip() or lines[end - 1].startswith("#")):
            end -= 1
        lines[end:end] = ["\n", f"# new at {provider} on {day}:\n", *(f"#   {_line(each)}\n" for each in found.new)]
    made = difflib.unified_diff(table.splitlines(keepends=True), lines, TABLE, TABLE)
    return "".join(made)


def _line(entry: Listed) -> str:
    return entry.endpoint if entry.usd is None else f"{entry.endpoint}  {price(entry.usd)} a {entry.unit or 'unit'}"


def _of(line: str, provider: str, model: str | None = None) -> re.Match[str] | None:
    """The patterns of a section's head, for that provider and model."""
    head = _SECTION.match(line)
    return head if head and head[1] == provider and model in {None, head[2].strip('"')} else None


def _part(lines: list[str], provider: str, model: str) -> Iterator[int]:
    """The numbers of the lines in a model's sections."""
    inside = False
    for number, line in enumerate(lines):
        if _SECTION.match(line):
            inside = _of(line, provider, model) is not None
        if inside:
            yield number


def _without(lines: list[str], provider: str, model: str, endpoint: str, day: str) -> list[str]:
    """Comment out the lines of an endpoint that is gone."""
    gone = {number for number in _part(lines, provider, model) if f'"{endpoint}"' in lines[number]}
    return [f"# gone on {day}: {line}" if number in gone else line for number, line in enumerate(lines)]


def _priced(lines: list[str], provider: str, model: str, resolution: str, usd: float) -> list[str]:
    """Put the new price into the model's own line; a model that is `like` another gets a line of its own."""
    made = list(lines)
    for number in _part(lines, provider, model):
        if lines[number].startswith("usd_per_second ="):
            made[number] = re.sub(rf'("{re.escape(resolution)}" = )[0-9.]+', rf"\g<1>{usd:g}", lines[number])
            return made
    head = next(number for number in _part(lines, provider, model))
    made.insert(head + 1, f'usd_per_second = {{ "{resolution}" = {usd:g} }}\n')
    return made
