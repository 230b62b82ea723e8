"""One upload for each content, account and host; and what is remembered is never somebody else's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from prefect_storyboard.blocks import FalCredentials
from prefect_storyboard.providers.session import Session
from prefect_storyboard.tasks import upload

from .fakes import Gateway, session_with


@pytest.fixture
def mara(tmp_path: Path) -> Path:
    """A file, whose content counts and nothing else of it."""
    (tmp_path / "mara.mp4").write_bytes(b"a clip of Mara")
    return tmp_path / "mara.mp4"


def key(media: Path | str, **fields: Any) -> str | None:
    """What an upload is remembered under, as Prefect asks for it."""
    credentials = FalCredentials(**{"api_key": "kid:secret", **fields})
    policy: Any = upload.cache_policy
    found: str | None = policy.compute_key(SimpleNamespace(), {"media": media, "credentials": credentials}, {})
    return found


def test_the_same_content_is_uploaded_once_whatever_it_is_called(mara: Path) -> None:
    other = mara.with_name("another-name.mp4")
    other.write_bytes(mara.read_bytes())
    assert key(mara) == key(str(mara)) == key(other)


def test_another_content_is_another_upload_under_the_same_name(mara: Path) -> None:
    before = key(mara)
    mara.write_bytes(b"another clip of Mara")
    assert key(mara) != before


@pytest.mark.parametrize(
    "change",
    [
        {"account": "agency"},
        {"rest_url": "http://127.0.0.1:8571/fal/rest"},
        {"queue_url": "http://127.0.0.1:8571/fal/queue"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_account_or_host_is_another_upload(mara: Path, change: dict[str, Any]) -> None:
    assert key(mara, **change) != key(mara)


def test_a_rotated_key_is_still_the_same_account(mara: Path) -> None:
    assert key(mara, api_key="kid:fresh") == key(mara)


def test_the_key_of_an_upload_tells_no_secret(mara: Path) -> None:
    assert "secret" not in (key(mara) or "")
    assert "storyboard-upload-" in (key(mara) or "")


@pytest.mark.parametrize("media", ["https://host/mara.mp4", "clips/not-there.mp4", 7])
def test_what_cannot_be_told_by_its_content_is_not_cached(media: Any) -> None:
    policy: Any = upload.cache_policy
    assert (
        policy.compute_key(SimpleNamespace(), {"media": media, "credentials": FalCredentials(api_key="k:s")}, {})
        is None
    )


@dataclass
class Account:
    gateway: Gateway = field(default_factory=Gateway)
    provider: str = "fal"
    account: str = "default"

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        yield session_with(self.gateway)


@pytest.mark.parametrize(
    ("name", "content_type"),
    [("mara.mp4", "video/mp4"), ("first.png", "image/png"), ("odd.unheard", "application/octet-stream")],
)
async def test_the_provider_is_told_what_kind_of_file_it_gets(tmp_path: Path, name: str, content_type: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    account: Any = Account()
    url = await upload.fn(tmp_path / name, credentials=account)
    assert url == f"https://files.example/1/{name}?{content_type}"
