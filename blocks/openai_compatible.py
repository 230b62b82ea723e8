"""Credentials of a server of the `/v1/videos` API: OpenAI's, a reseller's, or one of your own."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import Field, SecretStr, field_validator

from prefect_storyboard.blocks.gateway import GatewayCredentials, host_field
from prefect_storyboard.project import logo
from prefect_storyboard.providers.openai import served
from prefect_storyboard.providers.openai.adapter import OpenAICompatible
from prefect_storyboard.storyboards import Model


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
        default=SecretStr(""), title="API key", description="The key; empty for a server of your own that wants none."
    )
    base_url: str = host_field(
        served.OFFICIAL, "Base URL", "Address of the server, /v1 included. OpenAI's own ended on 2026-09-24."
    )
    models: dict[str, served.ServedModel] = Field(
        default={},
        title="Models",
        description="What the server renders, by the model's name: dialect, seconds, sizes, usd_per_second, pictures. "
        "A model that is not named here is asked for as the storyboard says, and its price is unknown.",
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
            raise ValueError(
                "an order to such a server names no address for callbacks, so leave it empty: jobs are polled"
            )
        return address

    @classmethod
    def stands_in(cls, environment: Mapping[str, str]) -> bool:
        """Whether the environment names a server. A key alone is, most likely, one for OpenAI's language models."""
        return bool(environment.get("OPENAI_BASE_URL"))

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read OPENAI_BASE_URL, OPENAI_API_KEY, OPENAI_MODELS (JSON) and OPENAI_ACCOUNT; a server may want no key."""
        return cls._read(environment, needs_key=not cls.stands_in(environment))

    @property
    def can_ask(self) -> bool:
        """Whether the server can be asked anything: OpenAI's own wants a key."""
        return self.has_key or not served.is_official(self.base_url)

    def sold(self) -> Mapping[str, Model]:
        """The models that the block describes; without any, OpenAI's own names."""
        return served.sold(self.base_url, self.models)

    def model(self, name: str) -> Model:
        """The model of that name: a server may sell any."""
        return served.model(self.base_url, self.models, name)
