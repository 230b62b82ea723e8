"""A job of a reference model: its files are fetched and checked, and the clip shows the cast that they stand for."""

from collections.abc import Sequence

from prefect_storyboard.sandbox.exchange import Sandbox
from prefect_storyboard.sandbox.fal import inputs
from prefect_storyboard.sandbox.fal.cast import Measured, Reference, frame
from prefect_storyboard.sandbox.fal.schema import Endpoint
from prefect_storyboard.sandbox.portraits import square, still
from prefect_storyboard.sandbox.state import Clip, Job, Outcome

_SIDE = 480
_ASPECTS = ("21:9", "16:9", "4:3", "1:1", "3:4", "9:16")


async def generate(sandbox: Sandbox, job: Job, given: Reference, endpoint: Endpoint) -> Outcome:
    """Run the job; raises `Unprocessable` for a file that the model would not take."""
    first = getattr(given, "start_image_url", None)
    image = (await inputs.image(sandbox, job, first, "start_image_url"))[0] if first else None
    files = [await inputs.reference(sandbox, job, each) for each in given.files()]
    inputs.check_totals(given.totals, files)
    cast, sold = await _cast(sandbox, given, files), given.sold()
    width, height = frame(sold.resolution, _aspect(given.aspect_ratio, files), sandbox.pace.clip_scale)
    clip = Clip(
        width=width,
        height=height,
        seconds=sold.seconds,
        prompt=" / ".join(given.prompts().values()),
        cast=tuple(cast),
        label=endpoint.label,
        stamp=job.id[:8],
        image=image,
        portraits=tuple(cast.values()),
    )
    seconds = given.billed_seconds(sum(each.seconds for each in files if each.wanted.rules.kind == "video"))
    usd = round(endpoint.usd.get(sold.tariff, 0) * seconds, 4)
    return Outcome(status=200, kind="video", clip=clip, usd=usd)


async def _cast(sandbox: Sandbox, given: Reference, files: Sequence[Measured]) -> dict[str, str | None]:
    """Who appears, and the hash of the portrait; a sound has no face."""
    shown, cast = given.shown(), dict[str, str | None]()
    for file in files:
        name, kind = file.wanted.name, file.wanted.rules.kind
        if name in shown and name is not None and kind != "audio":
            portrait = await sandbox.in_pool(square if kind == "image" else still, file.data)
            cast[name] = None if portrait is None else sandbox.state.keep(portrait)
    return cast


def _aspect(wanted: str, files: Sequence[Measured]) -> str:
    """The aspect asked for; `auto` comes closest to the first file that has one."""
    if wanted != "auto":
        return wanted
    wide, high = next((each.size for each in files if each.size), (16, 9))

    def distance(aspect: str) -> float:
        across, down = (int(each) for each in aspect.split(":"))
        one, other = across * high, down * wide
        return max(one, other) / min(one, other)

    return min(_ASPECTS, key=distance)
