"""The sandbox's uploads behave as section 3 of the wire contract says."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
import pytest

from prefect_storyboard.sandbox import Clock, running


@dataclass
class Storage:
    rest: httpx.Client
    bare: httpx.Client
    clock: Clock
    base: str

    def token(self) -> dict[str, Any]:
        reply = self.rest.post("/storage/auth/token", params={"storage_type": "fal-cdn-v3"}, json={})
        assert reply.status_code == 200
        return dict(reply.json())

    def bearer(self) -> dict[str, str]:
        token = self.token()
        return {"Authorization": f"{token['token_type']} {token['token']}"}

    def presigned(self, path: str = "initiate", storage_type: str = "fal-cdn-v3") -> dict[str, str]:
        body = {"file_name": "a b.png", "content_type": "image/png"}
        reply = self.rest.post(f"/storage/upload/{path}", params={"storage_type": storage_type}, json=body)
        assert set(reply.json()) == {"upload_url", "file_url"}
        return dict(reply.json())

    def meter(self) -> dict[str, Any]:
        return dict(self.bare.get(f"{self.base}/sandbox/meter").json())


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storage]:
    clock = Clock()
    with running(tmp_path_factory.mktemp("sandbox"), clock=clock) as base, httpx.Client() as bare:
        key = {"Authorization": "Key sandbox:sandbox"}
        with httpx.Client(base_url=f"{base}/fal/rest", headers=key) as rest:
            yield Storage(rest, bare, clock, base)


def test_a_cdn_token_has_the_contracts_fields_and_a_time_zone(storage: Storage) -> None:
    token = storage.token()
    assert set(token) == {"token", "token_type", "base_url", "expires_at"}
    assert datetime.fromisoformat(token["expires_at"]).tzinfo


def test_one_post_uploads_a_file_that_anyone_can_read(storage: Storage) -> None:
    headers = {**storage.bearer(), "Content-Type": "video/mp4", "X-Fal-File-Name": "a.mp4"}
    url = storage.bare.post(f"{storage.base}/fal/cdn/files/upload", content=b"bytes", headers=headers).json()[
        "access_url"
    ]
    reply = storage.bare.get(url)
    assert (reply.content, reply.headers["content-type"]) == (b"bytes", "video/mp4")


@pytest.mark.parametrize(
    "header", [{}, {"Authorization": "Key sandbox:sandbox"}, {"Authorization": "Bearer jwt-other"}]
)
def test_the_cdn_takes_its_own_token_only(storage: Storage, header: dict[str, str]) -> None:
    assert storage.bare.post(f"{storage.base}/fal/cdn/files/upload", content=b"x", headers=header).status_code == 401


def test_a_token_expires(storage: Storage) -> None:
    header = storage.bearer()
    storage.clock.advance(601)
    assert storage.bare.post(f"{storage.base}/fal/cdn/files/upload", content=b"x", headers=header).status_code == 401


def test_an_upload_with_a_lifetime_disappears(storage: Storage) -> None:
    headers = {**storage.bearer(), "X-Fal-Object-Lifecycle": '{"expiration_duration_seconds": 60}'}
    url = storage.bare.post(f"{storage.base}/fal/cdn/files/upload", content=b"x", headers=headers).json()["access_url"]
    assert storage.bare.get(url).status_code == 200
    storage.clock.advance(61)
    assert storage.bare.get(url).status_code == 404


def open_parts(storage: Storage, header: dict[str, str]) -> dict[str, str]:
    headers = {**header, "Content-Type": "video/mp4", "X-Fal-File-Name": "big.mp4"}
    reply = storage.bare.post(f"{storage.base}/fal/cdn/files/upload/multipart", headers=headers)
    assert set(reply.json()) == {"access_url", "uploadId"}
    return dict(reply.json())


def put_part(storage: Storage, header: dict[str, str], upload: dict[str, str], number: int) -> dict[str, Any]:
    url = f"{upload['access_url']}/multipart/{upload['uploadId']}/{number}"
    reply = storage.bare.put(url, content=f"part{number} ".encode(), headers=header)
    return {"partNumber": number, "etag": reply.headers["etag"]}


def complete(storage: Storage, header: dict[str, str], upload: dict[str, str], parts: list[Any]) -> int:
    url = f"{upload['access_url']}/multipart/{upload['uploadId']}/complete"
    return storage.bare.post(url, json={"parts": parts}, headers=header).status_code


def test_parts_may_be_listed_in_any_order(storage: Storage) -> None:
    header = storage.bearer()
    upload = open_parts(storage, header)
    parts = [put_part(storage, header, upload, number) for number in (2, 3, 1)]
    assert complete(storage, header, upload, parts) == 200
    assert storage.bare.get(upload["access_url"]).content == b"part1 part2 part3 "


def test_a_part_sent_again_replaces_the_first(storage: Storage) -> None:
    header = storage.bearer()
    upload = open_parts(storage, header)
    parts = [put_part(storage, header, upload, 1) for _ in range(2)][1:]
    assert complete(storage, header, upload, parts) == 200


def test_a_missing_or_foreign_part_is_refused(storage: Storage) -> None:
    header = storage.bearer()
    upload = open_parts(storage, header)
    part = put_part(storage, header, upload, 1)
    assert complete(storage, header, upload, [{**part, "etag": '"e1"'}]) == 400
    assert complete(storage, header, upload, [{**part, "etag": part["etag"].strip('"')}]) == 400
    assert complete(storage, header, upload, [part, {"partNumber": 2, "etag": '"e2"'}]) == 400
    assert complete(storage, header, upload, []) == 400


def test_etags_are_quoted(storage: Storage) -> None:
    header = storage.bearer()
    assert put_part(storage, header, open_parts(storage, header), 1)["etag"].startswith('"')


@pytest.mark.parametrize("storage_type", ["fal-cdn-v3", "gcs"])
def test_a_presigned_put_needs_no_key(storage: Storage, storage_type: str) -> None:
    given = storage.presigned(storage_type=storage_type)
    assert storage.bare.put(given["upload_url"], content=b"x", headers={"Content-Type": "image/png"}).status_code == 200
    assert storage.bare.get(given["file_url"]).content == b"x"


def test_a_presigned_put_with_a_key_is_refused_and_counted_as_a_leak(storage: Storage) -> None:
    leaks = storage.meter()["leaks"]
    headers = {"Content-Type": "image/png", "Authorization": "Key sandbox:sandbox"}
    given = storage.presigned()
    assert storage.bare.put(given["upload_url"], content=b"x", headers=headers).status_code == 400
    assert storage.bare.get(given["file_url"]).status_code == 404
    assert storage.meter()["leaks"] == leaks + 1


def test_a_download_with_a_key_is_served_and_counted_as_a_leak(storage: Storage) -> None:
    given = storage.presigned()
    storage.bare.put(given["upload_url"], content=b"x", headers={"Content-Type": "image/png"})
    leaks = storage.meter()["leaks"]
    assert storage.bare.get(given["file_url"], headers={"Authorization": "Key a:b"}).status_code == 200
    assert storage.meter()["leaks"] == leaks + 1


def test_a_presigned_address_is_bound_to_its_signature_type_and_time(storage: Storage) -> None:
    png = {"Content-Type": "image/png"}
    url = storage.presigned()["upload_url"]
    assert storage.bare.put(url.replace("sig=", "sig=0"), content=b"x", headers=png).status_code == 403
    assert storage.bare.put(url, content=b"x", headers={"Content-Type": "text/html"}).status_code == 403
    storage.clock.advance(121)
    assert storage.bare.put(url, content=b"x", headers=png).status_code == 403


def test_a_presigned_multipart_upload(storage: Storage) -> None:
    given = storage.presigned("initiate-multipart")
    path, _, query = given["upload_url"].partition("?")
    parts = [storage.bare.put(f"{path}/{number}?{query}", content=b"%d" % number).json() for number in (2, 1)]
    assert set(parts[0]) == {"partNumber", "etag"}
    assert storage.bare.post(f"{path}/complete?{query}", json={"parts": parts}).status_code == 200
    assert storage.bare.get(given["file_url"]).content == b"12"


def test_only_finished_uploads_are_counted(storage: Storage) -> None:
    before = storage.meter()["uploads"]
    header = storage.bearer()
    upload = open_parts(storage, header)
    part = put_part(storage, header, upload, 1)
    assert storage.meter()["uploads"] == before
    complete(storage, header, upload, [part])
    assert storage.meter()["uploads"] == before + 1
