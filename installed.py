"""The names of the gateways that are installed, without loading one: `storyboard --help` waits for nothing."""

from importlib.metadata import entry_points

GROUP = "prefect_storyboard.gateways"


def gateway_names() -> list[str]:
    """Ours, and those that other packages bring."""
    return sorted({point.name for point in entry_points(group=GROUP)})
