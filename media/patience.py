"""Read in another thread, and give up if no data arrives for some time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from queue import Empty, Full, Queue
from threading import Event, Thread

_END = b""
_CHECK_EVERY = 0.2  # seconds after which the thread checks whether its consumer still reads


@contextmanager
def in_thread(read: Callable[[], Iterator[bytes]], *, patience: float) -> Iterator[Iterator[bytes]]:
    """Yield the blocks of `read`, read ahead by two in a daemon thread. Raises OSError after `patience` idle seconds.

    Exceptions of `read` are raised here. A thread that hangs is abandoned, and ends with the process at the latest.
    """
    blocks: Queue[bytes | Exception] = Queue(maxsize=2)
    stopped = Event()

    def put(block: bytes | Exception) -> None:
        done = False
        while not (done or stopped.is_set()):
            with suppress(Full):
                blocks.put(block, timeout=_CHECK_EVERY)
                done = True

    def run() -> None:
        try:
            for block in read():
                put(block)
                if stopped.is_set():
                    return
            put(_END)
        except Exception as error:  # noqa: BLE001 - raised again where the blocks are read
            put(error)

    Thread(target=run, name="read ahead", daemon=True).start()
    try:
        yield _received(blocks, patience)
    finally:
        stopped.set()


def _received(blocks: "Queue[bytes | Exception]", patience: float) -> Iterator[bytes]:
    while True:
        try:
            block = blocks.get(timeout=patience)
        except Empty:
            raise OSError(f"its bucket sent nothing for {patience:g} s; try again later") from None
        if isinstance(block, Exception):
            raise block
        if not block:
            return
        yield block
