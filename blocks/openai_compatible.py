"""Credentials of a server of the `/v1/videos` API: OpenAI's, a reseller's, or one of your own."""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, ClassVar, Self

from pydantic import Field, SecretStr, field_validator

from prefect_storyboard.blocks.gateway import GatewayCredentials
from prefect_storyboard.project import logo
from prefect_storyboard.providers.errors import ProviderError
from prefect_storyboard.providers.openai import served
from prefect_storyboard.providers.openai.adapter import OpenAICompatible
from prefect_storyboard.providers.protocol import Listed
from prefect_storyboard.storyboards import Model

_ADDRESS = "OPENAI_BASE_URL"
_SHORT_LIST = 12  # models on the list of a self-hosted server; a reseller lists hundreds, most of them for text


class OpenAICompatibleCredentials(GatewayCredentials):
    """An account at a server of the /v1/videos API: a reseller, or vLLM-Omni, SGLang or LocalAI on a machine of yours.

    OpenAI's own API ended on 2026-09-24.
    """

    _block_type_name = "OpenAI Compatible Credentials"
    _logo_url = logo("openai")

    provider: ClassVar[str] = "openai"
    key_variable: ClassVar[str] = "OPENAI_API_KEY"
    connect: ClassVar[Any] = OpenAICompatible

    api_key: SecretStr = Field(
        default=SecretStr(""), title="API key", description="The key; empty for a server of your own that needs none."
    )
    callback_url: str | None = Field(
        default=None,
        title="Callback URL",
        description="Leave it empty: the /v1/videos API takes no callback URL, so jobs are polled.",
    )
    base_url: str = Field(
        title="Base URL",
        description="Address of the server, /v1 included. OpenAI's own, https://api.openai.com/v1, ended 2026-09-24.",
    )
    models: dict[str, served.ServedModel] = Field(
        default={},
        title="Models",
        description="The models of the server, by name: dialect, seconds, sizes, usd_per_second, pictures. "
        "A model that is missing here is requested as the storyboard names it, and its price is unknown.",
    )

    @field_validator("models", mode="before")
    @classmethod
    def _reads_json(cls, models: Any) -> Any:
        """A variable of the environment holds JSON."""
        return json.loads(models) if isinstance(models, str) else models

    @field_validator("callback_url")
    @classmethod
    def _takes_no_callback(cls, address: str | None) -> str | None:
        if address:
            raise ValueError("the /v1/videos API takes no callback URL; leave the field empty, and jobs are polled")
        return address

    @classmethod
    def account_variable(cls) -> str:
        """The server's address: a key alone is most likely meant for OpenAI's language models."""
        return _ADDRESS

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read OPENAI_BASE_URL, OPENAI_API_KEY, OPENAI_MODELS (JSON) and OPENAI_ACCOUNT.

        Without OPENAI_BASE_URL, the address is OpenAI's own, which requires a key.
        """
        named = cls.is_configured(environment)
        return cls._read(environment if named else {**environment, _ADDRESS: served.OFFICIAL}, needs_key=not named)

    @classmethod
    def keyless(cls) -> Self:
        """An account for planning, at OpenAI's own address: it has no key and sends no request."""
        return cls(base_url=served.OFFICIAL)

    @property
    def can_ask(self) -> bool:
        """Whether requests can be sent to the server: OpenAI's own requires a key."""
        return self.has_key or not served.is_official(self.base_url)

    def sold(self) -> Mapping[str, Model]:
        """The models that the block describes; without any, OpenAI's own names."""
        return served.sold(self.base_url, self.models)

    async def on_sale(self) -> Mapping[str, Model]:
        """The models that the block describes; without any, those on the server's own list."""
        if self.models or not self.can_ask:
            return self.sold()
        listed: tuple[Listed, ...] = ()
        with suppress(ProviderError):  # without a list, or if the server is down: the names of the table
            async with self.session() as session:
                listed = await session.provider.catalogue() or ()
        few = len(listed) <= _SHORT_LIST  # from a longer list, those whose names say that they make videos
        named = [each.endpoint for each in listed if few or each.is_video or each.endpoint in self.sold()]
        return {name: self.model(name) for name in named} or self.sold()

    def model(self, name: str) -> Model:
        """The model of that name. Any name is accepted, because a server may have any model."""
        return served.model(self.base_url, self.models, name)
