"""`storyboard init`: write a starter storyboard with a clip for its character, which renders without a change."""

from importlib.resources import files
from pathlib import Path

_EXAMPLES = "prefect_storyboard.examples"
_FILES = {"storyboard.yaml": "starter.yaml", "clips/mara.mp4": "clips/mara.mp4"}  # file to write: example


def write(folder: Path) -> Path:
    """Write the starter storyboard into a folder, and return its path. Raises ValueError if a file exists."""
    taken = [folder / name for name in _FILES if (folder / name).exists()]
    if taken:
        raise ValueError(f"{taken[0]} already exists and was not changed; name another folder")
    for name, source in _FILES.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(files(_EXAMPLES).joinpath(source).read_bytes())
    return folder / "storyboard.yaml"


def next_steps(board: Path) -> str:
    """The commands that come next; only `run` needs a key."""
    return (
        f"wrote {board}\n\n"
        f"  storyboard plan {board} --provider fal              # what it costs; needs no key\n"
        f"  export FAL_KEY=<id>:<secret>\n"
        f"  storyboard run {board} --provider fal --max-cost 5"
    )
