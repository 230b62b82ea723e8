"""Run hostile cases in this process, which may use 700 MB: a line of JSON for each, with how it ended and how long."""

import asyncio
import json
import os
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

resource.setrlimit(resource.RLIMIT_DATA, (700 << 20, 700 << 20))
sys.path.insert(0, str(Path(__file__).parent))

import generate  # noqa: E402

from prefect_storyboard.media.errors import MediaError  # noqa: E402
from prefect_storyboard.media.sources import SourceError  # noqa: E402
from prefect_storyboard.providers.errors import ProviderError  # noqa: E402
from prefect_storyboard.storyboards import StoryboardError  # noqa: E402

SENTENCES = (MediaError, SourceError, ProviderError, StoryboardError)


def run(case: generate.Case) -> dict[str, object]:
    """How the case ended: `named` in one of our errors, `quiet` without any, `raw` in somebody else's."""
    begun = time.monotonic()
    try:
        value = case.run()
        value = asyncio.run(value) if asyncio.iscoroutine(value) else value
        ended, said = "quiet", repr(value)[:200]
    except SENTENCES as error:
        ended, said = "named", str(error)
    except BaseException as error:  # noqa: BLE001 - what else there is, is what this looks for
        ended, said = "raw", f"{type(error).__name__}: {error}"[:300]
    return {"case": case.name, "may": case.may, "ended": ended, "said": said, "seconds": time.monotonic() - begun}


def peak() -> int:
    """The most memory of this process, in kilobytes. Not ru_maxrss, which begins with its parent's."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0])


def main(group: str, folder: str, host: str, canary: str) -> None:
    cases = generate.GROUPS[group](Path(folder), host, canary)
    with ThreadPoolExecutor(12 if group == "hosts" else 1) as pool:
        for line in pool.map(run, cases):
            print(json.dumps(line))
    print(json.dumps({"kilobytes": peak()}), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
