"""What the tasks return survives in any result store, at every gateway, and no key or signed link is left there."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from fsspec.core import url_to_fs
from prefect.cache_policies import INPUTS
from prefect.filesystems import LocalFileSystem, RemoteFileSystem, WritableFileSystem

from prefect_storyboard.blocks import Library
from prefect_storyboard.tasks import create_character, generate, poll, store
from tests.flows.gateways import GATEWAYS, SECRET, opened

PLACES = [
    *((gateway, "local", "json") for gateway in GATEWAYS),
    ("kie", "s3", "pickle"),
    ("wavespeed", "memory", "json"),
]


@contextmanager
def stored(kind: str, folder: Path, moto: str) -> Iterator[tuple[WritableFileSystem, str, dict[str, Any]]]:
    """A result store, and how to look into it behind Prefect's back."""
    if kind == "local":
        yield LocalFileSystem(basepath=str(folder / "results")), str(folder / "results"), {}
        return
    options: dict[str, Any] = {}
    url = f"{kind}://results/{folder.name}"
    if kind == "s3":
        options = {"key": "studio", "secret": "secret", "client_kwargs": {"endpoint_url": moto}}
        known = {"aws_access_key_id": "studio", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
        boto3.client("s3", endpoint_url=moto, **known).create_bucket(Bucket="results")
    yield RemoteFileSystem(basepath=url, settings=options), url, options


@pytest.mark.parametrize(("gateway", "kind", "serializer"), PLACES)
async def test_a_persisted_result_is_the_value_and_holds_no_secret(
    engine: None, gateway: str, kind: str, serializer: str, tmp_path: Path, moto: str
) -> None:
    with opened(gateway, "sora-2", tmp_path) as branch, stored(kind, tmp_path, moto) as (block, url, options):
        await block.asave(f"results-{gateway}-{kind}", overwrite=True)
        kept: dict[str, Any] = {"persist_result": True, "result_storage": block, "result_serializer": serializer}
        kept |= {"cache_policy": INPUTS}
        on: dict[str, Any] = {"credentials": branch.credentials(), "library": Library(url=branch.library)}
        clip = str(branch.clips / "mara.mp4")
        states = []
        for _ in range(2):
            options_of = {"return_state": True, **on}
            who = await create_character.with_options(**kept)("Mara", clip, model="sora-2", **options_of)
            job = await generate.with_options(**kept)("Mara waves.", model="sora-2", **options_of)
            result = await poll.with_options(**kept)(await job.aresult(), **options_of)
            made = await store.with_options(**kept)(await job.aresult(), **options_of)
            states.append([who, job, result, made])
        first, second = [[await state.aresult() for state in each] for each in states]
        assert [state.name for state in states[1]] == ["Cached"] * 4
        assert first[:2] + first[3:] == second[:2] + second[3:]
        assert (second[2].url, second[2].handle) == (None, first[2].handle)
        assert branch.bought() == (1, 1)
        fs, root = url_to_fs(url, **options)
        bodies = [fs.cat_file(path) for path in fs.find(root)]
        assert len(bodies) >= 4
        assert not any(SECRET.encode() in body or b"sig=" in body for body in bodies)
