"""Credentials of the gateways, as blocks: a key, an account name, and every host as a field."""

from collections.abc import Mapping
from typing import Any, ClassVar, get_args

from pydantic import Field, HttpUrl, SecretStr

from prefect_storyboard.blocks.gateway import HOME, LOGOS, GatewayCredentials, saved
from prefect_storyboard.providers.fal.adapter import Fal
from prefect_storyboard.providers.kie.adapter import Kie
from prefect_storyboard.providers.toapis.adapter import ToApis
from prefect_storyboard.providers.wavespeed.adapter import WaveSpeed


class FalCredentials(GatewayCredentials):
    """An account at fal.ai; the key has the form id:secret. Source: https://fal.ai/dashboard/keys."""

    _block_type_name = "fal Credentials"
    _block_type_slug = "fal-credentials"
    _logo_url = HttpUrl(f"{LOGOS}/fal.png")
    _documentation_url = HttpUrl(f"{HOME}#credentials")
    _description = "A fal account that storyboards are rendered with."
    _code_example = """
    ```python
    from prefect_storyboard.blocks import FalCredentials

    credentials = FalCredentials.load("BLOCK_NAME")
    ```
    """

    provider: ClassVar[str] = "fal"
    key_variable: ClassVar[str] = "FAL_KEY"
    key_form: ClassVar[str] = "<id>:<secret>"
    connect: ClassVar[Any] = Fal

    in_flight: int = Field(
        default=40, ge=1, title="Jobs at once", description="How many jobs may wait or render at the same time."
    )
    queue_url: str = Field(
        default="https://queue.fal.run", title="Queue URL", description="Host of the paid jobs; change it for a test."
    )
    rest_url: str = Field(
        default="https://rest.fal.ai", title="REST URL", description="Host of the uploads; change it for a test."
    )
    platform_url: str = Field(
        default="https://api.fal.ai/v1",
        title="Platform URL",
        description="Host of the lists of models and requests; change it for a test.",
    )


class KieCredentials(GatewayCredentials):
    """An account at Kie.ai. Source: https://kie.ai/api-key."""

    _block_type_name = "Kie Credentials"
    _block_type_slug = "kie-credentials"
    _logo_url = HttpUrl(f"{LOGOS}/kie.png")
    _documentation_url = HttpUrl(f"{HOME}#credentials")
    _description = "A Kie account that storyboards are rendered with."
    _code_example = """
    ```python
    from prefect_storyboard.blocks import KieCredentials

    credentials = KieCredentials.load("BLOCK_NAME")
    ```
    """

    provider: ClassVar[str] = "kie"
    key_variable: ClassVar[str] = "KIE_API_KEY"
    connect: ClassVar[Any] = Kie

    submits: int | None = Field(
        default=20, ge=1, title="Submits in 10 s", description="How many jobs a process may send in ten seconds."
    )
    api_url: str = Field(
        default="https://api.kie.ai", title="API URL", description="Host of the paid jobs; change it for a test."
    )
    upload_url: str = Field(
        default="https://kieai.redpandaai.co",
        title="Upload URL",
        description="Host of the uploads; change it for a test.",
    )
    webhook_secret: SecretStr | None = Field(
        default=None,
        title="Webhook secret",
        description="The webhookHmacKey of kie.ai/settings, if callbacks are signed.",
    )


class ToApisCredentials(GatewayCredentials):
    """An account at ToAPIs; the key begins with sk-. Source: https://toapis.com/console/token."""

    _block_type_name = "ToAPIs Credentials"
    _block_type_slug = "toapis-credentials"
    _logo_url = HttpUrl(f"{LOGOS}/toapis.png")
    _documentation_url = HttpUrl(f"{HOME}#credentials")
    _description = "A ToAPIs account that storyboards are rendered with."
    _code_example = """
    ```python
    from prefect_storyboard.blocks import ToApisCredentials

    credentials = ToApisCredentials.load("BLOCK_NAME")
    ```
    """

    provider: ClassVar[str] = "toapis"
    key_variable: ClassVar[str] = "TOAPIS_API_KEY"
    key_form: ClassVar[str] = "sk-<key>"
    connect: ClassVar[Any] = ToApis

    submits: int | None = Field(
        default=50,
        ge=1,
        title="Submits in 10 s",
        description="How many jobs a process may send in ten seconds; 166 for a vip account, 333 for an svip one.",
    )
    api_url: str = Field(
        default="https://toapis.com",
        title="API URL",
        description="Host of everything; https://toapis.cn in mainland China; change it for a test.",
    )
    webhook_secret: SecretStr | None = Field(
        default=None, title="Webhook secret", description="The signing secret of the key's webhook, if it has one."
    )


class WaveSpeedCredentials(GatewayCredentials):
    """An account at WaveSpeedAI; its key works after the first top-up. Source: https://wavespeed.ai/accesskey."""

    _block_type_name = "WaveSpeed Credentials"
    _block_type_slug = "wavespeed-credentials"
    _logo_url = HttpUrl(f"{LOGOS}/wavespeed.png")
    _documentation_url = HttpUrl(f"{HOME}#credentials")
    _description = "A WaveSpeed account that storyboards are rendered with."
    _code_example = """
    ```python
    from prefect_storyboard.blocks import WaveSpeedCredentials

    credentials = WaveSpeedCredentials.load("BLOCK_NAME")
    ```
    """

    provider: ClassVar[str] = "wavespeed"
    key_variable: ClassVar[str] = "WAVESPEED_API_KEY"
    connect: ClassVar[Any] = WaveSpeed

    in_flight: int = Field(
        default=3,
        ge=1,
        title="Jobs at once",
        description="How many jobs may wait or render at the same time; 3 is what a new account may.",
    )
    api_url: str = Field(
        default="https://api.wavespeed.ai", title="API URL", description="Host of everything; change it for a test."
    )
    webhook_secret: SecretStr | None = Field(
        default=None,
        title="Webhook secret",
        description="The account's webhook secret, whsec_..., if callbacks are used.",
    )


Credentials = FalCredentials | KieCredentials | ToApisCredentials | WaveSpeedCredentials
BY_PROVIDER: dict[str, type[Credentials]] = {block.provider: block for block in get_args(Credentials)}


async def load_credentials(reference: str, environment: Mapping[str, str] | None = None) -> Credentials:
    """Credentials by a saved block's reference ("fal-credentials/production"), or by provider from the environment."""
    if reference in BY_PROVIDER and environment is not None:
        return BY_PROVIDER[reference].from_environment(environment)
    slug, _, name = reference.partition("/")
    known = {block.get_block_type_slug(): block for block in BY_PROVIDER.values()}
    if slug not in known or not name:
        forms = f"a saved block: {' or '.join(f'{block}/<name>' for block in known)}"
        if environment is not None:
            forms = f"{', '.join(BY_PROVIDER)}, or {forms}"
        raise ValueError(f"provider {reference!r} is not known; write {forms}")
    loaded: Any = await saved(known[slug], name)
    return known[slug].model_validate(loaded)
