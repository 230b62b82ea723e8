"""Judges of your own: functions that get clip, scene and cast, and return a verdict on the clip.

    from prefect_storyboard.judges import Verdict, judge

    @judge(usd=0.002)
    def bright_enough(clip, scene, cast):
        return Verdict(state="ok") if brightness(clip.url) > 0.2 else Verdict(state="bad", reasons=("It is dark.",))

Name the judge to a run as `package.module:bright_enough`. A run calls only functions that are marked with `judge`.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

from prefect_storyboard.storyboards import Casting, Character, Clip, Scene, Verdict

__all__ = ["Judge", "Verdict", "judge", "named_judge"]

Ask = Callable[[Clip, Scene, tuple[Character, ...]], Any]


@dataclass(frozen=True)
class Judge:
    """A function or Prefect task that judges each new clip, once, before the clip is stored.

    Each call costs `usd` US dollars; without an answer after `seconds`, the clip is stored without a verdict. `scene`
    and `cast` are what the function gets; by default, those of the clip's own order.
    """

    ask: Ask
    usd: float = 0.0
    seconds: float = 60.0
    scene: Scene | None = None
    cast: tuple[Character, ...] = ()

    @property
    def name(self) -> str:
        """Its module and function, as `module:function`."""
        fn = getattr(self.ask, "fn", self.ask)
        return f"{fn.__module__}:{fn.__qualname__}"

    def about(self, scene: Scene, cast: tuple[Character, ...]) -> "Judge":
        """The same judge, which gets this scene and cast."""
        return replace(self, scene=scene, cast=cast)

    async def verdict(self, clip: Clip) -> Verdict:
        """Judge a clip whose `url` is a file on this machine.

        Raises whatever the function raises, TimeoutError, or TypeError if it does not return a verdict.
        """
        async with asyncio.timeout(self.seconds):
            answer = await self._answer(clip)
        if not isinstance(answer, Verdict | Mapping):
            raise TypeError(f"a judge returns a Verdict; {self.name} has returned {type(answer).__name__}")
        return Verdict.model_validate(answer).model_copy(update={"judge": self.name, "usd": self.usd})

    async def _answer(self, clip: Clip) -> object:
        given = clip, self.scene or _scene_of(clip), self.cast or tuple(map(_character_of, clip.characters))
        fn = getattr(self.ask, "fn", self.ask)
        if inspect.iscoroutinefunction(fn):
            answer = self.ask(*given)
        else:
            answer = await asyncio.to_thread(self.ask, *given)
        return await answer if isinstance(answer, Awaitable) else answer


def judge(*, usd: float = 0.0, seconds: float = 60.0) -> Callable[[Ask], Judge]:
    """Make a function or a Prefect task a judge. A call costs `usd` US dollars, and takes `seconds` at most.

    A plain function runs in a thread; an `async def` must not block.
    """
    if usd < 0 or seconds <= 0:
        raise ValueError("judge: give usd of 0 or more, and more than 0 seconds")

    def decorate(ask: Ask) -> Judge:
        return Judge(ask, usd=usd, seconds=seconds)

    return decorate


def named_judge(name: str) -> Judge:
    """Import the judge of that name. Raises ValueError if it does not exist or is not marked as a judge."""
    module, _, attribute = name.partition(":")
    remedy = "nothing was bought; give package.module:function of a function that is decorated with judge"
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"judge: {name!r} is not found ({type(error).__name__}); {remedy}") from None
    if isinstance(found, Judge):
        return found
    raise ValueError(f"judge: {name!r} is not marked as a judge; {remedy}")


def _scene_of(clip: Clip) -> Scene:
    names = tuple(casting.character for casting in clip.characters)
    return Scene.model_construct(id=clip.scene, prompt=clip.prompt, characters=names)


def _character_of(casting: Casting) -> Character:
    facts = casting.model_dump(include={"description", "aliases"})
    return Character.model_construct(name=casting.character, **facts)
