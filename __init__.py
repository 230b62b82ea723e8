"""A Prefect 3 collection that turns a storyboard into a video series, and pays for every scene once."""

__version__: str


def __getattr__(name: str) -> str:
    """Read the version from the installed metadata on first access, so that the import stays cheap."""
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415 - it takes longer to import than this package

        return version("prefect-storyboard")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
