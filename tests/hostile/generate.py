"""The hostile cases, made from seeds: storyboards, sources, hosts, media, answers and callbacks."""

import json
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import httpx
from fsspec.implementations.memory import MemoryFileSystem

from prefect_storyboard.media.bounds import Allowed, Bounds
from prefect_storyboard.media.probe import probe, probe_image
from prefect_storyboard.media.sources import fetch, read_text
from prefect_storyboard.providers import callbacks
from prefect_storyboard.providers.download import Bounds as DownloadBounds
from prefect_storyboard.providers.download import download
from prefect_storyboard.providers.fal.adapter import Fal
from prefect_storyboard.providers.http import ask, buy, client
from prefect_storyboard.providers.kie.adapter import Kie
from prefect_storyboard.providers.protocol import Order
from prefect_storyboard.providers.toapis.adapter import ToApis
from prefect_storyboard.providers.wavespeed.adapter import WaveSpeed
from prefect_storyboard.storyboards import Job, parse

MAY_PASS = ("named", "quiet")
REFUSED = ("named",)
NOTHING = ("quiet",)


@dataclass(frozen=True)
class Case:
    name: str
    run: Callable[[], Any]
    may: tuple[str, ...] = REFUSED


def storyboards(folder: Path, host: str, canary: str) -> Iterator[Case]:
    """Texts that grow when they are read, or that are no storyboard at all, as YAML and as JSON."""
    bombs = {
        f"bomb-{seed[:2]}-{wide}-{deep}": f"a0: &a0 {seed}\n"
        + "\n".join(f"a{n}: &a{n} {form % (', '.join([f'*a{n - 1}'] * wide))}" for n in range(1, deep))
        for (seed, form), wide, deep in product([("[x, x]", "[%s]"), ("{x: y}", "{<<: [%s]}")], (2, 9, 50), (5, 20, 60))
    }
    deep = {
        f"deep-{mark}-{size}": f"a: {mark * size}"
        for mark, size in product(("[", "{a: ", "- ", "? "), (40, 5_000, 300_000))
    }
    long = {
        f"long-{mark!r}-{size}": f"a: {mark * size}"
        for mark, size in product(
            ("x", "'", '"', "#", "\\", ": ", "!", "&a ", "*a ", "|\n", "\t", "é", "\u2028", "\0", "{}", "%"),
            (10_000, 1_000_000),
        )
    }
    scenes = "title: T\nscenes:\n" + "\n".join(f"  - {{id: s{n}, prompt: p, continues: s{n + 1}}}" for n in range(1001))
    chain = "title: T\nscenes:\n" + "\n".join(
        f"  - {{id: s{n}, prompt: p, continues: s{(n + 1) % 999}}}" for n in range(999)
    )
    odd = {
        "scenes": scenes,
        "circle": chain,
        "prompt": f"title: T\nscenes: [{{id: s, prompt: '{'x' * 3_000_000}'}}]",
        "large": "x" * 20_000_000,
        "tag": "title: !!python/object/apply:os.system ['touch canary']\nscenes: []",
        "tag-2": "title: !!python/name:os.system\nscenes: []",
        "self": "a: &a [*a]",
        "merge": "a: &a {<<: *a}",
    }
    for name, text in (bombs | deep | long | odd).items():
        yield Case(f"yaml {name}", partial(parse, text, "board.yaml"))
    for name, text in {
        "deep": "[" * 500_000,
        "keys": '{"a":' * 100_000,
        "digits": f'{{"title": {"9" * 100_000}}}',
        "nan": '{"title": NaN}',
        "surrogate": '{"title": "\\ud800"}',
        "twice": '{"title": 1, "title": 2}',
        "wide": json.dumps(["x"] * 900_000),
        "half": '{"title"',
    }.items():
        yield Case(f"json {name}", partial(parse, text, "board.json"))


def sources(folder: Path, host: str, canary: str) -> Iterator[Case]:
    """References that would run, read or reach what the storyboard may not."""
    secret, board = folder / "canary.png", folder / "board"
    board.mkdir(exist_ok=True)
    secret.write_bytes(b"canary")
    for name, target in {
        "link.png": secret,
        "up": folder,
        "zero.png": "/dev/zero",
        "full.png": "/dev/full",
        "proc.png": "/proc/self/environ",
    }.items():
        (board / name).symlink_to(target)
    os.mkfifo(board / "pipe.png")
    (board / "folder.png").mkdir()
    command = "{{ cycler.__init__.__globals__.os.popen('touch " + str(folder / "ran") + "').read() }}"
    MemoryFileSystem().pipe_file("/ref.json", json.dumps({"version": 1, "refs": {"x.png": command}}).encode())
    port = canary.rpartition(":")[2]
    hosts = (
        "127.0.0.1",
        "localhost",
        "[::1]",
        "0.0.0.0",  # noqa: S104 - nothing is bound to it
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "[::ffff:127.0.0.1]",
        "user:pw@127.0.0.1",
        "LOCALHOST",
        "127.0.0.1.",
        "[64:ff9b::7f00:1]",
    )
    places = [f"{scheme}://{each}:{port}/x.png" for scheme, each in product(("http", "https"), hosts)]
    places += [
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.1/x",
        "http://192.168.0.1/x",
        "http://[fe80::1]/x",
        "http://",
        "http://[",
        "http://a:port/",
        "http://\udcff/",
        "http:///x",
        f"http://{'a' * 70_000}/",
        "http://x.invalid/",
    ]
    ways = (
        "{f}/canary.png",
        "{f}/board/../canary.png",
        "{f}/board/link.png",
        "{f}/board/up/canary.png",
        "{f}/board/zero.png",
        "{f}/board/full.png",
        "{f}/board/proc.png",
        "{f}/board/pipe.png",
        "{f}/board/folder.png",
        "/etc/passwd",
        "/dev/stdin",
        "/proc/self/mem",
        "{f}/board/" + "a" * 5_000,
        "{f}/board/\0.png",
        "{f}/board/none.png",
        "../../../../etc/passwd",
    )
    places += [f"{form}{way.format(f=folder)}" for form, way in product(("", "file://", "local://"), ways)]
    schemes = (
        "reference",
        "dask",
        "jupyter",
        "github",
        "git",
        "ftp",
        "sftp",
        "smb",
        "zip",
        "tar",
        "libarchive",
        "hdfs",
        "webhdfs",
        "filecache",
        "simplecache",
        "blockcache",
        "dir",
        "cached",
        "data",
        "gist",
        "generic",
        "arrow_hdfs",
        "adl",
        "oci",
        "lakefs",
        "hf",
        "javascript",
        "gopher",
        "dict",
        "ldap",
    )
    places += [f"{scheme}://{at}" for scheme, at in product(schemes, ("x.png", f"127.0.0.1:{port}/x.png"))]
    places += [
        "reference://x.png::memory://ref.json",
        f"simplecache::{canary}/x.png",
        f"zip://x::{canary}/x",
        "s3://other/x.png",
        "gs://other/x.png",
        "az://other/x.png",
        "memory://ref.json",
        "data:image/png;base64,AAAA",
    ]
    allowed = Allowed(roots=(str(board), "s3://library"))
    for place in places:
        yield Case(f"fetch {place[:90]!r}", partial(fetch, place, folder / "copies", {}, allowed))


def hosts(folder: Path, host: str, canary: str) -> Iterator[Case]:
    """Hosts that are allowed, and behave as badly as they can: bounds hold there too."""
    where = host.partition("://")[2]
    allowed = Allowed(hosts=(where,), bounds=Bounds(max_media_bytes=50_000_000))
    names = (
        "endless",
        "huge",
        "drip",
        "headers",
        "silent",
        "many",
        "packed",
        "unpacked",
        "circle",
        "canary",
        "file",
        "garbage",
        "short",
        "missing",
    )
    for name in names:
        yield Case(f"source {name}", partial(fetch, f"{host}/{name}.png", folder / "copies", {}, allowed))
        yield Case(f"storyboard {name}", partial(read_text, f"{host}/{name}.yaml", {}, allowed))
    for name in names:
        yield Case(f"download {name}", partial(_download, f"{host}/{name}.mp4", where, folder / f"{name}.mp4"))
    yield Case("download inner", partial(_download, canary, where, folder / "inner.mp4"))
    for name in ("endless", "many", "packed", "unpacked", "garbage", "short", "drip", "headers", "silent"):
        yield Case(f"answer {name}", partial(_call, ask, where, "GET", f"{host}/{name}"))
    for name in ("endless", "many", "packed", "unpacked", "garbage", "short"):  # a silent one is waited for longer
        yield Case(f"submit {name}", partial(_call, buy, where, f"{host}/{name}"))


async def _download(url: str, where: str, to: Path) -> str:
    async with client([where]) as http:
        return await download(http, url, to, DownloadBounds(bytes=50_000_000))


async def _call(call: Any, where: str, *args: str) -> Any:
    async with client([where]) as http:
        reply = await call(http, "a gateway", *args)
        return None if reply.status_code < 400 else reply


def media(folder: Path, host: str, canary: str) -> Iterator[Case]:
    """Files that claim to be pictures and videos."""
    sizes = ((60_000, 60_000), (1, 2**31 - 1), (2**31 - 1, 2**31 - 1), (0, 0), (40_000, 40_000))
    files = {f"{w}x{h}.png": _png(w, h) for w, h in sizes}
    clip = (Path(__file__).parents[2] / "examples" / "clips" / "mara.mp4").read_bytes()
    files |= {f"cut-{at}.mp4": clip[:at] for at in (0, 1, 8, 100, 1_000, 5_000)}
    files |= {
        f"mixed-{n}.mp4": bytes(
            byte ^ (0xFF if at % (n * 37 + 11) == 0 else 0) for at, byte in enumerate(clip[:20_000])
        )
        for n in range(1, 7)
    }
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{canary}/x.ts\n#EXT-X-ENDLIST\n".encode()
    files |= {f"list{suffix}": playlist for suffix in (".m3u8", ".mp4", ".mov", ".png", ".webm")}
    concat = f"ffconcat version 1.0\nfile '{folder}/canary.mp4'\nfile '{canary}/x.mp4'\n".encode()
    files |= {f"concat{suffix}": concat for suffix in (".ffconcat", ".mp4", ".avi")}
    files |= {
        "svg.png": f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{canary}"/></svg>'.encode(),
        "eps.png": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        "text.mp4": b"hello",
        "sdp.mp4": f"v=0\nc=IN IP4 127.0.0.1\nm=video {canary.rpartition(':')[2]} RTP/AVP 96\n".encode(),
        "zero.mp4": bytes(1_000_000),
        "gif.gif": b"GIF89a\xff\xff\xff\xff\x00\x00\x00;",
    }
    for name, body in files.items():
        path = folder / name
        path.write_bytes(body)
        yield Case(f"probe {name}", partial(probe, path), MAY_PASS if name.startswith(("mixed", "cut")) else REFUSED)
        yield Case(f"picture {name}", partial(probe_image, path), MAY_PASS if name.endswith(".gif") else REFUSED)


def _png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(100_000)))
        + chunk(b"IEND", b"")
    )


ODD = (b"", b"null", b"[]", b"{}", b"7", b'"x"', b"\xff\xfe", b"[" * 100_000, b'{"a":' * 100_000, b"9" * 100_000, b'{"data":' + b"9" * 5_000 + b"}", b'{"code":200,"data":null}', b'{"code":200,"data":[]}',
       b'{"request_id":{},"status":[]}', b'{"status":"\\ud800","id":"\\ud800"}', b'{"code":1e999,"data":{"taskId":7}}', b"<html>", b'{"code":200,"data":{"state":{},"resultJson":"[[["}}', json.dumps({"detail": [{"loc": ["x"] * 99, "msg": "y" * 99_999}] * 50}).encode(), b"[]," * 2_000_000)  # fmt: skip


def answers(folder: Path, host: str, canary: str) -> Iterator[Case]:
    """What a gateway may answer to each call, with any status, and whatever it means."""
    job = {"request_id": "j-12345", "submitted_at": datetime(2026, 11, 1, tzinfo=UTC)}
    for (kind, make), body, status in product(_ADAPTERS.items(), ODD, (200, 500)):
        name = f"{kind} {status} {body[:24]!r}"
        yield Case(
            f"submit {name}",
            partial(_asked, make, body, status, "submit", Order(endpoint="a/b", body={"x": 1})),
            MAY_PASS if b"ud800" in body or b"taskId" in body else REFUSED,  # an id, if an odd one
        )
        yield Case(
            f"status {name}",
            partial(_asked, make, body, status, "status", Job(provider=kind, endpoint="a/b", **job)),
            MAY_PASS,
        )
        yield Case(
            f"result {name}",
            partial(_asked, make, body, status, "result", Job(provider=kind, endpoint="a/b", **job)),
            MAY_PASS,
        )


_ADAPTERS: dict[str, Callable[[httpx.AsyncClient], Any]] = {
    "fal": lambda http: Fal(http, api_key="kid-0123456789:secret-0123456789", queue_url="https://q.x", rest_url="https://r.x", platform_url="https://p.x"),
    "kie": lambda http: Kie(http, api_key="kie-0123456789", api_url="https://k.x", upload_url="https://u.x"),
    "toapis": lambda http: ToApis(http, api_key="sk-0123456789abcdef", api_url="https://t.x"),
    "wavespeed": lambda http: WaveSpeed(http, api_key="ws-0123456789abcdef", api_url="https://w.x"),
}  # fmt: skip


async def _asked(make: Callable[[httpx.AsyncClient], Any], body: bytes, status: int, call: str, what: Any) -> Any:
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(status, content=body))) as http:
        return await getattr(make(http), call)(what)


def signatures(folder: Path, host: str, canary: str) -> Iterator[Case]:
    """Callbacks of strangers: None for any bytes whatever, and for an empty secret."""
    times = ("1764000000", "9" * 400, "-1", "1e9", "\u0661\u0662", "", "nan", "\ud800")
    names = {
        "from_fal": "x-fal-webhook-",
        "from_kie": "x-webhook-",
        "from_toapis": "x-toapis-webhook-",
        "from_wavespeed": "webhook-",
    }
    for (verify, prefix), at, body, secret in product(names.items(), times, ODD[:13], ("", "s3cret")):
        fields = ("id", "request-id", "user-id", "signature")
        headers = {f"{prefix}{field}": "v1=00,\ud800" for field in fields} | {f"{prefix}timestamp": at}
        keys = ([secret], [secret * 9])[len(body) % 2] if verify == "from_fal" else secret
        yield Case(
            f"{verify} {at[:9]!r} {body[:9]!r} {bool(secret)}", partial(_verified, verify, headers, body, keys), NOTHING
        )


def _verified(verify: str, headers: dict[str, str], body: bytes, secret: Any) -> None:
    found = getattr(callbacks, verify)(headers, body, secret, now=1764000000.0)
    assert found is None, found


GROUPS = {"storyboards": storyboards, "sources": sources, "hosts": hosts, "media": media, "answers": answers, "signatures": signatures}  # fmt: skip
