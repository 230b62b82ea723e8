"""The published JSON Schemas of what tasks and flows return, for tools that read results, sidecars and plans.

python -m prefect_storyboard.storyboards.result_schemas docs/schemas            writes them into that folder
python -m prefect_storyboard.storyboards.result_schemas --check docs/schemas    fails where a file is not current
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel

from prefect_storyboard.storyboards.outcomes import Casting, Clip, Reel
from prefect_storyboard.storyboards.plan import Plan
from prefect_storyboard.storyboards.stills import Sheet, Still

RESULTS: tuple[type[BaseModel], ...] = (Casting, Clip, Plan, Reel, Sheet, Still)
_COMMAND = "python -m prefect_storyboard.storyboards.result_schemas"


def texts() -> Mapping[str, str]:
    """Each file's name and text."""
    return {f"{kind.__name__.lower()}.schema.json": _text(kind) for kind in RESULTS}


def _text(kind: type[BaseModel]) -> str:
    document = kind.model_json_schema(mode="serialization")
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(dialect | document, indent=2, ensure_ascii=False) + "\n"


def main(arguments: Sequence[str]) -> int:
    """Write the files, or check them."""
    folder, check = Path(arguments[-1]), "--check" in arguments
    if check:
        old = [name for name, text in texts().items() if not _is_current(folder / name, text)]
        if old:
            sys.stderr.write(f"{', '.join(old)} in {folder}: not current; run {_COMMAND} {folder}\n")
        return bool(old)
    folder.mkdir(exist_ok=True)
    for name, text in texts().items():
        (folder / name).write_text(text, encoding="utf-8")
    return 0


def _is_current(file: Path, text: str) -> bool:
    return file.exists() and file.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
