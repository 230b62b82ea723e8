"""The model table, read from models.toml."""

import tomllib
from difflib import get_close_matches
from functools import cache
from importlib.resources import files

from prefect_storyboard.storyboards import Model


@cache
def models() -> dict[str, dict[str, Model]]:
    """All models, by provider and family."""
    table = tomllib.loads(files(__package__).joinpath("models.toml").read_text(encoding="utf-8"))
    return {
        provider: {name: Model(name=name, provider=provider, **facts) for name, facts in families.items()}
        for provider, families in table.items()
    }


def model(provider: str, name: str) -> Model:
    """The family at that provider. Raises KeyError, whose text says what there is instead."""
    if provider not in models():
        raise KeyError(f"{provider} is not a provider that is known; choose from {', '.join(models())}")
    sold = models()[provider]
    if name in sold:
        return sold[name]
    close = get_close_matches(name, sold, n=1)
    hint = f"did you mean {close[0]}?" if close else f"it has {', '.join(sold)}"
    raise KeyError(f"{name} is not a model that is known at {provider}; {hint}")
