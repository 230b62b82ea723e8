"""Good and bad clips from the sandbox, drawn with a seed, and how they are judged."""

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import av
from PIL import Image, ImageFilter

from prefect_storyboard.media.looks import analyse_clip
from prefect_storyboard.media.thumbs import Thumb
from prefect_storyboard.media.verdict import Ordered, verdict
from prefect_storyboard.sandbox.documents import Clip
from prefect_storyboard.sandbox.render import render
from prefect_storyboard.storyboards import Asked, Expected, Verdict

SIZES = {"16:9": (320, 180), "9:16": (180, 320), "1:1": (240, 240), "4:3": (288, 216)}
CASTS = [(), ("Mara",), ("Mara", "Otto")]
PROMPTS = [
    "Mara climbs the stairs with a lantern.",
    "Otto opens the gallery door into the storm.",
    "A fox runs over the snow at dusk.",
    "Rain on the window of a night train.",
    "Two children fly a kite at the sea.",
    "Der Leuchtturm im Nebel, die Kamera steigt auf.",
    "海辺で二人が歩く。",
    "Close-up of hands that knead dough.",
]
# What is wrong with a clip, and what a prompt may say so that it is wanted.
BAD = {
    "black": "The power is cut: a black screen.",
    "black_end": "The door closes, pitch dark follows.",
    "frozen": "A photograph of the old harbour.",
    "frozen_end": "She stands motionless in the hall.",
    "short": "",
    "silent": "They look at each other in silence.",
    "no_sound": "A silent film, without sound.",
    "letterboxed": "The valley, letterboxed like a film.",
    "pillarboxed": "An old film with black bars.",
    "turned": "",
    "other_start": "",
}
ODD = ["slide_show", "twelve_a_second", "small"]  # shown, and not bad
FINE = ["", "", "", "night", "fade_in", "fade_out", "still_life", "quiet", "slow_start", "grainy"]


class Case(NamedTuple):
    """A clip, what was ordered, and what is right to say of it: `bad`, `odd` (warn or ok), `fine` (ok or warn)."""

    clip: Clip
    ordered: Ordered
    truth: str
    coding: tuple[int, int] | None  # crf and key frames of a second encoding, as other gateways deliver

    @property
    def name(self) -> str:
        return f"{self.clip.look or 'plain'} {self.truth} {self.clip.seconds}s {self.ordered.prompt[:30]}"


def cases(count: int, seed: int, folder: Path) -> Iterator[Case]:
    """As many bad clips as others."""
    dice = random.Random(seed)  # noqa: S311 - test data
    for number in range(count):
        if number % 2:
            look = list(BAD)[number // 2 % len(BAD)]
            yield _case(dice, folder, look, "bad", "")
        else:
            kind = number // 2 % 10
            if kind < 6:
                yield _case(dice, folder, dice.choice(FINE), "fine", "")
            elif kind < 8:
                yield _case(dice, folder, dice.choice(ODD), "odd", "")
            else:
                look = dice.choice([name for name, words in BAD.items() if words])
                yield _case(dice, folder, look, "odd", BAD[look])


def _case(dice: random.Random, folder: Path, look: str, truth: str, words: str) -> Case:
    aspect = dice.choice([each for each in SIZES if look != "turned" or each != "1:1"])
    width, height = SIZES[aspect]
    prompt, seconds = words or dice.choice(PROMPTS), dice.randint(3, 6)
    starts = look == "other_start" or (look in {"", "still_life", "twelve_a_second"} and dice.random() < 0.5)
    image = _picture(dice, folder) if starts else None
    clip = Clip(
        width=width, height=height, seconds=seconds, prompt=prompt, cast=dice.choice(CASTS),
        label="sora-2", stamp=f"{dice.randrange(10**8):08}", look=look, image=image,
    )  # fmt: skip
    thumb = Thumb.of(Image.open(folder / image)).text if image else ""
    asked = Asked(seconds=seconds, aspect=aspect, resolution=f"{min(width, height)}p")
    ordered = Ordered(prompt, asked, Expected(sound=True, starts=thumb))
    coding = (dice.choice([18, 26, 32]), dice.choice([12, 48, 250])) if dice.random() < 0.5 else None
    return Case(clip, ordered, truth, coding)


def _picture(dice: random.Random, folder: Path) -> str:
    """A picture of soft blobs, another one each time."""
    noise = Image.frombytes("RGB", (8, 6), dice.randbytes(8 * 6 * 3))
    picture = noise.resize((480, 360), Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(6))
    name = f"picture-{dice.randrange(10**9)}"
    picture.save(folder / name, "PNG")
    return name


def judged(case: Case, folder: Path) -> Verdict:
    file = render(case.clip, folder, folder)
    if case.coding:
        file = _coded(file, *case.coding)
    return verdict(analyse_clip(file), case.ordered)


def _coded(file: Path, crf: int, keys: int) -> Path:
    """The clip in another encoding, with pictures in between that lean on both sides."""
    target = file.with_suffix(f".{crf}-{keys}.mp4")
    with av.open(str(file)) as source, av.open(str(target), "w") as out:
        stream = source.streams.video[0]
        made = out.add_stream("libx264", rate=24)
        made.width, made.height, made.pix_fmt = stream.width, stream.height, "yuv420p"
        made.options = {"crf": str(crf), "g": str(keys), "bf": "2", "preset": "veryfast"}
        sound = out.add_stream_from_template(source.streams.audio[0]) if source.streams.audio else None
        for packet in source.demux():
            if packet.stream.type == "audio" and packet.size:
                packet.stream = sound
                out.mux(packet)
            else:
                for frame in packet.decode() if packet.stream.type == "video" else ():
                    frame.pict_type = 0
                    out.mux(made.encode(frame))
        out.mux(made.encode(None))
    return target


def confusion(results: list[tuple[Case, Verdict]]) -> dict[str, Counter[str]]:
    """For each truth, how often each verdict was given."""
    table: dict[str, Counter[str]] = {"bad": Counter(), "odd": Counter(), "fine": Counter()}
    for case, given in results:
        table[case.truth][given.state] += 1
    return table


def table_of(found: dict[str, Counter[str]]) -> str:
    """The table as the documentation shows it."""
    names = {"bad": "bad", "odd": "odd, or asked for in the prompt", "fine": "fine"}
    head = "| what it is | clips | `ok` | `warn` | `bad` |\n|---|---|---|---|---|\n"
    rows = (
        f"| {names[truth]} | {counts.total()} | {counts['ok']} | {counts['warn']} | {counts['bad']} |\n"
        for truth, counts in found.items()
    )
    return head + "".join(rows)
