"""The published JSON Schema of a storyboard file, for editors and other people's tools.

python -m prefect_storyboard.storyboards.schema            prints it
python -m prefect_storyboard.storyboards.schema --check    fails where the file in this folder is not current
"""

import json
import sys
from collections.abc import Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable

from prefect_storyboard.storyboards.nouns import Storyboard
from prefect_storyboard.storyboards.outcomes import JsonObject

FILE = "storyboard.schema.json"
_COMMAND = "python -m prefect_storyboard.storyboards.schema"


def schema() -> JsonObject:
    """The schema as a document. It allows the key `$schema`, where editors look for it."""
    document = Storyboard.model_json_schema()
    cast = document["properties"]["cast"]
    file = {"type": "string", "minLength": 1, "description": "Path or URL of a cast file."}
    cast["anyOf"] = [file, {"type": cast.pop("type"), "items": {"anyOf": [cast.pop("items"), file]}}]
    variables = {
        "type": "object",
        "additionalProperties": {"type": ["string", "number"]},
        "title": "With",
        "description": "Values of variables by name: ${product} in any text is replaced by the value of product.",
    }
    own = {"type": "string", "title": "Schema", "description": "Where an editor finds this schema; otherwise ignored."}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **document,
        "title": "Storyboard",
        "properties": {"$schema": own, **document["properties"], "with": variables},
    }


def text() -> str:
    """The content of the published file."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def main(arguments: Sequence[str], published: Traversable | None = None) -> int:
    """Print the schema, or check the published file."""
    if "--check" not in arguments:
        sys.stdout.write(text())
    elif (published or files(__package__).joinpath(FILE)).read_text(encoding="utf-8") != text():
        sys.stderr.write(f"storyboards/{FILE} is not current; run {_COMMAND} > storyboards/{FILE}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
