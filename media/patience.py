"""Read in another thread, and give up after a silence."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from queue import Empty, Full, Queue
from threading import Event, Thread

_END = b""
_LOOK = 0.2  # seconds after which a reader checks whether its consumer still reads


@contextmanager
def in_thread(read: Callable[[], Iterator[bytes]], *, patience: float) -> Iterator[Iterator[bytes]]:
    """What `read` yields, read ahead by two blocks in a daemon thread. Raises OSError after `patience` silent seconds.

    What `read` raises is raised here. A thread that hangs is left behind, and ends with the process at the latest.
    """
    blocks: Queue[bytes | Exception] = Queue(maxsize=2)
    left = Event()

    def put(block: bytes | Exception) -> None:
        put_it = False
        while not (put_it or left.is_set()):
            with suppress(Full):
                blocks.put(block, timeout=_LOOK)
                put_it = True

    def run() -> None:
        try:
            for block in read():
                put(block)
                if left.is_set():
                    return
            put(_END)
        except Exception as error:  # noqa: BLE001 - raised again where the blocks are read
            put(error)

    Thread(target=run, name="read ahead", daemon=True).start()
    try:
        yield _taken(blocks, patience)
    finally:
        left.set()


def _taken(blocks: "Queue[bytes | Exception]", patience: float) -> Iterator[bytes]:
    while True:
        try:
            block = blocks.get(timeout=patience)
        except Empty:
            raise OSError(f"its store sent nothing for {patience:g} s; try again later") from None
        if isinstance(block, Exception):
            raise block
        if not block:
            return
        yield block
