"""The offers of an account for a storyboard without a model: every model that could render it, cheapest first."""

import math
from collections.abc import Iterable, Iterator

from prefect_storyboard.storyboards.model import Model
from prefect_storyboard.storyboards.money import price
from prefect_storyboard.storyboards.nouns import Frozen, Scene, Storyboard
from prefect_storyboard.storyboards.problems import Problem, Source, StoryboardError
from prefect_storyboard.storyboards.resolve import shots
from prefect_storyboard.storyboards.shots import Shot

_LONGEST = 12  # lines; further models are only counted


class Offer(Frozen):
    """A model that sells all scenes of a storyboard. `usd` is their price, None if one has no published price.

    `fitted` means that it sells some of them only in the nearest length, aspect or resolution.
    """

    model: Model
    usd: float | None
    fitted: bool = False


def offers(board: Storyboard, sold: Iterable[Model]) -> tuple[Offer, ...]:
    """The models that can render every scene without a model, cheapest first; unknown prices come last.

    A model that its maker has switched off is left out.
    """
    board = board.model_copy(update={"scenes": tuple(_bare(board))})  # once: a cast is read from the prompts
    found = [offer for model in sold if not model.ended for offer in _offer(board, model)]
    return tuple(sorted(found, key=lambda each: (each.fitted, math.inf if each.usd is None else each.usd)))


def unnamed(board: Storyboard) -> bool:
    """Whether a scene has no model: neither of its own nor the storyboard's."""
    return board.model is None and any(scene.model is None for scene in board.scenes)


def no_model(board: Storyboard, sold: Iterable[Model], seller: str, source: Source, *, before: str | None) -> Problem:
    """The message, with a table of offers, about a storyboard without a model.

    `seller` names the account; `before` is the model that the library's reel of this title was rendered with.
    """
    found = offers(board, sold)
    head = f"names no model, and nothing was bought; {seller} sells {_needs(board)}"
    lines = [*_table(found[:_LONGEST]), *([f"and {len(found) - _LONGEST} more"] if len(found) > _LONGEST else [])]
    if not found:
        head = f"names no model, and nothing was bought; no model of {seller} sells {_needs(board)}"
        lines = ["see docs/models.md, or name another account"]
    text = "\n  ".join([f"{head}, cheapest first:" if found else f"{head}:", *lines])
    return source.problem(("model",), "").model_copy(update={"message": f"{text}\n{_remedy(found, before)}"})


def _offer(board: Storyboard, model: Model) -> Iterator[Offer]:
    for fit in ("exact", "nearest"):
        asked = board.model_copy(update={"model": model.name, "fit": fit})
        try:
            made = shots(asked, lambda _: model, Source())
        except StoryboardError:
            continue
        yield Offer(model=model, usd=_sum(made), fitted=any(shot.remarks for shot in made))
        return


def _bare(board: Storyboard) -> Iterator[Scene]:
    """The scenes without a model, with their cast resolved and without prompts, which do not matter here.

    A remix of a scene with a model is left to that model.
    """
    unnamed_ids = {scene.id for scene in board.scenes if scene.model is None}
    for scene in board.scenes:
        if scene.id in unnamed_ids and (scene.remixes is None or scene.remixes in unnamed_ids):
            cast = None if scene.remixes else board.characters_of(scene)
            yield scene.model_copy(update={"prompt": "-", "characters": cast})


def _sum(made: Iterable[Shot]) -> float | None:
    prices = [None if any(sending.clip for sending in shot.sends) else shot.usd for shot in made]
    return None if None in prices else round(sum(each or 0.0 for each in prices), 6)


def _needs(board: Storyboard) -> str:
    """What the storyboard needs, in a few words."""
    scenes = [scene for scene in board.scenes if scene.model is None]
    most = max(len(board.characters_of(scene)) for scene in scenes)
    lengths = sorted({scene.seconds or board.seconds for scene in scenes})
    aspects = dict.fromkeys(scene.aspect or board.aspect for scene in scenes)
    seconds = f"{lengths[0]} to {lengths[-1]} s" if len(lengths) > 2 else " and ".join(f"{each} s" for each in lengths)
    count = f"{len(scenes)} {'scene' if len(scenes) == 1 else 'scenes'} of {seconds} in {' and '.join(aspects)}"
    return (
        f"{count} with {most} {'character' if most == 1 else 'characters'}" if most else f"{count} without characters"
    )


def _table(found: Iterable[Offer]) -> Iterator[str]:
    rows = [*found]
    width = max((len(each.model.name) for each in rows), default=0)
    for each in rows:
        cost = "price unknown" if each.usd is None else price(each.usd)
        facts = (
            f"{each.model.resolutions[0]}",
            "the nearest sizes (fit: nearest)" if each.fitted else "",
            f"until {each.model.retires_on}" if each.model.retires_on else "",
        )
        yield f"{each.model.name:<{width}}  {cost:>8}  {', '.join(filter(None, facts))}"


def _remedy(found: tuple[Offer, ...], before: str | None) -> str:
    if before:
        return (
            f"the reel of this title in this library was rendered with {before}, which version 0.1.0 took by default: "
            f"write model: {before} to keep its takes and buy nothing again, or another model to render it again"
        )
    return f"write for example model: {found[0].model.name}" if found else "write the model that you want"
