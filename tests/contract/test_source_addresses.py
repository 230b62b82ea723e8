"""An address that cannot be read says which failure it is; those that pass are tried again, the others once."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import EAI_AGAIN, EAI_NONAME, gaierror
from threading import Thread

import httpx
import pytest

from prefect_storyboard.addresses import ForbiddenAddress, UnknownHost
from prefect_storyboard.media.bounds import Bounds
from prefect_storyboard.media.source_errors import transport_error
from prefect_storyboard.media.web import copy_from_web

LOOPBACK = ("127.0.0.1", "localhost")


class Host:
    """A web server on loopback; `answers` are (status, headers, body), the last one for ever."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        self.asked: list[str] = []

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def serving() -> Iterator[Host]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            host.asked.append(self.path)
            status, headers, body = host.answer()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    host = Host(f"http://127.0.0.1:{server.server_port}")
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def host():
    with serving() as running:
        yield running


def read(url, folder):
    """What is written, and the pauses that were made."""
    pauses = []
    copy_from_web(url, folder / "x", 10**6, hosts=LOOPBACK, bounds=Bounds(), pause=pauses.append)
    return (folder / "x").read_bytes(), pauses


@pytest.mark.parametrize(
    ("status", "said", "tries"),
    [
        (401, "asks for a login", 1),
        (403, "refuses access", 1),
        (404, "no such file", 1),
        (410, "removed permanently", 1),
        (418, "HTTP 418", 1),
        (429, "is busy", 3),
        (500, "its host has an error", 3),
        (503, "its host has an error", 3),
    ],
)
def test_each_status_is_named_and_only_passing_ones_are_asked_again(host, status, said, tries, tmp_path):
    host.answers = [(status, {}, b"")]
    with pytest.raises(OSError, match=said):
        read(f"{host.url}/a.mp4", tmp_path)
    assert len(host.asked) == tries


def test_what_passes_is_read_after_the_pause_that_the_host_asks_for(host, tmp_path):
    host.answers = [(503, {"Retry-After": "3"}, b""), (429, {}, b""), (200, {}, b"clip")]
    assert read(f"{host.url}/a.mp4", tmp_path) == (b"clip", [3.0, 2.0])


@pytest.mark.parametrize("seconds", ["9", "3600"])
def test_a_host_that_asks_for_longer_than_ten_seconds_in_all_is_named_at_once(host, seconds, tmp_path):
    host.answers = [(429, {"Retry-After": seconds}, b""), (200, {}, b"clip")]
    with pytest.raises(OSError, match="is busy"):
        read(f"{host.url}/a.mp4", tmp_path)
    assert len(host.asked) == 1


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (UnknownHost("a.example", gaierror(EAI_NONAME, "x")), "there is no host called a.example"),
        (UnknownHost("a.example", gaierror(EAI_AGAIN, "x")), "cannot be resolved at the moment"),
        (httpx.ConnectError("[Errno -2] Name or service not known"), "there is no host called a.example"),
        (httpx.ConnectError("All connection attempts failed"), "refuses the connection"),
        (ForbiddenAddress("a.example has the private address 10.0.0.1"), "has the private address 10.0.0.1"),
    ],
)
def test_a_host_that_is_not_reached_says_why(error, said):
    assert said in str(transport_error(error, "https://a.example/x.png"))


@pytest.mark.parametrize(
    "url",
    ["http://", "http:///x.png", "http://[", "http://0177.0.0.1/x.png", "http://a:port/", f"http://{'a' * 70_000}/"],
)
def test_what_is_no_address_is_called_so(url, tmp_path):
    with pytest.raises(
        OSError, match=r"it is not a valid address .*check the spelling|no host called|has no host|resolved"
    ):
        read(url, tmp_path)


def test_an_inner_address_names_the_setting_and_is_not_asked_again(host, tmp_path):
    pauses = []
    with pytest.raises(OSError, match="PREFECT_INTEGRATIONS_STORYBOARD_ALLOWED_HOSTS"):
        copy_from_web(f"{host.url}/a", tmp_path / "x", 99, hosts=(), bounds=Bounds(), pause=pauses.append)
    assert (pauses, host.asked) == ([], [])


def test_a_share_link_that_shows_a_page_is_called_one(host, tmp_path):
    host.answers = [(200, {"Content-Type": "text/html; charset=utf-8"}, b"<html>")]
    with pytest.raises(OSError, match="a web page, not the file"):
        read(f"{host.url}/share/abc", tmp_path)


def test_a_redirect_that_goes_round_is_named(host, tmp_path):
    host.answers = [(302, {"Location": "/a.mp4"}, b"")]
    with pytest.raises(OSError, match="redirected more than 5 times"):
        read(f"{host.url}/a.mp4", tmp_path)


def test_a_refused_connection_is_no_missing_file(tmp_path):
    with serving() as gone:
        url = gone.url
    with pytest.raises(OSError, match=r"127.0.0.1 refuses the connection"):
        read(f"{url}/a.mp4", tmp_path)


@pytest.mark.parametrize(
    "path", ["/a%2Fb.mp4?sig=ab%2Fcd%3D%3D&x=%7E", "/a.mp4?X-Amz-Credential=K%2F20261128%2Fus&s=a+b", "/é.mp4?s=%2f"]
)
def test_a_signed_query_is_sent_exactly_as_it_is_written(host, path, tmp_path):
    host.answers = [(200, {}, b"clip")]
    read(f"{host.url}{path}", tmp_path)
    assert host.asked == [path.replace("é", "%C3%A9")]
