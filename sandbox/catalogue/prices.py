"""What an order costs by the price that is published, in the gateway's unit."""

from collections.abc import Sequence
from itertools import combinations

from prefect_storyboard.sandbox.catalogue.orders import Order


def cost(order: Order, seconds: float, video_seconds: float = 0.0) -> float | None:
    """The cost of a clip of so many seconds, made from videos of so many; None if the price is not known."""
    price = order.model.price
    videos = any(file.rules.kind == "video" for file in order.files)
    words = [order.resolution, "sound" if order.sound else "silent", *(["videos"] if videos else []), f"{seconds:g}s"]
    rate = next((price.rates[key] for key in _keys(words) if key in price.rates), price.rates.get("any"))
    if rate is None:
        return None
    if price.per == "clip":
        return rate
    counted = seconds + (video_seconds if videos and price.counts_videos else 0)
    if videos:
        rate, counted = rate * (price.videos or 1), max(counted, price.at_least * seconds)
    extra, free = price.extra, 0
    if extra is not None:
        free = max(0, sum(file.rules.kind == extra.of for file in order.files) - extra.beyond)
    return rate * counted + (extra.each * free if extra else 0)


def picture_cost(order: Order, pixels: int) -> float | None:
    """The cost of the pictures of an order, each of so many pixels; None if the price is not known."""
    price, tiers = order.model.price, order.model.tiers
    tier = next((name for name, most in tiers.items() if pixels <= most), order.resolution)
    words = [tier, *([order.quality] if order.quality else [])]
    rate = next((price.rates[key] for key in _keys(words) if key in price.rates), price.rates.get("any"))
    if rate is None:
        return None
    shown = sum(file.member is not None for file in order.files)
    extra = price.extra.each * max(0, shown - price.extra.beyond) if price.extra else 0
    return rate * order.count + extra


def _keys(words: Sequence[str]) -> list[str]:
    """The names that a rate may have, the most exact first: those with `videos` before those without."""
    names = [" ".join(each) for many in range(len(words), 0, -1) for each in combinations(words, many)]
    return sorted(names, key=lambda name: "videos" not in name.split())
