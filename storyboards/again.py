"""Further takes of scenes whose clips are bad: how they are named in their keys."""

_PREFIX = "on_bad-"


def again_id(key: str) -> str:
    """The order for a take in the place of the bad one of that key: whoever gives it gives the same."""
    return f"{_PREFIX}{key[:12]}"


def is_again(name: str | None) -> bool:
    """Whether an order, or a take by its name, is in the place of a bad clip."""
    return bool(name) and str(name).startswith(_PREFIX)
