"""Check the arguments of `draw` before money is spent."""

import re

from prefect_storyboard.blocks import Credentials
from prefect_storyboard.providers.images import image_model, image_models
from prefect_storyboard.providers.table import seller_name
from prefect_storyboard.storyboards import ImageModel
from prefect_storyboard.storyboards.money import price
from prefect_storyboard.storyboards.nouns import SCENE_ID
from prefect_storyboard.tasks._arguments import logger, texts


def drawn_with(account: Credentials, name: str | None) -> ImageModel:
    """The image model of that name. Raises ValueError, which lists what the gateway sells; warns of a retired one."""
    sold = {each: model for each, model in image_models(account.provider).items() if not model.refused}
    if name is None and sold:
        offers = ", ".join(f"{each} ({price(next(iter(model.usd.values()), None))})" for each, model in sold.items())
        raise ValueError(f"model: name an image model; {seller_name(account.provider, account.account)} sells {offers}")
    try:
        found = image_model(account.provider, name or "")
    except KeyError as error:
        raise ValueError(f"model: {error.args[0]}") from None
    if found.ended:
        logger().warning("%s; it is requested nevertheless, because you named it", found.ending)
    return found


def sheet(sheet_of: str | None, look: str, scene: str | None) -> None:
    """Check whose sheet is drawn. Raises ValueError."""
    texts(sheet_of=sheet_of)
    if sheet_of is not None and scene is not None:
        raise ValueError("scene: a sheet belongs to a character and not to a scene; leave scene or sheet_of out")
    if look and (sheet_of is None or not re.fullmatch(SCENE_ID, look)):
        raise ValueError(f"look: {look!r} names the look of a sheet: give sheet_of, and letters, digits, - and _")
