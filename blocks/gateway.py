"""What the credentials of all gateways have in common, and how they are found by name."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import ClassVar, Protocol, Self

import httpx
from prefect.blocks.abstract import CredentialsBlock
from prefect.blocks.core import Block
from pydantic import Field, SecretStr

from prefect_storyboard.providers.http import client
from prefect_storyboard.providers.protocol import Provider
from prefect_storyboard.providers.session import Session, session

HOME = "https://github.com/prefect-storyboard/prefect-storyboard"
LOGOS = "https://raw.githubusercontent.com/prefect-storyboard/prefect-storyboard/main/docs/logos"


NO_VARIABLES = {"in_flight", "submits"}  # fields that are set in the block only


class Connect(Protocol):
    """An adapter's constructor: the client, the key, and the hosts by the names of the block's fields."""

    def __call__(self, http: httpx.AsyncClient, *, api_key: str, **hosts: str) -> Provider: ...


class GatewayCredentials(CredentialsBlock):
    """An account at a gateway: a key, the user's own name for the account, and every host as a field."""

    provider: ClassVar[str]
    key_variable: ClassVar[str]
    key_form: ClassVar[str] = "<key>"
    connect: ClassVar[Connect]

    api_key: SecretStr = Field(title="API key", description="The key from the provider's dashboard.")
    account: str = Field(
        default="default",
        title="Account",
        description="Your own name for the account. Part of every job's identity: two names buy everything twice.",
    )
    in_flight: int = Field(
        default=20, ge=1, title="Jobs at once", description="How many jobs may wait or render at the same time."
    )
    submits: int | None = Field(
        default=None,
        ge=1,
        title="Submits in 10 s",
        description="How many jobs a process may send in ten seconds. Empty: until the provider says that it is busy.",
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the key, the hosts and the account from variables such as KIE_API_KEY, KIE_API_URL, KIE_ACCOUNT."""
        if not environment.get(cls.key_variable):
            block = f"{cls.get_block_type_slug()}/production"
            how = f"export {cls.key_variable}={cls.key_form}, or name a saved block such as {block}"
            raise ValueError(f"{cls.key_variable} is not set; {how}")
        prefix = cls.provider.upper()
        variables = {"api_key": cls.key_variable} | {
            field: f"{prefix}_{field.upper()}" for field in cls.model_fields if field not in {"api_key", *NO_VARIABLES}
        }
        return cls.model_validate({field: environment[v] for field, v in variables.items() if environment.get(v)})

    def get_client(self, http: httpx.AsyncClient | None = None) -> Provider:
        """An adapter for this account. Flows share one and its connections, see `session()`."""
        return type(self).connect(http or client(), api_key=self.api_key.get_secret_value(), **self._hosts())

    def session(self) -> AbstractAsyncContextManager[Session]:
        """Join this account's shared connections and gates, for as long as the context lasts."""
        identity = (self.provider, self.account, self.api_key.get_secret_value(), self.hosts)
        return session(identity, self.get_client, in_flight=self.in_flight, rate=self.submits)

    @property
    def hosts(self) -> str:
        """The hosts in one word: what an upload is remembered under."""
        return " ".join(self._hosts().values())

    def _hosts(self) -> dict[str, str]:
        return {field: getattr(self, field) for field in type(self).model_fields if field.endswith("_url")}


async def saved(block: type[Block], name: str) -> Block:
    """Load a saved block. Raises ValueError that says how to save one."""
    try:
        return await block.aload(name)
    except ValueError:
        reference = f"{block.get_block_type_slug()}/{name}"
        how = f'in the UI, or from Python: {block.__name__}(...).save("{name}")'
        raise ValueError(f"there is no saved block {reference}; save it {how}") from None
