"""Keys, limits, uploads, balances and models of the sandbox's ToAPIs: sections 2, 3, 7 and 10 of the wire contract."""

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import httpx
import pytest
from PIL import Image

from prefect_storyboard.sandbox import Clock, Pace, running

GENERATIONS = "/v1/videos/generations"
PACE = Pace(queue_seconds=10, render_seconds=40, clip_scale=0.25)
CLIP = {"model": "sora-2", "prompt": "p"}
UNAUTHORIZED = {"code": 401, "message": "身份验证失败，请检查您的 API 密钥", "type": "authentication_error"}


@dataclass
class ToApis:
    http: httpx.Client
    clock: Clock
    base: str

    def upload(self, kind: str, data: bytes, name: str = "a.bin", **fields: str) -> httpx.Response:
        return self.http.post(f"/v1/uploads/{kind}", files={"file": (name, data)}, data=fields)

    def post(self, key: str = "sk-sandbox") -> httpx.Response:
        return self.http.post(GENERATIONS, json=CLIP, headers={"Authorization": f"Bearer {key}"})


@contextmanager
def serving(folder: Path) -> Iterator[ToApis]:
    clock, key = Clock(), {"Authorization": "Bearer sk-sandbox"}
    with (
        running(folder, clock=clock, pace=PACE) as base,
        httpx.Client(base_url=f"{base}/toapis", headers=key, timeout=60) as http,
    ):
        yield ToApis(http, clock, base)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ToApis]:
    with serving(tmp_path_factory.mktemp("sandbox")) as api:
        yield api


@pytest.fixture
def api(server: ToApis) -> ToApis:
    server.clock.advance(10)  # a window of the limiter
    return server


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[ToApis]:
    """A sandbox of this test's own, with nothing on its meter."""
    with serving(tmp_path) as api:
        yield api


def picture(kind: str) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (64, 36), "teal").save(target, kind)
    return target.getvalue()


def clip(container: str = "mp4", codec: str = "libx264") -> bytes:
    target = io.BytesIO()
    with av.open(target, "w", format=container) as file:
        stream = file.add_stream(codec, rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 36, "yuv420p"  # type: ignore[attr-defined]
        file.mux(stream.encode(av.VideoFrame(64, 36, "yuv420p")))  # type: ignore[attr-defined]
        file.mux(stream.encode(None))  # type: ignore[attr-defined]
    return target.getvalue()


# --- keys


@pytest.mark.parametrize("header", [None, "sk-sandbox", "Bearer sandbox", "Key sk-sandbox", "Bearer sk-bad-key"])
@pytest.mark.parametrize("path", ["/v1/models", "/balance", f"{GENERATIONS}/x", "/v1/characters_tasks/x"])
def test_a_wrong_key_is_refused_everywhere(api: ToApis, header: str | None, path: str) -> None:
    reply = httpx.get(f"{api.base}/toapis{path}", headers={"Authorization": header} if header else {})
    assert (reply.status_code, reply.json()) == (401, {"error": UNAUTHORIZED})


def test_a_key_without_money_buys_nothing(api: ToApis) -> None:
    reply = api.post("sk-empty-pockets")
    error = {"code": 402, "message": "账户余额不足，请充值后再试", "type": "payment_required"}
    assert (reply.status_code, reply.json()) == (402, {"error": error})
    balance = api.http.get("/balance", headers={"Authorization": "Bearer sk-empty-pockets"}).json()
    assert balance["remain_balance"] == 0


def test_a_bill_names_the_hash_of_the_key(fresh: ToApis) -> None:
    fresh.post()
    fresh.clock.advance(60)
    (bill,) = httpx.get(f"{fresh.base}/sandbox/meter").json()["billed"]
    key_id = hashlib.sha256(b"sk-sandbox").hexdigest()[:8]
    assert (bill["key_id"], bill["gateway"], bill["endpoint"], bill["body"]) == (key_id, "toapis", "sora-2", CLIP)


def test_a_key_at_the_cdn_is_a_leak(fresh: ToApis) -> None:
    fresh.http.get(fresh.upload("images", picture("png")).json()["data"]["url"])
    assert httpx.get(f"{fresh.base}/sandbox/meter").json()["leaks"] == 1


# --- limits


def test_an_ordinary_key_feels_no_limit(api: ToApis) -> None:
    replies = [api.post() for _ in range(60)]
    assert {(reply.status_code, "X-RateLimit-Limit" in reply.headers) for reply in replies} == {(200, False)}


def test_fifty_submits_in_ten_seconds(api: ToApis) -> None:
    replies = [api.post(f"sk-limited-{place % 2}") for place in range(52)]
    assert [reply.status_code for reply in replies] == [200] * 50 + [429] * 2
    assert replies[-1].json() == {"error": {"code": "rate_limit_exceeded", "message": "Too many requests"}}
    told = {name: replies[0].headers[f"X-RateLimit-{name}"] for name in ("Limit", "Remaining", "Reset", "Category")}
    assert told == {"Limit": "50", "Remaining": "49", "Reset": str(int(api.clock.now + 10)), "Category": "async_submit"}
    assert (replies[-1].headers["X-RateLimit-Remaining"], replies[-1].headers["Retry-After"]) == ("0", "10")
    api.clock.advance(10)
    assert api.post("sk-limited").status_code == 200


def test_calls_that_the_limiter_refused_do_not_count_in_the_next_window(api: ToApis) -> None:
    seen = []
    for _ in range(2):
        seen.append([api.post("sk-limited").status_code for _ in range(60)].count(200))
        api.clock.advance(10)
    assert seen == [50, 50]


def test_queries_have_a_bucket_of_their_own_and_failed_ones_count(api: ToApis) -> None:
    headers = {"Authorization": "Bearer sk-limited"}
    codes = [api.http.get(f"{GENERATIONS}/x", headers=headers).status_code for _ in range(501)]
    assert codes == [404] * 500 + [429]
    assert api.post("sk-limited").status_code == 200
    assert api.http.get("/v1/balance", headers=headers).status_code == 200


# --- uploads


@pytest.mark.parametrize(
    ("kind", "data", "mime"),
    [
        ("images", picture("png"), "image/png"),
        ("images", picture("jpeg"), "image/jpeg"),
        ("images", picture("webp"), "image/webp"),
        ("images", picture("gif"), "image/gif"),
        ("videos", clip(), "video/mp4"),
        ("videos", clip("mov"), "video/quicktime"),
        ("videos", clip("webm", "libvpx-vp9"), "video/webm"),
    ],
)
def test_an_upload_is_answered_like_the_contract_and_served(api: ToApis, kind: str, data: bytes, mime: str) -> None:
    reply = api.upload(kind, data, "Mara Lind.bin", purpose="generation").json()
    assert (reply["success"], reply["message"], set(reply["data"])) == (True, "", {"id", "url", "mime_type", "size"})
    assert (reply["data"]["mime_type"], reply["data"]["size"]) == (mime, len(data))
    assert reply["data"]["url"].endswith(f"/toapis/cdn/files/b/{reply['data']['id']}/Mara_Lind.bin")
    served = httpx.get(reply["data"]["url"])
    assert (served.content, served.headers["content-type"]) == (data, mime)


@pytest.mark.parametrize(
    ("kind", "data", "message"),
    [
        ("images", picture("bmp"), "Unsupported image type. Allowed: JPEG, PNG, WebP, GIF"),
        ("images", clip(), "Unsupported image type. Allowed: JPEG, PNG, WebP, GIF"),
        ("images", bytes(10_000_001), "Image too large. Maximum size is 10MB"),
        ("videos", picture("png"), "Unsupported or invalid video file. Allowed: MP4, WebM, MOV"),
        ("videos", clip("matroska"), "Unsupported or invalid video file. Allowed: MP4, WebM, MOV"),
        ("videos", b"hello", "Unsupported or invalid video file. Allowed: MP4, WebM, MOV"),
        ("videos", bytes(50_000_001), "Video too large. Maximum size is 50MB"),
    ],
)
def test_an_upload_that_does_not_fit(api: ToApis, kind: str, data: bytes, message: str) -> None:
    reply = api.upload(kind, data)
    assert (reply.status_code, reply.json()) == (400, {"success": False, "message": message})


def test_an_upload_is_a_form_with_a_file_and_perhaps_a_purpose(api: ToApis) -> None:
    png = picture("png")
    replies = [
        api.http.post("/v1/uploads/images", content=png, headers={"Content-Type": "image/png"}),
        api.http.post("/v1/uploads/images", files={"image": ("a.png", png)}),
        api.upload("images", png, folder="mine"),
    ]
    assert [(reply.status_code, reply.json()["success"]) for reply in replies] == [(400, False)] * 3


def test_sounds_cannot_be_uploaded(api: ToApis) -> None:
    assert api.upload("audios", b"ID3").status_code == 404


def test_line_ends_and_dashes_in_a_file_are_its_own(api: ToApis) -> None:
    data = picture("png") + b"\r\n--\r\n\r\n\n\r--boundary\r\n"
    url = api.upload("images", data).json()["data"]["url"]
    assert httpx.get(url).content == data


# --- balances and models


def test_every_balance_looks_like_the_contracts(fresh: ToApis) -> None:
    for path in ("/v1/balance", "/balance", "/v1/user/balance", "/user/balance"):
        reply = fresh.http.get(path).json()
        assert reply == {"success": True, "remain_balance": 100, "used_balance": 0, "unlimited_quota": False}


def test_a_balance_shows_a_charge_when_the_task_has_ended(fresh: ToApis) -> None:
    fresh.post()
    fresh.post("sk-another")
    used: list[Any] = []
    for seconds in (0, 60):
        fresh.clock.advance(seconds)
        used.append([fresh.http.get(path).json()["used_balance"] for path in ("/v1/balance", "/v1/user/balance")])
    assert used == [[0, 0], [1.0, 2.0]]


def test_the_models_are_listed_like_openais(api: ToApis) -> None:
    reply = api.http.get("/v1/models").json()
    assert reply["object"] == "list"
    assert reply["data"][0] == {"id": "sora-2", "object": "model", "created": 1765000000, "owned_by": "toapis"}
    assert [each["id"] for each in reply["data"]][:5] == [
        "sora-2",
        "sora-2-pro",
        "sora-2-vip",
        "sora-2-vvip",
        "sora-2-official",
    ]
