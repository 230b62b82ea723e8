"""The callback address of a job, and the job of a callback address.

    <callback_url>/<token>

The token is an HMAC over the job's key and attempt, keyed with the library's identity: it cannot be guessed and reveals
nothing, and every process of the library derives the same one after a restart. It is part of neither the job's key nor
the digest of its order. It is no credential: a callback needs the gateway's signature as well.
"""

import base64
import hmac
from functools import lru_cache
from urllib.parse import unquote

from prefect_storyboard.ledger import Ledger, Storage
from prefect_storyboard.ledger.proof import identity_of
from prefect_storyboard.storyboards import Job

_LENGTH = 32  # characters of a token: 192 bits


def token(library: str, key: str, number: int) -> str:
    """The token of one attempt at a job, in the library of that identity."""
    mac = hmac.digest(library.encode(), f"callback of {key} {number}".encode(), "sha256")
    return base64.urlsafe_b64encode(mac).decode()[:_LENGTH]


def callback_address(callback_url: str | None, ledger: Ledger, key: str, number: int) -> str | None:
    """The URL to which the gateway posts the end of an attempt; None for an account without a callback URL. Blocks."""
    if callback_url is None:
        return None
    return f"{callback_url}/{token(_identity(ledger.storage), key, number)}"


def is_about(job: Job, request_id: str) -> bool:
    """Whether a provider's id is this job's: a gateway may give one job two ids."""
    return request_id in {job.request_id, *(unquote(url.rpartition("/")[2]) for url in job.urls.values())}


@lru_cache(maxsize=64)
def _identity(storage: Storage) -> str:
    """The identity, read once per process: other code stops the run if the library is replaced."""
    return identity_of(storage)
