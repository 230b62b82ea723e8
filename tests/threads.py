"""A web server in a thread, for the length of a test."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn


@contextmanager
def serving(server: uvicorn.Server) -> Iterator[None]:
    """Run a server until the block ends; it answers when the block begins."""
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started and thread.is_alive():  # it listens within milliseconds, and says so nowhere else
            thread.join(0.01)
        yield
    finally:
        server.should_exit = True
        thread.join()
