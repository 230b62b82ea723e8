"""What the operator of a machine allows storyboards and providers: our own Prefect settings.

They come from the environment and from Prefect's profile. The working directory's `.env`, `prefect.toml` and
`pyproject.toml`, which Prefect reads for its own settings, are not read here, nor is a profiles path that they name: a
downloaded folder with a storyboard must not grant itself anything.
"""

import os
from pathlib import Path
from typing import Annotated, Any

from prefect.settings.base import PrefectBaseSettings
from prefect.settings.constants import DEFAULT_PREFECT_HOME, DEFAULT_PROFILES_PATH
from prefect.settings.sources import ProfileSettingsTomlLoader
from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from prefect_storyboard.media.bounds import PREFIX, Bounds

_B = Bounds()


def _split(given: object) -> object:
    return [part.strip() for part in given.split(",") if part.strip()] if isinstance(given, str) else given


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]  # separated by commas in a variable


class StoryboardSettings(PrefectBaseSettings):
    """`PREFECT_INTEGRATIONS_STORYBOARD_<FIELD>`, from the environment or a profile."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore")

    media_roots: Names = Field(
        default=(), description="Folders whose files a storyboard may name, besides its own folder."
    )
    allowed_hosts: Names = Field(
        default=(),
        description="Hosts, with or without a port, that may be read even though their address is private.",
    )
    allowed_stores: Names = Field(
        default=(),
        description="Buckets, or folders in them, whose files a storyboard may name, besides the library's bucket.",
    )
    max_media_bytes: int = Field(default=_B.max_media_bytes, ge=1, description="The largest file that is read.")
    max_media_seconds: float = Field(
        default=_B.max_media_seconds, gt=0, description="The longest time that one file may take."
    )
    min_media_bytes_per_second: int = Field(
        default=_B.min_media_bytes_per_second, ge=0, description="The slowest transfer, on average."
    )
    max_redirects: int = Field(default=_B.max_redirects, ge=0, description="How often an address may be redirected.")
    max_storyboard_bytes: int = Field(default=_B.max_storyboard_bytes, ge=1, description="The largest storyboard.")
    max_scenes: int = Field(default=_B.max_scenes, ge=1, description="The most scenes of a storyboard.")

    @property
    def bounds(self) -> Bounds:
        """The limits of what may be read."""
        return Bounds.model_validate(self.model_dump(include=set(Bounds.model_fields)))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - Prefect's signature; left out on purpose
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - likewise
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read the environment before the profile, and no file of the working directory."""
        return init_settings, env_settings, _Profile(settings_cls)


class _Profile(ProfileSettingsTomlLoader):
    """The active profile, from the file that the environment names or from Prefect's home."""

    def __init__(self, settings_cls: type[BaseSettings]) -> None:
        PydanticBaseSettingsSource.__init__(self, settings_cls)  # super() would read the working directory
        self.settings_cls = settings_cls
        self.profiles_path = _profiles_path()
        self.profile_settings: dict[str, Any] = self._load_profile_settings()


def _profiles_path() -> Path:
    if named := os.environ.get("PREFECT_PROFILES_PATH"):
        return Path(named)
    path = Path(os.environ.get("PREFECT_HOME") or DEFAULT_PREFECT_HOME) / "profiles.toml"
    return path if path.exists() else DEFAULT_PROFILES_PATH
