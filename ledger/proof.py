"""Check that a storage gives the guarantees that the ledger needs, at first use and before anything is bought."""

import uuid

from pydantic import ValidationError

from prefect_storyboard.ledger.location import LibraryError
from prefect_storyboard.ledger.records import Identity
from prefect_storyboard.ledger.storage import Storage

IDENTITY = ("ledger", "library.json")


def prove(storage: Storage) -> str:
    """Check that a file is created only once and that a listing shows it; returns the library's identity.

    Creates `ledger/library.json`, which identifies this library. Raises LibraryError if the storage refuses to write,
    lets a second writer replace a file, or does not list its files.
    """
    storage.read("ledger", "absent.json")  # without permission to list, S3 answers "forbidden" instead of "absent"
    there = storage.create_once(_new(), *IDENTITY)
    if storage.create_once(_new(), *IDENTITY) != there:
        raise LibraryError(
            f"library {storage.url}: the server lets a second writer replace a file (it ignores If-None-Match), and "
            "a scene could be bought twice; use a storage with conditional writes"
        )
    if IDENTITY[-1] not in storage.names(*IDENTITY[:-1]):
        raise LibraryError(
            f"library {storage.url}: a listing does not show the file that was just written, so open jobs and budgets "
            "could not be seen; write the URL without //, and an endpoint_url without the bucket's name"
        )
    return _identity(storage, there)


def identity_of(storage: Storage) -> str:
    """The library's identity, created at first use. Usually one read."""
    return _identity(storage, storage.read(*IDENTITY) or storage.create_once(_new(), *IDENTITY))


def check_still_there(storage: Storage, identity: str) -> None:
    """Raise LibraryError if the library that `prove` saw is gone or was replaced by another one."""
    body = storage.read(*IDENTITY)
    if body is None or _identity(storage, body) != identity:
        what = "was deleted" if body is None else "was replaced by another one"
        raise LibraryError(
            f"library {storage.url} {what} while it was in use; jobs that were bought in the meantime are known to the "
            "provider only. Put the library back, and run `storyboard repair` before the next run"
        )


def _identity(storage: Storage, body: bytes) -> str:
    try:
        return Identity.model_validate_json(body).library
    except ValidationError:
        raise LibraryError(f"{storage.link(*IDENTITY)} is torn; move it away, and run again") from None


def _new() -> bytes:
    return Identity(library=uuid.uuid4().hex).model_dump_json().encode()
