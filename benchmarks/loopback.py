"""The server for the clients of `core`: the parts of fal, WaveSpeed and OpenAI that they call.

    python -m benchmarks.loopback        prints its port; one line of JSON on stdin sets `seconds` and `lost`

It answers in about 50 microseconds, so that the client dominates the measurement. It counts the status calls of each
job, and records when a client first saw that the job had ended. `lost` is the share of accepted submits that get no
reply.
"""

import asyncio
import json
import statistics
import time
from random import Random
from typing import Any
from urllib.parse import parse_qs, urlsplit

CLIP = bytes(range(256)) * 80  # 20 kB
_REASONS = {200: "OK", 404: "Not Found"}


class Market:
    """The jobs of one measurement, and the requests about them."""

    def __init__(self, seconds: float = 5.0, lost: float = 0.0) -> None:
        self.seconds, self.lost = seconds, lost
        self.jobs: dict[str, dict[str, Any]] = {}
        self.looks: dict[str, int] = {}
        self.seen: dict[str, float] = {}
        self.fetched: set[str] = set()
        self.requests = self.connections = self.open = self.most_open = 0
        self._draw = Random(1)  # noqa: S311 - repeatable, not secret

    def submit(self, endpoint: str, body: Any) -> tuple[str, bool]:
        """Accept a job; return its name, and whether its reply is lost."""
        name = f"job-{len(self.jobs) + 1:05d}"
        self.jobs[name] = {"endpoint": endpoint, "body": body, "at": time.time()}
        return name, self._draw.random() < self.lost

    def ended(self, name: str, *, status: bool) -> bool:
        """Whether a job has ended; records the request."""
        over = time.time() >= self.jobs[name]["at"] + self.seconds
        if status:
            self.looks[name] = self.looks.get(name, 0) + 1
        if over:
            self.seen.setdefault(name, time.time())
        return over

    def facts(self) -> dict[str, Any]:
        """The figures of the measurement."""
        late = [self.seen[name] - job["at"] - self.seconds for name, job in self.jobs.items() if name in self.seen]
        return {
            "billed": len(self.jobs),
            "fetched": len(self.fetched),
            "looks": sum(self.looks.values()) / max(len(self.jobs), 1),
            "late": statistics.median(late) if late else None,
            "requests": self.requests,
            "connections": self.connections,
            "most_open": self.most_open,
        }


class Exchange(asyncio.Protocol):
    """One connection: HTTP/1.1 with content lengths, as the clients use it."""

    def __init__(self, server: "Server") -> None:
        self._server, self._buffer = server, bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a TCP server passes one
        self._transport, market = transport, self._server.market
        market.connections += 1
        market.open += 1
        market.most_open = max(market.most_open, market.open)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's own signature
        self._server.market.open -= 1

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._buffer[:end]).decode("latin-1")
            lines = head.split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
            length = int(headers.get("content-length", "0"))
            if headers.get("expect"):
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            if len(self._buffer) < end + 4 + length:
                return
            body = bytes(self._buffer[end + 4 : end + 4 + length])
            del self._buffer[: end + 4 + length]
            method, target, _ = lines[0].split(" ", 2)
            answer = self._server.answer(method, target, body, headers.get("host", ""))
            if answer is None:
                self._transport.abort()
                return
            status, kind, content = answer
            self._transport.write(
                f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: {kind}\r\n"
                f"Content-Length: {len(content)}\r\n\r\n".encode()
                + content
            )


Answer = tuple[int, str, bytes] | None


class Server:
    """The routes of the gateways; a new `market` for each measurement."""

    def __init__(self) -> None:
        self.market = Market()

    def answer(self, method: str, target: str, body: bytes, host: str) -> Answer:
        """Status, content type and body; None closes the connection."""
        parts = urlsplit(target)
        self.market.requests += 1
        base = f"http://{host}"
        match [part for part in parts.path.split("/") if part]:
            case ["clips", name]:
                self.market.fetched.add(name.removesuffix(".mp4"))
                return 200, "video/mp4", CLIP
            case ["stats"]:
                return _json(self.market.facts())
            case ["wavespeed", "api", "v3", *rest]:
                return self._wavespeed(method, rest, body, base)
            case ["openai", "v1", "videos", *rest]:
                return self._openai(method, rest, body)
            case ["fal", "v1", "models", "requests", "by-endpoint"]:
                return self._fal_list(parse_qs(parts.query))
            case ["fal", "queue", *rest]:
                return self._fal(method, rest, body, base)
        return _json({"detail": "not here"}, 404)

    def _wavespeed(self, method: str, rest: list[str], body: bytes, base: str) -> Answer:
        match method, rest:
            case "GET", ["predictions", name, "result"]:
                over = self.market.ended(name, status=True)
                outputs = [f"{base}/clips/{name}.mp4"] if over else []
                task = {"id": name, "status": "completed" if over else "processing", "outputs": outputs}
                return _json({"code": 200, "message": "success", "data": task})
            case "POST", ["predictions"]:
                return self._wavespeed_list(json.loads(body))
            case "POST", _:
                name, lost = self.market.submit("/".join(rest), json.loads(body))
                task = {"id": name, "status": "created", "outputs": []}
                return None if lost else _json({"code": 200, "message": "success", "data": task})
        return _json({"code": 404, "message": "not here"}, 404)

    def _wavespeed_list(self, asked: dict[str, Any]) -> Answer:
        size, page = asked["page_size"], asked["page"]
        jobs = list(reversed(self.market.jobs.items()))[(page - 1) * size : page * size]
        items = [
            {"id": name, "model": job["endpoint"], "created_at": _iso(job["at"]), "inputs": job["body"]}
            for name, job in jobs
        ]
        return _json({"code": 200, "data": {"items": items, "total": len(self.market.jobs)}})

    def _openai(self, method: str, rest: list[str], body: bytes) -> Answer:
        """Videos. The form of a create is kept unparsed. The client's default poll interval is one second."""
        match method, rest:
            case "POST", []:
                name, lost = self.market.submit("videos", body.decode("utf-8", "replace"))
                return None if lost else _json({"id": name, "object": "video", "model": "sora-2", "status": "queued"})
            case "GET", [name, "content"]:
                self.market.fetched.add(name)
                return 200, "video/mp4", CLIP
            case "GET", [name]:
                over = self.market.ended(name, status=True)
                status = "completed" if over else "in_progress"
                return _json({"id": name, "object": "video", "model": "sora-2", "status": status})
        return _json({"error": {"message": "not here"}}, 404)

    def _fal(self, method: str, rest: list[str], body: bytes, base: str) -> Answer:
        if method == "POST":
            name, lost = self.market.submit("/".join(rest), json.loads(body))
            mine = f"{base}/fal/queue/{'/'.join(rest[:2])}/requests/{name}"
            links = {"status_url": f"{mine}/status", "response_url": mine, "cancel_url": f"{mine}/cancel"}
            return None if lost else _json({"status": "IN_QUEUE", "request_id": name, "queue_position": 0, **links})
        name = rest[3]
        if rest[-1] == "status":
            over = self.market.ended(name, status=True)
            metrics = {"logs": None, "metrics": {}} if over else {"logs": None}
            return _json({"status": "COMPLETED" if over else "IN_PROGRESS", "request_id": name, **metrics})
        self.market.ended(name, status=False)
        return _json({"video": {"url": f"{base}/clips/{name}.mp4"}, "video_id": name})

    def _fal_list(self, query: dict[str, list[str]]) -> Answer:
        start = int(query.get("cursor", ["0"])[0])
        jobs = list(self.market.jobs.items())
        items = [
            {"request_id": name, "sent_at": _iso(job["at"]), "json_input": job["body"]}
            for name, job in jobs[start : start + 100]
        ]
        more = start + 100 < len(jobs)
        return _json({"items": items, "has_more": more, "next_cursor": str(start + 100) if more else None})


def _json(content: Any, status: int = 200) -> Answer:
    return status, "application/json", json.dumps(content).encode()


def _iso(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at % 1 * 1000):03d}Z"


async def _serve() -> None:
    loop, server = asyncio.get_running_loop(), Server()
    listening = await loop.create_server(lambda: Exchange(server), "127.0.0.1", 0, backlog=1024)
    print(listening.sockets[0].getsockname()[1], flush=True)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), open(0, "rb"))  # noqa: ASYNC230, SIM115 - stdin
    while line := await reader.readline():  # ends with the benchmark
        server.market = Market(**json.loads(line))
        print("ready", flush=True)


if __name__ == "__main__":
    asyncio.run(_serve())
