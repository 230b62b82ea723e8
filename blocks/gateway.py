"""The base of all gateways' credentials: common fields, the session, and loading a saved block."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, ClassVar, Protocol, Self
from urllib.parse import urlsplit

import httpx
from prefect.blocks.abstract import CredentialsBlock
from prefect.blocks.core import Block
from pydantic import Field, SecretStr, field_validator, model_validator

from prefect_storyboard.blocks.settings import StoryboardSettings
from prefect_storyboard.project import page
from prefect_storyboard.providers import table
from prefect_storyboard.providers.http import Keyless, client
from prefect_storyboard.providers.protocol import Provider
from prefect_storyboard.providers.session import Session, session
from prefect_storyboard.storyboards import Model

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
NOT_FROM_ENVIRONMENT = {"in_flight", "submits"}  # limits are set in the saved block only


def in_flight_field(default: int, note: str = "") -> Any:
    """A limit of open jobs; gateways differ in its default."""
    what = "How many jobs of this account one process may have queued or rendering at once."
    return Field(default=default, ge=1, title="Jobs at once", description=f"{what} {note}".strip())


def submits_field(default: int | None, note: str = "") -> Any:
    """A limit of the rate of submits, as the gateway documents it."""
    what = "How many jobs one process may submit within ten seconds."
    note = note or ("" if default else "Empty: as many as the provider accepts.")
    return Field(default=default, ge=1, title="Submits in 10 s", description=f"{what} {note}".strip())


def host_field(default: str, title: str, what: str) -> Any:
    """A host, the real one by default."""
    return Field(default=default, title=title, description=f"{what} Point it at a sandbox for a test.")


def webhook_secret_field(what: str) -> Any:
    """A secret that verifies callbacks; needed only with a callback URL."""
    return Field(default=None, title="Webhook secret", description=f"{what}; a callback URL needs it.")


class Connect(Protocol):
    """An adapter's constructor: the client, the key, and the hosts by the names of the block's fields."""

    def __call__(self, http: httpx.AsyncClient, *, api_key: str, **hosts: str) -> Provider: ...


class GatewayCredentials(CredentialsBlock):
    """An account at a gateway: a key, the user's own name for the account, and every host as a field."""

    _documentation_url = page("docs/blocks.md")

    provider: ClassVar[str]
    key_variable: ClassVar[str]
    key_form: ClassVar[str] = "<key>"
    connect: ClassVar[Connect]

    api_key: SecretStr = Field(title="API key", description="The key, from the provider's dashboard.")
    account: str = Field(
        default="default",
        title="Account",
        description="Your own name for this account. It is part of every job's key: renaming it buys everything again.",
    )
    in_flight: int = in_flight_field(20)
    submits: int | None = submits_field(None)
    callback_url: str | None = Field(
        default=None,
        title="Callback URL",
        description=(
            "Public https URL of your callbacks server, to which the gateway posts when a job has ended. Empty: jobs "
            "are polled."
        ),
    )

    @field_validator("callback_url")
    @classmethod
    def _is_https(cls, address: str | None) -> str | None:
        """Require https: the URL contains a token, which must not be sent in clear text."""
        if address is None or not address.strip():
            return None
        url = urlsplit(address.strip())
        secure = url.scheme == "https" or (url.scheme == "http" and url.hostname in _LOOPBACK)
        if not secure or not url.hostname or url.username or url.query or url.fragment:
            raise ValueError("the callback URL must be https://<host>/<path>, without a query, user or password")
        return address.strip().rstrip("/")

    @model_validator(mode="after")
    def _can_verify(self) -> Self:
        if self.callback_url and "webhook_secret" in type(self).model_fields and not self.callback_secret:
            raise ValueError(
                "a callback URL needs the webhook secret, which proves that a callback is genuine; copy it from "
                "the provider's dashboard"
            )
        return self

    @field_validator("webhook_secret", check_fields=False)
    @classmethod
    def _signs(cls, secret: SecretStr | None) -> SecretStr | None:
        """Refuse an empty secret, or only its prefix: anyone could sign with it."""
        if secret is not None and not secret.get_secret_value().strip().removeprefix("whsec_"):
            raise ValueError("the webhook secret is empty; copy it from the provider's dashboard, or leave it out")
        return secret

    @classmethod
    def account_variable(cls) -> str:
        """The environment variable that an account needs; usually that of the key."""
        return cls.key_variable

    @classmethod
    def is_configured(cls, environment: Mapping[str, str]) -> bool:
        """Whether the environment has an account: its `account_variable` is set."""
        return bool(environment.get(cls.account_variable()))

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the key, the hosts and the account from variables such as KIE_API_KEY, KIE_API_URL, KIE_ACCOUNT."""
        return cls._read(environment, needs_key=True)

    @classmethod
    def _read(cls, environment: Mapping[str, str], *, needs_key: bool) -> Self:
        if needs_key and not environment.get(cls.key_variable):
            block = f"{cls.get_block_type_slug()}/production"
            how = f"export {cls.key_variable}={cls.key_form}, or name a saved block such as {block}"
            raise ValueError(f"{cls.key_variable} is not set; {how}")
        prefix = cls.provider.upper()
        variables = {"api_key": cls.key_variable} | {
            field: f"{prefix}_{field.upper()}"
            for field in cls.model_fields
            if field not in {"api_key", *NOT_FROM_ENVIRONMENT}
        }
        return cls.model_validate({field: environment[v] for field, v in variables.items() if environment.get(v)})

    @classmethod
    def keyless(cls) -> Self:
        """An account for planning: it has no key, sends nothing to its gateway, and cannot buy."""
        return cls.model_validate({"api_key": ""})

    @property
    def has_key(self) -> bool:
        """Whether the account has a key."""
        return bool(self.api_key.get_secret_value().strip())

    @property
    def can_ask(self) -> bool:
        """Whether requests can be sent to the gateway; it needs a key."""
        return self.has_key

    @property
    def carries_files(self) -> bool:
        """Whether an order contains the files themselves, so that none is uploaded first."""
        return bool(getattr(type(self).connect, "carries_files", False))

    def sold(self) -> Mapping[str, Model]:
        """The models that the account sells, by name."""
        return table.models()[self.provider]

    async def on_sale(self) -> Mapping[str, Model]:
        """The models to choose from, for a call that names none. A gateway whose models no table lists is asked."""
        return self.sold()

    def model(self, name: str) -> Model:
        """The model of that name. Raises KeyError, whose text lists the alternatives."""
        return table.model(self.provider, name)

    def get_client(self, http: httpx.AsyncClient | None = None) -> Provider:
        """Build an adapter for this account. Flows share one through `session()`."""
        return type(self).connect(http or self._client(), api_key=self.api_key.get_secret_value(), **self._hosts())

    def session(self) -> AbstractAsyncContextManager[Session]:
        """Share this account's connections and limits with all its users in this process, inside `async with`."""
        identity = (self.provider, self.account, self.api_key.get_secret_value(), self.hosts)
        return session(
            identity,
            self.get_client,
            in_flight=self.in_flight,
            rate=self.submits,
            open_client=self._client,
            callback_url=self.callback_url,
        )

    @property
    def callback_secret(self) -> str:
        """The secret with which the gateway signs its callbacks; empty if it signs with a key that it publishes."""
        secret: SecretStr | None = getattr(self, "webhook_secret", None)
        return secret.get_secret_value().strip() if secret else ""

    @property
    def hosts(self) -> str:
        """All hosts as one string; part of the cache key of an upload."""
        return " ".join(self._hosts().values())

    def _client(self) -> httpx.AsyncClient:
        return client(self._reachable(), None if self.can_ask else Keyless())

    def _reachable(self) -> tuple[str, ...]:
        """Hosts that may have a private address: those of this block, and those that the operator allows."""
        return (*self._hosts().values(), *StoryboardSettings().allowed_hosts)

    def _hosts(self) -> dict[str, str]:
        return {
            field: getattr(self, field)
            for field in type(self).model_fields
            if field.endswith("_url") and field != "callback_url"
        }


async def load_block(block: type[Block], name: str) -> Block:
    """Load a saved block. Raises ValueError, which says how to save one."""
    try:
        return await block.aload(name)
    except ValueError:
        reference = f"{block.get_block_type_slug()}/{name}"
        how = f'in the UI, or from Python: {block.__name__}(...).save("{name}")'
        raise ValueError(f"there is no saved block {reference}; save it {how}") from None
