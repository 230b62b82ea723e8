"""Create what the deployments need: `storyboard setup`. Run it as often as you like; it prints what it did.

blocks         credentials `production` for each gateway whose key is in the environment (FAL_KEY, KIE_API_KEY,
               TOAPIS_API_KEY, WAVESPEED_API_KEY, or OPENAI_BASE_URL of a server), and the library `main` from
               STORYBOARD_LIBRARY
settings       the render settings `main`, which the deployments share; edit them in the UI
limits         a global concurrency limit for each of these accounts, with its number of jobs at once
work pool      `storyboard`, of type process
automation     marks a series whose worker has died as crashed, so that it can be run again
notices        to the block that STORYBOARD_NOTIFY names, when a reel is ready or a job is unknown
deployments    prefect.yaml in the working directory, for these accounts, unless there is one
"""

import os
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from prefect.automations import Automation
from prefect.blocks.core import Block
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate, WorkPoolCreate
from prefect.exceptions import ObjectNotFound
from prefect.workers.process import ProcessWorker

from prefect_storyboard.blocks import Library, RenderSettings
from prefect_storyboard.blocks.credentials import BY_PROVIDER, Credentials
from prefect_storyboard.deployments import automations
from prefect_storyboard.tasks._limits import limit_name

B = TypeVar("B", bound=Block)
NAME, POOL = "production", "storyboard"


async def set_up() -> int:
    """Create everything. Returns 1 if there is no account, or if the block for notices cannot be used."""
    accounts = [block.from_environment(os.environ) for block in accounts_of(os.environ)]
    accounts = [await _saved(account, NAME) for account in accounts]
    await _library(os.environ.get("STORYBOARD_LIBRARY"), "main")
    await _settings("main")
    async with get_client() as client:
        for account in accounts:
            await _limit(client, account)
        await _pool(client)
        await _automation(automations.crashed_series())
        notify = os.environ.get("STORYBOARD_NOTIFY")
        noticed = await _notices(client, notify) if notify else True
    _deployments(Path("prefect.yaml"), [f"{each.get_block_type_slug()}/{NAME}" for each in accounts])
    if not accounts:
        keys = ", ".join(block.account_variable() for block in BY_PROVIDER.values())
        _say("account", f"none: export one of {keys} and run this again")
    return 0 if accounts and noticed else 1


def accounts_of(environment: Mapping[str, str]) -> list[type[Credentials]]:
    """The blocks of the gateways that the environment configures."""
    return [block for block in BY_PROVIDER.values() if block.is_configured(environment)]


async def _saved(block: B, name: str) -> B:
    """Save the values from the environment. Fields that were set in the UI, such as `in_flight`, are kept."""
    kind, reference = type(block), f"{block.get_block_type_slug()}/{name}"
    what = "library" if isinstance(block, Library) else "account"
    try:
        existing: B = await kind.aload(name)
    except ValueError:
        await block.asave(name)
        _say(what, f"{reference} created")
        return block
    given = {field: getattr(block, field) for field in kind.model_fields if field in block.model_fields_set}
    changed = sorted(field for field, value in given.items() if getattr(existing, field) != value)
    if changed:
        existing = existing.model_copy(update=given)
        await existing.asave(name, overwrite=True)
    _say(what, f"{reference} exists" + (f"; updated: {', '.join(changed)}" if changed else ""))
    return existing


async def _library(url: str | None, name: str) -> None:
    if url:
        await _saved(Library(url=url), name)
        return
    try:
        await Library.aload(name)
        _say("library", f"{Library.get_block_type_slug()}/{name} exists")
    except ValueError:
        _say("library", "none: export STORYBOARD_LIBRARY, a folder or a bucket's URL, and run this again")


async def _settings(name: str) -> None:
    reference = f"{RenderSettings.get_block_type_slug()}/{name}"
    try:
        await RenderSettings.aload(name)
        _say("settings", f"{reference} exists")
    except ValueError:
        await RenderSettings().asave(name)
        _say("settings", f"{reference} created: the defaults; edit them in the UI")


async def _limit(client: PrefectClient, account: Credentials) -> None:
    name = limit_name(account)
    try:
        limit = await client.read_global_concurrency_limit_by_name(name)
        _say("limit", f"{name} exists: {limit.limit} jobs at once")
    except ObjectNotFound:
        await client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=name, limit=account.in_flight))
        _say("limit", f"{name} created: {account.in_flight} jobs at once")


async def _pool(client: PrefectClient) -> None:
    try:
        await client.read_work_pool(POOL)
        _say("pool", f"{POOL} exists")
    except ObjectNotFound:
        template = ProcessWorker.get_default_base_job_template()
        await client.create_work_pool(WorkPoolCreate(name=POOL, type="process", base_job_template=template))
        _say("pool", f"{POOL} created; start a worker: prefect worker start --pool {POOL}")


async def _automation(wanted: Automation) -> None:
    """Create the automation. In an existing one only its block is changed; the rest may have been edited."""
    try:
        existing = await Automation.aread(name=wanted.name)
    except ValueError:
        await wanted.acreate()
        _say("automation", f"{wanted.name!r} created")
        return
    same = {_block(action) for action in wanted.actions} <= {_block(action) for action in existing.actions}
    if not same:
        existing.actions = wanted.actions
        await existing.aupdate()
    _say("automation", f"{wanted.name!r} exists" + ("" if same else "; updated: block"))


def _block(action: object) -> UUID | None:
    return getattr(action, "block_document_id", None)


async def _notices(client: PrefectClient, reference: str) -> bool:
    """Create the notices. False if their block does not exist or cannot send them."""
    kind, _, name = reference.partition("/")
    try:
        block = await client.read_block_document_by_name(name, kind, include_secrets=False)
        wanted = [automations.reel_ready(block), automations.job_unknown(block)]
    except ObjectNotFound:
        _say("notices", f"none: there is no block {reference}; save it in the UI and run this again")
        return False
    except ValueError as error:
        _say("notices", f"none: {error}")
        return False
    for each in wanted:
        await _automation(each)
    return True


def prefect_yaml(accounts: Sequence[str]) -> str:
    """The deployments for these accounts: the first one renders, and all of them are collected and checked."""
    text = files("prefect_storyboard").joinpath("prefect.yaml").read_text(encoding="utf-8")
    if not accounts:
        return text
    text = text.replace("providers: [fal-credentials/production]", f"providers: [{', '.join(accounts)}]")
    return text.replace("provider: fal-credentials/production", f"provider: {accounts[0]}")


def _deployments(file: Path, accounts: Sequence[str]) -> None:
    if file.exists():
        _say("deployments", f"{file} exists and was not changed; deploy it: prefect --no-prompt deploy --all")
        return
    file.write_text(prefect_yaml(accounts), encoding="utf-8")
    _say("deployments", f"{file} created; check it, then: prefect --no-prompt deploy --all")


def _say(what: str, text: str) -> None:
    print(f"{what:<13}{text}")
