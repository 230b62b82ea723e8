"""WaveSpeed's list of models. A base price is that of a run with every input at its default."""

from pydantic import JsonValue

from prefect_storyboard.providers.agreement import disagreement
from prefect_storyboard.providers.json_values import amount, non_blank, objects
from prefect_storyboard.providers.protocol import Listed, Order
from prefect_storyboard.storyboards.outcomes import JsonObject


def listed(models: JsonValue) -> tuple[Listed, ...]:
    """The entries of the list."""
    return tuple(
        Listed(endpoint=name, makes=non_blank(entry.get("type")), usd=amount(entry.get("base_price")), unit="run")
        for entry in objects(models)
        if (name := non_blank(entry.get("model_id")))
    )


def schemas(models: JsonValue) -> dict[str, JsonObject]:
    """The schema of each model's input, by its path; models of which the list shows none are left out."""
    found: dict[str, JsonObject] = {}
    for entry in objects(models):
        path, shown = non_blank(entry.get("model_id")), entry.get("api_schema")
        for each in objects(shown.get("api_schemas") if isinstance(shown, dict) else None):
            schema = each.get("request_schema")
            if path and isinstance(schema, dict) and schema.get("properties"):
                found.setdefault(path, schema)
    return found


def objection(order: Order, known: dict[str, JsonObject]) -> str | None:
    """Why these schemas contradict an order: its path has none, or its input has other fields and values."""
    schema = known.get(order.endpoint)
    if schema is None:
        return f"WaveSpeed's list of models does not show the fields of {order.endpoint}"
    why = disagreement(schema, order.body)
    return None if why is None else f"WaveSpeed's list of models disagrees: {why}"
