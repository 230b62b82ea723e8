"""Links that open a bucket's file in a browser, with the reader's own login. No link has a signature or a key."""

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

_GOOGLE = "https://storage.cloud.google.com"
_AMAZON = "https://s3.console.aws.amazon.com/s3/object"


def console_link(link: str, options: Mapping[str, Any]) -> str | None:
    """The page of a bucket's file in the cloud's console. None for a local file, or if the storage has no console."""
    protocol, _, place = link.partition("://")
    bucket, _, key = place.partition("/")
    if protocol in {"gs", "gcs"}:
        return f"{_GOOGLE}/{quote(place)}"
    if protocol in {"s3", "s3a"} and not _own_server(options):
        return f"{_AMAZON}/{quote(bucket)}?prefix={quote(key, safe='')}"
    return None


def checked(address: str) -> str:
    """Validate an address for links. Raises ValueError if browsers cannot open it, or if it may contain a secret."""
    url = urlsplit(address)
    if url.scheme not in {"http", "https"} or not url.hostname or url.username or url.query or url.fragment:
        raise ValueError("the public URL has to be https://<host>/<path>, without a query, user or password")
    return address.rstrip("/")


def _own_server(options: Mapping[str, Any]) -> bool:
    inner = options.get("client_kwargs")
    named = options.get("endpoint_url") or (inner.get("endpoint_url") if isinstance(inner, Mapping) else None)
    return bool(named or os.environ.get("AWS_ENDPOINT_URL") or os.environ.get("AWS_ENDPOINT_URL_S3"))
