"""A name that leads to an inner address is not reached, at no redirect, unless the operator has named it."""

import asyncio
import ipaddress
from socket import EAI_AGAIN, EAI_NONAME, gaierror
from threading import Event

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefect_storyboard.addresses import ForbiddenAddress, PublicOnly, UnknownHost, bare, is_public, names_host, resolve

INNER = (
    "127.0.0.1", "127.8.8.8", "10.1.2.3", "172.16.0.9", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::7", "ff02::1", "::ffff:127.0.0.1",
    "::ffff:169.254.169.254", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1", "198.18.0.1", "192.0.2.7",
    "0.0.0.0",  # noqa: S104 - nothing is bound to it
)  # fmt: skip
PUBLIC = ("93.184.216.34", "1.1.1.1", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101")


@pytest.mark.parametrize("address", INNER)
def test_an_inner_address_is_told(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_told(address):
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_an_address_in_another_ones_clothes_is_the_same(ip):
    assert is_public(f"::ffff:{ip}") == is_public(f"64:ff9b::{ip}") == is_public(str(ip))
    assert is_public(str(ip)) or not ipaddress.ip_address(str(ip)).is_global or ip.is_multicast


@pytest.mark.parametrize(
    ("url", "entry", "named"),
    [
        ("http://media.inner/x", "media.inner", True),
        ("http://media.inner:81/x", "media.inner", True),
        ("http://media.inner:81/x", "media.inner:81", True),
        ("http://media.inner/x", "media.inner:81", False),
        ("https://media.inner/x", "http://media.inner", False),
        ("http://127.0.0.1:9/x", "http://localhost:9", True),
        ("http://media.inner.evil/x", "media.inner", False),
        ("http://media.inner@evil/x", "media.inner", False),
        ("http://x/", "", False),
    ],
)
def test_an_entry_names_a_host(url, entry, named):
    assert names_host(httpx.URL(url), [entry]) is named


async def resolved(host: str, port: int) -> list[str]:
    return {"two.example": ["93.184.216.34", "10.0.0.1"], "in.example": ["169.254.169.254"]}[host]


@pytest.mark.parametrize("host", ["two.example", "in.example"])
async def test_one_inner_address_among_those_of_a_name_refuses_it(host):
    async with httpx.AsyncClient(transport=PublicOnly(by=resolved)) as http:
        with pytest.raises(ForbiddenAddress, match=r"has the private address .* PREFECT_INTEGRATIONS_STORYBOARD_AL"):
            await http.get(f"http://{host}/clip.mp4")


@pytest.mark.parametrize("literal", ["127.0.0.1", "[::1]", "2130706433", "0x7f000001", "127.1", "[::ffff:7f00:1]"])
async def test_loopback_in_any_notation_is_refused(literal):
    async with httpx.AsyncClient(transport=PublicOnly()) as http:
        with pytest.raises((ForbiddenAddress, httpx.ConnectError)):
            await http.get(f"http://{literal}:9/")


def test_a_silent_name_server_is_waited_for_by_nobody():
    released, ended = Event(), Event()

    def silent(*_, **__):
        released.wait(60)
        ended.set()
        raise gaierror(EAI_AGAIN, "x")

    async def ask():
        async with asyncio.timeout(0.01):
            await resolve("a.example", 443, look_up=silent)

    with pytest.raises(TimeoutError):
        asyncio.run(ask())  # which waits for the threads that asyncio itself has started
    assert not ended.is_set()
    released.set()
    assert ended.wait(60)


@pytest.mark.parametrize(("code", "passing"), [(EAI_NONAME, False), (EAI_AGAIN, True)])
async def test_a_name_without_an_address_is_unknown_for_now_or_for_good(code, passing):
    def fails(*_, **__):
        raise gaierror(code, "x")

    with pytest.raises(UnknownHost, match=r"a.example is not known") as unknown:
        await resolve("a.example", 443, look_up=fails)
    assert unknown.value.passing is passing


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://user:pass@host/x?sig=1", "https://host/x"),
        ("https://user@host/x#1", "https://host/x"),
        ("https://user:pa/ss@host/x", "https://host/x"),
        ("https://user:pa?ss#@host/x?y", "https://host/x"),
        ("https://host:8080/@user/x", "https://host:8080/@user/x"),
        ("https://host/a:b/@user", "https://host/a:b/@user"),
        ("http://[::1]:80/x@y", "http://[::1]:80/x@y"),
        ("s3://arn:aws:s3:eu-west-1:1:accesspoint/reels/me@x", "s3://arn:aws:s3:eu-west-1:1:accesspoint/reels/me@x"),
    ],
)
def test_an_address_is_shown_without_query_user_and_password(address, shown):
    assert bare(f"see {address} there") == f"see {shown} there"
