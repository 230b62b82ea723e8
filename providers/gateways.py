"""The installed gateways: ours, and those that other packages provide through the entry point group.

A package registers its gateway in its own pyproject.toml; our code does not change:

    [project.entry-points."prefect_storyboard.gateways"]
    acme = "acme_video:GATEWAY"

Ours are in the same group. If one cannot be loaded, the others still can: `broken()` says why.
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
    """A package's description of its gateway. Reading it imports neither Prefect nor the adapter.

    `name` is what users type (`--provider acme`), `title` the gateway's display name. `credentials` is the block as
    "module:Class", imported when an account is loaded. `tables` is the package that contains `models.toml` and, if
    needed, `dialects.toml`, `fields.toml`, `tiers.toml` and `images.toml`.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str
    credentials: str = Field(pattern=r"^[\w.]+:\w+$")
    tables: str


class Registry(NamedTuple):
    """The usable gateways by name, and why the others cannot be used, by the name of their entry point."""

    gateways: Mapping[str, Gateway]
    broken: Mapping[str, str]


def registry(points: Iterable[EntryPoint]) -> Registry:
    """Load the gateways of the entry points. If two have one name, neither is used, to protect the account's key."""
    found: dict[str, Gateway] = {}
    broken: dict[str, str] = {}
    for point in sorted(points, key=lambda each: (each.name, each.value)):
        why = f"the gateway {point.name} ({point.value}) cannot be used: "
        try:
            gateway = point.load()
        except Exception as error:  # noqa: BLE001 - another package's code may raise anything
            broken[point.name] = f"{why}{type(error).__name__}: {error}"
            continue
        if not isinstance(gateway, Gateway) or gateway.name != point.name:
            broken[point.name] = f"{why}it has to be a Gateway of the same name"
        elif point.name in found or point.name in broken:
            found.pop(point.name, None)
            broken[point.name] = f"{why}two packages provide a gateway of that name; uninstall one of them"
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
    """The gateway's display name; its name if it is not installed (any more)."""
    known = gateways().get(provider)
    return known.title if known else provider


@cache
def table(provider: str, name: str) -> Mapping[str, Any]:
    """A table of the gateway's package; empty if the package has none, or if the gateway is not installed."""
    known = gateways().get(provider)
    return _read(known.tables, name) if known else {}


@cache
def _read(package: str, name: str) -> Mapping[str, Any]:
    file = files(package).joinpath(name)
    return tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
