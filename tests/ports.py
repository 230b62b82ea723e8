"""Ports that no other test of the session has had."""

import os
import random
import socket
from pathlib import Path

_BELOW_EPHEMERAL = range(20_000, 32_000)


def unused_port() -> int:
    """A free port that no sandbox of this session has listened on, in any worker.

    All tests share one Prefect home, and with it the cached links of uploads, whose keys hold the gateway's address:
    a sandbox on the port of another test's would be asked for files that went with that one.
    """
    taken = Path(os.environ["STORYBOARD_TESTS_HOME"], "ports")
    taken.mkdir(exist_ok=True)
    for port in random.sample(_BELOW_EPHEMERAL, len(_BELOW_EPHEMERAL)):
        try:
            Path(taken, str(port)).touch(exist_ok=False)
            with socket.socket() as listener:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind(("127.0.0.1", port))
        except OSError:
            continue
        return port
    raise RuntimeError("no port below the ephemeral ones is free")
