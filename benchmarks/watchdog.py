"""A watchdog for event loops: how long each one was blocked, and where in the code."""

import asyncio
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

_TICK = 0.01  # seconds between two heartbeats
_STALL = 0.05  # seconds without a heartbeat after which the loop counts as blocked


@dataclass
class Watched:
    """One loop: its longest stalls in milliseconds, as wall time and as CPU time of its thread, and their places.

    On a busy machine, the wall time includes the time of other processes; the CPU time is the loop's own.
    """

    name: str
    beat: float = field(default_factory=time.monotonic)
    thread: int = 0
    cpu: float = 0.0
    longest_ms: float = 0.0
    longest_cpu_ms: float = 0.0
    stalls: int = 0
    places: Counter[str] = field(default_factory=Counter)


@contextmanager
def watching(*loops: tuple[str, Callable[[], asyncio.AbstractEventLoop | None]]) -> Iterator[list[Watched]]:
    """Watch loops, each as soon as it exists, until the block ends."""
    watched, stop = [Watched(name) for name, _ in loops], threading.Event()
    beats = [loop for _, loop in loops]
    guard = threading.Thread(target=_guard, args=(watched, beats, stop), name="watchdog", daemon=True)
    guard.start()
    try:
        yield watched
    finally:
        stop.set()
        guard.join()


def _guard(
    watched: list[Watched], loops: list[Callable[[], asyncio.AbstractEventLoop | None]], stop: threading.Event
) -> None:
    begun: set[str] = set()
    while not stop.wait(_TICK):
        for each, find in zip(watched, loops, strict=True):
            loop = find()
            if loop is None:
                continue
            if each.name not in begun:
                begun.add(each.name)
                each.beat = time.monotonic()
                loop.call_soon_threadsafe(_beat, loop, each)
            elif each.thread and time.monotonic() - each.beat > _STALL:
                each.places[_place(sys._current_frames().get(each.thread))] += 1  # noqa: SLF001 - the documented use


def _beat(loop: asyncio.AbstractEventLoop, each: Watched) -> None:
    now, cpu = time.monotonic(), time.thread_time()
    if each.thread:
        late = 1000 * (now - each.beat - _TICK)
        each.longest_ms = max(each.longest_ms, late)
        each.longest_cpu_ms = max(each.longest_cpu_ms, 1000 * (cpu - each.cpu))
        each.stalls += late > 1000 * _STALL
    each.beat, each.cpu, each.thread = now, cpu, threading.get_ident()
    loop.call_later(_TICK, _beat, loop, each)


def _place(frame: FrameType | None) -> str:
    """The innermost lines of the thread's stack, outermost first."""
    stack = traceback.extract_stack(frame)[-7:] if frame else []
    return " > ".join(f"{'/'.join(line.filename.split('/')[-2:])}:{line.lineno} {line.name}" for line in stack)
