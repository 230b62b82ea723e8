"""fal's model list, and what one unit of a model costs."""

from pydantic import JsonValue

from prefect_storyboard.providers.json_values import amount, non_blank, objects
from prefect_storyboard.providers.protocol import Listed


def listed(models: JsonValue) -> list[Listed]:
    """The models of a page."""
    return [
        Listed(endpoint=name, active=facts.get("status") != "deprecated", makes=non_blank(facts.get("category")))
        for entry in objects(models)
        if (name := non_blank(entry.get("endpoint_id"))) and isinstance(facts := entry.get("metadata"), dict)
    ]


def with_prices(models: list[Listed], prices: JsonValue) -> tuple[Listed, ...]:
    """The same models with their unit prices in US dollars, as far as the list of prices has them."""
    found = {
        str(each.get("endpoint_id")): {"usd": usd, "unit": str(each.get("unit") or "")}
        for each in objects(prices)
        if (usd := amount(each.get("unit_price"))) is not None and each.get("currency") == "USD"
    }
    return tuple(model.model_copy(update=found.get(model.endpoint, {})) for model in models)
