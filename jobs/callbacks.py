"""Which address a gateway is given for the callback of a job, and which job an address belongs to.

    <callback_url>/<token>

The token is an HMAC over the job's key and attempt with the library's own identity: nobody can guess it or learn
anything from it, and every process of the library derives the same one after any restart. It is neither in the job's
key nor in the digest of its order, and it opens nothing: a callback needs the gateway's signature as well.
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
    """The token of one attempt at a job in the library of that identity."""
    mac = hmac.digest(library.encode(), f"callback of {key} {number}".encode(), "sha256")
    return base64.urlsafe_b64encode(mac).decode()[:_LENGTH]


def callback_address(callback_url: str | None, ledger: Ledger, key: str, number: int) -> str | None:
    """Where the gateway is to post the end of an attempt; None for an account without a callback URL. Blocks."""
    if callback_url is None:
        return None
    return f"{callback_url}/{token(_identity(ledger.storage), key, number)}"


def is_about(job: Job, request_id: str) -> bool:
    """Whether a provider's id is this job's: a gateway may name two for one."""
    return request_id in {job.request_id, *(unquote(url.rpartition("/")[2]) for url in job.urls.values())}


@lru_cache(maxsize=64)
def _identity(storage: Storage) -> str:
    """Read once a process: a library that is replaced by another one stops the run elsewhere."""
    return identity_of(storage)
