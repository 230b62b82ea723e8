"""Check that the packages of an extra are installed before a command imports them."""

from collections.abc import Callable, Iterable
from importlib.metadata import PackageNotFoundError, requires, version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.requirements import Requirement


def require(extra: str) -> None:
    """Exit with an installation hint if a package of the extra is missing or too old."""
    lacking = missing(extra, requires("prefect-storyboard") or ())
    if lacking:
        packages = " ".join(f"'{each}'" for each in lacking)
        raise SystemExit(
            f"error: this command needs the extra [{extra}] of prefect-storyboard; run: pip install {packages}"
        )


def missing(extra: str, lines: Iterable[str], installed: Callable[[str], str] = version) -> list[str]:
    """The requirements of the extra, from the package's metadata, that the installed packages do not meet."""
    from packaging.requirements import Requirement

    named = [each for each in map(Requirement, lines) if each.marker and each.marker.evaluate({"extra": extra})]
    return [f"{each.name}{each.specifier}" for each in named if not _met(each, installed)]


def _met(requirement: "Requirement", installed: Callable[[str], str]) -> bool:
    try:
        return requirement.specifier.contains(installed(requirement.name), prereleases=True)
    except PackageNotFoundError:
        return False
