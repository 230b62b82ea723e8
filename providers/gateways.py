"""The gateways that are installed: ours, and those that other packages bring through the entry point group.

A package names its gateway in its pyproject.toml, and nothing of ours is changed for it:

    [project.entry-points."prefect_storyboard.gateways"]
    acme = "acme_video:GATEWAY"

Ours stand in the same group. What cannot be loaded stops no other gateway: `broken()` says why.
"""

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.resources import files
from typing import Any, NamedTuple

from pydantic import Field

from prefect_storyboard.installed import GROUP
from prefect_storyboard.storyboards import Frozen


class Gateway(Frozen):
    """What a package says of its gateway. It is read without Prefect, and without the adapter.

    `name` is what people write (`--provider acme`), `title` what the gateway calls itself. `credentials` is the block,
    as "module:Class", which is imported when somebody wants an account. `tables` is the package that holds
    `models.toml`, and where they are needed `dialects.toml`, `fields.toml`, `tiers.toml`
    and `images.toml`.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str
    credentials: str = Field(pattern=r"^[\w.]+:\w+$")
    tables: str


class Registry(NamedTuple):
    """The gateways by name, and by the name of their entry point why others cannot be used."""

    gateways: Mapping[str, Gateway]
    broken: Mapping[str, str]


def registry(points: Iterable[EntryPoint]) -> Registry:
    """Load what the entry points name. Of two gateways of one name none is used: an account must not change hands."""
    found: dict[str, Gateway] = {}
    broken: dict[str, str] = {}
    for point in sorted(points, key=lambda each: (each.name, each.value)):
        why = f"the gateway {point.name} ({point.value}) cannot be used: "
        try:
            gateway = point.load()
        except Exception as error:  # noqa: BLE001 - another package's code may raise anything, and stops no other one
            broken[point.name] = f"{why}{type(error).__name__}: {error}"
            continue
        if not isinstance(gateway, Gateway) or gateway.name != point.name:
            broken[point.name] = f"{why}it has to be a Gateway of the same name"
        elif point.name in found or point.name in broken:
            found.pop(point.name, None)
            broken[point.name] = f"{why}two packages bring one of that name; uninstall one of them"
        else:
            found[point.name] = gateway
    return Registry(found, broken)


@cache
def _installed() -> Registry:
    return registry(entry_points(group=GROUP))


def gateways() -> Mapping[str, Gateway]:
    """All gateways that can be used, by name."""
    return _installed().gateways


def broken() -> Mapping[str, str]:
    """Why an installed gateway cannot be used, by name."""
    return _installed().broken


def title(provider: str) -> str:
    """What the gateway calls itself; its name where it is not installed (any more)."""
    known = gateways().get(provider)
    return known.title if known else provider


@cache
def table(provider: str, name: str) -> Mapping[str, Any]:
    """A table of the gateway's package; empty where the package has none, or the gateway is not installed."""
    known = gateways().get(provider)
    return _read(known.tables, name) if known else {}


@cache
def _read(package: str, name: str) -> Mapping[str, Any]:
    file = files(package).joinpath(name)
    return tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
