"""Credentials of the gateways, as blocks: a key, an account name, and every host as a field."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, ClassVar, Self

import httpx
from prefect.blocks.abstract import CredentialsBlock
from prefect.blocks.core import Block
from pydantic import Field, HttpUrl, SecretStr

from prefect_storyboard.providers.fal import Fal
from prefect_storyboard.providers.http import client
from prefect_storyboard.providers.protocol import Provider
from prefect_storyboard.providers.session import Session, session

HOME = "https://github.com/prefect-storyboard/prefect-storyboard"
LOGOS = "https://raw.githubusercontent.com/prefect-storyboard/prefect-storyboard/main/docs/logos"


class FalCredentials(CredentialsBlock):
    """An account at fal.ai. Source: https://fal.ai/dashboard/keys."""

    _block_type_name = "fal Credentials"
    _block_type_slug = "fal-credentials"
    _logo_url = HttpUrl(f"{LOGOS}/fal.png")
    _documentation_url = HttpUrl(f"{HOME}#credentials")
    _description = "A fal.ai account that storyboards are rendered with."
    _code_example = """
    ```python
    from prefect_storyboard.blocks import FalCredentials

    credentials = FalCredentials.load("BLOCK_NAME")
    ```
    """

    provider: ClassVar[str] = "fal"

    api_key: SecretStr = Field(title="API key", description="The key from fal.ai's dashboard, as id:secret.")
    account: str = Field(
        default="default",
        title="Account",
        description="Your own name for the account. Part of every job's identity: two names buy everything twice.",
    )
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

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read FAL_KEY, and FAL_QUEUE_URL, FAL_REST_URL, FAL_PLATFORM_URL, FAL_ACCOUNT where they are set."""
        if not environment.get("FAL_KEY"):
            raise ValueError("FAL_KEY is not set; export FAL_KEY=<id>:<secret>, or name a saved block with --provider")
        fields = {"api_key": "FAL_KEY", "account": "FAL_ACCOUNT"}
        fields |= {f"{host}_url": f"FAL_{host.upper()}_URL" for host in ("queue", "rest", "platform")}
        return cls.model_validate({field: environment[name] for field, name in fields.items() if environment.get(name)})

    def get_client(self, http: httpx.AsyncClient | None = None) -> Provider:
        """An adapter for this account. Flows share one and its connections, see `session()`."""
        return Fal(
            http or client(),
            api_key=self.api_key.get_secret_value(),
            queue_url=self.queue_url,
            rest_url=self.rest_url,
            platform_url=self.platform_url,
        )

    def session(self) -> AbstractAsyncContextManager[Session]:
        """Join this account's shared connections and gates, for as long as the context lasts."""
        identity = (self.provider, self.account, self.api_key.get_secret_value(), self.hosts)
        return session(identity, self.get_client, in_flight=self.in_flight)

    @property
    def hosts(self) -> str:
        """The hosts in one word: what an upload is remembered under."""
        return f"{self.queue_url} {self.rest_url} {self.platform_url}"


Credentials = FalCredentials
BY_PROVIDER: dict[str, type[Credentials]] = {block.provider: block for block in (FalCredentials,)}


async def saved(block: type[Block], name: str) -> Block:
    """Load a saved block. Raises ValueError that says how to save one."""
    try:
        return await block.aload(name)
    except ValueError:
        reference = f"{block.get_block_type_slug()}/{name}"
        how = f'in the UI, or from Python: {block.__name__}(...).save("{name}")'
        raise ValueError(f"there is no saved block {reference}; save it {how}") from None


async def load_credentials(reference: str, environment: Mapping[str, str] | None = None) -> Credentials:
    """Credentials by a saved block's reference ("fal-credentials/production"), or by provider from the environment."""
    if reference in BY_PROVIDER and environment is not None:
        return BY_PROVIDER[reference].from_environment(environment)
    slug, _, name = reference.partition("/")
    known = {block.get_block_type_slug(): block for block in BY_PROVIDER.values()}
    if slug not in known or not name:
        forms = " or ".join(f"{block}/<name of the block>" for block in known)
        raise ValueError(f"provider {reference!r} is not known; write {forms}")
    loaded: Any = await saved(known[slug], name)
    return known[slug].model_validate(loaded)
