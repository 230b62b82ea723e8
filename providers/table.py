"""The model table, read from the models.toml of each gateway's package."""

from difflib import get_close_matches
from functools import cache
from typing import Any

from prefect_storyboard.providers import dialects
from prefect_storyboard.providers.errors import InvalidRequest
from prefect_storyboard.providers.gateways import gateways, table, title
from prefect_storyboard.providers.protocol import CharacterRequest, SceneRequest
from prefect_storyboard.storyboards import Model

_MISSING = {  # by operation: our argument, what the model cannot do, and the remedy
    "text": ("characters", "does not render from a prompt alone", "name a character or give the scene an image"),
    "image": ("image", "does not start from a picture", "leave image and continues out, or choose another model"),
    "remix": ("remixes", "cannot remix a video", "leave remixes out, or choose another model"),
    "character": ("clip", "cannot create characters", "show them with the scene, or choose another model"),
    "character_from_video": ("clip", "cannot create a character from a video's id", "give it the stored file"),
}


@cache
def models() -> dict[str, dict[str, Model]]:
    """All models, by provider and family."""
    return {provider: _sold(provider, table(provider, "models.toml").get(provider, {})) for provider in gateways()}


def _sold(provider: str, families: dict[str, Any]) -> dict[str, Model]:
    return {name: Model(name=name, provider=provider, **_facts(families, name, provider)) for name in families}


def _facts(families: dict[str, Any], name: str, provider: str) -> dict[str, Any]:
    """The table's facts about a model, and those of its dialect."""
    found = _own_facts(families, name)
    return {**dialects.facts(provider, found.get("codec", "")), "tiers": _tiers(provider, name), **found}


def _tiers(provider: str, name: str) -> tuple[str, ...]:
    """The other models of the family, read from tiers.toml."""
    families = table(provider, "tiers.toml").get(provider, [])
    return tuple(each for family in families if name in family for each in family if each != name)


def _own_facts(families: dict[str, Any], name: str) -> dict[str, Any]:
    """The table's facts about a model, including those of the model that it is `like`."""
    own = dict(families[name])
    like = own.pop("like", None)
    return {**_own_facts(families, like), **own} if like else own


def model(provider: str, name: str) -> Model:
    """The family at that provider. Raises KeyError, whose text lists the alternatives."""
    if provider not in models():
        raise KeyError(f"{provider} is not a known provider; choose from {', '.join(models())}")
    sold = models()[provider]
    if name in sold:
        return sold[name]
    close = get_close_matches(name, sold, n=1)
    hint = f"did you mean {close[0]}?" if close else f"it has {', '.join(sold)}"
    raise KeyError(f"{name} is not a known model of {provider}; {hint}")


def seller_name(provider: str, account: str) -> str:
    """The display name of an account: the gateway, and the account's name unless it is the default one."""
    return f"{title(provider)} ({provider}{'' if account == 'default' else f', {account}'})"


def endpoint(request: SceneRequest | CharacterRequest) -> str:
    """The model's endpoint for a request. Raises InvalidRequest, before anything is sent, if it has none."""
    if isinstance(request, CharacterRequest) and (request.clip_url is None) == (request.video_id is None):
        message = f"{request.name} is made from either a clip or a finished video: give one of them; nothing was sent"
        raise InvalidRequest(message, field="clip", sent=False)
    if isinstance(request, SceneRequest) and not request.remix_of:
        found = request.model.endpoint(request.mode)
    else:
        found = request.model.endpoints.get(request.operation)
    if found is None:
        argument, what, remedy = _MISSING[request.operation]
        message = f"{request.model.name} at {request.model.provider} {what}: {remedy}; nothing was sent"
        raise InvalidRequest(message, field=argument, sent=False)
    return found
