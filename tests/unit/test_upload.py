"""One upload for each content, account, host and library; and what is remembered is never somebody else's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from prefect_storyboard.blocks import FalCredentials, Library
from prefect_storyboard.media.sources import LocalFile, local_file
from prefect_storyboard.providers.session import Session
from prefect_storyboard.tasks import upload

from .fakes import Gateway, session_with


def key(**changes: Any) -> str:
    """What an upload is remembered under, as Prefect asks for it."""
    secret = changes.pop("api_key", "kid:secret")
    credentials = FalCredentials(api_key=secret, **changes.pop("credentials", {}))
    file = LocalFile(path=Path(changes.pop("path", "mara.mp4")), sha256=changes.pop("sha256", "a" * 64))
    inputs = {"file": file, "credentials": credentials, "library": Library(url=changes.pop("library", "~/shelf"))}
    assert not changes
    policy: Any = upload.cache_policy
    found = policy.compute_key(SimpleNamespace(), inputs, {})
    assert isinstance(found, str)
    return found


def test_the_same_content_is_uploaded_once_whatever_it_is_called() -> None:
    assert key() == key() == key(path="clips/another-name.mp4")


@pytest.mark.parametrize(
    "change",
    [
        {"sha256": "b" * 64},
        {"credentials": {"account": "agency"}},
        {"credentials": {"rest_url": "http://127.0.0.1:8571/fal/rest"}},
        {"credentials": {"queue_url": "http://127.0.0.1:8571/fal/queue"}},
        {"library": "s3://reels/shelf"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_content_account_host_or_library_is_another_upload(change: dict[str, Any]) -> None:
    assert key(**change) != key()


def test_a_rotated_key_is_still_the_same_account() -> None:
    assert key(api_key="kid:fresh") == key()


def test_the_key_of_an_upload_tells_no_secret() -> None:
    assert "secret" not in key()
    assert key().startswith("storyboard-upload-")


@dataclass
class Account:
    gateway: Gateway = field(default_factory=Gateway)

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
    url = await upload.fn(local_file(tmp_path / name), account, Library(url=str(tmp_path)))
    assert url == f"https://files.example/1/{name}?{content_type}"
