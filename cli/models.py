"""`storyboard models`: the models that sell a given scene, and the model table compared with a gateway's own list."""

import json
import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from textwrap import fill, indent

from rich.console import Console
from rich.text import Text

from prefect_storyboard.providers.listing import characters, lengths, prices
from prefect_storyboard.providers.table import models
from prefect_storyboard.storyboards.money import price
from prefect_storyboard.storyboards.needs import Need, meeting
from prefect_storyboard.storyboards.offers import Offer
from prefect_storyboard.storyboards.outcomes import JsonObject

_console = Console(highlight=False, markup=False, soft_wrap=True)
_SOUND = {"always": "always", "never": "none", "switch": "on or off"}


def select(providers: Iterable[str], need: Need) -> list[Offer]:
    """The offers of all gateways for such a scene, cheapest first. Raises ValueError for an unknown gateway."""
    table = models()
    wanted = tuple(dict.fromkeys(providers)) or tuple(table)
    if unknown := [name for name in wanted if name not in table]:
        raise ValueError(f"{unknown[0]} is not a known gateway; choose from {', '.join(table)}")
    return [*meeting(need, (model for name in wanted for model in table[name].values()))]


def show(providers: Iterable[str], need: Need, *, as_json: bool) -> int:
    """Print the offers as a list or as JSON. Returns 1 if there is none.

    It imports neither Prefect nor a gateway's adapter, so it prints errors itself.
    """
    try:
        found = select(providers, need)
    except ValueError as error:
        Console(stderr=True, soft_wrap=True, highlight=False).print(f"[bold red]error:[/] {error}")
        return 1
    if as_json:
        print(json.dumps([entry(each) for each in found], indent=2))
        return 0 if found else 1
    if not found:
        _console.print("no model can render such a scene; leave an option out, or see docs/models.md")
        return 1
    for line in _lines(found):
        _console.print(line)
    count = "1 model" if len(found) == 1 else f"{len(found)} models"
    _console.print(f"{count}; prices are for one such scene, and ? means that no price is published")
    return 0


def entry(offer: Offer) -> JsonObject:
    """One offer as JSON: `price` is what the scene costs in US dollars, None if no price is published."""
    model = offer.model
    return {
        "provider": model.provider,
        "model": model.name,
        "price": offer.usd,
        "prices": [*prices(model)],
        "retires_on": model.retires_on.isoformat() if model.retires_on else None,
        "successor": model.successor,
        "seconds": [*model.seconds],
        "aspects": [*model.aspects],
        "resolutions": [*model.resolutions],
        "max_characters": model.max_characters,
        "characters": characters(model),
        "sound": model.sound,
    }


def _lines(found: list[Offer]) -> Iterator[Text]:
    """Two lines for each offer: model and price, then characters and billing."""
    wide = max(len(offer.model.name) for offer in found)
    for offer in found:
        model, cost = offer.model, "?" if offer.usd is None else price(offer.usd)
        until = f"until {model.retires_on}" if model.retires_on else ""
        head = f"{model.name:<{wide}}  {model.provider:<9}  {cost:>9}  {'; '.join(lengths(model))} s  {until}"
        yield Text(head.rstrip(), style="bold")
        facts = (f"characters {characters(model)}", f"sound {_SOUND[model.sound]}", *prices(model))
        yield Text(indent(fill("; ".join(facts), 76), "  "), style="dim")


async def check(reference: str) -> int:
    """Compare the table with the gateway's own list, and print the difference as a patch of the table.

    Returns 1 if there is a difference. Raises ValueError if the gateway has no list, or if it cannot be read.
    """
    from prefect_storyboard.blocks import load_credentials
    from prefect_storyboard.providers.comparison import compare, patch, table_text

    credentials = await load_credentials(reference, os.environ)
    async with credentials.session() as session:
        listed = await session.provider.catalogue()
    if listed is None:
        raise ValueError(f"{credentials.provider} has no list of models that a program can read; compare its web pages")
    found = compare(models()[credentials.provider], listed)
    if not found:
        _console.print(f"{credentials.provider}: the table agrees with the list of {len(listed)} models")
        return 0
    print(patch(credentials.provider, found, table_text(credentials.provider), f"{datetime.now(UTC):%Y-%m-%d}"), end="")
    _console.print(f"{credentials.provider}: {found}, of {len(listed)} models on its list", style="yellow")
    return 1
