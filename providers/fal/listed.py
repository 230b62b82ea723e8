"""fal's model list, and its unit prices."""

from pydantic import JsonValue

from prefect_storyboard.providers.agreement import disagreement, input_schema
from prefect_storyboard.providers.json_values import amount, non_blank, objects
from prefect_storyboard.providers.protocol import Listed, Order


def listed(models: JsonValue) -> list[Listed]:
    """The models of a page."""
    return [
        Listed(endpoint=name, active=facts.get("status") != "deprecated", makes=non_blank(facts.get("category")))
        for entry in objects(models)
        if (name := non_blank(entry.get("endpoint_id"))) and isinstance(facts := entry.get("metadata"), dict)
    ]


def with_prices(models: list[Listed], prices: JsonValue) -> tuple[Listed, ...]:
    """The same models with their unit prices in US dollars, if the price list has them."""
    found = {
        str(each.get("endpoint_id")): {"usd": usd, "unit": str(each.get("unit") or "")}
        for each in objects(prices)
        if (usd := amount(each.get("unit_price"))) is not None and each.get("currency") == "USD"
    }
    return tuple(model.model_copy(update=found.get(model.endpoint, {})) for model in models)


def objection(order: Order, models: JsonValue) -> str | None:
    """Why a page of the list contradicts an order: no such endpoint, or its input has other fields and values."""
    entry = next((each for each in objects(models) if each.get("endpoint_id") == order.endpoint), {})
    facts, schema = entry.get("metadata"), input_schema(entry.get("openapi"))
    if not isinstance(facts, dict) or facts.get("status") != "active":
        return f"fal's list of models has no {order.endpoint} that can be called"
    if schema is None:
        return f"fal's list of models does not show the fields of {order.endpoint}"
    why = disagreement(schema, order.body)
    return None if why is None else f"fal's list of models disagrees: {why}"
