"""States of jobs and scenes in colour."""

from rich.text import Text

STYLES = {
    "unknown": "bold red",
    "unreadable": "bold red",
    "stuck": "red",
    "failed": "red",
    "rendering": "cyan",
    "submitting": "blue",
    "done": "green",
}
STYLES |= {"new": "bold", "cached": "green", "stale": "yellow", "reattached": "cyan", "blocked": "red"}
STYLES |= {"in doubt": "bold red"}


def styled(state: str) -> Text:
    return Text(state, style=STYLES.get(state, ""))
