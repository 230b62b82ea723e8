"""WaveSpeed's list of models. A base price is that of a run with every input at its default."""

from pydantic import JsonValue

from prefect_storyboard.providers.json_values import amount, non_blank, objects
from prefect_storyboard.providers.protocol import Listed


def listed(models: JsonValue) -> tuple[Listed, ...]:
    """The entries of the list."""
    return tuple(
        Listed(endpoint=name, makes=non_blank(entry.get("type")), usd=amount(entry.get("base_price")), unit="run")
        for entry in objects(models)
        if (name := non_blank(entry.get("model_id")))
    )
