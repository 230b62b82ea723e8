"""The facts of the machine on which the results of the benchmarks depend."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("prefect", "httpx", "av", "s3fs", "fal-client", "wavespeed", "openai")


def facts() -> str:
    """One paragraph: processor, memory, system, versions, and the load of the machine when the run began."""
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / 1e6
    load = f"{os.getloadavg()[0]:.1f}"
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"{os.cpu_count()} cores ({_processor()}), {memory:.0f} GB, {platform.system()} {platform.release()}, "
        f"{platform.python_implementation()} {platform.python_version()}, {packages}, {_ffmpeg()}. "
        f"Load when the run began: {load}."
    )


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _ffmpeg() -> str:
    try:
        shown = subprocess.run(["ffmpeg", "-version"], capture_output=True, text=True, check=True).stdout  # noqa: S607 - the machine's own
    except (OSError, subprocess.SubprocessError):
        return "no ffmpeg"
    return " ".join(shown.split()[:3:2])
