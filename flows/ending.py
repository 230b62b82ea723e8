"""The flow for a weekly schedule: it fails when a model in use is about to be retired. Buys nothing."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact
from pydantic import Field

from prefect_storyboard.blocks import Credentials, load_credentials, load_library
from prefect_storyboard.flows.form import LibraryField, ModelsField, ProviderField, form
from prefect_storyboard.providers.errors import ProviderError
from prefect_storyboard.providers.images import image_models
from prefect_storyboard.series.ending import Ending, Uses, ending_of, endings, uses
from prefect_storyboard.series.markdown import table_of
from prefect_storyboard.series.report import shown
from prefect_storyboard.storyboards import ImageModel, Model

DaysField = Annotated[int, Field(json_schema_extra={"minimum": 0})]


class ModelsEnding(ValueError):
    """Models in use are about to be retired; the message names each with its date, its reels and its successor."""


@form()
@flow(name="check-models", persist_result=False)
async def check_models(
    providers: list[ProviderField],
    library: LibraryField = None,
    models: ModelsField = None,
    *,
    days: DaysField = 60,
) -> list[str]:
    """Fail when a model in use is about to be retired. Returns the models in use. Buys nothing.

    Models in use are the given ones, or by default those of the library's reels. Raises ModelsEnding.
    """
    accounts = [await load_credentials(each) if isinstance(each, str) else each for each in providers]
    names = tuple(dict.fromkeys(account.provider for account in accounts))
    block = await load_library(library)
    used = _named(accounts, models) if models else await asyncio.to_thread(lambda: uses(block.storage(), names))
    found = endings(used, today=datetime.now(UTC).date(), days=days, model_of=partial(_sold, accounts))
    known = {(each.provider, each.model) for each in found}
    gone = await asyncio.gather(*(_taken_off(account, used) for account in accounts))
    found = (*found, *(each for some in gone for each in some if (each.provider, each.model) not in known))
    if found:
        await _report(found)
        raise ModelsEnding("\n".join(map(str, found)))
    return [f"{name} at {provider}" for provider, name in used]


def _named(accounts: Iterable[Credentials], names: Iterable[str]) -> Uses:
    """The models of these names at each gateway that sells them. Raises ValueError for one that no gateway sells."""
    wanted, given = tuple(dict.fromkeys(names)), tuple(dict.fromkeys(account.provider for account in accounts))
    used: Uses = {
        (account.provider, name): ()
        for account in accounts
        for name in wanted
        if _sold([account], account.provider, name)
    }
    for name in wanted:
        if all(place[1] != name for place in used):
            raise ValueError(f"{name} is not a model of {' or '.join(given)}; `storyboard models` lists them all")
    return used


async def _taken_off(credentials: Credentials, used: Uses) -> list[Ending]:
    """The models in use that the gateway has removed from its list without a date."""
    found: list[Ending] = []
    async with credentials.session() as session:
        for (provider, name), reels in used.items():
            model = _sold([credentials], provider, name)
            if model is None or model.ended:
                continue
            with suppress(ProviderError):  # a list that cannot be read proves nothing
                offered = [await session.provider.offered(each) for each in {*model.endpoints.values()}]
                found += [ending_of(model, reels)] if False in offered else []
    return found


def _sold(accounts: Iterable[Credentials], provider: str, name: str) -> Model | ImageModel | None:
    """The model, of clips or of pictures, as the first account at that gateway sells it; None if it sells none."""
    for account in accounts:
        if account.provider == provider:
            with suppress(KeyError):
                return account.model(name)
            if name in (drawn := image_models(provider)):
                return drawn[name]
    return None


async def _report(found: Iterable[Ending]) -> None:
    rows = [
        {"model": each.model, "gateway": each.provider, "ends": str(each.retires_on or "taken off the list")}
        | {"successor": each.successor or "", "reels": ", ".join(each.reels)}
        for each in found
    ]
    with shown("the table of models that end"):
        text = "Models in use that are about to be retired"
        await acreate_markdown_artifact(key="storyboard-models", markdown=table_of(rows), description=text)
