"""The names of the installed gateways. It loads none of them, so that `storyboard --help` is quick."""

from importlib.metadata import entry_points

GROUP = "prefect_storyboard.gateways"


def gateway_names() -> list[str]:
    """Our gateways, and those of other packages."""
    return sorted({point.name for point in entry_points(group=GROUP)})
