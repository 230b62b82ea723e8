"""Races for one key after another between threads; what each writer saw."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from prefect_storyboard.ledger import Storage

Seen = list[list[str]]  # by writer, then by key


def of_threads(storage: Storage, *, writers: int = 8, keys: int) -> Seen:
    barrier = Barrier(writers)

    def write(name: str) -> list[str]:
        seen = []
        for n in range(keys):
            barrier.wait(30)
            seen.append(storage.create_once(name.encode(), "race", f"{n:03d}.json").decode())
        return seen

    with ThreadPoolExecutor(writers) as pool:
        return list(pool.map(write, names(writers)))


def check(seen: Seen, storage: Storage) -> None:
    """All agree about every key, the winner is one of them, and its whole body is what is stored."""
    writers = names(len(seen))
    for n, views in enumerate(zip(*seen, strict=True)):
        assert len(set(views)) == 1, f"key {n} has several owners: {set(views)}"
        assert views[0] in writers
        assert storage.read("race", f"{n:03d}.json") == views[0].encode()


def names(writers: int) -> list[str]:
    return [f"writer {n} " + "x" * 200 for n in range(writers)]
