"""Prefect's temporary server as a child process: it imports while its parent works, and serves when its parent says so.

    python -m prefect_storyboard.cli.temporary_server FD

FD is a listening socket. It serves after the first line on stdin, and may then migrate Prefect's database; before that
it writes nothing. It exits when stdin closes, so that it does not outlive its parent, however that ends.
"""

import os
import socket
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import uvicorn

_GRACE = 5.0  # seconds for open connections when the parent is gone


def main(descriptor: int) -> None:
    """Import the server, wait for the line, serve."""
    import uvicorn
    from prefect.server.api.server import create_app

    if not os.read(0, 1):
        return
    server = uvicorn.Server(uvicorn.Config(create_app, factory=True, log_level="error", lifespan="on"))
    threading.Thread(target=_stop_when_stdin_closes, args=(server,), daemon=True).start()
    server.run(sockets=[socket.socket(fileno=descriptor)])


def _stop_when_stdin_closes(server: "uvicorn.Server") -> None:
    while os.read(0, 4096):
        pass
    server.should_exit = True
    threading.Event().wait(_GRACE)
    os._exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]))
