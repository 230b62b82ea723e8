"""Credentials of the gateways, as blocks: a key, an account name, and every host as a field.

`BY_PROVIDER` has the block of every installed gateway, also of those from other packages.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import SecretStr

from prefect_storyboard.blocks.gateway import (
    GatewayCredentials,
    host_field,
    in_flight_field,
    load_block,
    submits_field,
    webhook_secret_field,
)
from prefect_storyboard.project import logo
from prefect_storyboard.providers.fal.adapter import Fal
from prefect_storyboard.providers.gateways import Gateway, broken, gateways
from prefect_storyboard.providers.kie.adapter import Kie
from prefect_storyboard.providers.toapis.adapter import ToApis
from prefect_storyboard.providers.wavespeed.adapter import WaveSpeed


class FalCredentials(GatewayCredentials):
    """An account at fal.ai. The key has the form id:secret; create one at https://fal.ai/dashboard/keys."""

    _block_type_name = "fal Credentials"
    _logo_url = logo("fal")

    provider: ClassVar[str] = "fal"
    key_variable: ClassVar[str] = "FAL_KEY"
    key_form: ClassVar[str] = "<id>:<secret>"
    connect: ClassVar[Any] = Fal

    in_flight: int = in_flight_field(40)
    queue_url: str = host_field("https://queue.fal.run", "Queue URL", "Host for the jobs.")
    rest_url: str = host_field("https://rest.fal.ai", "REST URL", "Host for uploads.")
    platform_url: str = host_field(
        "https://api.fal.ai/v1", "Platform URL", "Host that lists models, prices and requests."
    )


class KieCredentials(GatewayCredentials):
    """An account at Kie.ai. Create a key at https://kie.ai/api-key."""

    _block_type_name = "Kie Credentials"
    _logo_url = logo("kie")

    provider: ClassVar[str] = "kie"
    key_variable: ClassVar[str] = "KIE_API_KEY"
    connect: ClassVar[Any] = Kie

    submits: int | None = submits_field(20)
    api_url: str = host_field("https://api.kie.ai", "API URL", "Host for the jobs.")
    upload_url: str = host_field("https://kieai.redpandaai.co", "Upload URL", "Host for uploads.")
    webhook_secret: SecretStr | None = webhook_secret_field("The webhookHmacKey of kie.ai/settings")


class ToApisCredentials(GatewayCredentials):
    """An account at ToAPIs. The key begins with sk-; create one at https://toapis.com/console/token."""

    _block_type_name = "ToAPIs Credentials"
    _logo_url = logo("toapis")

    provider: ClassVar[str] = "toapis"
    key_variable: ClassVar[str] = "TOAPIS_API_KEY"
    key_form: ClassVar[str] = "sk-<key>"
    connect: ClassVar[Any] = ToApis

    submits: int | None = submits_field(50, "A vip account may submit 166, an svip account 333.")
    api_url: str = host_field(
        "https://toapis.com", "API URL", "Host for all calls; https://toapis.cn in mainland China."
    )
    webhook_secret: SecretStr | None = webhook_secret_field("The signing secret of the key's webhook")


class WaveSpeedCredentials(GatewayCredentials):
    """An account at WaveSpeedAI. Create a key at https://wavespeed.ai/accesskey; it works after the first top-up."""

    _block_type_name = "WaveSpeed Credentials"
    _logo_url = logo("wavespeed")

    provider: ClassVar[str] = "wavespeed"
    key_variable: ClassVar[str] = "WAVESPEED_API_KEY"
    connect: ClassVar[Any] = WaveSpeed

    in_flight: int = in_flight_field(3, "A new account may have 3.")
    api_url: str = host_field("https://api.wavespeed.ai", "API URL", "Host for all calls.")
    webhook_secret: SecretStr | None = webhook_secret_field("The account's webhook secret, whsec_...")


Credentials = Annotated[GatewayCredentials, "of any gateway"]  # no class here: Prefect would register it as a block


class Imported(NamedTuple):
    """The blocks of gateways by name, and why the others cannot be used."""

    blocks: dict[str, type[GatewayCredentials]]
    broken: dict[str, str]


def imported(installed: Mapping[str, Gateway]) -> Imported:
    """Import the block of each gateway. An error in one package leaves the other gateways usable."""
    found = Imported({}, {})
    for gateway in installed.values():
        module, _, name = gateway.credentials.partition(":")
        try:
            found.blocks[gateway.name] = getattr(import_module(module), name)
        except Exception as error:  # noqa: BLE001 - another package's code may raise anything
            why = f"{type(error).__name__}: {error}"
            found.broken[gateway.name] = f"the gateway {gateway.name} ({gateway.credentials}) cannot be used: {why}"
    return found


@cache
def _imported() -> Imported:
    return imported(gateways())


class _ByProvider(Mapping[str, type[GatewayCredentials]]):
    """The blocks, imported on first use, because another package's block imports this module."""

    def __getitem__(self, provider: str) -> type[GatewayCredentials]:
        return _imported().blocks[provider]

    def __iter__(self) -> Iterator[str]:
        return iter(_imported().blocks)

    def __len__(self) -> int:
        return len(_imported().blocks)


BY_PROVIDER: Mapping[str, type[GatewayCredentials]] = _ByProvider()


def unusable() -> dict[str, str]:
    """Why an installed gateway cannot be used, by name."""
    return {**broken(), **_imported().broken}


async def load_credentials(reference: str, environment: Mapping[str, str] | None = None) -> Credentials:
    """Load a saved block by its reference ("fal-credentials/production").

    With an environment, as on the command line, a provider's name reads its variables. Raises ValueError.
    """
    if reference in BY_PROVIDER and environment is not None:
        return BY_PROVIDER[reference].from_environment(environment)
    if reference in unusable():
        raise ValueError(unusable()[reference])
    slug, _, name = reference.partition("/")
    known = {block.get_block_type_slug(): block for block in BY_PROVIDER.values()}
    if slug not in known or not name:
        forms = f"a saved block: {' or '.join(f'{block}/<name>' for block in known)}"
        if environment is not None:
            forms = f"{', '.join(BY_PROVIDER)}, or {forms}"
        raise ValueError(f"provider {reference!r} is not known; write {forms}")
    loaded: Any = await load_block(known[slug], name)
    return known[slug].model_validate(loaded)


async def account_to_plan_for(reference: str, environment: Mapping[str, str]) -> Credentials:
    """The account that `load_credentials` returns; without the provider's key, an account that can only plan."""
    block = BY_PROVIDER.get(reference)
    if block and not (block.is_configured(environment) or environment.get(block.key_variable)):
        return block.keyless()
    return await load_credentials(reference, environment)
