"""The help text of each parameter: one text for the flows, their form in the Prefect UI and the command line.

It imports nothing heavy, so that `storyboard --help` does not wait for Prefect. As a page of the documentation:
`python -m prefect_storyboard.parameters > docs/parameters.md`.
"""

import sys
from collections.abc import Mapping

from prefect_storyboard.generated import print_or_check
from prefect_storyboard.installed import gateway_names

PARAMETERS: Mapping[str, str] = {
    "storyboard": "The storyboard itself as YAML or JSON text, or the path or URL of its file.",
    "scene": "The id of the scene.",
    "take": "The number of the take that the reel is to show, as `storyboard takes` and the page list it.",
    "provider": "The account that buys: a saved credentials block, by name for example fal-credentials/production.",
    "providers": "The accounts to use: saved credentials blocks, by name for example fal-credentials/production.",
    "library": (
        "Where everything is stored: a saved library such as storyboard-library/main, a folder, or the URL of a "
        "bucket. Default: ~/storyboard-library."
    ),
    "model": (
        "A model family, for example seedance-2, in place of the storyboard's own. A scene that names its own model "
        "keeps it."
    ),
    "stills": (
        "An image model, for example nano-banana-2.1, in place of the storyboard's own: cast members get a sheet each, "
        "scenes a still, and clips begin with their stills."
    ),
    "of": "Whether it is a take of the scene's clip or of its still.",
    "reroll_of": "Whether to buy the scene's clip again or its still.",
    "to": "The model family to which every scene is moved, also scenes that name a model of their own.",
    "models": "Model families that must be on sale. Left out: all are reported, and a missing one is not an error.",
    "days": "How many days before a model's retirement the run begins to fail.",
    "fit": (
        "What to do if the model does not sell the length, aspect or resolution that is asked for: exact refuses, "
        "nearest takes the nearest that is sold. Left out: as the storyboard says."
    ),
    "quality": (
        "draft renders every scene with the cheapest tier and size of its model's family whose price is published, as "
        "a reel of its own beside the final one. Left out: as the storyboard says."
    ),
    "audio": "Whether scenes have sound; a silent clip is cheaper at some models. Left out: as the storyboard says.",
    "values": (
        "Values of the storyboard's variables by name: ${product} becomes the value of product. They override the "
        "storyboard's own with:."
    ),
    "max_cost_usd": "The most that this run may spend, in US dollars. If new jobs would cost more, none is submitted.",
    "allow_unknown_price": (
        "Under a cost limit, also buy jobs that have no published price. They do not count against the limit."
    ),
    "allow_retired": "Try a model even if the provider or its maker says that it has been switched off.",
    "on_unknown": (
        "What to do about a job that may have been bought and that the provider does not list: stop leaves its scene "
        "to you; resubmit buys it again, and may pay twice."
    ),
    "attempts": (
        "How many times in all a scene or character may be bought, if the provider reports that it failed, or if its "
        "clip is bad and on_bad is reroll."
    ),
    "on_bad": (
        "What to do about a clip whose verdict is bad: keep it, or reroll, which renders the scene again as a further "
        "take, until one is not bad or attempts or budget are used up. Left out: as the storyboard says."
    ),
    "judge": (
        "Your own function that judges each new clip, as package.module:function. It is installed on the worker and "
        "marked with prefect_storyboard.judges.judge. The plan includes what it costs."
    ),
    "poll_minutes": "How many minutes to wait for one job. After that it stays open, and the next run picks it up.",
    "cancel_provider_jobs": (
        "When this run is cancelled, also ask the provider to cancel its jobs, where it can. Otherwise they go on, and "
        "the next run or collect-jobs stores their results."
    ),
    "wait": (
        "How to wait for the jobs: poll keeps the run's process; suspend submits the jobs and suspends the run, and "
        "the deployment collect-jobs stores what has ended and resumes it."
    ),
    "settings": (
        "Saved render settings, which hold everything else: attempts, waiting, retired models and so on; for example "
        "storyboard-render-settings/main. Left out: the defaults."
    ),
    "cascade": (
        "Also render again the scenes that continue or remix a scene that has been edited or rendered again since, or "
        "that show a character made from such a scene. Otherwise their takes are kept and reported as stale."
    ),
    "reroll": (
        "The id of a scene to render again. Buys further takes of it and nothing else; the existing takes stay, and "
        "the reel shows the newest one, or the one that was picked."
    ),
    "takes": "How many further takes to buy of the scene that is rendered again.",
    "note": "What the further takes should change, in your own words. It is added to the scene's prompt.",
    "approve": (
        "What a person has to approve before the run goes on: plan asks before anything is bought; stills draws the "
        "pictures and asks which of them the clips begin with, before clips are bought; takes asks which takes the "
        "reel shows, and what to render again. A deployment's run is suspended meanwhile and takes no worker."
    ),
    "approve_hours": "How many hours to wait for an approval. After that the run ends, and nothing was bought.",
    "plan_hash": (
        "The hash of a plan that plan-storyboard has made in this library. The run renders exactly that plan, or stops "
        "before it buys anything and says what differs."
    ),
}

_NAMES = gateway_names()
_KEYS = "FAL_KEY, KIE_API_KEY, OPENAI_BASE_URL, TOAPIS_API_KEY, WAVESPEED_API_KEY"

OPTIONS: Mapping[str, str] = {
    "board": "Path or URL of the storyboard, YAML or JSON.",
    "provider": (
        f"The account that buys: {', '.join(_NAMES[:-1])} or {_NAMES[-1]} (from {_KEYS}), or a saved block such as "
        "fal-credentials/production."
    ),
    "providers": (
        f"The accounts to use: {', '.join(_NAMES)} (from {_KEYS}), or saved blocks such as fal-credentials/production."
    ),
    "with": "A value of a variable, as NAME=VALUE: ${NAME} becomes VALUE. May be given several times.",
    "gateways": f"Gateways to list: {', '.join(_NAMES)}. Left out: all of them.",
    "characters": "How many characters the scene has. Left out: any number.",
    "seconds": "How long the scene is. Left out: each model's shortest length.",
    "aspect": "Aspect ratio, for example 9:16. Left out: any.",
    "resolution": "Resolution, for example 1080p. Left out: each model's default.",
    "silent": "Only models that can render without sound, at that price.",
    "max_usd": "Only models with a known price for the scene, up to this one.",
    "json": "Print JSON: one entry for each model, with provider, model, price, retires_on and what it takes.",
    "takes_json": "Print JSON: a list with one entry for each scene or take, with everything in the table.",
    "of_still": "Apply the command to the scene's still instead of its clip.",
    "export_to": (
        "otio for OpenTimelineIO, which DaVinci Resolve, Kdenlive and others open; fcpxml for Final Cut Pro; edl for "
        "everything else; srt or vtt for the captions; csv for a table of all takes."
    ),
    "export_file": "The file to write. Left out: the name of the reel's folder, in the working directory.",
    "export_json": "Print JSON: a list with one entry for each file, with its scenes, frames and what is missing.",
    "check": (
        "Compare the table with this account's own list of models instead: fal, openai, toapis or wavespeed, or a "
        "saved block."
    ),
    "only_plan": "Show the changes, and render nothing.",
    "approve_yes": "With --approve: approve without asking. Required if stdin is not a terminal.",
    "yes": "Render without asking. Required if stdin is not a terminal.",
    "job": "The job's key as `storyboard jobs` shows it, or at least its first six letters.",
    "request": "The provider's id of the job, from the provider's own page.",
    "ask": (
        "The account that bought the job: it is asked whether the id exists. Left out: the id is recorded unchecked, "
        "and cannot be changed afterwards."
    ),
    "reel": "The title of the storyboard, or the name of the reel's folder in the library.",
    "new_folder": "Where to write `storyboard.yaml` and `clips/`. Left out: the working directory.",
    "save": "Write the plan to this file as JSON, for `storyboard run --plan`.",
    "plan": (
        "A plan that `storyboard plan --save` wrote. The run renders exactly that plan, or stops before it buys "
        "anything and says what differs."
    ),
    "all": (
        "List every job of the library, also those that have ended, one a line and in the order of their keys. Reads "
        "the whole ledger."
    ),
    "older_than": "Jobs that were settled longer ago than this: 90d, 12w or 36h.",
    "folder": "Where the demo keeps its library and the sandbox's state. Remove it to start over.",
    "another_board": "Another storyboard to render.",
    "port": "Port on 127.0.0.1; 0 takes a free one.",
    "host": "Address to listen on: 127.0.0.1 behind a proxy on this machine, 0.0.0.0 in a container.",
    "callbacks_port": "Port to listen on; 0 takes a free one.",
    "page_port": "Port on 127.0.0.1; behind an SSH tunnel, forward the same one. 0 takes a free one.",
    "open": "Open the page in a browser, if there is a screen.",
    "state": "Folder of the sandbox's state: jobs, uploads, billing meter.",
    "render_seconds": "How long a scene renders.",
    "faults": "JSON file with fault rules; docs/sandbox.md lists them.",
    "debug": "Show the traceback of an error, and Prefect's log.",
}

_COMMAND = "python -m prefect_storyboard.parameters"
_HEAD = f"""# Parameters of the flows

Generated by `{_COMMAND}`. The form in the Prefect UI and the options of the
[command line](command-line.md) show the same texts; which flow takes which is in [Flows and tasks](reference.md).
The form asks for eight of them; the others belong in the storyboard or in
[render settings](deployments.md#render-settings).

| parameter | meaning |
|---|---|
"""


def text() -> str:
    """Render the page."""
    return _HEAD + "".join(f"| `{name}` | {meaning} |\n" for name, meaning in PARAMETERS.items())


if __name__ == "__main__":
    sys.exit(print_or_check(text(), _COMMAND, sys.argv[1:]))
